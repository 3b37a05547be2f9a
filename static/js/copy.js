// <button data-copy="text"> or <button data-copy-from="id of an element">: to the clipboard.
(() => {
  function source(button) {
    const from = document.getElementById(button.dataset.copyFrom ?? "");
    return button.dataset.copy ?? from?.value ?? from?.textContent ?? "";
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-from]");
    if (!button) return;
    const before = button.title;
    try {
      await navigator.clipboard.writeText(source(button));
      button.title = "Copied";
      button.classList.add("copied");
    } catch {
      button.title = "The browser does not allow copying here";
    }
    setTimeout(() => {
      button.title = before;
      button.classList.remove("copied");
    }, 1500);
  });
})();
