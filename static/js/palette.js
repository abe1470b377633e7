// "Find or run" (Ctrl K): the pages of the navigation, the actions of this page, or a search among incidents.
import { keyed } from "./keys.js";
import { say } from "./words.js";

const dialog = document.getElementById("palette");
const input = dialog?.querySelector("input");
const list = dialog?.querySelector("ul");
let things = [];
let at = 0;

const textOf = (element) => [...element.childNodes].filter((node) => !node.matches?.("kbd, .count, .sr")).map((node) => node.textContent).join(" ").trim();

const gather = () => {
  const links = [...document.querySelectorAll(".nav .nav-a")].map((link) => ({ label: textOf(link), run: () => link.click() }));
  const actions = [...keyed().values()].filter((element) => element.dataset.opens !== "palette" && !element.matches("input, textarea, select"))
    .map((element) => ({ label: element.dataset.keyLabel || textOf(element), run: () => element.click() }));
  return [...actions, ...links].filter((thing) => thing.label);
};

const choose = (index) => {
  at = Math.min(Math.max(index, 0), list.children.length - 1);
  [...list.children].forEach((item, place) => item.setAttribute("aria-selected", String(place === at)));
  const item = list.children[at];
  if (item) { input.setAttribute("aria-activedescendant", item.id); item.scrollIntoView({ block: "nearest" }); }
};

const show = () => {
  const text = input.value.trim().toLocaleLowerCase();
  const shown = things.filter((thing) => thing.label.toLocaleLowerCase().includes(text));
  if (text && input.dataset.searchUrl)
    shown.push({ label: say("searchFor", { text: input.value.trim() }), run: () => { location.href = `${input.dataset.searchUrl}?q=${encodeURIComponent(input.value.trim())}`; } });
  list.replaceChildren(...shown.map((thing, index) => {
    const item = document.createElement("li");
    item.className = "menu-a";
    item.role = "option";
    item.id = `palette-${index}`;
    item.textContent = thing.label;
    item.addEventListener("click", () => { dialog.close(); thing.run(); });
    return item;
  }));
  choose(0);
};

if (dialog) {
  // Wherever it is opened from, the palette starts empty and with what this page offers now.
  new MutationObserver(() => {
    if (!dialog.open) return;
    input.value = "";
    show();
    input.focus();
  }).observe(dialog, { attributeFilter: ["open"] });
  document.addEventListener("click", (event) => { if (event.target.closest?.('[data-opens="palette"]')) things = gather(); }, true);
  input.addEventListener("input", show);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); choose(at + (event.key === "ArrowDown" ? 1 : -1)); }
    else if (event.key === "Enter") { event.preventDefault(); list.children[at]?.click(); }
  });
}
