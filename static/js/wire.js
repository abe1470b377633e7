// How htmx and plain forms behave here: the CSRF token on every changing request, a word when one fails, and no double sending.
import { announce, say } from "./words.js";

const cookie = (name) => document.cookie.split("; ").find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);

// The cookie first: it is new after somebody signed in again in another window, and the page's own is not.
export const csrfToken = () => cookie("csrftoken") || document.body.dataset.csrf || "";

/** The session is over: said once, within reach (above an open dialog nothing else is), with the way back to this very page. */
export const signedOut = () => {
  const banner = document.querySelector("[data-signed-out]");
  if (!banner) return;
  const dialog = document.querySelector("dialog[open]");
  const way = banner.querySelector("a");
  // A page that keeps a draft says itself how it is taken up.
  way.href = document.querySelector("[data-sign-in]")?.dataset.signIn
    ?? `${banner.dataset.signedOut}?next=${encodeURIComponent(location.pathname + location.search)}`;
  way.target = dialog ? "_blank" : ""; // what a dialog holds is kept nowhere else
  if (dialog) dialog.prepend(banner);
  else document.querySelector("[data-live-banner]").after(banner);
  banner.hidden = false;
};
document.addEventListener("close", (event) => {
  const banner = event.target.querySelector?.("[data-signed-out]");
  if (banner && !banner.hidden) signedOut();
}, true);

/** A message at the foot of the page, beside those the server writes. */
export const toast = (text) => {
  const box = document.createElement("div");
  box.className = "toast";
  box.dataset.toast = "";
  const line = document.createElement("span");
  line.className = "grow";
  line.textContent = text;
  box.append(line);
  document.getElementById("toasts")?.append(box);
};

document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.verb === "get") return;
  detail.headers["X-CSRFToken"] = csrfToken();
  // A form's own would be asked first.
  if (detail.parameters.csrfmiddlewaretoken) detail.parameters.csrfmiddlewaretoken = csrfToken();
});

// An answer that says what is wrong (409 taken by somebody else, 422 fields to mend) is shown in place, like any other.
document.addEventListener("htmx:beforeSwap", (event) => {
  const status = event.detail.xhr.status;
  if (status === 409 || status === 422) { event.detail.shouldSwap = true; event.detail.isError = false; }
});

document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401) { signedOut(); return; }
  if (event.detail.requestConfig?.triggeringEvent?.type === "live") return;
  const { status, statusText } = event.detail.xhr;
  toast(say("failed", { why: `${status} ${statusText}`.trim() }));
});
// What was asked for since and is answered tells that somebody signed in again, in another window.
const askedSince = new WeakSet();
document.addEventListener("htmx:beforeSend", ({ detail }) => { if (document.querySelector("[data-signed-out]:not([hidden])")) askedSince.add(detail.xhr); });
document.addEventListener("htmx:afterOnLoad", ({ detail }) => {
  if (detail.successful && askedSince.has(detail.xhr)) document.querySelector("[data-signed-out]").hidden = true;
});
document.addEventListener("htmx:sendError", (event) => {
  if (event.detail.requestConfig?.triggeringEvent?.type !== "live") toast(say("failed", { why: say("offline") }));
});

// A plain form is sent once. Its button shows that it is busy, and says so to screen readers (data-busy="Acknowledging").
// An answer that is a download leaves the page where it is: the form is freed after a while.
const RELEASE_MS = 8000;
const release = (form) => {
  delete form.dataset.sending;
  for (const button of document.querySelectorAll(".btn[aria-busy]")) if (button.form === form) button.removeAttribute("aria-busy");
};
document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  if (form.method !== "post" || button?.formMethod === "dialog") return;
  if (form.elements.csrfmiddlewaretoken) form.elements.csrfmiddlewaretoken.value = csrfToken();
  if (form.dataset.sending) { event.preventDefault(); return; }
  if (form.matches("[hx-post], [hx-put], [hx-delete]")) return;
  form.dataset.sending = "yes";
  setTimeout(() => release(form), RELEASE_MS);
  if (!button) return;
  button.setAttribute("aria-busy", "true");
  if (button.dataset.busy) announce(button.dataset.busy);
});
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const form of document.querySelectorAll("form[data-sending]")) release(form);
});

// Buttons that open a dialog of this page: data-opens="its-id"; a click on the backdrop closes it.
document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-opens]");
  if (opener) {
    opener.closest("[popover]")?.hidePopover();
    document.getElementById(opener.dataset.opens)?.showModal();
  } else if (event.target.matches?.("dialog.dialog") && event.target.open) {
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside && event.detail > 0) event.target.close();
  }
});

// Copy a link or a key: data-copy="text".
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  await navigator.clipboard?.writeText(button.dataset.copy);
  toast(say("copied"));
});
