"use strict";

const runs = JSON.parse(document.getElementById("data").textContent);
const find = (selector, root = document) => root.querySelector(selector);
const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];

/* ---- a chart: lines over layers or steps. Where the axis is logarithmic the data are log10; null breaks a line. */

const WIDTH = 480, HEIGHT = 262, LEFT = 58, RIGHT = WIDTH - 12, TOP = 10, BOTTOM = HEIGHT - 46;

function add(parent, name, attributes, text = "") {
  const child = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) child.setAttribute(key, value);
  child.textContent = text;
  return parent.appendChild(child);
}

const known = (values) => values.filter((value) => value !== null);
const written = (value, log) => String(Number((log ? 10 ** value : value).toPrecision(3)));
const raised = (power) => [...String(power)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("");

/* Round numbers from low to high, at most so many steps. */
function ticks(low, high, most, smallest = 0) {
  const rough = (high - low) / most, scale = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(smallest, scale * [1, 2, 5, 10].find((digit) => digit * scale >= rough * 0.999));
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  return Array.from({length: last - first + 1}, (_, i) => Number(((first + i) * step).toPrecision(9)));
}

/* The indices of each stretch of values without a null. */
function stretches(values) {
  const found = [];
  values.forEach((value, i) => {
    if (value === null) return;
    if (i === 0 || values[i - 1] === null) found.push([]);
    found.at(-1).push(i);
  });
  return found;
}

/* lines: {kind, x, middle, half}; across: {name, first, last, ticks, ends}; limits: [vanishing, exploding]. */
function draw(svg, {title, lines, across, range, log, limits = [], note, ceiling = Infinity, cursor}) {
  const values = known(lines.flatMap((line) => line.middle)).map((value) => Math.min(value, ceiling));
  const [low, high] = [Math.min(range[0], ...values), Math.max(range[1], ...values)]
    .map((end, i) => (log ? [Math.floor, Math.ceil][i](end) : end));
  const y = (value) => (TOP + (high - Math.min(value, ceiling)) / (high - low) * (BOTTOM - TOP)).toFixed(1);
  const x = (at) => (across.first === across.last ? (LEFT + RIGHT) / 2
    : LEFT + 10 + (at - across.first) / (across.last - across.first) * (RIGHT - LEFT - 20)).toFixed(1);

  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  limits.forEach((limit, i) => {
    if (limit === null || limit <= low || limit >= high) return;
    const [top, bottom, name] = i ? [TOP, y(limit), "exploding"] : [y(limit), BOTTOM, "vanishing"];
    add(svg, "rect", {class: "shade", x: LEFT, width: RIGHT - LEFT, y: top, height: bottom - top});
    add(svg, "text", {x: RIGHT - 6, y: i ? TOP + 16 : BOTTOM - 7, "text-anchor": "end"}, name);
  });
  const levels = (log ? ticks(low, high, 8, 1) : ticks(low, high, 5)).filter((level) => level <= ceiling);
  const plain = levels.every((level) => Math.abs(level) <= 3);
  for (const level of levels) {
    const name = log ? (plain || level === 0 ? written(level, true) : `10${raised(level)}`) : level;
    add(svg, "path", {class: "grid", d: `M${LEFT} ${y(level)}H${RIGHT}`});
    add(svg, "text", {x: LEFT - 8, y: Number(y(level)) + 5, "text-anchor": "end"}, name);
  }
  add(svg, "path", {class: "axis", d: `M${LEFT} ${BOTTOM}H${RIGHT}`});
  for (const tick of across.ticks) add(svg, "text", {x: x(tick), y: BOTTOM + 19, "text-anchor": "middle"}, tick);
  [[LEFT, "start"], [(LEFT + RIGHT) / 2, "middle"], [RIGHT, "end"]].forEach(([at, anchor], i) => {
    add(svg, "text", {x: at, y: BOTTOM + 39, "text-anchor": anchor}, [across.ends[0], across.name, across.ends[1]][i]);
  });

  if (cursor) add(svg, "path", {class: "cursor", d: `M${x(cursor)} ${TOP}V${BOTTOM}`});
  const bands = add(svg, "svg", {y: TOP, height: BOTTOM - TOP, viewBox: `0 ${TOP} ${WIDTH} ${BOTTOM - TOP}`});
  for (const {kind, x: at, middle, half = []} of lines) {
    for (const some of stretches(half)) {
      const edge = (sign) => some.map((i) => `${x(at[i])} ${y(middle[i] + sign * half[i])}`);
      add(bands, "path", {class: "band", d: `M${edge(1).concat(edge(-1).reverse()).join("L")}Z`});
    }
    for (const some of stretches(middle)) {
      const points = some.map((i) => `${x(at[i])} ${y(middle[i])}`);
      add(svg, "path", {class: kind, d: `M${points.join("L")}${points.length === 1 ? "m-14 0h28" : ""}`});
      if (kind === "measured") for (const i of some) {
        const dot = add(svg, "circle", {class: "dot", cx: x(at[i]), cy: y(middle[i]), r: at.length > 25 ? 1.5 : 3.5});
        add(dot, "title", {}, `${across.name} ${at[i]}: ${written(middle[i], log)}`);
      }
    }
  }
  const {x: at, middle} = lines[0], there = stretches(middle).flat(), gaps = middle.length - there.length;
  const cut = known(middle).filter((value) => value > ceiling).length;
  const said = note || (gaps ? `0 or not finite at ${gaps} of ${middle.length}`
    : cut ? `above ${written(ceiling, log)} at ${cut} of ${middle.length}` : "");
  add(svg, "text", {class: "said", x: (LEFT + RIGHT) / 2, y: there.length ? TOP + 16 : (TOP + BOTTOM) / 2,
    "text-anchor": "middle"}, said);
  const ends = there.length ? [there[0], there.at(-1)] : [];
  const summary = ends.map((i) => `${written(middle[i], log)} at ${across.name} ${at[i]}`).join(", ");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${title}: ${[summary, said].filter(Boolean).join("; ")}`);
}

/* ---- one network, layer by layer ---- */

const PROFILES = {
  delta_rms: {title: "Gradient", range: [-4, 4], log: true},
  activation_rms: {title: "Signal", range: [-2, 1], log: true},
  saturated_fraction: {title: "Saturation", range: [0, 1], log: false},
  update_ratio: {title: "Updates", range: [-4, -2], log: true},
};
const groups = findAll("#controls fieldset").map((group) => findAll("input", group));
const steepness = (run) => Math.max(0, ...known(run.delta_rms.moments[0].middle).map(Math.abs));
const named = decodeURIComponent(location.hash.slice(1)); // a cell in the address: it can be sent
let shown = runs.find((run) => run.name === named)
  ?? runs.reduce((best, run) => (steepness(run) > steepness(best) ? run : best));
let kept = null, moment = 0; // which of the steps of a run

const other = () => (kept && kept !== shown ? kept : null);
const farthest = (lines) => Math.max(1, ...lines.flatMap((line) => line.x));

/* A statistic by layer at the moment, its start, theory, and the network kept beside it at the same share of training. */
function drawProfile(name) {
  const own = shown[name], now = own.moments[moment], layers = (values) => values.map((_, i) => i + 1);
  const line = (kind, {middle, half}) => ({kind, x: layers(middle), middle, half});
  const lines = [line("measured", now), line("predicted", {middle: own.theory})];
  if (moment > 0) lines.push(line("ghost", {middle: own.moments[0].middle}));
  if (other()) {
    const theirs = other()[name].moments, last = Math.max(1, own.moments.length - 1);
    lines.push(line("kept", {middle: theirs[Math.round(moment / last * (theirs.length - 1))].middle}));
  }
  const {note} = now, last = farthest(lines);
  const all = own.moments.flatMap(({middle}) => known(middle)), {range, log} = PROFILES[name];
  const inner = ticks(0, Math.max(last, 2), 10, 1), gap = 0.6 * inner[1];
  const across = {
    name: "hidden layer", first: 1, last,
    ticks: [...new Set([1, ...inner.filter((tick) => tick > gap && last - tick >= gap), last])],
    ends: last > 1 ? ["input side", "output side"] : ["", ""],
  };
  draw(find(`[data-chart=${name}]`),
    {...PROFILES[name], lines, note, across, limits: name === "delta_rms" ? shown.limits : [],
      range: log ? [Math.min(range[0], ...all), Math.max(range[1], ...all)] : range}); // the same at every moment
}

function drawCurve() {
  const {name, log, note, step, middle, half} = shown.curve;
  const lines = [{kind: "measured", x: step, middle, half}], theirs = other() && other().curve;
  if (theirs && theirs.name === name) lines.push({kind: "kept", x: theirs.step, middle: theirs.middle});
  const last = farthest(lines);
  const starts = known(lines.map((line) => line.middle[0] ?? null)), start = starts.length ? Math.min(...starts) : 1;
  const across = {name: "training step", first: 0, last, ticks: ticks(0, last, 6, 1), ends: ["", ""]};
  find("#curve-title").textContent = name;
  draw(find("[data-chart=curve]"), {title: name, lines, note, across, log, cursor: shown.steps[moment],
    range: log ? [start - 2, start] : [0, 1], ceiling: log ? start + 2 : 1}); // on the way to divergence
}

function drawMoment() {
  const {steps} = shown, last = steps.length - 1;
  Object.assign(find("#moment"), {max: last, value: moment});
  find("#step").textContent = moment === 0 ? "before training"
    : `after ${steps[moment]} step${steps[moment] === 1 ? "" : "s"}${moment === last ? ", at the end" : ""}`;
  find("#time").hidden = last < 1;
  find("#ghost").hidden = moment === 0;
  Object.keys(PROFILES).forEach(drawProfile);
  drawCurve();
}

function show(run) {
  const share = shown.steps.length > 1 ? moment / (shown.steps.length - 1) : 0;
  shown = run;
  moment = Math.round(share * (run.steps.length - 1));
  run.at.forEach((option, i) => { groups[i][option].checked = true; });
  groups.forEach((group, i) => group.forEach((radio, option) => {
    const there = runs.some((other) => other.at.every((at, j) => at === (i === j ? option : run.at[j])));
    radio.parentElement.classList.toggle("absent", !there);
    radio.parentElement.title = there ? "" : "not run with the other choices";
  }));
  const explorer = find("#explorer");
  explorer.style.setProperty("--c", run.colour);
  find("#verdict").textContent = `${run.sign} ${run.verdict}`;
  for (const place of findAll("[data-of]", explorer)) place.textContent = run[place.dataset.of];
  find("#keep").textContent = kept === run ? "Stop keeping it" : "Keep its lines to compare";
  find("#kept").hidden = !kept || kept === run;
  find("#kept span").textContent = kept ? kept.name : "";
  drawMoment();
  for (const place of findAll("[data-run]")) place.setAttribute("aria-current", runs[place.dataset.run] === run);
  history.replaceState(null, "", `#${encodeURIComponent(run.name)}`);
}

/* The run chosen; where there is none, the one with this option that has most of the others. */
function choose(group, option) {
  const wanted = groups.map((radios) => radios.findIndex((radio) => radio.checked));
  const fit = (run) => run.at.filter((at, i) => at === wanted[i]).length;
  const found = runs.filter((run) => run.at[group] === option)
    .reduce((best, run) => (fit(run) > fit(best) ? run : best));
  const names = wanted.map((at, i) => groups[i][at].parentElement.textContent).join(", ");
  find("#said").textContent = fit(found) < wanted.length ? `There is no run of ${names}. This is ${found.name}.` : "";
  show(found);
}

groups.forEach((group, i) => group.forEach((radio, option) => {
  radio.addEventListener("change", () => choose(i, option));
}));
/* ---- training as a film ---- */

const FRAME = 350; // milliseconds
let film = null;

function stop() {
  clearInterval(film);
  film = null;
  Object.assign(find("#play"), {textContent: "▶ Play", ariaPressed: "false"});
}

function play() {
  if (film) return stop();
  if (moment === shown.steps.length - 1) moment = 0;
  Object.assign(find("#play"), {textContent: "❚❚ Pause", ariaPressed: "true"});
  film = setInterval(() => {
    if (moment >= shown.steps.length - 1) return stop();
    moment += 1;
    drawMoment();
  }, FRAME);
  drawMoment();
}

find("#play").addEventListener("click", play);
find("#moment").addEventListener("input", ({target}) => { moment = Number(target.value); drawMoment(); });
find("#keep").addEventListener("click", () => { kept = kept === shown ? null : shown; show(shown); });
find("#explorer").hidden = false;
show(shown);

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
}

