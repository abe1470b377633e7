// Lists of rows: <… data-rows> holds rows [data-row] each with a checkbox and a link [data-row-link].
// J/K or the arrows move, X selects, Shift X selects all from the last one selected to here, Enter opens; [data-bulk] shows while something is selected, [data-bulk-count] counts.
import { announce, say } from "./words.js";

const rowsOf = (list) => [...list.querySelectorAll("[data-row]")];
const boxOf = (row) => row.querySelector("input[type=checkbox]");

const markCursor = (list, row) => {
  for (const other of rowsOf(list)) other.classList.toggle("cursor", other === row);
  if (!row) return;
  list.dataset.cursor = row.dataset.row;
  row.querySelector("[data-row-link]")?.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
};

const move = (list, step) => {
  const rows = rowsOf(list);
  const at = rows.findIndex((row) => row.classList.contains("cursor"));
  const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + step, 0), rows.length - 1)];
  if (next) markCursor(list, next);
};

// Once all rows of a page are selected, so can be all others that the list's filters find: the bar's data-total says how many there are.
const offerAll = (bar, every, here) => {
  const whole = bar.querySelector("[data-bulk-whole]");
  const button = bar.querySelector("[data-bulk-all]");
  if (!whole || !button) return;
  const total = Number(bar.dataset.total) || 0;
  whole.value = "";
  button.hidden = !every || total <= here;
  button.textContent = say("selectAll", { n: total });
};

const showSelection = (list, speak = false) => {
  const rows = rowsOf(list);
  const chosen = rows.filter((row) => boxOf(row)?.checked);
  for (const row of rows) row.classList.toggle("sel", chosen.includes(row));
  const all = list.querySelector("[data-select-all]");
  if (all) { all.checked = chosen.length > 0 && chosen.length === rows.length; all.indeterminate = chosen.length > 0 && chosen.length < rows.length; }
  for (const bar of document.querySelectorAll("[data-bulk]")) {
    bar.hidden = chosen.length === 0;
    offerAll(bar, chosen.length > 0 && chosen.length === rows.length, rows.length);
    for (const count of bar.querySelectorAll("[data-bulk-count]")) count.textContent = say("selected", { n: chosen.length });
  }
  if (speak) announce(say("selected", { n: chosen.length }));
};

const selectRange = (list, row) => {
  const rows = rowsOf(list);
  const from = rows.findIndex((one) => one.dataset.row === list.dataset.selected);
  const ends = [from < 0 ? rows.indexOf(row) : from, rows.indexOf(row)].sort((a, b) => a - b);
  for (const one of rows.slice(ends[0], ends[1] + 1)) { const box = boxOf(one); if (box) box.checked = true; }
  list.dataset.selected = row.dataset.row;
  showSelection(list, true);
};

const clear = (list) => {
  for (const row of rowsOf(list)) { const box = boxOf(row); if (box) box.checked = false; }
  showSelection(list, true);
};

document.addEventListener("keydown", (event) => {
  const list = document.querySelector("[data-rows]");
  if (!list || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches?.("input:not([type=checkbox]), textarea, select") || document.querySelector("dialog[open], [popover]:popover-open")) return;
  let off = false;
  try { off = localStorage.getItem("wb-shortcuts") === "off"; } catch { /* private window */ }
  const row = list.querySelector("[data-row].cursor");
  const steps = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };
  if (event.key in steps && !(off && event.key.length === 1)) {
    if (event.key.startsWith("Arrow") && !row && !list.contains(event.target)) return;
    event.preventDefault();
    move(list, steps[event.key]);
  } else if (event.key === "x" && row && !off) {
    event.preventDefault();
    boxOf(row)?.click();
    list.dataset.selected = row.dataset.row;
  } else if (event.key === "X" && row && !off) {
    event.preventDefault();
    selectRange(list, row);
  } else if (event.key === "Escape" && list.querySelector(".sel")) clear(list);
});

document.addEventListener("change", (event) => {
  const list = event.target.closest?.("[data-rows]");
  if (!list || event.target.type !== "checkbox") return;
  if (event.target.matches("[data-select-all]"))
    for (const row of rowsOf(list)) { const box = boxOf(row); if (box) box.checked = event.target.checked; }
  showSelection(list, true);
});

document.addEventListener("click", (event) => {
  const everything = event.target.closest?.("[data-bulk-all]");
  if (everything) {
    const bar = everything.closest("[data-bulk]");
    const total = Number(bar.dataset.total);
    bar.querySelector("[data-bulk-whole]").value = "yes";
    everything.hidden = true;
    for (const count of bar.querySelectorAll("[data-bulk-count]")) count.textContent = say("selected", { n: total });
    announce(say("selected", { n: total }));
  }
  if (event.target.closest?.("[data-bulk-clear]")) for (const list of document.querySelectorAll("[data-rows]")) clear(list);
});

// A live refresh replaces the rows: what was selected and where the cursor stood stay.
let kept = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const list = document.querySelector("[data-rows]");
  if (!list || !(event.detail.target.contains(list) || list.contains(event.detail.target))) { kept = null; return; }
  kept = {
    chosen: new Set(rowsOf(list).filter((row) => boxOf(row)?.checked).map((row) => row.dataset.row)),
    cursor: list.querySelector("[data-row].cursor")?.dataset.row,
    focused: list.contains(document.activeElement),
  };
});
document.addEventListener("htmx:afterSettle", () => {
  const list = document.querySelector("[data-rows]");
  if (!list || !kept) return;
  for (const row of rowsOf(list)) {
    const box = boxOf(row);
    if (box) box.checked = kept.chosen.has(row.dataset.row);
    if (row.dataset.row === kept.cursor) { if (kept.focused) markCursor(list, row); else row.classList.add("cursor"); }
  }
  kept = null;
  // Who chose all that are found chose what came since, too.
  if (document.querySelector("[data-bulk-whole]")?.value === "yes") {
    for (const row of rowsOf(list)) { const box = boxOf(row); if (box) box.checked = true; row.classList.add("sel"); }
    return;
  }
  showSelection(list);
});
for (const list of document.querySelectorAll("[data-rows]")) showSelection(list);
