// A panel: a grid with one path or, drawn together, several. Three canvases lie on each other: the ground, the path
// (only ever added to) and the overlay; the ribbon below shows the same path as a sequence.

const DENSE = 4, THIN = 2.5;
const MOST_STROKES = 30000;
const LARGEST_PATCH = 60;

function element(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function makePanel(scenes) {
  const figure = element("figure"), stage = element("div", undefined, "stage"), head = element("figcaption");
  const name = head.appendChild(element("strong")), whose = head.appendChild(element("span", "", "whose")), source = head.appendChild(element("code"));
  const layers = ["ground", "path", "overlay"].map((layer) => stage.appendChild(element("canvas", undefined, layer)));
  const [ground, path, overlay] = layers.map((canvas) => canvas.getContext("2d"));
  figure.append(head, stage);
  const panel = { figure, stage, name, whose, source, layers, ground, path, overlay, largest: LARGEST_PATCH, ribbons: [] };
  if (scenes[0].length) panel.ribbons = scenes.map((scene) => makeRibbon(panel, scene));
  panel.facts = figure.appendChild(element("p", "", "facts"));
  return fillPanel(panel, scenes);
}

// Put paths into a panel: into a new one, or others over the same grid into one that stands.
function fillPanel(panel, scenes) {
  const scene = scenes[0], several = scenes.length > 1;
  panel.name.textContent = several ? wholeName(scene) || "together" : scene.label;
  panel.whose.textContent = panel.whose.title = whoseText(scenes);
  panel.source.textContent = several ? scenes.map(({ label }) => label).join(" + ") : scene.subtitle;
  panel.source.title = scene.source;
  panel.facts.textContent = scene.caption;
  panel.stage.classList.toggle("solid", isSolid(scene));
  describe(panel.stage, scenes);
  panel.ribbons.forEach((ribbon, number) => { ribbon.scene = scenes[number]; });
  const traces = scenes.map((each) => ({ scene: each, drawn: 0, dx: 0, dy: 0 }));
  const screen = panel.screen?.length === 2 * scene.patches ? panel.screen : new Float32Array(scene.patches * 2);
  return Object.assign(panel, layOut(scene), { scene, traces, screen, revealed: 0 });
}

function describe(stage, scenes) {
  stage.tabIndex = 0;
  stage.setAttribute("role", "application");
  stage.setAttribute("aria-roledescription", "picture of a path");
  const names = scenes.map((scene) => `${scene.label} (${scene.source}): ${scene.caption}`).join("; ");
  stage.setAttribute("aria-label", `${names}. Arrow keys move over the patches, page up and down between slices.`);
}

// Fit the panel to its column and the window.
function fitPanel(panel) {
  const wide = Math.max(panel.figure.clientWidth, 60), tall = panel.traces[0].scene === COUNTER?.panel.scene ? Math.max(220, ROOM) : TALL;
  const [columns, rows] = panel.size, rim = rimOf(panel.scene);
  const shape = isSolid(panel.scene) ? 0.8 : Math.min(rows / columns, 1.4);
  panel.width = wide;
  const most = isSolid(panel.scene) ? tall : rows * panel.largest + rim.top + rim.bottom;
  panel.height = Math.max(Math.min((wide - rim.left - rim.right) * shape + rim.top + rim.bottom, tall, most), 64);
  panel.stage.style.height = `${panel.height}px`;
  panel.dots = Math.min(window.devicePixelRatio || 1, 2);
  for (const canvas of panel.layers) sizeCanvas(canvas, wide, panel.height, panel.dots);
  panel.cloud = null;
  fitStrip(panel);
  placePanel(panel);
}

function sizeCanvas(canvas, width, height, dots) {
  canvas.width = Math.round(width * dots);
  canvas.height = Math.round(height * dots);
  canvas.style.height = `${height}px`;
  canvas.getContext("2d").setTransform(dots, 0, 0, dots, 0, 0);
}

// Put the panel's patches where the camera sees them, and draw it from the first step on.
function placePanel(panel) {
  placePatches(panel);
  panel.manner = mannerOf(panel);
  const apart = Math.min(Math.max(panel.cell * 0.13, 1), 5), middle = (panel.traces.length - 1) / 2;
  panel.traces.forEach((trace, number) => { trace.dx = trace.dy = (number - middle) * apart; });
  for (const ribbon of panel.ribbons) ribbon.strip = null;
  if (panel.strip) panel.strip.drawn = STRIP.nothing;
  if (panel.manner === "pixels") makePixels(panel);
  if (panel.manner === "cloud") makeCloud(panel);
  drawGround(panel);
  restartPath(panel);
}

// How the path is drawn: as lines; as one pixel per patch where patches are small; as a cloud of points in large volumes.
function mannerOf({ scene, traces, cell }) {
  if (isSolid(scene)) return traces.length === 1 && (cell < THIN || scene.length > MOST_STROKES) ? "cloud" : "lines";
  return traces.length === 1 && scene.grid.length === 2 && cell < DENSE ? "pixels" : "lines";
}

function restartPath(panel) {
  panel.path.clearRect(0, 0, panel.width, panel.height);
  if (panel.words) panel.words.fill(0);
  if (panel.cloud) { panel.cloud.words.fill(0); panel.cloud.depth.fill(Infinity); }
  for (const trace of panel.traces) trace.drawn = 0;
}

// Bring the panel up to the clock; going forward adds only what is new.
function drawPanel(panel) {
  const steps = panel.traces.map(({ scene }) => stepOf(scene));
  if (panel.traces.some(({ drawn }, number) => steps[number] + 1 < drawn)) restartPath(panel);
  panel.traces.forEach((trace, number) => {
    if (steps[number] + 1 === trace.drawn) return;
    drawPath(panel, trace, steps[number]);
    trace.drawn = steps[number] + 1;
  });
  revealImage(panel, steps[0]);
  drawOverlay(panel, steps);
  panel.ribbons.forEach((ribbon, number) => drawRibbon(panel, ribbon, steps[number]));
}
