// Attaching files: choose, drop, paste or take a picture. Each goes up at once and shows in the list; without this script the input is a
// field of its form like any other.  <div data-attach="address"> <ul data-files> … <div data-drop><input data-pick> </div>
import { csrfToken, signedOut, toast } from "./wire.js";
import { say } from "./words.js";

const boxes = () => [...document.querySelectorAll("[data-attach]")];
const tell = (box, text) => { const line = box.querySelector("[data-drop-state]"); if (line) line.textContent = text; };

const send = async (box, files) => {
  if (!files.length) return;
  const body = new FormData();
  for (const file of files) body.append("files", file, file.name || `${say("picture")}.png`);
  const own = box.closest("form");
  for (const name of ["public", "fresh"]) {
    const field = own?.elements[name];
    if (field && (field.type !== "checkbox" || field.checked)) body.append(name, field.value || "on");
  }
  box.dataset.sending = "yes";
  tell(box, say("uploading"));
  try {
    const answer = await fetch(box.dataset.attach, { method: "POST", body, headers: { "X-CSRFToken": csrfToken(), "HX-Request": "true" } });
    if (answer.status === 401) { tell(box, ""); signedOut(); return; }
    if (answer.redirected || (!answer.ok && answer.status !== 422)) throw new Error(`${answer.status} ${answer.statusText}`.trim());
    const holder = document.createElement("template");
    holder.innerHTML = await answer.text();
    const list = holder.content.querySelector("[data-files]");
    box.querySelector("[data-files]").replaceWith(list);
    window.htmx?.process(list);
    tell(box, list.querySelector("[role=alert]") ? "" : say("uploaded"));
    document.dispatchEvent(new CustomEvent("wb:attached"));
  } catch (error) {
    tell(box, "");
    toast(say("failed", { why: error instanceof TypeError ? say("offline") : error.message }));
  } finally {
    delete box.dataset.sending;
  }
};

document.addEventListener("change", async (event) => {
  const input = event.target.closest?.("[data-pick]");
  const box = input?.closest("[data-attach]");
  if (!box) return;
  event.stopPropagation();
  const files = [...input.files];
  input.value = ""; // it is not sent again with the form
  await send(box, files);
}, true);

// A file that misses the box must not replace the page: where one box is for the whole page, dropping anywhere on it counts.
const boxOf = (target) => target.closest?.("[data-attach]") ?? document.querySelector("[data-attach-here=document]");
const brings = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
document.addEventListener("dragover", (event) => {
  if (!brings(event) || !boxes().length) return;
  event.preventDefault();
  boxOf(event.target)?.querySelector("[data-drop]")?.classList.add("over");
});
for (const kind of ["dragleave", "drop"]) document.addEventListener(kind, (event) => {
  if (kind === "drop" || !event.relatedTarget) for (const zone of document.querySelectorAll("[data-drop].over")) zone.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  if (!brings(event) || !boxes().length) return;
  event.preventDefault();
  const box = boxOf(event.target);
  if (box) send(box, [...event.dataTransfer.files]);
});
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  const box = boxOf(event.target) ?? (boxes().length === 1 ? boxes()[0] : null);
  if (!files.length || !box) return;
  event.preventDefault();
  send(box, files);
});