/* A number, a text, or null, which comes last either way. */
function key(row, column) {
  const cell = row.cells[column + 1], text = cell.dataset.sort ?? cell.textContent;
  return text === "" ? null : cell.dataset.sort ? Number(text) : text;
}

function sort(column) {
  const sign = headers[column].ariaSort === "ascending" ? -1 : 1;
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
}));
rows.forEach((row) => find("button", row).addEventListener("click", () => {
  find("#said").textContent = "";
  show(runs[row.dataset.run]);
  find("#explorer").scrollIntoView();
  find("#controls :checked").focus({preventScroll: true});
}));

/* ---- figures: enlarge, and go through them with the arrow keys ---- */

const pages = findAll("#figures button"), viewer = find("#viewer");
let open = 0;

function enlarge(i) {
  open = (i + pages.length) % pages.length;
  const {src, alt} = find("img", pages[open]);
  Object.assign(find("img", viewer), {src, alt});
  find("#viewer-title").textContent = `${alt} (${open + 1} of ${pages.length})`;
  if (!viewer.open) viewer.showModal();
}

pages.forEach((page, i) => page.addEventListener("click", () => enlarge(i)));
viewer.addEventListener("keydown", ({key}) => {
  if (key === "ArrowRight") enlarge(open + 1);
  if (key === "ArrowLeft") enlarge(open - 1);
});
findAll("button", viewer).forEach((button) => button.addEventListener("click", () => {
  if (button.value === "0") viewer.close();
  else enlarge(open + Number(button.value));
}));
viewer.addEventListener("click", ({target}) => { if (target === viewer) viewer.close(); });
