const runs = JSON.parse(document.getElementById("data").textContent);
const find = (selector, root = document) => root.querySelector(selector);
const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];

/* ---- a chart: lines over layers or steps. Where the axis is logarithmic the data are log10; null breaks a line. */

const HEIGHT = 262, LEFT = 58, TOP = 10, BOTTOM = HEIGHT - 46; // pixels, so that text is as large on a phone

function add(parent, name, attributes, text = "") {
  const child = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) child.setAttribute(key, value);
  child.textContent = text;
  return parent.appendChild(child);
}

const known = (values) => values.filter((value) => value !== null);
const written = (value, log) => String(Number((log ? 10 ** value : value).toPrecision(3)));
const held = (value, log) => (log ? value : Math.max(0, Math.min(1, value))); // all linear charts are of shares
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

/* An empty chart as wide as its place, with a horizontal axis; x(at) is where a layer or a step is. */
function blank(svg, across) {
  const width = Math.max(300, svg.clientWidth), right = width - 12, margin = across.margin ?? 10;
  const x = (at) => (across.first === across.last ? (LEFT + right) / 2
    : LEFT + margin + (at - across.first) / (across.last - across.first) * (right - LEFT - 2 * margin)).toFixed(1);
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  add(svg, "path", {class: "axis", d: `M${LEFT} ${BOTTOM}H${right}`});
  for (const tick of across.ticks) add(svg, "text", {x: x(tick), y: BOTTOM + 19, "text-anchor": "middle"}, tick);
  [[LEFT, "start"], [(LEFT + right) / 2, "middle"], [right, "end"]].forEach(([at, anchor], i) => {
    add(svg, "text", {x: at, y: BOTTOM + 39, "text-anchor": anchor}, [across.ends[0], across.name, across.ends[1]][i]);
  });
  return {x, width, right};
}

/* lines: {kind, x, middle, half}; across: {name, first, last, ticks, ends}; limits: [vanishing, exploding]. */
function draw(svg, {title, lines, across, range, log, limits = [], note, ceiling = Infinity, cursor}) {
  const values = known(lines.flatMap((line) => line.middle)).map((value) => Math.min(value, ceiling));
  const [low, high] = [Math.min(range[0], ...values), Math.max(range[1], ...values)]
    .map((end, i) => (log ? [Math.floor, Math.ceil][i](end) : end));
  const y = (value) => (TOP + (high - Math.min(value, ceiling)) / (high - low) * (BOTTOM - TOP)).toFixed(1);
  const {x, width, right} = blank(svg, across);

  limits.forEach((limit, i) => {
    if (limit === null || limit <= low || limit >= high) return;
    const [top, bottom, name] = i ? [TOP, y(limit), "exploding"] : [y(limit), BOTTOM, "vanishing"];
    add(svg, "rect", {class: "shade", x: LEFT, width: right - LEFT, y: top, height: bottom - top});
    add(svg, "text", {x: right - 6, y: i ? TOP + 16 : BOTTOM - 7, "text-anchor": "end"}, name);
  });
  const levels = (log ? ticks(low, high, 8, 1) : ticks(low, high, 5)).filter((level) => level <= ceiling);
  const plain = levels.every((level) => Math.abs(level) <= 3);
  for (const level of levels) {
    const name = log ? (plain || level === 0 ? written(level, true) : `10${raised(level)}`) : level;
    add(svg, "path", {class: "grid", d: `M${LEFT} ${y(level)}H${right}`});
    add(svg, "text", {x: LEFT - 8, y: Number(y(level)) + 5, "text-anchor": "end"}, name);
  }
  if (cursor !== undefined) add(svg, "path", {class: "cursor", d: `M${x(cursor)} ${TOP}V${BOTTOM}`});
  const bands = add(svg, "svg", {y: TOP, height: BOTTOM - TOP, viewBox: `0 ${TOP} ${width} ${BOTTOM - TOP}`});
  for (const {kind, x: at, middle, half = []} of lines) {
    for (const some of stretches(half)) {
      const edge = (sign) => some.map((i) => `${x(at[i])} ${y(held(middle[i] + sign * half[i], log))}`);
      add(bands, "path", {class: "band", d: `M${edge(1).concat(edge(-1).reverse()).join("L")}Z`});
    }
    for (const some of stretches(middle)) {
      const points = some.map((i) => `${x(at[i])} ${y(middle[i])}`);
      add(svg, "path", {class: kind, d: `M${points.join("L")}${points.length === 1 ? "m-14 0h28" : ""}`});
      if (kind === "measured") for (const i of some) {
        add(svg, "circle", {class: "dot", cx: x(at[i]), cy: y(middle[i]), r: at.length > 25 ? 1.5 : 3.5});
      }
    }
  }
  const {x: at, middle} = lines[0], there = stretches(middle).flat(), gaps = middle.length - there.length;
  const cut = known(middle).filter((value) => value > ceiling).length;
  const said = note || (gaps ? `0 or not finite at ${gaps} of ${middle.length}`
    : cut ? `above ${written(ceiling, log)} at ${cut} of ${middle.length}` : "");
  add(svg, "text", {class: "said", x: (LEFT + right) / 2, y: there.length ? TOP + 16 : (TOP + BOTTOM) / 2,
    "text-anchor": "middle"}, said);
  const ends = there.length ? [there[0], there.at(-1)] : [];
  const summary = ends.map((i) => `${written(middle[i], log)} at ${across.name} ${at[i]}`).join(", ");
  svg.setAttribute("aria-label", `${title}: ${[summary, said].filter(Boolean).join("; ")}`);
  readable(svg, {x, lines, across, log});
}

