// The incident list: what the address of a bulk action goes back to follows the address shown.
const back = document.querySelector('#bulk-form input[name="next"]');
if (back) document.getElementById("bulk-form").addEventListener("submit", () => { back.value = location.pathname + location.search; });

// A dialog's own submit leaves it open while the page loads; close it so that coming back shows the list.
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
});
