// Live updates. One WebSocket tells which topics changed; elements that named the topic get a `live` event and re-fetch themselves
// through the ordinary view:  <div data-live="incident:42 incidents" hx-get="…" hx-trigger="live">.
// Browser → server  {"subscribe": ["incident:42", "incidents"], "since": 123}   on each connection and when the topics change
// Server → browser  {"topic": "incident:42", "entry": 124}  for each change; {"entry": 124} once subscribed
// `since` is the last ledger entry this page has seen: the server repeats what came after it, so a reconnect misses nothing.
import { present, say } from "./words.js";

const COALESCE_MS = 250;
const POLL_MS = 15000;
const GRACE_MS = 2500;
const BACKOFF_MS = [500, 1000, 2000, 4000, 8000, 15000];

let socket = null;
let attempt = 0;
let last = Number(document.body.dataset.entry) || null;
let sent = "";
let retryTimer = 0;
let pollTimer = 0;
let graceTimer = 0;
let live = null;
let gone = false;
const waiting = new Map();
const missed = new Set();

const elements = () => [...document.querySelectorAll("[data-live]")];
const topicsOf = (element) => element.dataset.live.split(/\s+/).filter(Boolean);
const allTopics = () => [...new Set(elements().flatMap(topicsOf))].sort();

const time = () => new Intl.DateTimeFormat(document.documentElement.lang,
  { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: document.body.dataset.zone || undefined }).format(present());

// A part is drawn anew neither under a finger that is down, which would lose the click, nor while a change of this page is under way:
// its answer brings everything, and htmx looks for the places of an answer (the message, the undo) beside the form that asked, which
// would be gone. Nor is it drawn from an answer that was asked for before a change was answered: it may not know of it. What comes
// meanwhile is asked for again afterwards. A part that is fetched once the page is there pushes what stands below it away, and waits, too.
const PRESS_MS = 2000; // a release outside the window is never heard of
const CLICK_MS = 60;
let pressedUntil = 0;
let changedAt = 0;
const changing = new Set();
const askedAt = new WeakMap();
const pressed = () => performance.now() < pressedUntil;
const busy = () => changing.size > 0 || pressed();
document.addEventListener("pointerdown", () => { pressedUntil = performance.now() + PRESS_MS; }, true);
for (const end of ["pointerup", "pointercancel"])
  document.addEventListener(end, () => { pressedUntil = performance.now() + CLICK_MS; }, true);
document.addEventListener("htmx:beforeSend", ({ detail }) => {
  askedAt.set(detail.xhr, performance.now());
  if (detail.requestConfig.verb !== "get") changing.add(detail.xhr);
});
document.addEventListener("htmx:afterRequest", ({ detail }) => { if (changing.delete(detail.xhr)) changedAt = performance.now(); });
const fetchLater = (element, path) => setTimeout(() => {
  if (element.isConnected) window.htmx.ajax("GET", path, { source: element });
}, COALESCE_MS);
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { elt, triggeringEvent, verb, path } = detail.requestConfig;
  if (triggeringEvent?.type === "live") {
    if (!busy() && askedAt.get(detail.xhr) >= changedAt) return;
    detail.shouldSwap = false;
    nudge(elt, triggeringEvent.detail);
  } else if (!triggeringEvent && verb === "get" && /\bload\b/.test(elt.getAttribute("hx-trigger")) && pressed()) {
    detail.shouldSwap = false;
    fetchLater(elt, path);
  }
});

const fire = (element, detail) => {
  waiting.delete(element);
  if (!element.isConnected) return;
  if (busy()) { nudge(element, detail); return; }
  element.dispatchEvent(new CustomEvent("live", { detail, bubbles: false }));
};

/** At most one re-fetch per element in 250 ms; none while the tab is hidden. */
const nudge = (element, detail) => {
  if (document.hidden) { missed.add(element); return; }
  if (!waiting.has(element)) waiting.set(element, setTimeout(() => fire(element, detail), COALESCE_MS));
};

const nudgeTopic = (message) => {
  for (const element of elements())
    if (topicsOf(element).includes(message.topic)) nudge(element, message);
};

const nudgeAll = () => { for (const element of elements()) nudge(element, { topic: "", entry: last }); };

