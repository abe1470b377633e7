// From incident to incident in the order of the list somebody came from: the list notes what it shows when one of its incidents is opened
// (in this tab, by address, gone with it), the incident's page leads on from there (<span data-neighbours>), and the list marks the row of
// the one last looked at. Where the noted page of the list ends the list is asked again, as it is now, and then its next page: what came
// or went meanwhile neither repeats an incident nor leaves one out.
import { say } from "./words.js";

const KEY = "wb-neighbours";
const MOST_PAGES = 40; // of fifty; the oldest are forgotten

const noted = () => { try { return JSON.parse(sessionStorage.getItem(KEY)); } catch { return null; } };
const note = (pages) => {
  try { sessionStorage.setItem(KEY, JSON.stringify(pages)); } catch { /* private windows may refuse */ }
};

/** What a page of the list shows, and the addresses of those before and after it. */
const pageOf = (root, address) => {
  const rows = root.querySelector("[data-incidents]");
  if (!rows) return null;
  const to = (way) => {
    const link = root.querySelector(`.pages [rel=${way}]`);
    return link ? new URL(link.getAttribute("href"), new URL(address, location.href)).href.slice(location.origin.length) : "";
  };
  return {
    address, earlier: to("prev"), later: to("next"), first: Number(rows.dataset.first), total: rows.dataset.total,
    paths: [...rows.querySelectorAll("[data-row-link]")].map((link) => link.pathname || new URL(link.getAttribute("href"), location.href).pathname),
  };
};

const asked = async (address) => {
  const answer = await fetch(address, { headers: { "HX-Request": "true" } }).catch(() => null);
  return answer?.ok ? pageOf(new DOMParser().parseFromString(await answer.text(), "text/html"), address) : null;
};

const list = () => document.getElementById("incident-list");
const here = location.pathname + location.search;

// On the list. Both ways to open a row, Enter and a click, are a click; a second tab has a memory of its own and asks for its referrer.
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-incidents] [data-row-link]")) note([pageOf(list(), location.pathname + location.search)]);
});
const lastSeen = () => {
  const page = list() && (noted() ?? []).find((one) => one.address === here && one.last);
  const link = page && [...list().querySelectorAll("[data-incidents] [data-row-link]")].find((one) => one.pathname === page.last);
  const row = link?.closest("[data-row]");
  if (!row) return;
  for (const other of list().querySelectorAll(".cursor")) other.classList.remove("cursor");
  row.classList.add("cursor");
  row.scrollIntoView({ block: "nearest" });
};

// On an incident's page.
const boxes = () => [...document.querySelectorAll("[data-neighbours]")];

const lead = (way, path) => {
  for (const box of boxes()) {
    const link = box.querySelector(`[data-neighbour=${way}]`);
    if (path) link.href = path;
    else link.removeAttribute("href");
    link.ariaDisabled = path ? null : "true";
  }
};

const show = (pages, number) => {
  const page = pages[number];
  const paths = pages.flatMap((one) => one.paths);
  const at = paths.indexOf(location.pathname);
  lead("before", paths[at - 1]);
  lead("after", paths[at + 1]);
  // Those that have left the list meanwhile are counted as long as one can go back to them.
  const n = pages[0].first + at;
  const least = n + (paths[at + 1] ? 1 : 0);
  const total = Number(page.total) < least ? least : page.total;
  for (const box of boxes()) {
    box.querySelector("[data-place]").textContent = say("placeInList", { n, total });
    box.hidden = false;
  }
  for (const back of document.querySelectorAll("[data-to-list]")) back.href = page.address;
};

/** The list's own answer where the noted page ends: what it holds now and was not noted, else the page beyond it. */
const extend = async (pages, number, way) => {
  const page = pages[number];
  const known = new Set(pages.flatMap((one) => one.paths));
  const now = await asked(page.address);
  if (!now) return;
  const fresh = now.paths.filter((path) => !known.has(path));
  for (const one of pages) one.total = now.total;
  if (way === "later" && fresh.length) { page.paths.push(...fresh); page.later = now.later; return; }
  const beyond = now[way] && (await asked(now[way]));
  if (!beyond) return;
  beyond.paths = beyond.paths.filter((path) => !known.has(path));
  if (!beyond.paths.length) return;
  if (way === "later") pages.push(beyond);
  else pages.unshift(beyond);
};

const begin = async () => {
  const incident = location.pathname;
  let pages = noted() ?? [];
  if (!pages.some((one) => one.paths.includes(incident))) {
    const from = document.referrer.startsWith(`${location.origin}/`) ? new URL(document.referrer) : null;
    if (from?.pathname !== boxes()[0].dataset.neighbours) return;
    pages = [await asked(from.pathname + from.search)].filter((one) => one?.paths.includes(incident));
    if (!pages.length) return;
  }
  const found = () => pages.findIndex((one) => one.paths.includes(incident));
  const page = pages[found()];
  for (const one of pages) delete one.last;
  page.last = incident;
  note(pages);
  show(pages, found());
  const ends = page.paths.at(-1) === incident && !pages[found() + 1];
  const begins = page.paths[0] === incident && !pages[found() - 1] && page.earlier;
  if (!ends && !begins) return;
  if (ends) await extend(pages, found(), "later");
  if (begins) await extend(pages, found(), "earlier");
  while (pages.length > MOST_PAGES) { if (found() > pages.length / 2) pages.shift(); else pages.pop(); }
  note(pages);
  show(pages, found());
};

lastSeen();
addEventListener("pageshow", (event) => { if (event.persisted) lastSeen(); });
if (boxes().length) begin();
