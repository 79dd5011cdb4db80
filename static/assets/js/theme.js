// The theme, before the first paint: a small blocking script in the head. "auto" follows the
// system by itself, because the style sheets do.
(() => {
  const root = document.documentElement;
  const apply = () => {
    let name = null;
    try {
      name = localStorage.getItem("runwisp:theme");
    } catch {
      // No storage, no choice.
    }
    if (name === "light" || name === "dark") root.dataset.theme = name;
    else delete root.dataset.theme;
  };
  apply();
  // The switch in the header and other tabs.
  addEventListener("storage", apply);
  addEventListener("runwisp:theme", apply);
})();
