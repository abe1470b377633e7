// Keyboard shortcuts: an element with data-key="a" is clicked (or focused, if it is a field) by that key; "ctrl+k", "ArrowLeft" and "?"
// work too.
// Single keys do nothing while somebody types, while a dialog is open, or once they are switched off in the help sheet.
import { announce, say } from "./words.js";

const KEY = "wb-shortcuts";
const on = () => { try { return localStorage.getItem(KEY) !== "off"; } catch { return true; } };

const nameOf = (event) => (event.ctrlKey || event.metaKey ? "ctrl+" : "") + event.key.toLowerCase();

const ARROWS = { arrowleft: "←", arrowright: "→", arrowup: "↑", arrowdown: "↓" };

// Arrows belong to whatever has the focus and answers to them itself.
const moving = (event) => event.shiftKey || event.target.closest?.("input, select, textarea, .scroll-x, [popover], [role=listbox]");

const typing = (target) => target.isContentEditable ||
  (target.matches?.("input, textarea, select") && !target.matches("input[type=checkbox], input[type=radio], input[type=button]"));

const usable = (element) => element.getClientRects().length > 0 && !element.disabled && element.getAttribute("aria-disabled") !== "true";

/** Visible elements that answer to a key, by key. The first one wins. */
export const keyed = () => {
  const found = new Map();
  // While rows are selected, the bulk bar's keys mean the selection and come before those of the page.
  for (const element of [...document.querySelectorAll("[data-bulk] [data-key]"), ...document.querySelectorAll("[data-key]")]) {
    const key = element.dataset.key.toLowerCase();
    if (!found.has(key) && usable(element)) found.set(key, element);
  }
  return found;
};

const labelOf = (element) => element.dataset.keyLabel || element.getAttribute("aria-label") ||
  [...element.childNodes].filter((node) => !node.matches?.("kbd, .sr, .count")).map((node) => node.textContent).join("").trim();

const row = (key, label) => {
  const term = document.createElement("dt");
  for (const part of key.split("+")) {
    const box = document.createElement("kbd");
    box.className = "kbd";
    box.textContent = ARROWS[part] ? ARROWS[part] : part.length === 1 ? part.toUpperCase() : part[0].toUpperCase() + part.slice(1);
    term.append(box);
  }
  const meaning = document.createElement("dd");
  meaning.textContent = label;
  return [term, meaning];
};

const fillSheet = () => {
  const list = document.querySelector("[data-keys-list]");
  const rows = [["?", say("showKeys")]];
  if (document.querySelector("[data-rows]")) rows.push(["j", say("moveDown")], ["k", say("moveUp")], ["x", say("selectRow")], ["Enter", say("openRow")]);
  if (document.querySelector("[data-card][data-move]")) rows.push(["Space", say("pickUp")], ["arrowleft+arrowright", say("carry")], ["Esc", say("letGo")]);
  if (document.querySelector("form.compose")) rows.push(["ctrl+Enter", say("send")]);
  for (const [key, element] of keyed()) rows.push([key, labelOf(element)]);
  list?.replaceChildren(...rows.flatMap(([key, label]) => row(key, label)));
  const box = document.querySelector("[data-keys-switch]");
  if (box) box.checked = on();
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey || event.isComposing) return;
  const key = nameOf(event);
  const modified = key.startsWith("ctrl+");
  if (!modified && (typing(event.target) || !on())) return;
  if (document.querySelector("dialog[open]") || (key in ARROWS && moving(event))) return;
  if (key === "?") { event.preventDefault(); fillSheet(); document.getElementById("keys")?.showModal(); return; }
  const element = keyed().get(key);
  if (!element) return;
  event.preventDefault();
  if (element.matches("input:not([type=checkbox]), textarea, select")) element.focus();
  else element.click();
});

document.addEventListener("click", (event) => { if (event.target.closest?.('[data-opens="keys"]')) fillSheet(); });
document.addEventListener("change", (event) => {
  if (!event.target.matches?.("[data-keys-switch]")) return;
  try { localStorage.setItem(KEY, event.target.checked ? "on" : "off"); } catch { /* private window */ }
  announce(say(event.target.checked ? "shortcutsOn" : "shortcutsOff"));
});
