/* Sends images straight to the API, one after another, with progress, cancel, and the API's own sentence on failure. */
(function () {
  "use strict";

  const { fill, element, said, reason, signIn } = window.suelo;

  const waiting = []; /* entries that have not begun */
  let active = null; /* the entry that is being sent */
  let batch = []; /* entries since the list was last idle */

  function texts() {
    return JSON.parse(document.getElementById("upload").dataset.texts);
  }

  function fileSize(bytes) {
    const units = ["bytes", "kB", "MB", "GB", "TB"];
    let value = bytes;
    let unit = 0;
    while (value >= 999.5 && unit < units.length - 1) {
      value /= 1000;
      unit += 1;
    }
    const digits = unit === 0 || value >= 9.95 ? 0 : 1;
    return value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: digits }) + " " + units[unit];
  }

  /* ---- One line of the list ---- */

  class Entry {
    constructor(file, gsd) {
      this.file = file;
      this.gsd = gsd;
      this.request = null;
      this.stopped = false; /* somebody has clicked Cancel */
      this.committed = false; /* the server is making a job of it: no use in hanging up */
      this.job = null;
      this.earlier = false; /* the job was made of an earlier upload of the same image */
      this.renamed = false;
      const words = texts();
      this.row = element("li", "upload-row");
      this.state = element("span", "upload-state", words.waiting);
      this.state.setAttribute("role", "status");
      this.bar = element("progress", "upload-bar");
      this.bar.max = 1;
      this.bar.value = 0;
      this.bar.setAttribute("aria-label", file.name);
      this.button = element("button", "quiet-button", words.cancel);
      this.button.type = "button";
      this.button.setAttribute("aria-label", fill(words.cancel_file, { name: file.name }));
      this.button.addEventListener("click", () => this.cancel());
      this.row.append(element("span", "upload-name", file.name), this.button, this.bar, this.state);
      document.getElementById("upload-list").append(this.row);
      document.getElementById("uploads").hidden = false;
    }

    say(text, share) {
      this.state.textContent = text;
      if (share === undefined) {
        this.bar.removeAttribute("value");
      } else {
        this.bar.value = share;
      }
    }

    end(kind, text) {
      this.row.classList.add(kind);
      this.state.textContent = text;
      this.bar.remove();
      this.button.remove();
    }

    failed(error) {
      this.end(error.cancelled ? "stopped" : "failed", error.message);
      if (error.signedOut) {
        const link = element("a", "quiet-button", texts().sign_in);
        link.href = "/sign-in";
        link.addEventListener("click", (event) => {
          event.preventDefault();
          signIn();
        });
        this.row.insertBefore(link, this.state);
      }
    }

    done(job) {
      const words = texts();
      this.job = job;
      /* The same image under another name: its result has the name that it had then. */
      this.renamed = this.earlier && job.name !== this.file.name.replace(/\.[^.]*$/, "");
      const state = job.status === "succeeded" ? words.done : words.queued;
      const known = fill(words.known, { name: job.name });
      this.end("done", this.stopped ? words.too_late : this.renamed ? known : state);
      const link = element("a", "quiet-button", words.open);
      link.href = "/results/" + encodeURIComponent(job.id);
      this.row.insertBefore(link, this.state);
    }

    cancel() {
      this.stopped = true;
      if (this.committed) {
        this.button.disabled = true;
        this.say(texts().cancelling);
      } else if (this.request) {
        this.request.abort();
      } else {
        waiting.splice(waiting.indexOf(this), 1);
        this.end("stopped", texts().cancelled);
      }
    }
  }

  /* ---- Talking to the API ---- */

  function cancelled() {
    return Object.assign(new Error(texts().cancelled), { cancelled: true });
  }

  function refused(status, answer) {
    if (status === 401 && said().signed) {
      return Object.assign(new Error(texts().sign_in_first), { signedOut: true });
    }
    return new Error(reason(answer) || texts().offline);
  }

  /* Resolves to the JSON of the answer; rejects with an Error whose message is for the reader. */
  function send(entry, method, url, body, onProgress) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      entry.request = request;
      request.open(method, url);
      if (typeof body === "string") {
        request.setRequestHeader("Content-Type", "application/json");
      }
      if (onProgress) {
        request.upload.addEventListener("progress", onProgress);
      }
      request.addEventListener("load", () => {
        let answer = {};
        try {
          answer = request.responseText ? JSON.parse(request.responseText) : {};
        } catch {
          answer = {};
        }
        if (request.status >= 200 && request.status < 300) {
          resolve(answer);
        } else {
          reject(refused(request.status, answer));
        }
      });
      request.addEventListener("error", () => reject(new Error(texts().offline)));
      request.addEventListener("abort", () => reject(cancelled()));
      request.send(body);
    });
  }

  /* A step that is not begun any more once somebody has clicked Cancel. */
  function step(entry, ...request) {
    return entry.stopped ? Promise.reject(cancelled()) : send(entry, ...request);
  }

  /* Makes the job; if somebody cancels meanwhile, the job is cancelled as soon as its id is known. */
  async function commit(entry, upload) {
    const options = entry.gsd === null ? {} : { gsd_m: entry.gsd };
    const making = step(entry, "POST", "/v1/jobs", JSON.stringify({ upload: upload.id, options }));
    entry.committed = true;
    const job = await making;
    entry.earlier = job.id !== upload.id;
    if (!entry.stopped) {
      return job;
    }
    if (entry.earlier) {
      throw cancelled(); /* an earlier job of the same image, which goes on */
    }
    const left = await send(entry, "POST", "/v1/jobs/" + encodeURIComponent(job.id) + "/cancel");
    if (left.status === "cancelled" || left.cancel_requested) {
      throw cancelled();
    }
    return left;
  }

  async function digest(entry, describe) {
    entry.request = { abort: () => {} }; /* the next piece finds that it was stopped */
    try {
      return await window.suelo.sha256(entry.file, (share) => {
        if (entry.stopped) {
          throw cancelled();
        }
        entry.say(describe(Math.floor(share * 100)), share);
      });
    } catch (error) {
      /* The browser's own sentence, on a file that was moved or changed, is in any language. */
      throw error.cancelled ? error : new Error(texts().unreadable);
    }
  }

  /* Where to send an image. A server behind a proxy may be told another name than that by which it is reached. */
  function target(upload) {
    const own = "/v1/uploads/" + upload.id;
    return new URL(upload.url, window.location.href).pathname === own ? own : upload.url;
  }

  async function deliver(entry) {
    const words = texts();
    const size = fileSize(entry.file.size);
    const progress = (event) => {
      const share = event.total ? event.loaded / event.total : 0;
      const percent = Math.floor(share * 100);
      entry.say(share < 1 ? fill(words.sending, { percent, size }) : words.segmenting, share < 1 ? share : undefined);
    };
    entry.say(fill(words.sending, { percent: 0, size }), 0);
    const ticket = { name: entry.file.name, size: entry.file.size };
    const limit = Number(document.getElementById("upload").dataset.digestAbove);
    if (limit && entry.file.size > limit) {
      ticket.sha256 = await digest(entry, (percent) => fill(words.reading, { percent, size }));
    }
    const upload = await step(entry, "POST", "/v1/uploads", JSON.stringify(ticket));
    await step(entry, upload.method || "PUT", target(upload), entry.file, progress);
    entry.say(words.segmenting);
    return commit(entry, upload);
  }

  async function work() {
    while (waiting.length) {
      active = waiting.shift();
      let signedOut = false;
      try {
        active.done(await deliver(active));
      } catch (error) {
        signedOut = Boolean(error.signedOut);
        active.failed(error);
      }
      /* Signed out, the list would lead to the form at once, and nobody would read why. */
      if (!signedOut) {
        window.suelo.refreshResults();
      }
    }
    active = null;
    const finished = batch;
    batch = [];
    const only = finished.length === 1 ? finished[0] : null;
    /* A result under another name than the file's would surprise: the line says why, and links to it. */
    if (only && only.job && !only.stopped && !only.renamed) {
      window.location.assign("/results/" + encodeURIComponent(only.job.id));
    }
  }

  /* ---- The form ---- */

  function gsdLimits() {
    return JSON.parse(document.getElementById("upload").dataset.gsd);
  }

  function badGsd() {
    const text = (length) => length.toLocaleString(document.documentElement.lang);
    return fill(texts().bad_gsd, { least: text(gsdLimits().least), most: text(gsdLimits().most) });
  }

  /* The pixel size in metres, null if the field is empty, undefined if it holds none that a pixel can have. */
  function pixelSize() {
    const field = document.getElementById("gsd");
    const text = field.value.trim().replace(",", ".");
    if (text === "") {
      return null;
    }
    const value = Number(text);
    return value >= gsdLimits().least && value <= gsdLimits().most ? value : undefined;
  }

  function take(files) {
    const gsd = pixelSize();
    const complaint = document.getElementById("upload-error");
    complaint.textContent = gsd === undefined ? badGsd() : "";
    if (gsd === undefined || !files.length) {
      return;
    }
    for (const file of files) {
      const entry = new Entry(file, gsd);
      waiting.push(entry);
      batch.push(entry);
    }
    if (active === null) {
      work();
    }
  }

  function choose() {
    const input = document.createElement("input");
    input.type = "file";
    input.multiple = true;
    input.accept = ".tif,.tiff,image/tiff";
    input.addEventListener("change", () => take(Array.from(input.files)));
    input.click();
  }

  function hasFiles(event) {
    return event.dataTransfer && Array.from(event.dataTransfer.types).includes("Files");
  }

  function lift(on) {
    const zone = document.getElementById("drop");
    if (zone) {
      zone.classList.toggle("over", on);
    }
    return Boolean(zone);
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("#drop")) {
      choose();
    }
  });
  /* A file dropped beside the zone would replace the page, so the whole window takes it; where there is no zone, the
     window refuses it. */
  document.addEventListener("dragover", (event) => {
    if (hasFiles(event)) {
      event.preventDefault();
      if (!lift(true)) {
        event.dataTransfer.dropEffect = "none";
      }
    }
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) {
      lift(false);
    }
  });
  document.addEventListener("drop", (event) => {
    if (hasFiles(event)) {
      event.preventDefault();
      if (lift(false)) {
        take(Array.from(event.dataTransfer.files));
      }
    }
  });
  window.addEventListener("beforeunload", (event) => {
    if (active !== null) {
      event.preventDefault();
    }
  });
})();
