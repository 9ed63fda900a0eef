/* ---- one network, layer by layer, at one moment of its training ---- */

const PROFILES = {
  delta_rms: {title: "Gradient", range: [-4, 4], log: true},
  activation_rms: {title: "Signal", range: [-2, 1], log: true},
  saturated_fraction: {title: "Saturation", range: [0, 1], log: false},
  update_ratio: {title: "Updates", range: [-4, -2], log: true},
};
const groups = findAll("#controls fieldset").map((group) => findAll("input", group));
const steepness = (run) => Math.max(0, ...known(run.delta_rms.moments[0].middle).map(Math.abs));
let shown = runs.reduce((best, run) => (steepness(run) > steepness(best) ? run : best));
let kept = null, moment = 0; // which of the steps of a run

const other = () => (kept && kept !== shown ? kept : null);
const farthest = (lines) => Math.max(1, ...lines.flatMap((line) => line.x));

/* The horizontal axis of charts by layer. */
function layerAxis(last) {
  const inner = ticks(0, Math.max(last, 2), 10, 1), gap = 0.6 * inner[1];
  return {
    name: "hidden layer", first: 1, last,
    ticks: [...new Set([1, ...inner.filter((tick) => tick > gap && last - tick >= gap), last])],
    ends: last > 1 ? ["input side", "output side"] : ["", ""],
  };
}

/* A statistic by layer at the moment, its start, theory, and the network kept beside it at the same share of training. */
function drawProfile(name) {
  const own = shown[name], now = own.moments[moment], layers = (values) => values.map((_, i) => i + 1);
  const line = (kind, {middle, half}) => ({kind, x: layers(middle), middle, half});
  const lines = [line("measured", now)];
  if (own.theory.length) lines.push(line("predicted", {middle: own.theory}));
  if (moment > 0) lines.push(line("ghost", {middle: own.moments[0].middle}));
  if (other()) {
    const theirs = other()[name].moments, last = Math.max(1, own.moments.length - 1);
    lines.push(line("kept", {middle: theirs[Math.round(moment / last * (theirs.length - 1))].middle}));
  }
  const all = own.moments.flatMap(({middle}) => known(middle)), {range, log} = PROFILES[name];
  draw(find(`[data-chart=${name}]`), {
    ...PROFILES[name], lines, note: now.note, across: layerAxis(farthest(lines)),
    limits: name === "delta_rms" ? shown.limits : [],
    range: log ? [Math.min(range[0], ...all), Math.max(range[1], ...all)] : range, // the same at every moment
  });
}

function drawCurve() {
  const {name, log, note, step, middle, half, foreseen, foreseen_step} = shown.curve;
  const lines = [{kind: "measured", x: step, middle, half}], theirs = other() && other().curve;
  if (foreseen.length) lines.push({kind: "foreseen", x: foreseen_step, middle: foreseen});
  find("#foreseen").hidden = !foreseen.length;
  if (theirs && theirs.name === name) lines.push({kind: "kept", x: theirs.step, middle: theirs.middle});
  const last = farthest(lines);
  const starts = known(lines.map((line) => line.middle[0] ?? null)), start = starts.length ? Math.min(...starts) : 1;
  const across = {name: "training step", first: 0, last, ticks: ticks(0, last, 6, 1), ends: ["", ""]};
  find("#curve-title").textContent = name;
  draw(find("[data-chart=curve]"), {title: name, lines, note, across, log, cursor: shown.steps[moment],
    range: log ? [start - 2, start] : [0, 1], ceiling: log ? start + 2 : 1}); // on the way to divergence
}

const LEVELS = 35; // darkness of a bin: one letter, 0 to z

/* How values are distributed in up to sixteen layers: the darker a bin, the more values are in it. */
function drawDistribution() {
  const svg = find("[data-chart=distribution]"), {layers, kinds} = shown.distribution;
  const {ends: [low, high], moments} = kinds[find("#which").value], codes = moments[moment] ?? "";
  const bins = codes.length / layers.length, last = layers.at(-1) ?? 1;
  const {x} = blank(svg, {...layerAxis(last), margin: 30});
  const y = (value) => BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP);
  for (const level of ticks(low, high, 5)) {
    add(svg, "path", {class: "grid", d: `M${LEFT} ${y(level)}h6`});
    add(svg, "text", {x: LEFT - 8, y: y(level) + 5, "text-anchor": "end"}, level);
  }
  const apart = layers.length > 1 ? Math.min(...layers.slice(1).map((layer, i) => x(layer) - x(layers[i]))) : 60;
  const tall = (BOTTOM - TOP) / bins, wide = Math.max(2, Math.min(apart - 2, 44));
  layers.forEach((layer, i) => [...codes.slice(i * bins, (i + 1) * bins)].forEach((code, bin) => {
    if (code === "0") return;
    add(svg, "rect", {class: "bin", x: x(layer) - wide / 2, width: wide, y: BOTTOM - (bin + 1) * tall, height: tall,
      opacity: (parseInt(code, LEVELS + 1) / LEVELS).toFixed(2)});
  }));
  if (!codes) add(svg, "text", {class: "said", x: LEFT + 20, y: TOP + 16}, "not measured");
  svg.setAttribute("aria-label", `${find("#which").selectedOptions[0].text} by layer, the darker the more values`);
}

/* For data in the plane: the class that the first network gives to every point, and examples. */
function drawRegions() {
  const figure = find("#regions"), svg = find("svg", figure), regions = shown.regions;
  figure.hidden = !regions;
  if (!regions) return;
  const side = regions.side, height = HEIGHT;
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${height} ${height}`);
  const ground = add(svg, "g", {});
  let place = 0;
  for (const [, length, code] of regions.moments[moment].matchAll(/(\d+)(\D)/g)) {
    for (let left = Number(length); left > 0;) { // a stretch may go over several rows
      const column = place % side, some = Math.min(left, side - column), row = side - 1 - Math.floor(place / side);
      add(ground, "rect", {class: `class-${code}`, x: column * height / side, width: some * height / side + 0.3,
        y: row * height / side, height: height / side + 0.3});
      place += some;
      left -= some;
    }
  }
  for (const [x, y, code] of regions.points) {
    add(svg, "circle", {class: `example class-${code}`, cx: x * height, cy: (1 - y) * height, r: 2.5});
  }
}

function drawMoment() {
  const {steps} = shown, last = steps.length - 1;
  Object.assign(find("#moment"), {max: last, value: moment});
  const told = moment === 0 ? "before training"
    : `after ${steps[moment]} step${steps[moment] === 1 ? "" : "s"}${moment === last ? ", at the end" : ""}`;
  find("#step").textContent = told;
  find("#moment").setAttribute("aria-valuetext", told);
  find("#time").hidden = last < 1;
  find("#ghost").hidden = moment === 0;
  Object.keys(PROFILES).forEach(drawProfile);
  drawCurve();
  drawDistribution();
  drawRegions();
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
  remember();
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
find("#which").addEventListener("change", drawDistribution);
find("#keep").addEventListener("click", () => { kept = kept === shown ? null : shown; show(shown); });

/* ---- training as a film ---- */

const FRAME = 350; // milliseconds
let film = null;

function stop() {
  clearInterval(film);
  film = null;
  Object.assign(find("#play"), {textContent: "▶ Play", ariaPressed: "false"});
  remember();
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
find("#moment").addEventListener("input", ({target}) => {
  moment = Number(target.value);
  drawMoment();
  remember();
});