/* ---- values under the pointer, and by the arrow keys ---- */

const NAMES = {measured: "", predicted: "theory ", foreseen: "foreseen on training examples ", ghost: "at the start ", kept: "kept "};

/* Let a chart tell its values; one that told a value before tells the new one. */
function readable(svg, chart) {
  svg.chart = chart;
  svg.setAttribute("aria-valuemin", 0);
  svg.setAttribute("aria-valuemax", chart.lines[0].x.length - 1);
  if (svg.place !== undefined) tell(svg, svg.place);
  else svg.setAttribute("aria-valuenow", 0);
}

function tell(svg, wanted) {
  const {x, lines, across, log} = svg.chart, layers = lines[0].x;
  if (!layers.length) return;
  const place = Math.max(0, Math.min(layers.length - 1, wanted)), at = layers[place];
  const words = lines.map(({kind, x: places, middle, half = []}) => {
    if (at < places[0] || at > places.at(-1)) return `${NAMES[kind]}has none`;
    const i = places.reduce((best, one, j) => (Math.abs(one - at) < Math.abs(places[best] - at) ? j : best), 0);
    const value = middle[i] ?? null, off = half[i] ?? null;
    if (value === null) return `${NAMES[kind]}not finite or 0`;
    const ends = off ? ` (${[value - off, value + off].map((end) => written(held(end, log), log)).join(" to ")})` : "";
    return `${NAMES[kind]}${written(value, log)}${ends}`;
  });
  const text = `${across.name} ${at}: ${words.join(", ")}`;
  svg.place = place;
  svg.setAttribute("aria-valuenow", place);
  svg.setAttribute("aria-valuetext", text);
  find("output", svg.parentElement).textContent = text;
  find(".hair", svg)?.remove();
  add(svg, "path", {class: "hair", d: `M${x(at)} ${TOP}V${BOTTOM}`});
}

function hush(svg) {
  delete svg.place;
  find("output", svg.parentElement).textContent = "";
  find(".hair", svg)?.remove();
}

for (const svg of findAll("[data-chart][tabindex]")) {
  svg.addEventListener("pointermove", ({clientX}) => {
    const {x, lines} = svg.chart, at = clientX - svg.getBoundingClientRect().left;
    const away = lines[0].x.map((layer) => Math.abs(x(layer) - at));
    tell(svg, away.indexOf(Math.min(...away)));
  });
  svg.addEventListener("keydown", (event) => {
    const move = {ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, Home: -Infinity, End: Infinity}[event.key];
    if (move === undefined) return;
    event.preventDefault();
    tell(svg, svg.place === undefined ? (move > 0 ? 0 : Infinity) : svg.place + move);
  });
  for (const leaving of ["pointerleave", "blur"]) svg.addEventListener(leaving, () => hush(svg));
}
