// Joining it all: the controls, what other code may call, and the end.

const at = (name) => PARTS[name] || (PARTS[name] = root.querySelector(`[data-at="${name}"]`));
const PARTS = {};
const ENDING = new AbortController();
let ARRANGED = "";

// Show other paths in the place of those that are shown. Without a view to take, the clock keeps its place, where the
// longest path is another as a share of it.
function show(data, wanted) {
  const share = SCENES.length && LONGEST > 1 ? CLOCK.place / (LONGEST - 1) : 1, before = LONGEST;
  const old = SCENES, grids = new Set(old.map((scene) => scene.grid.join()));
  take(data);
  keepPin(old);
  forgetPointed();
  if (SCENES.some((scene) => !grids.has(scene.grid.join()))) Object.assign(CAMERA, { zoom: 1, x: 0, y: 0 });
  if (LONGEST !== before || share === 1) CLOCK.place = share * (LONGEST - 1);
  if (wanted && SCENES.length) takeView(wanted);
  CLOCK.shown = -1;
  at("scrub").max = LONGEST - 1;
  offerViews();
  arrange();
}

// Panels that fit are filled anew where they stand, which is quick enough for every keystroke; others are made.
function arrange() {
  const sets = VIEW.together && mayJoin() ? joined() : SCENES.map((scene) => [scene]);
  const headings = headingsOf(sets);
  const key = JSON.stringify(sets.map((set, number) => [headings[number], set.length, set[0].grid, set[0].axes, set[0].length > 0]));
  const fits = key === ARRANGED && !COUNTER && !IMAGE && SCENES.every((scene) => scene.grid.length > 1);
  ARRANGED = key;
  COUNTER = null;
  if (!fits) return rearrange(sets, headings);
  PANELS.forEach((panel, number) => placePanel(fillPanel(panel, sets[number])));
  paintLegend();
  showTip();
  return refresh();
}

function rearrange(sets, headings) {
  const main = at("panels");
  endHover();
  PANELS = sets.map(makePanel);
  main.replaceChildren();
  if (!SCENES.length) main.append(element("p", "No path to show yet.", "empty"));
  PANELS.forEach((panel, number) => {
    if (headings[number]) main.append(element("h2", headings[number]));
    main.append(panel.figure);
    listen(panel);
  });
  at("counter").replaceChildren();
  showCounter();
}

// The name above the first path of each scan, where there are several or parts of one; "" above the others. Where one
// needs a name, all have theirs: what follows would seem to belong to it.
function headingsOf(sets) {
  const needed = SCENES.some((scene) => scene.part || !ofOneScan(scene, SCENES[0])) && sets.some(needsHeading);
  return sets.map(([scene], number) => (needed && (!number || !ofOneScan(sets[number - 1][0], scene)) ? wholeName(scene) : ""));
}

// A strategy of one path carries its own name; without a group there is none.
function needsHeading([scene, second]) {
  const alone = SCENES.filter((other) => ofOneScan(other, scene)).length === 1;
  return Boolean(scene.part) || (!second && !(alone && scene.label === scene.group));
}

// Whether two paths are of the same scan.
function ofOneScan(one, other) {
  return one.group === other.group && one.part === other.part;
}

function wholeName({ group, part }) {
  return part ? `${group}: ${part}` : group;
}

// Paths of one scan over one grid, where they are few and short enough to tell apart.
function joined() {
  const sets = [];
  for (const scene of SCENES) {
    const set = sets.find(([first]) => ofOneScan(first, scene) && sameGrid(first, scene));
    if (set) set.push(scene);
    else sets.push([scene]);
  }
  return sets;
}

function mayJoin() {
  return SCENES.every((scene) => scene.patches <= 4096) && joined().some((set) => set.length > 1);
}

// Show only the controls that have a use for these paths.
function offerViews() {
  const solids = SCENES.filter(isSolid), axes = [...new Set(solids.flatMap((scene) => scene.axes))];
  at("turning").hidden = at("turn").hidden = !solids.length;
  at("joining").hidden = !mayJoin();
  if (!axes.includes(VIEW.slice.axis)) VIEW.slice = { axis: "", at: 0 };
  at("slice").replaceChildren(new Option("all", ""), ...axes.map((axis) => new Option(`along ${axis}`, axis)));
  at("slice").value = VIEW.slice.axis;
  offerSlices();
}

