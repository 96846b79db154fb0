// Sorts and filters at once what the server would sort and filter with the page's address; the address follows.
"use strict";

const order = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

function remember(changes) {
  const address = new URL(location.href);
  address.searchParams.delete("done");
  for (const [name, value] of Object.entries(changes)) {
    if (value) address.searchParams.set(name, value);
    else address.searchParams.delete(name);
  }
  history.replaceState(null, "", address);
}

function sortable(table) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.querySelector("a").addEventListener("click", (event) => {
      event.preventDefault();
      const numeric = head.classList.contains("num");
      const was = head.getAttribute("aria-sort");
      const now = was ? (was === "ascending" ? "descending" : "ascending") : numeric ? "descending" : "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", now);
      const sign = now === "ascending" ? 1 : -1;
      const value = (row) => {
        const cell = row.cells[column];
        return numeric ? Number(cell.dataset.v ?? cell.textContent) : cell.textContent;
      };
      const rows = [...body.rows].map((row) => [value(row), row]);
      rows.sort(([a], [b]) => sign * (numeric ? a - b : order.compare(a, b)));
      body.append(...rows.map(([, row]) => row));
      const short = now === "ascending" ? "asc" : "desc";
      remember({ sort: head.querySelector("a").dataset.key, order: short });
      for (const form of document.querySelectorAll(`form[data-filter="${table.id}"]`)) {
        form.elements.sort.value = head.querySelector("a").dataset.key;
        form.elements.order.value = short;
      }
    });
  });
}

function filterable(form) {
  const table = document.getElementById(form.dataset.filter);
  const left = document.querySelector(`[data-left="${table.id}"]`);
  const rows = [...table.tBodies[0].rows].map((row) => [row, row.dataset.text.toLowerCase()]);
  const choices = [...form.querySelectorAll("select")];
  const apply = () => {
    const words = form.elements.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const [row, text] of rows) {
      const fits = words.every((word) => text.includes(word)) &&
        choices.every((choice) => !choice.value || row.dataset[choice.name] === choice.value);
      row.hidden = !fits;
      shown += fits;
    }
    left.textContent = shown;
  };
  const note = () => { // not at each letter: browsers refuse an address that changes a hundred times in half a minute
    remember(Object.fromEntries([["q", form.elements.q.value], ...choices.map((choice) => [choice.name, choice.value])]));
  };
  form.addEventListener("input", apply);
  form.addEventListener("change", note);
  form.addEventListener("submit", (event) => { event.preventDefault(); note(); });
  form.querySelector("button").hidden = true; // nothing is left for it to do
}

document.querySelectorAll("table[data-sortable]").forEach(sortable);
document.querySelectorAll("form[data-filter]").forEach(filterable);
