"use strict";
// Search, filter and sort of the list of rows. Without it all of them show.
(function () {
  const table = document.getElementById("table");
  if (!table) return;
  const body = table.tBodies[0];
  const search = document.getElementById("search");
  const filter = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const nothing = document.getElementById("nothing");
  const count = new Intl.NumberFormat("en");
  let rows = null; // read from the table when they are first needed

  function read() {
    if (rows) return;
    rows = Array.from(body.rows, function (row, order) {
      const cells = Array.from(row.cells, function (cell) { return cell.textContent; });
      cells[2] = row.cells[2].lastChild.data.trim(); // without the sigil
      return { row: row, order: order, cells: cells, status: cells[2], text: cells.join("\n").toLowerCase() };
    });
  }

  function show() {
    read();
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    for (const r of rows) {
      const fits = (!filter.value || r.status === filter.value) &&
        words.every(function (word) { return r.text.includes(word); });
      if (r.row.hidden === fits) r.row.hidden = !fits;
      if (fits) n++;
    }
    shown.textContent = n === rows.length ? count.format(n) + (n === 1 ? " row" : " rows")
      : count.format(n) + " of " + count.format(rows.length) + " rows";
    nothing.hidden = n > 0;
  }

  let later = 0;
  function soon() {
    clearTimeout(later);
    later = setTimeout(show, 120);
  }

  function sort(column, numbers, up) {
    read();
    const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
    const sign = up ? 1 : -1;
    rows.sort(function (a, b) {
      const x = a.cells[column], y = b.cells[column];
      return sign * (numbers ? Number(x) - Number(y) : collator.compare(x, y)) || a.order - b.order;
    });
    const all = document.createDocumentFragment();
    for (const r of rows) all.append(r.row);
    body.append(all);
  }

  const heads = Array.from(table.tHead.rows[0].cells);
  heads.forEach(function (head, column) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(head.textContent);
    head.replaceChildren(button);
    button.addEventListener("click", function () {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      sort(column, head.dataset.sort === "number", up);
    });
  });

  search.addEventListener("input", soon);
  filter.addEventListener("change", show);
  document.getElementById("controls").addEventListener("submit", function (e) {
    e.preventDefault();
    show();
  });
  // What a browser has kept of the controls from before a reload.
  if (search.value || filter.value) show();
  document.getElementById("controls").hidden = false;
})();
