// "/" goes to the search box, Escape leaves it. The pages work without this.
"use strict";
document.addEventListener("keydown", (event) => {
  const box = document.querySelector("input[name=q]");
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
  if (!box || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/" && !typing) {
    event.preventDefault();
    box.focus();
    box.select();
  } else if (event.key === "Escape" && document.activeElement === box) {
    box.blur();
  }
});
