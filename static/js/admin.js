// The admin's look-up fields are drawn by a script that gives its box no name; it gets that of its label.
(function () {
  "use strict";

  function name(box) {
    const field = box.closest(".select2-container");
    const select = field && field.previousElementSibling;
    const label = select && select.id && document.querySelector('label[for="' + CSS.escape(select.id) + '"]');
    const words = (label && label.textContent.trim()) || (select && select.getAttribute("aria-label"))
      || (select && select.name);
    if (words && !box.hasAttribute("aria-label")) {
      box.removeAttribute("aria-labelledby");
      box.setAttribute("aria-label", words);
      // Within it stands what is chosen, which the script calls a text box of its own.
      box.querySelectorAll("[role=textbox]").forEach(function (chosen) {
        chosen.removeAttribute("role");
        chosen.removeAttribute("aria-readonly");
      });
    }
  }

  function all() {
    document.querySelectorAll(".select2-selection[role=combobox]").forEach(name);
  }

  document.addEventListener("DOMContentLoaded", function () {
    all();
    new MutationObserver(all).observe(document.body, { childList: true, subtree: true });
  });
})();
