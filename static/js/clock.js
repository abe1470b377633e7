// Clocks that run down to an absolute instant: every [data-due] on the page, once per second while the tab is seen.
// Held (and said to be held) while the page is not live, because what it counts to may have changed. Spoken at 2 min and at 0 only.
import { announce, asClock, present, say } from "./words.js";

const LATE = 120;
const LATE_SHARE = 0.2;
const CIRCLE = 100;
const spoken = new WeakMap();
let held = false;
let timer = 0;

const speak = (clock, left) => {
  const what = clock.dataset.announce;
  if (!what) return;
  const before = spoken.get(clock) ?? Infinity;
  if (left <= 0 && before > 0 && before !== Infinity) announce(say("timeIsUp", { what }));
  else if (left <= LATE && left > 0 && before > LATE && before !== Infinity) announce(say("twoMinutes", { what }));
  spoken.set(clock, left);
};

const draw = (clock, now) => {
  const due = Date.parse(clock.dataset.due);
  const start = Date.parse(clock.dataset.start);
  const left = (due - now) / 1000;
  const share = due > start ? (due - now) / (due - start) : 0;
  const digits = clock.querySelector(".digits");
  const text = asClock(Math.ceil(left));
  if (digits && digits.textContent !== text) digits.textContent = text;
  clock.querySelector("circle + circle")
    ?.setAttribute("stroke-dasharray", `${(Math.min(Math.max(share, 0), 1) * CIRCLE).toFixed(1)} 200`);
  clock.classList.toggle("warn", left < LATE || share < LATE_SHARE);
  if (left <= 0 && !clock.dataset.reached) {
    clock.dataset.reached = "yes";
    clock.dispatchEvent(new CustomEvent("due", { bubbles: true }));
  } else if (left > 0) delete clock.dataset.reached;
  speak(clock, left);
};

const drawAll = () => {
  const now = present();
  for (const clock of document.querySelectorAll("[data-due]")) draw(clock, now);
};

const run = () => {
  clearTimeout(timer);
  if (document.hidden || held) return;
  drawAll();
  timer = setTimeout(run, 1000 - (present() % 1000));
};

const hold = (on) => {
  held = on;
  for (const clock of document.querySelectorAll("[data-due]")) {
    clock.classList.toggle("is-held", on);
    if (on) clock.title = say("held");
    else clock.removeAttribute("title");
  }
  run();
};

document.addEventListener("visibilitychange", run);
document.addEventListener("wb:liveness", (event) => hold(!event.detail.live));
document.addEventListener("htmx:afterSettle", () => { if (held) { drawAll(); hold(true); } else run(); });
run();
