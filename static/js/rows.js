// Selecting rows: inside [data-select], checkboxes named by data-box mark their row, a
// [data-all] checkbox takes the page, and [data-count] and the bar [data-chosen] follow.
(() => {
  const boxes = (area) => [...area.querySelectorAll("tbody input[type=checkbox]")];

  function show(area) {
    const all = boxes(area);
    const chosen = all.filter((box) => box.checked);
    for (const box of all) box.closest("tr").classList.toggle("sel", box.checked);
    for (const place of area.querySelectorAll("[data-count]")) place.textContent = chosen.length;
    for (const bar of area.querySelectorAll("[data-chosen]")) bar.hidden = chosen.length === 0;
    const master = area.querySelector("[data-all]");
    if (!master) return;
    master.checked = all.length > 0 && chosen.length === all.length;
    master.indeterminate = chosen.length > 0 && chosen.length < all.length;
  }

  document.addEventListener("change", (event) => {
    const area = event.target.closest("[data-select]");
    if (!area || event.target.type !== "checkbox") return;
    if (event.target.matches("[data-all]")) {
      for (const box of boxes(area)) box.checked = event.target.checked;
    }
    show(area);
  });
  const showAll = () => document.querySelectorAll("[data-select]").forEach(show);
  document.addEventListener("htmx:after:settle", showAll);
  addEventListener("pageshow", showAll); // Back restores checked boxes
})();
