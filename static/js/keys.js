// The keyboard: / filter, Ctrl K find, j k rows, Enter opens, x selects, p live, ? help; any
// element with data-key="r" is pressed by r.
(() => {
  const rows = () => [...document.querySelectorAll("[data-rows] > tr, [data-rows] > [data-row]")].filter((row) => row.querySelector("a[href]"));
  const current = () => document.activeElement?.closest("[data-rows] > *") ?? null;

  function typing(target) {
    return target.isContentEditable || target.matches("input:not([type=checkbox], [type=radio]), textarea, select") || target.shadowRoot;
  }

  function focus(selector) {
    const field = document.querySelector(selector);
    field?.focus();
    field?.select?.();
    return Boolean(field);
  }

  function move(by) {
    const all = rows();
    if (!all.length) return false;
    const at = all.indexOf(current());
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
    next.querySelector("a[href]").focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
    return true;
  }

  function press(selector) {
    const shown = (element) => !element.disabled && element.checkVisibility();
    const element = [...document.querySelectorAll(selector)].find(shown);
    if (!element) return false;
    element.click();
    return true;
  }

  function select() {
    const box = current()?.querySelector("input[type=checkbox]");
    box?.click();
    return Boolean(box);
  }

  function help() {
    const dialog = document.getElementById("keys");
    if (!dialog.open) dialog.showModal();
    return true;
  }

  const COMMANDS = {
    "/": () => focus("[data-filter]") || focus("#q"),
    j: () => move(1),
    k: () => move(-1),
    x: select,
    p: () => press("#live"),
    "?": help,
  };

  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
      if (focus("#q")) event.preventDefault();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === "Escape" && event.target.matches("[data-filter], #q")) event.target.blur();
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    const own = event.key.length === 1 && press(`[data-key="${CSS.escape(event.key)}"]`);
    if (own || COMMANDS[event.key]?.()) event.preventDefault();
  });
})();
