"use strict";
// Copying a command, and search, filter, sort and saving of the list of rows. Without
// it everything shows, and nothing does what it can't.
(function () {
  for (const command of document.querySelectorAll(".command")) {
    const line = command.querySelector("code");
    const button = document.createElement("button");
    const said = document.createElement("span");
    button.type = "button";
    button.append("Copy");
    button.setAttribute("aria-label", "Copy: " + line.textContent);
    said.className = "more";
    said.setAttribute("role", "status");
    command.append(button, said);
    button.addEventListener("click", function () {
      copy(line).then(function (done) {
        said.textContent = done ? "copied" : "marked: now copy it by keyboard";
      });
    });
  }

  // copy puts the text of an element on the clipboard, and resolves to whether it is
  // there. If not, the text is selected.
  function copy(element) {
    const selected = function () {
      getSelection().selectAllChildren(element);
      return document.execCommand("copy");
    };
    if (!navigator.clipboard) return Promise.resolve(selected());
    return navigator.clipboard.writeText(element.textContent).then(function () { return true; }, selected);
  }
})();
(function () {
  const table = document.getElementById("table");
  if (!table) return;
  const body = table.tBodies[0];
  const search = document.getElementById("search");
  const filter = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const nothing = document.getElementById("nothing");
  const save = document.getElementById("save");
  const tiles = []; // the buttons in them
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
    save.disabled = n === 0;
    for (const tile of tiles) tile.setAttribute("aria-pressed", String(tile.dataset.status === filter.value));
    document.body.classList.toggle("chosen", filter.value !== "" || words.length > 0);
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

  // A tile is a switch: it shows the rows of its status alone, or all again.
  for (const tile of document.querySelectorAll(".tiles [data-status]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.status = tile.dataset.status;
    button.setAttribute("aria-pressed", "false");
    button.append(...tile.childNodes);
    tile.append(button);
    tiles.push(button);
    button.addEventListener("click", function () {
      const on = filter.value !== button.dataset.status;
      filter.value = on ? button.dataset.status : "";
      if (on) search.value = "";
      show();
      if (on) document.getElementById("list").scrollIntoView();
    });
  }

  // cell returns a cell of CSV, made safe where a spreadsheet would take it for a
  // formula.
  function cell(text) {
    const bare = text.replace(/^'+/, "");
    if (/^[=@\t\r]/.test(bare) || /^[+-]/.test(bare) && !/^[+-](\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(bare)) text = "'" + text;
    return /[",\r\n]|^\s|\s$/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  }

  save.addEventListener("click", function () {
    read();
    const lines = ["Row,UserPrincipalName,Status,Change,Error"];
    for (const r of rows) {
      if (r.row.hidden) continue;
      const change = Array.from(r.row.cells[3].children, function (edit) { return edit.textContent.trim(); }).join("; ");
      lines.push([r.cells[0], r.cells[1], r.status, change, r.cells[4]].map(cell).join(","));
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff" + lines.join("\r\n") + "\r\n"], { type: "text/csv" }));
    link.download = table.dataset.name;
    link.click();
    setTimeout(function () { URL.revokeObjectURL(link.href); }, 60000);
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
