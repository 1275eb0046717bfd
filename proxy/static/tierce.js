// "/" goes to the search box, Escape leaves it; suggestions while one types. The pages work without this.
"use strict";
document.addEventListener("keydown", (event) => {
  const box = document.querySelector("input[name=q]");
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
  if (!box || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/" && !typing) {
    event.preventDefault();
    box.focus();
    box.select();
  } else if (event.key === "Escape" && document.activeElement === box && !event.defaultPrevented) {
    box.blur();
  }
});

// The search box as a combobox with a list of suggestions: the pattern of WAI-ARIA, "list autocomplete".
(() => {
  const box = document.querySelector("form.search input[name=q]");
  if (!box) return;
  const WAIT_MS = 120;
  const list = document.createElement("ul");
  const count = document.createElement("span");
  let typed = box.value, chosen = -1, timer = 0, request = null;

  list.id = "suggestions";
  list.className = "suggestions";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Suggestions");
  count.className = "unseen";
  count.setAttribute("role", "status");
  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-expanded", "false");
  box.setAttribute("aria-controls", list.id);
  box.after(list, count);

  const forget = () => {
    clearTimeout(timer);
    if (request) request.abort();
    request = null;
  };
  const close = () => {
    forget();
    list.hidden = true;
    chosen = -1;
    count.textContent = "";
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };
  const choose = (number) => {
    if (chosen >= 0) list.children[chosen].setAttribute("aria-selected", "false");
    chosen = number;
    if (chosen < 0) {
      box.value = typed;
      box.removeAttribute("aria-activedescendant");
      return;
    }
    list.children[chosen].setAttribute("aria-selected", "true");
    box.value = list.children[chosen].textContent;
    box.setAttribute("aria-activedescendant", list.children[chosen].id);
  };
  const show = (suggestions) => {
    list.replaceChildren(...suggestions.map((text, number) => {
      const item = document.createElement("li");
      item.id = "suggestion-" + number;
      item.dir = "auto";
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      item.textContent = text;
      return item;
    }));
    chosen = -1;
    box.removeAttribute("aria-activedescendant");
    list.hidden = suggestions.length === 0;
    box.setAttribute("aria-expanded", String(!list.hidden));
    count.textContent = list.hidden ? "" : suggestions.length === 1 ? "1 suggestion" : suggestions.length + " suggestions";
  };
  const ask = async () => {
    const mine = request = new AbortController();
    try {
      const answer = await fetch("/suggest?q=" + encodeURIComponent(typed), { signal: mine.signal });
      const suggestions = answer.ok ? (await answer.json())[1] : [];
      if (request === mine && document.activeElement === box) show(suggestions);
    } catch {
      // a newer request has replaced this one, or nobody answers: there are no suggestions then
    }
  };

  box.addEventListener("input", (event) => {
    typed = box.value;
    forget();
    if (typed.trim() === "") close();
    else if (!event.isComposing) timer = setTimeout(ask, WAIT_MS);
  });
  box.addEventListener("keydown", (event) => {
    if (event.isComposing || list.hidden) return;
    const last = list.children.length - 1;
    if (event.key === "ArrowDown") choose(chosen === last ? -1 : chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen < 0 ? last : chosen - 1);
    else if (event.key === "Escape") {
      choose(-1);
      close();
    } else return;
    event.preventDefault();
  });
  box.addEventListener("blur", close);
  box.form.addEventListener("submit", close);
  list.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
  list.addEventListener("click", (event) => {
    const item = event.target.closest("li");
    if (!item) return;
    box.value = item.textContent;
    box.form.requestSubmit();
  });
})();
