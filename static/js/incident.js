// The incident page: dialogs that ask, the parts shown one at a time on a phone, and Ctrl Enter in the composer.
import "./talk.js";
import "./unsaid.js";
const dialog = document.getElementById("act-dialog");
const body = document.getElementById("act-body");

// A verb that asks for something brings its form; it opens once it is there, and closes when the server says it is done.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target !== body || !body.children.length) return;
  for (const menu of document.querySelectorAll("[popover]:popover-open")) menu.hidePopover();
  if (!dialog.open) dialog.showModal();
  (body.querySelector("[aria-invalid=true]") ?? body.querySelector("[autofocus]") ?? body.querySelector("select, textarea, input:not([type=hidden])"))?.focus();
});
document.addEventListener("wb:done", () => { if (dialog?.open) dialog.close(); });
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-close]")) event.target.closest("dialog")?.close();
});
dialog?.addEventListener("close", () => body.replaceChildren());

// On a phone one part shows at a time; without this script the links load the page with that part.
const columns = document.querySelector("[data-shown]");
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-show]");
  if (!link || !columns) return;
  event.preventDefault();
  columns.dataset.shown = link.dataset.show;
  for (const tab of document.querySelectorAll(".pt [data-show]"))
    if (tab.dataset.show === link.dataset.show) tab.setAttribute("aria-current", "true");
    else tab.removeAttribute("aria-current");
  history.replaceState(null, "", `?show=${link.dataset.show}`);
  if (link.dataset.focus) document.getElementById(link.dataset.focus)?.focus();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.target.closest?.("form.compose")?.requestSubmit();
});
document.addEventListener("click", (event) => { if (event.target.closest?.("[data-print]")) print(); });

// The room opens at its newest line, and stays there while somebody reads the newest.
const room = document.querySelector(".tl.room");
if (room && !location.hash) room.lastElementChild?.scrollIntoView({ block: "center" });
const newest = () => document.querySelector(".tl.room > li:last-child");
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  if (event.target.id !== "incident-timeline" || !(newest()?.getBoundingClientRect().bottom <= innerHeight)) return;
  queueMicrotask(() => newest()?.scrollIntoView({ block: "nearest" }));
});
