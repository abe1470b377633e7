// The board: a card is dragged, or picked up with Space, carried by the arrows and dropped with Enter. What is dropped is sent at once;
// a column that asks for more (another team, somebody at the limit) opens its form instead. The server draws the board again, refused or
// not, so that a refused card is back where it was. While somebody holds a card or a menu is open, live updates wait.
import { announce } from "./words.js";
import { toast } from "./wire.js";

let carried = null;
let waiting = false;
let lastMoved = "";
let places = null;

const board = () => document.getElementById("board");
const columnsOf = () => [...board().querySelectorAll("[data-column]")];
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

const mark = (column) => {
  for (const one of board()?.querySelectorAll(".drop-here") ?? []) one.classList.remove("drop-here");
  column?.classList.add("drop-here");
};

const letGo = () => {
  carried?.card.classList.remove("carried");
  carried = null;
  mark(null);
  if (!waiting) return;
  waiting = false;
  board()?.dispatchEvent(new CustomEvent("live"));
};

const pickUp = (card, spoken) => {
  const column = card.closest("[data-column]");
  carried = { card, from: column, to: column };
  card.classList.add("carried");
  if (!spoken) return;
  mark(column);
  announce(fill(board().dataset.picked, { what: card.dataset.name }), true);
};

const keep = () => {
  const { card } = carried;
  announce(fill(board().dataset.kept, { what: card.dataset.name }), true);
  letGo();
  card.querySelector("[data-card-link]").focus();
};

const carry = (step) => {
  const columns = columnsOf();
  const at = columns.indexOf(carried.to);
  carried.to = columns[Math.min(Math.max(at + step, 0), columns.length - 1)];
  mark(carried.to);
  carried.to.scrollIntoView({ block: "nearest", inline: "nearest" });
  announce(fill(board().dataset.over, { column: carried.to.dataset.title }), true);
};

const send = (card, from, to) => {
  const asks = "asks" in board().dataset || "asks" in to.dataset;
  lastMoved = card.dataset.card;
  if (asks) {
    const link = new URL(card.dataset.move, location.href);
    link.searchParams.set("to", to.dataset.column);
    link.searchParams.set("seen", from.dataset.seen);
    window.htmx.ajax("GET", link.pathname + link.search, { source: card, target: "#act-body", swap: "innerHTML" });
    return;
  }
  to.querySelector("[data-cards]").prepend(card);
  card.setAttribute("aria-busy", "true");
  const values = { [board().dataset.field]: to.dataset.column, seen: from.dataset.seen, dropped: "yes" };
  window.htmx.ajax("POST", card.dataset.move, { source: "#board", target: "#board", swap: "outerHTML", values });
};

const drop = () => {
  const { card, from, to } = carried;
  if (to === from) { keep(); return; }
  if ("refuses" in to.dataset) {
    toast(board().dataset.closed);
    keep();
    return;
  }
  letGo();
  send(card, from, to);
};

document.addEventListener("dragstart", (event) => {
  const card = event.target.closest?.("[data-card][draggable=true]");
  if (!card) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", card.dataset.name);
  pickUp(card, false);
});
document.addEventListener("dragover", (event) => {
  const column = carried && event.target.closest?.("[data-column]");
  if (!column) return;
  event.preventDefault();
  carried.to = column;
  mark(column);
});
document.addEventListener("drop", (event) => {
  if (!carried || !event.target.closest?.("[data-column]")) return;
  event.preventDefault();
  drop();
});
document.addEventListener("dragend", () => { if (carried) letGo(); });

const neighbour = (card, key) => {
  const own = [...card.closest("[data-cards]").children];
  const at = own.indexOf(card);
  if (key === "ArrowUp" || key === "ArrowDown") return own[at + (key === "ArrowDown" ? 1 : -1)];
  const filled = columnsOf().filter((column) => column.querySelector("[data-card]"));
  const beside = filled[filled.indexOf(card.closest("[data-column]")) + (key === "ArrowRight" ? 1 : -1)];
  const cards = beside ? [...beside.querySelectorAll("[data-card]")] : [];
  return cards[Math.min(at, cards.length - 1)];
};

const whileCarrying = (event) => {
  const steps = { ArrowLeft: -1, ArrowRight: 1 };
  if (event.key in steps) carry(steps[event.key]);
  else if (event.key === "Enter" || event.key === " ") drop();
  else if (event.key === "Escape" || event.key === "Tab") keep();
  else return;
  if (event.key !== "Tab") event.preventDefault();
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const link = event.target.closest?.("[data-card-link]");
  if (!link) return;
  if (carried) { whileCarrying(event); return; }
  const card = link.closest("[data-card]");
  if (event.key === " " && card.dataset.move) { event.preventDefault(); pickUp(card, true); }
  else if (event.key.startsWith("Arrow")) {
    const next = neighbour(card, event.key);
    if (!next) return;
    event.preventDefault();
    next.querySelector("[data-card-link]").focus();
  }
});

// Swaps: wait while a card is held, keep every column where it was scrolled to, and keep the focus on the card that moved.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.requestConfig?.triggeringEvent?.type !== "live" || event.target.id !== "board") return;
  if (!carried && !event.target.querySelector("[aria-busy=true]")) return;
  event.preventDefault();
  waiting = Boolean(carried);
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "board") return;
  if (event.detail.xhr.status === 403) { event.detail.shouldSwap = true; event.detail.isError = false; }
  places = {
    left: board().querySelector("[data-lanes]")?.scrollLeft ?? 0,
    tops: Object.fromEntries([...board().querySelectorAll("[data-cards]")].map((list) => [list.id, list.scrollTop])),
  };
});
document.addEventListener("htmx:afterSettle", () => {
  if (!places || !board()) return;
  const lanes = board().querySelector("[data-lanes]");
  if (lanes) lanes.scrollLeft = places.left;
  for (const [id, top] of Object.entries(places.tops)) {
    const list = document.getElementById(id);
    if (list) list.scrollTop = top;
  }
  places = null;
  if (!lastMoved || document.querySelector("dialog[open]")) return;
  const link = document.getElementById(`card-${lastMoved}`);
  if (document.activeElement === document.body || document.activeElement === link) link?.focus();
  lastMoved = "";
});
