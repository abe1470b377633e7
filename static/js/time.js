// Keeps relative times fresh: "6 min ago" and "6 min" grow older while the page is open.
import { ago, inOneUnit, present } from "./words.js";

const refresh = () => {
  const now = present();
  for (const time of document.querySelectorAll("time[data-relative]")) {
    const passed = (now - Date.parse(time.dateTime)) / 1000;
    const text = time.dataset.relative === "ago" ? ago(passed) : inOneUnit(Math.abs(passed));
    if (time.textContent !== text) time.textContent = text;
  }
};

setInterval(() => { if (!document.hidden) refresh(); }, 10000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
