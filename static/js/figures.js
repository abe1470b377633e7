// A dashboard that somebody is reading in is not exchanged under their hands: an open explanation or table, or the keyboard's place,
// would be lost. The next nudge brings the figures.
const busy = (board) => board.contains(document.activeElement)
  || board.querySelector("details[open]") !== null
  || board.querySelector("[popover]:popover-open") !== null;

document.addEventListener("htmx:beforeRequest", (event) => {
  const board = event.target.closest?.("#board");
  if (board && event.detail.elt === board && busy(board)) event.preventDefault();
});
