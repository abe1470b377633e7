// The composer: names are completed behind "@", the preview follows what is typed, chosen files are named.
const PREVIEW_MS = 400;
const ASK_MS = 150;
const BEGUN = /(?:^|[\s(])@([\p{L}\p{N}._-]{0,40})$/u;

const compose = () => document.getElementById("composer");
const list = () => document.getElementById("mention-list");
let asked = 0;
let askTimer = 0;
let previewTimer = 0;

const begun = (field) => field.value.slice(0, field.selectionStart).match(BEGUN);

const close = () => {
  const offered = list();
  if (!offered || offered.hidden) return;
  offered.hidden = true;
  offered.replaceChildren();
  const field = compose()?.querySelector("[data-mentions]");
  field?.setAttribute("aria-expanded", "false");
  field?.removeAttribute("aria-activedescendant");
};

const mark = (option) => {
  for (const one of list().children) one.setAttribute("aria-selected", String(one === option));
  compose().querySelector("[data-mentions]").setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
};

const ask = async (field) => {
  const found = begun(field);
  if (!found) { close(); return; }
  const mine = ++asked;
  const answer = await fetch(`${compose().dataset.people}?q=${encodeURIComponent(found[1])}`, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok || mine !== asked || !begun(field)) return;
  const offered = list();
  const html = new DOMParser().parseFromString(await answer.text(), "text/html");
  offered.replaceChildren(...html.querySelectorAll("[role=option]"));
  offered.hidden = !offered.children.length;
  field.setAttribute("aria-expanded", String(!offered.hidden));
  if (offered.firstElementChild) mark(offered.firstElementChild);
};

const take = (option) => {
  const field = compose().querySelector("[data-mentions]");
  const found = begun(field);
  if (!found) { close(); return; }
  const start = field.selectionStart - found[1].length;
  field.setRangeText(`${option.dataset.name} `, start, field.selectionStart, "end");
  close();
  field.focus();
  field.dispatchEvent(new Event("input", { bubbles: true }));
};

document.addEventListener("input", (event) => {
  if (!event.target.matches?.("[data-mentions]")) return;
  clearTimeout(askTimer);
  askTimer = setTimeout(() => ask(event.target), ASK_MS);
  const shown = document.getElementById("composer-preview");
  if (!shown?.childElementCount) return;
  clearTimeout(previewTimer);
  previewTimer = setTimeout(() => compose()?.querySelector("[data-preview]")?.click(), PREVIEW_MS);
});

document.addEventListener("keydown", (event) => {
  const offered = list();
  if (!offered || offered.hidden || !event.target.matches?.("[data-mentions]")) return;
  const now = offered.querySelector("[aria-selected=true]");
  const to = { ArrowDown: now?.nextElementSibling ?? offered.firstElementChild, ArrowUp: now?.previousElementSibling ?? offered.lastElementChild }[event.key];
  if (to) mark(to);
  else if ((event.key === "Enter" || event.key === "Tab") && now && !event.ctrlKey && !event.metaKey) take(now);
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

document.addEventListener("mousedown", (event) => {
  const option = event.target.closest?.("#mention-list [role=option]");
  if (!option) return;
  event.preventDefault();
  take(option);
});
document.addEventListener("focusout", (event) => { if (event.target.matches?.("[data-mentions]")) setTimeout(close, ASK_MS); });

document.addEventListener("change", (event) => {
  if (!event.target.matches?.("[data-files]")) return;
  const names = compose()?.querySelector("[data-file-names]");
  if (names) names.textContent = [...event.target.files].map((file) => file.name).join(", ");
});