const show = (nowLive) => {
  clearTimeout(graceTimer);
  for (const mark of document.querySelectorAll("[data-live-mark]")) {
    mark.hidden = false;
    mark.dataset.state = nowLive ? "on" : "off";
    mark.textContent = say(nowLive ? "live" : "notLive");
  }
  if (live === nowLive) return;
  for (const banner of document.querySelectorAll("[data-live-banner]")) {
    banner.hidden = nowLive;
    if (!nowLive) banner.querySelector("[data-live-since]").textContent = say("notLiveSince", { time: time() });
  }
  live = nowLive;
  document.dispatchEvent(new CustomEvent("wb:liveness", { detail: { live } }));
};

const subscribe = () => {
  const topics = allTopics();
  if (socket?.readyState !== WebSocket.OPEN || topics.join(" ") === sent) return;
  sent = topics.join(" ");
  socket.send(JSON.stringify({ subscribe: topics, since: last }));
};

// Who else looks at this incident. A hidden tab looks at nothing.
const hereNow = () => (document.hidden ? null : document.querySelector("[data-here]")?.dataset.here ?? null);
let told = null;
const sayHere = () => {
  const place = hereNow();
  if (socket?.readyState !== WebSocket.OPEN || place === told) return;
  told = place;
  socket.send(JSON.stringify({ here: place }));
};
const narrow = matchMedia("(max-width: 760px)");
const span = (css, text) => {
  const made = document.createElement("span");
  made.className = css;
  made.textContent = text;
  return made;
};
// Faces to see, and the same in words to hear and under the pointer.
const showPeople = (people, faces = []) => {
  // One alone is never "+1": there is room for its face.
  const room = narrow.matches ? 3 : 4;
  const shown = faces.slice(0, faces.length > room ? room - 1 : room).map(([letters, hue]) => span(`av h${hue}`, letters));
  if (faces.length > shown.length) shown.push(span("av none", `+${faces.length - shown.length}`));
  for (const face of shown) face.ariaHidden = "true";
  for (const mark of document.querySelectorAll("[data-presence]")) {
    const words = people.length ? say("alsoHere", { names: people.join(", ") }) : "";
    mark.hidden = !people.length;
    mark.title = words;
    mark.replaceChildren(...shown.map((face) => face.cloneNode(true)), span("sr", words));
  }
};

const poll = () => {
  clearTimeout(pollTimer);
  pollTimer = setTimeout(() => { if (!live && !document.hidden) nudgeAll(); if (!live) poll(); }, POLL_MS);
};

const lost = () => {
  socket = null;
  sent = "";
  told = null;
  gone = true;
  showPeople([]);
  if (document.hidden) return; // it is taken up again when somebody looks
  // A short break is not worth a banner: the next attempt usually succeeds within the grace.
  if (live !== false && !graceTimer) graceTimer = setTimeout(() => { graceTimer = 0; show(false); poll(); }, GRACE_MS);
  clearTimeout(retryTimer);
  const pause = BACKOFF_MS[Math.min(attempt++, BACKOFF_MS.length - 1)];
  retryTimer = setTimeout(connect, pause * (0.75 + Math.random() / 2));
};

const connect = () => {
  clearTimeout(retryTimer);
  if (socket || !elements().length) return;
  const url = new URL(document.body.dataset.liveUrl || "/live/", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const mine = new WebSocket(url);
  socket = mine;
  mine.addEventListener("open", () => {
    const again = gone && last === null;
    gone = false;
    attempt = 0;
    clearTimeout(graceTimer);
    graceTimer = 0;
    show(true);
    subscribe();
    sayHere();
    if (again) nudgeAll(); // this page has seen no entry yet, so nothing can be repeated to it
  });
  mine.addEventListener("message", (event) => {
    const message = JSON.parse(event.data);
    if (message.entry) last = Math.max(last ?? 0, message.entry);
    if (message.topic) nudgeTopic(message);
    if (message.people && message.here === hereNow()) showPeople(message.people, message.faces);
  });
  mine.addEventListener("close", () => { if (socket === mine) lost(); });
};

document.addEventListener("visibilitychange", () => {
  sayHere();
  if (document.hidden) return;
  for (const element of missed) nudge(element, { topic: "", entry: last });
  missed.clear();
  if (!socket) { attempt = 0; connect(); }
});
addEventListener("online", () => { attempt = 0; connect(); });
addEventListener("pagehide", () => { const old = socket; socket = null; old?.close(); });
addEventListener("pageshow", (event) => { if (event.persisted) { connect(); nudgeAll(); } });
document.addEventListener("htmx:afterSettle", () => { connect(); subscribe(); });
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-live-retry]")) return;
  attempt = 0;
  connect();
  nudgeAll();
});

if (elements().length) {
  for (const mark of document.querySelectorAll("[data-live-mark]")) mark.hidden = false;
  connect();
}
