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

  window.suelo = { fill, element };
  window.dash_clientside = window.dash_clientside || {};
})();
