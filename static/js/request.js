// The requester's page: what somebody types beside it is not swept away by what happens meanwhile.
document.addEventListener("input", (event) => { event.target.closest?.("#request-side form")?.setAttribute("data-touched", ""); });
document.addEventListener("htmx:beforeRequest", (event) => {
  const side = event.detail.elt;
  if (side.id === "request-side" && side.querySelector("form[data-touched]")) event.preventDefault();
});
