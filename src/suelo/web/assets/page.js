/* What every page needs: local times, the language link, the sample button, delete and cancel. */
(function () {
  "use strict";

  const { refreshResults, reason, said, signIn } = window.suelo;

  function problem(answer) {
    if (answer.status === 401 && said().signed) {
      signIn();
    }
    return answer
      .json()
      .catch(() => ({}))
      .then((body) => Promise.reject(new Error(reason(body) || String(answer.status))));
  }

  function ask(method, url) {
    return fetch(url, { method }).then((answer) => (answer.ok ? answer : problem(answer)));
  }

  function complain(error) {
    window.dash_clientside.set_props("notice", { children: error.message });
  }

  /* ---- Times in the reader's own zone ---- */

  /* The reader's own variety of the page's language, so that dates have the usual order. */
  function variety() {
    const language = document.documentElement.lang;
    return navigator.languages.find((tag) => tag.split("-")[0] === language) || language;
  }

  function localise(root) {
    for (const time of root.querySelectorAll("time.local[datetime]:not([title])")) {
      const moment = new Date(time.dateTime);
      time.title = time.textContent;
      time.textContent = moment.toLocaleString(variety(), {
        dateStyle: "medium",
        timeStyle: "short",
      });
    }
  }

  new MutationObserver(() => localise(document)).observe(document, { childList: true, subtree: true });

  /* ---- Buttons ---- */

  function sample(button) {
    const before = button.textContent;
    button.disabled = true;
    button.textContent = button.dataset.busy;
    ask("POST", "/v1/jobs/sample")
      .then((answer) => answer.json())
      .then((job) => window.location.assign("/results/" + encodeURIComponent(job.id)))
      .catch((error) => {
        button.disabled = false;
        button.textContent = before;
        complain(error);
      });
  }

  function cancel(button) {
    button.disabled = true;
    ask("POST", "/v1/jobs/" + encodeURIComponent(button.dataset.cancel) + "/cancel")
      .then((answer) => answer.json())
      .then((job) => {
        /* The list may make another button of this one. */
        button.disabled = job.cancel_requested;
        refreshResults();
      })
      .catch((error) => {
        button.disabled = false;
        complain(error);
        refreshResults();
      });
  }

  function confirmDelete(button) {
    const dialog = document.getElementById("delete");
    dialog.dataset.job = button.dataset.delete;
    document.getElementById("delete-text").textContent = dialog.dataset.text.replace("{name}", button.dataset.name);
    dialog.showModal();
  }

  function reallyDelete(dialog) {
    dialog.close();
    /* What somebody else has deleted leaves the list, too. */
    ask("DELETE", "/v1/jobs/" + encodeURIComponent(dialog.dataset.job)).catch(complain).then(refreshResults);
    document.getElementById("results").focus(); /* its button goes */
  }

  function changeLanguage(link) {
    const address = new URL(window.location.href);
    address.searchParams.set("lang", link.dataset.language);
    window.location.assign(address);
  }

  /* This page, without what it has no controls for. */
  function showAsUsual() {
    const address = new URL(window.location.href);
    address.searchParams.delete("min_area");
    address.searchParams.delete("simplify");
    window.location.assign(address);
  }

  document.addEventListener("click", (event) => {
    const target = event.target.closest("button, a");
    if (!target) {
      return;
    }
    if (target.id === "dismiss") {
      window.dash_clientside.set_props("notice", { children: null });
    } else if (target.id === "sample") {
      sample(target);
    } else if (target.id === "as-usual") {
      showAsUsual();
    } else if (target.dataset.cancel) {
      cancel(target);
    } else if (target.dataset.delete) {
      confirmDelete(target);
    } else if (target.id === "delete-yes") {
      reallyDelete(document.getElementById("delete"));
    } else if (target.id === "delete-no") {
      document.getElementById("delete").close();
    } else if (target.dataset.language) {
      event.preventDefault();
      changeLanguage(target);
    }
  });
})();
