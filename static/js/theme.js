// Light, dark or as the system says. Loaded before the first paint (not a module), so that no page flashes.
(() => {
  const KEY = "wb-theme";
  const root = document.documentElement;
  const saved = () => {
    try { return localStorage.getItem(KEY) || "system"; } catch { return "system"; }
  };
  const mark = (choice) => {
    for (const button of document.querySelectorAll("[data-theme-choice]"))
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
  };
  const apply = (choice) => {
    if (choice === "system") delete root.dataset.theme;
    else root.dataset.theme = choice;
    mark(choice);
  };
  apply(saved());
  document.addEventListener("DOMContentLoaded", () => mark(saved()));
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-theme-choice]");
    if (!button) return;
    try { localStorage.setItem(KEY, button.dataset.themeChoice); } catch { /* private window: this page only */ }
    apply(button.dataset.themeChoice);
  });
  addEventListener("storage", (event) => { if (event.key === KEY) apply(saved()); });
})();
