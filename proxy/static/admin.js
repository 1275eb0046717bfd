// Keeps the figures of the admin page up to date and sends what its forms say. Each place in the
// page names the member of the statistics that it shows: data-v is a path, data-f a member of the
// row's object, data-as how it is written. The server wrote the same page in the same way.
"use strict";
(() => {
  const live = document.getElementById("live");
  const group = new Intl.NumberFormat("en-US");

  const size = (bytes) => {
    const units = ["bytes", "kB", "MB", "GB", "TB", "PB"];
    let unit = 0;
    while (bytes >= 999.5 && unit + 1 < units.length) {
      bytes /= 1000;
      unit++;
    }
    return bytes.toFixed(unit === 0 || bytes >= 99.95 ? 0 : 1) + " " + units[unit];
  };
  const write = {
    n: (value) => group.format(value),
    size,
    ms: (value) => value.toFixed(1),
  };
  // What a source's button does in that state; nothing for one that has ended.
  const toggle = (state) =>
    /^paused/.test(state) ? "Resume" : /^(crawling|waiting)/.test(state) ? "Pause" : "";

  const show = (place, value) => {
    const as = place.dataset.as;
    let text;
    if (as === "toggle" || as === "toggle-all") {
      text = as === "toggle" ? toggle(value) : value ? "Resume" : "Pause";
      place.hidden = text === "";
    } else {
      text = as ? write[as](value) : String(value);
    }
    if (place.textContent !== text) place.textContent = text;
    const banner = place.closest("[role=alert]");
    if (banner) banner.hidden = text === "";
  };
  const at = (stats, path) => path.split(".").reduce((value, name) => value?.[name], stats);

  const showRows = (body, rows) => {
    const template = body.querySelector("template");
    while (body.rows.length > rows.length) body.rows[body.rows.length - 1].remove();
    while (body.rows.length < rows.length) body.append(template.content.firstElementChild.cloneNode(true));
    rows.forEach((row, i) => {
      for (const place of body.rows[i].querySelectorAll("[data-f]")) show(place, row[place.dataset.f]);
    });
  };
  const showAll = (stats) => {
    for (const place of document.querySelectorAll("[data-v]")) {
      const value = at(stats, place.dataset.v);
      if (value !== undefined) show(place, value);
    }
    for (const body of document.querySelectorAll("[data-rows]")) showRows(body, at(stats, body.dataset.rows));
    for (const empty of document.querySelectorAll("[data-empty]"))
      empty.hidden = at(stats, empty.dataset.empty).length > 0;
    live.textContent = "live";
    live.className = "on";
  };
  const say = (text) => {
    live.textContent = text;
    live.className = "";
  };

  // The stream, or where it is refused (too many watch) a question every five seconds.
  const ask = async () => {
    try {
      const answer = await fetch("/api/v1/stats");
      if (answer.status === 401) return say("logged out");
      if (answer.ok) showAll(await answer.json());
      else say("not to be had");
    } catch {
      say("not to be reached");
    }
    setTimeout(ask, 5000);
  };
  const watch = () => {
    const stream = new EventSource("/api/v1/stats/stream");
    stream.onmessage = (event) => showAll(JSON.parse(event.data));
    stream.onerror = () => {
      say("connecting");
      if (stream.readyState === EventSource.CLOSED) ask();
    };
    addEventListener("pagehide", () => stream.close());
  };

  const send = async (method, path, body) => {
    const answer = await fetch(path, {
      method,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const result = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(result.detail || "The server answered " + answer.status + ".");
    return result;
  };
  const actions = {
    add: async (form) => {
      const urls = form.urls.value.split(/\s+/).filter((url) => url);
      const result = await send("POST", "/api/v1/urls", { urls });
      if (result.rejected.length === 0) form.reset();
      return [`${group.format(result.accepted)} accepted`]
        .concat(result.rejected.map((one) => `${one.url}: ${one.reason}`))
        .join("\n");
    },
    remove: async (form) => {
      const result = await send("DELETE", "/api/v1/urls", { [form.scope.value]: form.value.value.trim() });
      form.reset();
      return `${group.format(result.removed)} removed`;
    },
  };
  for (const form of document.querySelectorAll("form[data-do]")) {
    const button = form.querySelector("button");
    const output = form.querySelector("output");
    button.disabled = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      output.className = "";
      try {
        output.textContent = await actions[form.dataset.do](form);
      } catch (error) {
        output.className = "bad";
        output.textContent = error.message;
      }
      button.disabled = false;
    });
  }
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-as=toggle],[data-as=toggle-all]");
    if (!button) return;
    const row = button.closest("tr");
    const source = row ? row.querySelector("[data-f=url]").textContent : "";
    button.disabled = true;
    await send("POST", "/api/v1/crawl", { action: button.textContent.toLowerCase(), source }).catch((error) =>
      say(error.message));
    button.disabled = false;
  });
  const logout = document.getElementById("logout");
  logout.hidden = false;
  logout.addEventListener("click", async () => {
    await send("POST", "/admin/logout", {}).catch(() => {});
    location.assign("/");
  });

  watch();
})();
