// [data-open="id"] opens a <dialog>, [data-close] or a press outside closes it.
(() => {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open]");
    if (opener) {
      document.getElementById(opener.dataset.open)?.showModal();
      return;
    }
    if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
    else if (event.target.matches?.("dialog")) event.target.close();
  });
})();
