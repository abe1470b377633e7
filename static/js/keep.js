// What somebody is in the middle of outlives a part that is drawn anew: the place of the keyboard, folds and menus that are open, how far
// a table is scrolled, and what is typed into a form that was not sent. Whatever stays in the page is left alone; the rest is looked for
// in what came in its place, by its id or by where it stands in the nearest element that has one.
// A part with [data-keeps] holds several forms: one of them is sent and the others keep what is in them.
const TOLD = ["name", "formaction", "action", "href", "type"];

const markOf = (element) => {
  if (element.id) return { id: element.id };
  const holder = element.closest("[id]");
  if (!holder) return null;
  const own = TOLD.filter((name) => element.hasAttribute(name)).map((name) => `[${name}="${CSS.escape(element.getAttribute(name))}"]`);
  if (["radio", "checkbox"].includes(element.type)) own.push(`[value="${CSS.escape(element.value)}"]`);
  const like = `${element.localName}${own.join("")}`;
  const words = wordsOf(element);
  return { id: holder.id, like, words, nth: alike(holder, like, words).indexOf(element) };
};
// Of folds that look alike the words tell which is which; what is counted in them changes.
const wordsOf = (element) => (element.localName === "details" ? element.querySelector("summary")?.textContent.replace(/[\d\s]+/g, " ") : null);
const alike = (holder, like, words) => [...holder.querySelectorAll(like)].filter((one) => words === null || wordsOf(one) === words);
const find = ({ id, like, words, nth }) => {
  const found = document.getElementById(id);
  return like && found ? alike(found, like, words)[nth] : found;
};

const FIELDS = "input:not([type=hidden], [type=file], [type=password], [type=submit]), textarea, select";
const isChanged = (field) => {
  if (field.multiple) return [...field.options ?? []].some((one) => one.selected !== one.defaultSelected);
  if (field instanceof HTMLSelectElement) return field.value !== ([...field.options].find((one) => one.defaultSelected) ?? field.options[0])?.value;
  return ["radio", "checkbox"].includes(field.type) ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
};
const fill = (field, was) => {
  if (["radio", "checkbox"].includes(field.type)) field.checked = was.checked;
  else if (field instanceof HTMLSelectElement) for (const one of field.options) one.selected = was.values.includes(one.value);
  else field.value = was.value;
};

const all = (selector) => [...document.querySelectorAll(selector)];
const kept = (element, put) => ({ element, mark: markOf(element), put });

const menus = () => all("[popover]:popover-open").map((menu) => kept(menu, (found) => {
  found.showPopover({ source: document.querySelector(`[popovertarget="${CSS.escape(found.id)}"]`) ?? undefined });
}));
const folds = (own) => all("details").filter((fold) => own || fold.open).map((fold) => {
  const { open } = fold;
  return kept(fold, (found) => { found.open = open; });
});
const scrolled = () => all(".scroll-x").filter((box) => box.scrollLeft || box.scrollTop).map((box) => {
  const { scrollLeft, scrollTop } = box;
  return kept(box, (found) => { found.scrollLeft = scrollLeft; found.scrollTop = scrollTop; });
});
const typed = (sent) => all(FIELDS).filter((field) => (!sent || field.form !== sent) && !field.closest("[data-rows]") && isChanged(field)).map((field) => {
  const was = { value: field.value, checked: field.checked, values: [...(field.selectedOptions ?? [])].map((one) => one.value) };
  return kept(field, (found) => fill(found, was));
});
const focused = () => {
  const element = document.activeElement;
  if (!element || element === document.body) return [];
  const { selectionStart, selectionEnd } = element;
  return [kept(element, (found) => {
    found.focus({ preventScroll: true });
    if (typeof selectionStart === "number" && found.setSelectionRange) found.setSelectionRange(selectionStart, selectionEnd);
  })];
};

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (!detail.shouldSwap) return;
  const { elt, triggeringEvent, verb } = detail.requestConfig;
  // Nobody of this window asked for it.
  const own = triggeringEvent?.type === "live" || (!triggeringEvent && verb === "get");
  const things = [
    ...(own ? menus() : []),
    ...folds(own),
    ...scrolled(),
    ...(own || detail.target.closest("[data-keeps]") ? typed(own ? null : elt.closest("form")) : []),
    ...focused(),
  ];
  const { scrollX, scrollY } = window;
  // By then it is done: htmx exchanges everything before anything else runs.
  queueMicrotask(() => {
    for (const { element, mark, put } of things) {
      const found = !element.isConnected && mark && find(mark);
      if (found) put(found);
    }
    // While the new part stands above the old one, the browser may scroll along with what is below both, and does not always come back.
    if (own && window.scrollY !== scrollY) window.scrollTo({ left: scrollX, top: scrollY, behavior: "instant" });
  });
});
