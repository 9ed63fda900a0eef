/* ---- the table: sort by a header, filter by words and by verdicts ---- */

const rows = findAll(".wide tbody tr"), chips = findAll(".chips button"), headers = findAll(".wide th");

/* A row is shown if each word typed begins a word of it (10 finds depth 10, not 0.010), and by its verdict. */
function filter() {
  const words = find("#filter").value.toLowerCase().split(/\s+/);
  const verdicts = chips.filter((chip) => chip.ariaPressed === "true").map((chip) => chip.value);
  for (const row of rows) {
    const text = [...row.cells].map((cell) => ` ${cell.textContent}`).join("").toLowerCase();
    row.hidden = !words.every((word) => text.includes(` ${word}`))
      || (verdicts.length > 0 && !verdicts.includes(row.dataset.verdict));
  }
  const count = rows.filter((row) => !row.hidden).length;
  find("#count").textContent = `${count} of ${rows.length} cell${rows.length === 1 ? "" : "s"}`;
  remember();
}

/* A number, a text, or null, which comes last either way. */
function key(row, column) {
  const cell = row.cells[column + 1], text = cell.dataset.sort ?? cell.textContent;
  return text === "" ? null : cell.dataset.sort ? Number(text) : text;
}

function sort(column, sign = headers[column].ariaSort === "ascending" ? -1 : 1) {
  headers.forEach((header, i) => {
    header.setAttribute("aria-sort", i !== column ? "none" : sign > 0 ? "ascending" : "descending");
  });
  rows.sort((one, other) => {
    const a = key(one, column), b = key(other, column);
    if (a === null || b === null) return (a === null) - (b === null);
    if (typeof a === "number" && typeof b === "number") return sign * (a - b);
    return sign * String(a).localeCompare(String(b), "en", {numeric: true});
  });
  find(".wide tbody").append(...rows);
  remember();
}

find("#filter").addEventListener("input", filter);
chips.forEach((chip) => chip.addEventListener("click", () => {
  chip.setAttribute("aria-pressed", chip.ariaPressed !== "true");
  filter();
}));
headers.forEach((header, i) => find("button", header).addEventListener("click", () => sort(i)));
findAll(".map button").forEach((tile) => tile.addEventListener("click", () => {
  find("#said").textContent = "";
  show(runs[tile.dataset.run]);
  if (matchMedia("(max-width: 640px)").matches) find("#explorer").scrollIntoView(); // nothing else of it is in view
}));
rows.forEach((row) => find("button", row).addEventListener("click", () => {
  find("#said").textContent = "";
  show(runs[row.dataset.run]);
  find("#explorer").scrollIntoView();
  find("#controls :checked").focus({preventScroll: true});
}));
