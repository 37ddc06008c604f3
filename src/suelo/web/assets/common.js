/* What several scripts of the page use. Loaded first: scripts are loaded in the order of their names. */
(function () {
  "use strict";

  /* "Sending: {percent} %" with its values. */
  function fill(text, values) {
    return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  /* An element with a class and a text; the text is never read as HTML. */
  function element(tag, className, text) {
    const made = document.createElement(tag);
    made.className = className;
    if (text !== undefined) {
      made.textContent = text;
    }
    return made;
  }

  /* What the document says to the scripts: see document() in the page. */
  function said() {
    return JSON.parse(document.body.dataset.texts);
  }

  /* What a problem document of the API says: its kind in the reader's language, and its own English sentence. */
  function reason(problem) {
    const sentence = problem.detail || problem.title || "";
    const kind = said().problem[String(problem.type).split(":").pop()];
    return sentence && kind && document.documentElement.lang !== "en"
      ? kind + " " + fill(said().reason, { reason: sentence })
      : sentence;
  }

  function setProps(id, props) {
    window.dash_clientside.set_props(id, props);
  }

  /* Makes the list of results, where there is one, ask the server again. */
  function refreshResults() {
    if (document.getElementById("results")) {
      setProps("results-refresh", { data: Date.now() });
    }
  }

  /* Leads to the form for signing in, and back here afterwards. */
  function signIn() {
    const here = window.location.pathname + window.location.search;
    window.location.assign("/sign-in?next=" + encodeURIComponent(here));
  }

  /* ---- The server away ---- */

  const FIRST_PAUSE_MS = 2000;
  const LONGEST_PAUSE_MS = 30000;

  const fetchPlainly = window.fetch.bind(window);
  let away = false; /* the last question of the page had no answer */
  let pause = FIRST_PAUSE_MS;
  let timer = null;

  /* Brings up to date what would wait for the reader to touch something. */
  function catchUp() {
    if (document.getElementById("numbers")) {
      setProps("query", { data: window.suelo.selectionQuery || "" });
    } else {
      refreshResults();
    }
  }

  function knock() {
    timer = null;
    fetchPlainly("/healthz")
      .then((answer) => answer.ok)
      .catch(() => false)
      .then((well) => {
        if (!away) {
          return;
        }
        if (well && !document.getElementById("main")) {
          window.location.reload();
        } else if (well) {
          catchUp();
        }
        waitAndKnock();
      });
  }

  function waitAndKnock() {
    if (timer === null) {
      timer = window.setTimeout(knock, pause);
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    }
  }

  /* Dash takes 204 for "nothing has changed", and takes back what it set for the time of the question. */
  function noNews() {
    return new Response(null, { status: 204 });
  }

  function lost() {
    if (!away) {
      away = true;
      setProps("notice", { children: said().connection.away });
    }
    waitAndKnock();
    return noNews();
  }

  function heard(answer) {
    if (answer.status === 401 && said().signed) {
      signIn();
      return noNews();
    }
    if (answer.status === 401 || answer.status >= 500) {
      return lost();
    }
    if (away) {
      away = false;
      pause = FIRST_PAUSE_MS;
      window.clearTimeout(timer);
      timer = null;
      const notice = document.getElementById("notice");
      if (notice && notice.textContent === said().connection.away) {
        setProps("notice", { children: null });
      }
      catchUp();
    }
    return answer;
  }

  /* Dash's own questions pass here, so that none of them fails unseen, and each is answered in the language of this
     page, whatever another page has chosen since. */
  window.fetch = function (resource, options) {
    if (typeof resource !== "string" || !resource.includes("_dash-update-component")) {
      return fetchPlainly(resource, options);
    }
    const language = (resource.includes("?") ? "&lang=" : "?lang=") + document.documentElement.lang;
    return fetchPlainly(resource + language, options).then(heard, lost);
  };

  /* A list may have become out of date while the reader was elsewhere. */
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      refreshResults();
    }
  });

  window.suelo = { fill, element, said, reason, refreshResults, signIn };
  window.dash_clientside = window.dash_clientside || {};
})();
