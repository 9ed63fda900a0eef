/* ---- what is shown is in the address, so that it can be sent: cell, step, filter, verdicts, order of the table ---- */

function remember() {
  const state = new URLSearchParams({cell: shown.name});
  if (moment > 0) state.set("step", shown.steps[moment]);
  if (find("#filter").value) state.set("filter", find("#filter").value);
  const verdicts = chips.filter((chip) => chip.ariaPressed === "true").map((chip) => chip.value);
  if (verdicts.length) state.set("verdicts", verdicts.join(" "));
  const sorted = headers.find((header) => header.ariaSort !== "none");
  if (sorted) state.set("sort", `${sorted.ariaSort} ${sorted.textContent}`);
  history.replaceState(null, "", `#${state}`);
}

/* Show what the address names; what it does not name stays. */
function restore() {
  const part = location.hash.includes("=") ? null : document.getElementById(location.hash.slice(1));
  const state = new URLSearchParams(location.hash.slice(1)), has = (name) => state.has(name);
  const run = runs.find(({name}) => name === state.get("cell")) ?? shown, step = Number(state.get("step"));
  if (has("filter")) find("#filter").value = state.get("filter");
  if (has("verdicts")) {
    const some = state.get("verdicts").split(" ");
    for (const chip of chips) chip.setAttribute("aria-pressed", some.includes(chip.value));
  }
  const [way, ...words] = (state.get("sort") ?? "").split(" ");
  const column = headers.findIndex((header) => header.textContent === words.join(" "));
  if (column >= 0) sort(column, way === "descending" ? -1 : 1);
  filter();
  show(run);
  if (has("step")) {
    moment = run.steps.reduce((best, at, i) => (Math.abs(at - step) < Math.abs(run.steps[best] - step) ? i : best), 0);
    drawMoment();
    remember();
  }
  part?.scrollIntoView(); // of the page, such as #figures
}

find("#explorer").hidden = false; // before drawing, since charts are as wide as their places
restore();
addEventListener("hashchange", restore);
new ResizeObserver(drawMoment).observe(find(".charts"));
