// Light or dark, before the first paint: the choice of this browser, else the system's.
(() => {
  const KEY = "console-theme";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  function stored() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage may be forbidden
    }
  }

  function show(theme) {
    root.dataset.bsTheme = theme;
    root.dispatchEvent(new CustomEvent("console:theme"));
  }

  function present() {
    return stored() ?? (system.matches ? "dark" : "light");
  }

  show(present());
  system.addEventListener("change", () => show(present()));
  addEventListener("storage", (event) => event.key === KEY && show(present()));
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const next = root.dataset.bsTheme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // it lasts for this page only
    }
    show(next);
  });
})();
