// A dashboard in which an explanation or a table is open is being read, and is not exchanged under somebody's eyes. The next nudge brings
// the figures.
const read = (board) => board.querySelector("details[open], [popover]:popover-open") !== null;

document.addEventListener("htmx:beforeRequest", (event) => {
  const board = event.target.closest?.("#board");
  if (board && event.detail.elt === board && read(board)) event.preventDefault();
});
