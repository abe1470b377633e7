// Toasts: those with an undo count its seconds down on their button and go when it ends; the others stay for eight seconds.
// A toast never goes while it has the focus or the pointer, so that no timing is required of anybody.
import { present, say } from "./words.js";

const STAY = 8;

const busy = (box) => box.matches(":hover, :focus-within");

const tend = (box) => {
  box.dataset.toast = "tended";
  const button = box.querySelector("[data-undo]");
  let left = Number(box.dataset.undoSeconds) || STAY;
  const step = () => {
    if (!box.isConnected) return;
    if (button && left > 0) button.textContent = say("undoIn", { n: left });
    if (left <= 0 && button) button.hidden = true;
    if (left <= 0 && !busy(box)) { box.remove(); return; }
    left -= left > 0 && !(busy(box) && !button) ? 1 : 0;
    setTimeout(step, 1000);
  };
  step();
};

const tendAll = () => { for (const box of document.querySelectorAll('[data-toast=""]')) tend(box); };

/** Undo buttons outside a toast (the phone page): [data-undo-until="ISO instant"]. */
const countUntil = () => {
  for (const button of document.querySelectorAll("[data-undo-until]")) {
    const left = Math.ceil((Date.parse(button.dataset.undoUntil) - present()) / 1000);
    if (left > 0) button.textContent = say("undoIn", { n: left });
    else {
      const gone = document.createElement("p");
      gone.className = "hint";
      gone.textContent = say("undoGone");
      button.replaceWith(gone);
    }
  }
};

document.addEventListener("click", (event) => event.target.closest?.("[data-dismiss]")?.closest("[data-toast], .note, .banner")?.remove());
const region = document.getElementById("toasts");
if (region) new MutationObserver(tendAll).observe(region, { childList: true });
tendAll();
if (document.querySelector("[data-undo-until]")) { countUntil(); setInterval(countUntil, 1000); }
