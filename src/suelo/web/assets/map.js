/* The map: what the network found at the pointer, coordinates, and a scale bar that also works without a CRS. */
(function () {
  "use strict";

  const { fill, element } = window.suelo;

  const WAIT_MS = 90; /* between two questions to the server while the pointer moves */
  const LEAST = 0.05; /* classes below this are not worth naming */
  const SCALE_PX = 110;
  const MARGIN_PX = 16; /* around the whole image */

  let map = null;
  let frame = null; /* what the page says about the result: see map_frame() in the page */
  let timer = null;
  let asked = 0; /* number of the newest question; late answers to older ones are dropped */
  let lastPoint = null;
  let whole = true; /* the whole image is shown, and stays so while the toolbar or the window change */

  function facts(container) {
    const data = container.closest("[data-map]");
    return data ? JSON.parse(data.dataset.map) : null;
  }

  /* ---- Pointer ---- */

  function line(found) {
    const about = frame.classes[found.key];
    const row = element("div", found.shown ? "found shown" : "found");
    const swatch = element("span", "swatch");
    swatch.style.backgroundColor = about.colour;
    const share = Math.round(found.probability * 100) + " %";
    row.append(swatch, element("span", "found-name", about.name), element("span", "found-share", share));
    return row;
  }

  function describe(point) {
    if (!point.valid) {
      return [element("div", "found-note", frame.texts.no_data)];
    }
    const found = point.classes
      .filter((one) => one.probability >= LEAST || one.shown)
      .sort((a, b) => b.shown - a.shown || b.probability - a.probability)
      .slice(0, 5);
    return found.length ? found.map(line) : [element("div", "found-note", frame.texts.no_class)];
  }

  function position(latlng, point) {
    if (frame.georeferenced) {
      return latlng.lat.toFixed(6) + "°, " + latlng.lng.toFixed(6) + "°";
    }
    return fill(frame.texts.pixel, { row: point.row, column: point.col });
  }

  function show(latlng, point) {
    const tip = document.getElementById("pointer");
    if (!tip || !map) {
      return;
    }
    if (point === null) {
      tip.hidden = true;
      return;
    }
    tip.replaceChildren(...describe(point), element("div", "found-place", position(latlng, point)));
    tip.hidden = false;
    place(tip, map.latLngToContainerPoint(lastPoint || latlng));
  }

  function place(tip, at) {
    const size = map.getSize();
    const right = at.x + 18 + tip.offsetWidth < size.x;
    const below = at.y + 18 + tip.offsetHeight < size.y;
    const x = right ? at.x + 18 : at.x - 12 - tip.offsetWidth;
    const y = below ? at.y + 18 : at.y - 12 - tip.offsetHeight;
    tip.style.transform = "translate(" + Math.max(0, Math.round(x)) + "px," + Math.max(0, Math.round(y)) + "px)";
  }

  function ask(latlng) {
    const number = ++asked;
    const query = new URLSearchParams(window.suelo.selectionQuery || "");
    query.set("lat", latlng.lat);
    query.set("lng", latlng.lng);
    fetch(frame.job + "/point?" + query.toString())
      .then((answer) => (answer.ok ? answer.json() : null))
      .catch(() => null)
      .then((point) => {
        if (number === asked) {
          show(latlng, point);
        }
      });
  }

  function point(latlng) {
    const inside = window.L.latLngBounds(frame.bounds).contains(latlng);
    lastPoint = latlng;
    if (!inside) {
      leave();
      return;
    }
    const tip = document.getElementById("pointer");
    if (tip && !tip.hidden) {
      place(tip, map.latLngToContainerPoint(latlng));
    }
    if (timer === null) {
      timer = window.setTimeout(() => {
        timer = null;
        if (lastPoint) {
          ask(lastPoint);
        }
      }, WAIT_MS);
    }
  }

  function leave() {
    lastPoint = null;
    asked += 1;
    const tip = document.getElementById("pointer");
    if (tip) {
      tip.hidden = true;
    }
  }

  /* Who moves the map by keyboard reads the middle of it. */
  function keyboard() {
    if (document.activeElement === map.getContainer() && document.activeElement.matches(":focus-visible")) {
      point(map.getCenter());
    }
  }

  /* ---- Tiles ---- */

  /* Leaflet empties a layer when its address changes. Here the old picture stays until the new one is whole, so that
     the map does not blink at every move of a threshold. */
  function keepPicture(layer) {
    const setUrl = layer.setUrl;
    let old = null;

    function reveal() {
      if (old) {
        old.remove();
        old = null;
        layer.getContainer().style.visibility = "";
      }
    }

    layer.setUrl = function (url, noRedraw) {
      const container = layer.getContainer();
      if (container && old === null && map.hasLayer(layer)) {
        old = container.cloneNode(true);
        container.before(old);
        container.style.visibility = "hidden";
      }
      return setUrl.call(layer, url, noRedraw);
    };
    layer.on("load", reveal);
    map.on("zoomstart", reveal);
    layer.on("remove", () => {
      reveal();
      map.off("zoomstart", reveal);
    });
  }

  /* The background map comes from another host, which may be out of reach where the page is not. */
  function sayIfAway(layer) {
    if (!layer.options.attribution) {
      return;
    }
    let came = false;
    layer.on("tileload", () => (came = true));
    layer.on("tileerror", () => {
      if (!came) {
        came = true; /* said once */
        window.dash_clientside.set_props("notice", { children: frame.texts.basemap_away });
      }
    });
  }

  /* ---- Scale bar ---- */

  function metresAcross(pixels) {
    const middle = map.getSize().y / 2;
    const left = map.containerPointToLatLng([0, middle]);
    const right = map.containerPointToLatLng([pixels, middle]);
    return map.distance(left, right) * (frame.georeferenced ? 1 : frame.metres_per_unit);
  }

  function nice(length) {
    const power = Math.pow(10, Math.floor(Math.log10(length)));
    const digit = length / power;
    return power * (digit >= 5 ? 5 : digit >= 2 ? 2 : 1);
  }

  function scale() {
    const bar = document.getElementById("scale");
    if (!bar) {
      return;
    }
    const metres = metresAcross(SCALE_PX);
    if (!(metres > 0)) {
      return;
    }
    const length = nice(metres);
    const number = (length >= 1000 ? length / 1000 : length).toLocaleString(document.documentElement.lang);
    bar.style.width = Math.round((SCALE_PX * length) / metres) + "px";
    bar.textContent = number + (length >= 1000 ? " km" : " m");
  }

  /* ---- The whole image ---- */

  /* In what the toolbar leaves free, however many lines it takes. */
  function fit() {
    const toolbar = document.querySelector(".toolbar");
    const top = toolbar ? toolbar.offsetTop + toolbar.offsetHeight : 0;
    map.fitBounds(frame.bounds, {
      paddingTopLeft: [MARGIN_PX, top + MARGIN_PX],
      paddingBottomRight: [MARGIN_PX, MARGIN_PX],
      animate: false,
    });
    whole = true;
  }

  function keepWhole() {
    const toolbar = document.querySelector(".toolbar");
    const watched = new ResizeObserver(() => {
      if (whole) {
        map.invalidateSize({ pan: false });
        fit();
      }
    });
    watched.observe(map.getContainer());
    if (toolbar) {
      watched.observe(toolbar);
    }
    map.on("unload", () => watched.disconnect());
    for (const touched of ["pointerdown", "wheel", "keydown"]) {
      map.getContainer().addEventListener(touched, () => (whole = false), { capture: true, passive: true });
    }
  }

  /* ---- Start ---- */

  function start(created) {
    const about = facts(created.getContainer());
    if (!about) {
      return;
    }
    map = created;
    frame = about;
    map.attributionControl.setPrefix(false);
    Object.assign(map.zoomControl.options, {
      position: "bottomright",
      zoomInTitle: frame.texts.zoom_in,
      zoomOutTitle: frame.texts.zoom_out,
    });
    map.zoomControl.remove().addTo(map);
    map.on("layeradd", (event) => {
      if (event.layer instanceof window.L.TileLayer) {
        keepPicture(event.layer);
        sayIfAway(event.layer);
      }
    });
    map.on("mousemove click", (event) => point(event.latlng));
    map.on("mouseout", leave);
    map.on("moveend zoomend", keyboard);
    map.on("zoomend moveend resize", scale);
    map.whenReady(() => {
      scale();
      keepWhole(); /* and fits it: a new observer is told of the size at once */
    });
    map.getContainer().addEventListener("blur", leave);
    map.getContainer().setAttribute("aria-label", frame.texts.label);
    map.getContainer().setAttribute("role", "region");
  }

  /* dash-leaflet does not hand out its map, but every Leaflet map runs the hooks of its class. */
  window.L.Map.addInitHook(function () {
    start(this);
  });

  document.addEventListener("click", (event) => {
    if (map && event.target.closest("#fit")) {
      fit();
    }
  });
})();
