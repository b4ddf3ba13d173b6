// A panel: a grid with one path or, drawn together, several. Three canvases lie on each other: the ground, the path
// (only ever added to) and the marks; the ribbon below shows the same path as a sequence.

const DENSE = 4, THIN = 2.5;
const MOST_STROKES = 30000;
const LARGEST_PATCH = 60;
let ROOM = () => window.innerHeight - 250;

function element(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function makePanel(scenes) {
  const scene = scenes[0], figure = element("figure"), head = element("figcaption"), stage = element("div", undefined, "stage");
  const several = scenes.length > 1;
  head.append(element("strong", several ? scene.group || "together" : scene.label));
  head.append(Object.assign(element("code", several ? scenes.map(({ label }) => label).join(" + ") : scene.subtitle), { title: scene.source }));
  const layers = ["ground", "path", "marks"].map((name) => stage.appendChild(element("canvas", undefined, name)));
  stage.classList.toggle("solid", isSolid(scene));
  describe(stage, scenes);
  figure.append(head, stage);
  const [ground, path, marks] = layers.map((canvas) => canvas.getContext("2d"));
  const tracks = scenes.map((each) => ({ scene: each, drawn: 0, dx: 0, dy: 0 }));
  const panel = { scene, tracks, figure, stage, layers, ground, path, marks, largest: LARGEST_PATCH };
  panel.ribbons = scene.length ? tracks.map((track) => makeRibbon(panel, track)) : [];
  if (scene.caption) figure.append(element("p", scene.caption, "facts"));
  return Object.assign(panel, layOut(scene), { screen: new Float32Array(scene.patches * 2), revealed: 0 });
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
  const below = (panel.ribbons.length - 1) * (RIBBON.height + 4) + (IMAGE ? STRIP.high + 30 : 0);
  const wide = Math.max(panel.figure.clientWidth, 60), tall = Math.max(220, ROOM() - below);
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
  const apart = Math.min(Math.max(panel.cell * 0.13, 1), 5), middle = (panel.tracks.length - 1) / 2;
  panel.tracks.forEach((track, number) => { track.dx = track.dy = (number - middle) * apart; });
  if (panel.manner === "pixels") makePixels(panel);
  if (panel.manner === "cloud") makeCloud(panel);
  drawGround(panel);
  restartPath(panel);
}

// How the path is drawn: as lines; as one pixel per patch where patches are small; as a cloud of points in large volumes.
function mannerOf({ scene, tracks, cell }) {
  if (isSolid(scene)) return tracks.length === 1 && (cell < THIN || scene.length > MOST_STROKES) ? "cloud" : "lines";
  return tracks.length === 1 && scene.grid.length === 2 && cell < DENSE ? "pixels" : "lines";
}

function restartPath(panel) {
  panel.path.clearRect(0, 0, panel.width, panel.height);
  if (panel.words) panel.words.fill(0);
  if (panel.cloud) { panel.cloud.words.fill(0); panel.cloud.depth.fill(Infinity); }
  for (const track of panel.tracks) track.drawn = 0;
}

// Bring the panel up to the clock; going forward adds only what is new.
function drawPanel(panel) {
  const steps = panel.tracks.map(({ scene }) => stepOf(scene));
  if (panel.tracks.some(({ drawn }, number) => steps[number] + 1 < drawn)) restartPath(panel);
  panel.tracks.forEach((track, number) => {
    if (steps[number] + 1 === track.drawn) return;
    drawPath(panel, track, steps[number]);
    track.drawn = steps[number] + 1;
  });
  revealImage(panel, steps[0]);
  drawMarks(panel, steps);
  panel.ribbons.forEach((ribbon, number) => drawRibbon(panel, ribbon, steps[number]));
}
