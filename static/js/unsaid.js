// What somebody begins to say on an incident stays in this window (by person and incident, gone with the window) until it is said: neither
// a lost network nor an ended session nor a page that is loaded again loses it.
const field = () => document.querySelector("#composer [name=text]");
const key = () => `wb-unsaid-${document.getElementById("composer").dataset.unsaid}`;
const keep = (text) => {
  try {
    if (text.trim()) sessionStorage.setItem(key(), text);
    else sessionStorage.removeItem(key());
  } catch { /* private windows may refuse */ }
};

document.addEventListener("input", (event) => { if (event.target === field()) keep(event.target.value); });
// Once it is said the composer comes back empty; a quick reply or a refusal leaves in it what was there.
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.successful && detail.requestConfig.elt.id === "composer" && field()) keep(field().value);
});
document.addEventListener("submit", (event) => { if (event.target.id === "composer" && !event.defaultPrevented) keep(""); });

// What was typed before this script was there is begun, too.
if (field()?.value) keep(field().value);
else if (field()) try { field().value = sessionStorage.getItem(key()) ?? ""; } catch { /* there is nothing */ }
