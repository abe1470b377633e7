// Filing an incident: a search over long lists, the first fault in view, and Ctrl Enter.
const form = document.getElementById("file-form");

// Fifty services are too many to scroll: typing above the list leaves those that match. The select itself stays native.
const searchable = (select) => {
  const all = [...select.options];
  const search = document.createElement("input");
  search.type = "search";
  search.className = "input mb1";
  search.autocomplete = "off";
  search.placeholder = select.dataset.search;
  search.setAttribute("aria-label", search.placeholder);
  search.setAttribute("aria-controls", select.id);
  select.before(search);
  search.addEventListener("input", (event) => {
    event.stopPropagation(); // what is searched for is no answer
    const words = search.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const chosen = select.value;
    const left = all.filter((option) => !option.value || option.value === chosen || words.every((word) => option.text.toLocaleLowerCase().includes(word)));
    select.replaceChildren(...left);
    const found = left.filter((option) => option.value && words.every((word) => option.text.toLocaleLowerCase().includes(word)));
    const next = words.length && found.length === 1 ? found[0].value : chosen;
    if (select.value !== next) select.value = next;
    if (next !== chosen) select.dispatchEvent(new Event("change", { bubbles: true }));
  });
  search.addEventListener("change", (event) => event.stopPropagation());
  search.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "Enter") { event.preventDefault(); select.focus(); }
  });
};
for (const select of document.querySelectorAll("select[data-search]")) if (select.options.length > 12) searchable(select);

// On a phone what it may be already stands where the eye is: below the title, and not at the foot of the page.
const similar = document.getElementById("filing-similar");
if (similar && matchMedia("(max-width: 760px)").matches) document.getElementById("g1").after(similar);

(form?.querySelector("[aria-invalid=true]") ?? document.querySelector("[data-first-error]"))?.focus();

form?.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});

// What somebody typed or chose before the scripts were there had nobody to hear it: say it again, once everything listens.
const atFirst = (select) => ([...select.options].find((option) => option.defaultSelected) ?? select.options[0])?.value;
const isChanged = (field) => {
  if (field instanceof HTMLSelectElement) return field.value !== atFirst(field);
  return ["radio", "checkbox"].includes(field.type) ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
};
document.addEventListener("DOMContentLoaded", () => setTimeout(() => {
  for (const field of form?.elements ?? []) {
    if (!field.name || !field.matches("input:not([type=hidden], [type=file]), select, textarea") || !isChanged(field)) continue;
    for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }));
  }
}));