function offerSlices() {
  const { axis } = VIEW.slice, most = extentOf(axis) - 1;
  at("layer").hidden = at("layer-name").hidden = !axis;
  at("layer").max = most;
  VIEW.slice.at = Math.min(VIEW.slice.at, Math.max(most, 0));
  at("layer").value = VIEW.slice.at;
  at("layer-name").textContent = axis ? `${axis} ${VIEW.slice.at}` : "";
  at("layer").setAttribute("aria-valuetext", at("layer-name").textContent);
}

function extentOf(axis) {
  return SCENES.filter(isSolid).reduce((most, scene) => Math.max(most, scene.grid[scene.axes.indexOf(axis)] || 1), 1);
}

// Show one layer of volumes: sliceAt("t", 2); all of it with sliceAt("").
function sliceAt(axis, layer = 0) {
  VIEW.slice = { axis, at: Math.max(Number(layer) || 0, 0) };
  at("slice").value = axis;
  offerSlices();
  endHover();
  moveCamera();
}

function colourBy(name) {
  VIEW.colour = at("colour").value = name;
  paintLegend();
  for (const panel of PANELS) {
    restartPath(panel);
    for (const ribbon of panel.ribbons) ribbon.strip = null;
  }
  refresh();
}

function together(flag) {
  VIEW.together = at("together").checked = flag;
  endHover();
  arrange();
}

function redraw() {
  readInk();
  paintLegend();
  setColumns();
  if (COUNTER) fitPanel(COUNTER.panel);
  else PANELS.forEach(fitPanel);
  placePinned();
  refresh();
}

function note(text) {
  at("notice").textContent = text;
  at("notice").hidden = !text;
}

// Play once from the start, unless the user prefers less motion.
function autoplay() {
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) { CLOCK.place = 0; setPlaying(true); }
}

function start() {
  const listenTo = (node, type, listener) => node.addEventListener(type, listener, { signal: ENDING.signal });
  at("play").addEventListener("click", () => setPlaying(!CLOCK.playing));
  at("scrub").addEventListener("input", (event) => goTo(Number(event.target.value)));
  at("colour").addEventListener("change", (event) => {
    colourBy(event.target.value);
    root.dispatchEvent(new CustomEvent("colour", { detail: event.target.value }));
  });
  at("speed").addEventListener("change", refresh);
  at("together").addEventListener("change", (event) => together(event.target.checked));
  at("remember").addEventListener("change", (event) => remember(event.target.checked ? halfAsked() : 0));
  at("half").addEventListener("input", () => remember(halfAsked()));
  at("slice").addEventListener("change", (event) => sliceAt(event.target.value, Math.floor(extentOf(event.target.value) / 2)));
  at("layer").addEventListener("input", (event) => sliceAt(VIEW.slice.axis, event.target.value));
  at("nearer").addEventListener("click", () => zoomBy(1.25));
  at("further").addEventListener("click", () => zoomBy(0.8));
  at("whole").addEventListener("click", resetCamera);
  at("file").addEventListener("change", (event) => { readImageFile(event.target.files[0]); event.target.value = ""; });
  at("unimage").addEventListener("click", () => setImage(null));
  at("more").addEventListener("click", () => at("more").setAttribute("aria-expanded", String(at("bar").classList.toggle("open"))));
  listenTo(document, "keydown", onKey);
  document.addEventListener("scroll", placePinned, { signal: ENDING.signal, capture: true, passive: true });
  listenTo(document, "pointerdown", (event) => { if (HOVER && !event.target.closest(".stage")) endHover(); });
  listenTo(matchMedia("(prefers-color-scheme: dark)"), "change", redraw);
  watchWidth();
  enable();
}

function watchWidth() {
  let before = 0;
  const watch = new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width !== before) { before = contentRect.width; redraw(); }
  });
  watch.observe(at("panels").parentElement);
  ENDING.signal.addEventListener("abort", () => { watch.disconnect(); CLOCK.ended = true; });
}

start();
return {
  show, view, goTo, setPlaying, colourBy, redraw, autoplay, rotate, zoomBy, sliceAt, together, remember, setRemembered,
  counterexample, clearCounterexample, image: setImage, imageFile: readImageFile, picture: pictureOf, mark, marked, chosen: () => CHOSEN, unpin,
  targetOf, targets, focus: () => at("play").focus(),
  destroy: () => ENDING.abort(), CLOCK, VIEW, CAMERA,
  panels: () => PANELS, scenes: () => SCENES, counter: () => COUNTER, gapsOf,
};
