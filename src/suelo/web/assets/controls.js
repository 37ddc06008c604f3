/* Class switches and thresholds: one function keeps the controls consistent and says what is shown as a query. */
(function () {
  "use strict";

  const DECIMALS = 2; /* of what the sliders give */
  const MOST_DECIMALS = 4; /* as `formats.threshold` writes them */

  function round(value) {
    return Number(Number(value).toFixed(DECIMALS));
  }

  function allEqual(values) {
    return values.every((value) => value === values[0]);
  }

  /* The selection query of the API: only what differs from the model's defaults, so that a fresh page has none. */
  function selectionQuery(model, thresholds, on) {
    const parts = [];
    if (thresholds.some((value, i) => value !== model.thresholds[i])) {
      if (allEqual(thresholds)) {
        parts.push("threshold=" + thresholds[0]);
      } else {
        thresholds.forEach((value, i) => {
          if (value !== model.thresholds[i]) {
            parts.push("threshold=" + model.keys[i] + "=" + value);
          }
        });
      }
    }
    if (model.fixed) {
      parts.push(model.fixed);
    }
    if (!on.every(Boolean)) {
      parts.push("classes=" + model.keys.filter((_, i) => on[i]).join(","));
    }
    return parts.join("&");
  }

  /* Apply what was touched to the values of all controls; the others keep theirs, which the sliders need not have. */
  function applied(trigger, model, all, thresholds, on, allOn) {
    const kind = trigger && typeof trigger === "object" ? trigger.type : trigger;
    if (kind === "all-threshold") {
      thresholds = thresholds.map(() => all);
    } else if (kind === "reset") {
      thresholds = model.thresholds;
    } else if (kind === "all-on") {
      on = on.map(() => Boolean(allOn));
    } else if (kind === "only") {
      on = model.keys.map((key) => key === trigger.key);
    }
    return { thresholds, on: on.map(Boolean) };
  }

  function text(value) {
    return value.toLocaleString(document.documentElement.lang, {
      minimumFractionDigits: DECIMALS,
      maximumFractionDigits: MOST_DECIMALS,
    });
  }

  function update(all, allOn, thresholds, on, _only, _reset, model) {
    const context = window.dash_clientside.callback_context;
    const next = applied(context.triggered_id, model, all, thresholds, on, allOn);
    const equal = allEqual(next.thresholds);
    const mean = round(next.thresholds.reduce((sum, value) => sum + value, 0) / next.thresholds.length);
    const shown = next.on.filter(Boolean).length;
    return [
      mean,
      equal ? text(next.thresholds[0]) : model.mixed,
      shown === next.on.length,
      shown > 0 && shown < next.on.length,
      next.thresholds,
      next.thresholds.map(text),
      next.on,
      next.on.map((isOn) => (isOn ? "class-row" : "class-row off")),
      selectionQuery(model, next.thresholds, next.on),
    ];
  }

  /* Everything that shows the selection without asking the server for numbers: tiles, downloads, the address. */
  function follow(query, ids, job) {
    const suffix = query ? "?" + query : "";
    window.suelo.selectionQuery = query;
    const address = window.location.pathname + suffix + window.location.hash;
    window.history.replaceState(window.history.state, "", address);
    return [
      job + "/tiles/classes/{z}/{x}/{y}.png" + suffix,
      ids.map((id) => job + "/" + id.file.replace("|", ".") + suffix),
    ];
  }

  function composite(name, job) {
    return job + "/tiles/" + name + "/{z}/{x}/{y}.png";
  }

  function opacity(percent) {
    return percent / 100;
  }

  window.dash_clientside.suelo = Object.assign(window.dash_clientside.suelo || {}, {
    update,
    follow,
    composite,
    opacity,
  });

  /* What the bubble over a slider says; Mantine's components find it under this name. */
  window.dashMantineFunctions = Object.assign(window.dashMantineFunctions || {}, { sueloThreshold: text });
})();
