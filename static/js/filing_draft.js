// What somebody types is kept: at once in this window (by person, gone with the window), a moment later as a draft on the server. Neither
// a lost network nor an ended session loses it; it is offered again, or put back after signing in.
import { csrfToken } from "./wire.js";
import { say } from "./words.js";

const form = document.getElementById("file-form");
const state = document.getElementById("draft-state");
const offer = document.getElementById("stash-offer");
const key = `wb-filing-${form?.dataset.user}`;
const QUIET_MS = 900;
const AGAIN_MS = 5000;
const NO_ANSWERS = ["csrfmiddlewaretoken", "files", "do", "asked", "fresh"];
let timer = 0;
let touched = false;

const values = () => [...new FormData(form)].filter(([name, value]) => !NO_ANSWERS.includes(name) && typeof value === "string");
const stashed = () => { try { return JSON.parse(sessionStorage.getItem(key)); } catch { return null; } };
const stash = (more = {}) => { try { sessionStorage.setItem(key, JSON.stringify({ at: Date.now(), values: values(), ...more })); } catch { /* private windows may refuse */ } };
const unstash = () => { try { sessionStorage.removeItem(key); } catch { /* there was nothing */ } };

const body = () => {
  const sent = new FormData();
  for (const [name, value] of values()) sent.append(name, value);
  if (form.elements.fresh) sent.append("fresh", "on");
  return sent;
};

const ask = (text, link) => {
  state.textContent = `${text} `;
  if (!link) return;
  const way = document.createElement("a");
  way.className = "link";
  way.href = form.dataset.signIn;
  way.textContent = link;
  state.append(way);
};

const begun = () => {
  form.elements.fresh?.remove();
  document.querySelector(".draft-offer:not(#stash-offer)")?.remove();
  if (offer) offer.hidden = true;
};

const keep = async (leaving = false) => {
  clearTimeout(timer);
  if (!touched) return;
  try {
    const answer = await fetch(form.dataset.draft, { method: "POST", body: body(), keepalive: leaving, headers: { "X-CSRFToken": csrfToken(), "HX-Request": "true" } });
    if (answer.redirected || answer.status === 401 || answer.status === 403) { ask(say("draftSignedOut"), say("signIn")); return; }
    if (!answer.ok) throw new Error(String(answer.status));
    state.innerHTML = await answer.text();
    touched = false;
    begun();
  } catch {
    ask(say("draftNotKept"));
    timer = setTimeout(keep, AGAIN_MS);
  }
};

const typed = () => {
  touched = true;
  stash();
  clearTimeout(timer);
  timer = setTimeout(keep, QUIET_MS);
};

// Put back what the window kept. Questions that belong to an answer come after it, and are filled when they are there.
const fill = (kept) => {
  const left = kept.filter(([name, value]) => {
    const fields = [...form.querySelectorAll(`[name="${CSS.escape(name)}"]`)];
    if (!fields.length) return true;
    for (const field of fields) {
      if (field.type === "radio" || field.type === "checkbox") field.checked ||= field.value === value;
      else if (!field.value || field.tagName === "SELECT" || field.dataset.filled === undefined) { field.value = value; field.dataset.filled = ""; }
    }
    return false;
  });
  if (left.length) document.addEventListener("htmx:oobAfterSwap", () => fill(left), { once: true });
};
const restore = (kept) => {
  fill(kept.values);
  form.dispatchEvent(new Event("change", { bubbles: true }));
  for (const id of ["id_service", "id_customer", "id_title"]) document.getElementById(id)?.dispatchEvent(new Event("change", { bubbles: true }));
  typed();
};

if (form) {
  const kept = stashed();
  const taken = new URLSearchParams(location.search).get("draft") === "take";
  const draftAt = Number(form.dataset.draftAt) || 0;
  const offered = document.querySelector(".draft-offer:not(#stash-offer)");
  if (kept?.sent && !draftAt) unstash(); // it was filed
  else if (kept?.values.length && !form.hasAttribute("data-bound")) {
    if (taken && kept.at > draftAt) restore(kept);
    else if (!taken && !offered && offer) {
      offer.hidden = false;
      offer.querySelector("[data-take]").addEventListener("click", () => { offer.hidden = true; restore(kept); });
      offer.querySelector("[data-drop-it]").addEventListener("click", () => { offer.hidden = true; unstash(); });
    }
  }
  form.addEventListener("input", typed);
  form.addEventListener("change", (event) => { if (event.target !== form) typed(); });
  form.addEventListener("submit", () => { clearTimeout(timer); touched = false; stash({ sent: true }); });
  document.addEventListener("visibilitychange", () => { if (document.hidden) keep(true); });
  addEventListener("pagehide", () => keep(true));
  addEventListener("online", () => keep());
  document.addEventListener("wb:attached", begun);
}
