// The translated words of the page (block written by {% script_strings %}), and spans of time in those words.
// The same rules as escalation_site/ui/durations.py, so that a clock reads alike before and after the script takes over.
const block = document.getElementById("wb-words");
const words = block ? JSON.parse(block.textContent) : {};

/** The sentence `key` with its {places} filled. */
export const say = (key, places = {}) =>
  (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => places[name] ?? whole);

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

/** The largest unit only: "6 min". */
export const inOneUnit = (seconds) => {
  const whole = Math.max(Math.floor(seconds), 0);
  const [unit, size] = UNITS.find(([, size]) => whole >= size) ?? ["second", 1];
  return say(unit, { n: Math.floor(whole / size) });
};

/** "8:51" under an hour, "1 h 05" under a day, "2 d 3 h" above. */
export const asClock = (seconds) => {
  const whole = Math.max(Math.floor(seconds), 0);
  const two = (number) => String(number).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)}:${two(whole % 60)}`;
  if (whole < 86400) return `${say("hour", { n: Math.floor(whole / 3600) })} ${two(Math.floor((whole % 3600) / 60))}`;
  const hours = Math.floor((whole % 86400) / 3600);
  return say("day", { n: Math.floor(whole / 86400) }) + (hours ? ` ${say("hour", { n: hours })}` : "");
};

/** "just now", "6 min ago", "in 6 min". */
export const ago = (seconds) => {
  if (Math.abs(seconds) < 10) return say("now");
  return say(seconds > 0 ? "ago" : "ahead", { span: inOneUnit(Math.abs(seconds)) });
};

// The server's time when the page was made corrects a browser clock that is wrong by more than two seconds. It is held against when the
// answer began to come, however long scripts took after that; a page out of the browser's cache was made at another time.
const made = Date.parse(document.body?.dataset.now ?? "");
const visit = performance.getEntriesByType("navigation")[0];
const skew = made - (performance.timeOrigin + (visit?.responseStart ?? performance.now()));
const correction = Math.abs(skew) > 2000 && !(visit && visit.transferSize === 0 && visit.type === "back_forward") ? skew : 0;

/** The present instant in milliseconds, by the server's clock. */
export const present = () => Date.now() + correction;

/** Says a sentence to screen readers; `urgent` interrupts. */
export const announce = (text, urgent = false) => {
  const region = document.getElementById(urgent ? "announce-now" : "announce");
  if (!region) return;
  region.textContent = "";
  requestAnimationFrame(() => { region.textContent = text; });
};
