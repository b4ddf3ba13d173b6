// Drawing: one panel per path, three canvases each: the ground, the path (only ever added to), and the marks.

const CAMERA = { yaw: 0.62, pitch: 0.5 };
const DENSE = 4;
const RIM = 10;
const VIEW = { colour: "step" };
let INK = {}, TALL = () => window.innerHeight - 250;

function readInk() {
  const style = getComputedStyle(root);
  INK = Object.fromEntries(["paper", "ink", "soft", "line", "off"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

function element(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function makePanel(scene) {
  const figure = element("figure"), head = element("figcaption"), stage = element("div", undefined, "stage");
  head.append(element("strong", scene.label), Object.assign(element("code", scene.subtitle), { title: scene.source }));
  const layers = ["ground", "path", "marks"].map(() => stage.appendChild(document.createElement("canvas")));
  layers[2].setAttribute("role", "img");
  layers[2].setAttribute("aria-label", `The path of ${scene.label} (${scene.source}): ${scene.caption}`);
  stage.classList.toggle("solid", isSolid(scene));
  figure.append(head, stage, element("p", scene.caption, "facts"));
  const [ground, path, marks] = layers.map((canvas) => canvas.getContext("2d"));
  return { scene, figure, stage, layers, ground, path, marks, ...layOut(scene), screen: new Float32Array(scene.patches * 2), drawn: 0 };
}

// Fit the panel to its column and the window, then lay its patches out on the screen.
function fitPanel(panel) {
  const wide = panel.figure.clientWidth, tall = Math.max(220, TALL());
  const [columns, rows] = panel.size;
  const shape = isSolid(panel.scene) ? 0.8 : Math.min(rows / columns, 1.4);
  panel.width = wide;
  panel.height = Math.max(Math.min((wide - 2 * RIM) * shape + 2 * RIM, tall), 56);
  panel.stage.style.height = `${panel.height}px`;
  const dots = Math.min(window.devicePixelRatio || 1, 2);
  for (const canvas of panel.layers) {
    canvas.width = Math.round(wide * dots);
    canvas.height = Math.round(panel.height * dots);
    canvas.getContext("2d").setTransform(dots, 0, 0, dots, 0, 0);
  }
  placePanel(panel);
}

function placePanel(panel) {
  const { scene, points, size, screen, width, height } = panel;
  const middle = size.map((extent) => (extent - 1) / 2);
  const solid = isSolid(scene);
  const reach = solid ? Math.hypot(...size) / 2 : 0;
  const [wide, tall] = [width - 2 * RIM, height - 2 * RIM];
  panel.cell = solid ? Math.min(wide / (2 * reach), tall / (1.9 * reach), 34) : Math.min(wide / size[0], tall / size[1], 44);
  const turn = solid ? CAMERA : { yaw: 0, pitch: 0 };
  const [cy, sy, cp, sp] = [Math.cos(turn.yaw), Math.sin(turn.yaw), Math.cos(turn.pitch), Math.sin(turn.pitch)];
  panel.toScreen = (x, y, z) => {
    const [a, b, c] = [x - middle[0], y - middle[1], z - middle[2]];
    const flat = a * cy + c * sy, away = c * cy - a * sy;
    return [width / 2 + flat * panel.cell, height / 2 + (b * cp - away * sp) * panel.cell];
  };
  for (let patch = 0; patch < scene.patches; patch++) {
    screen.set(panel.toScreen(points[3 * patch], points[3 * patch + 1], points[3 * patch + 2]), patch * 2);
  }
  panel.dense = scene.grid.length === 2 && panel.cell < DENSE;
  if (panel.dense && !panel.pixels) {
    const [rows, columns] = scene.grid;
    panel.pixels = new ImageData(columns, rows);
    panel.buffer = Object.assign(document.createElement("canvas"), { width: columns, height: rows });
  }
  drawGround(panel);
  restartPath(panel);
}

function restartPath(panel) {
  panel.path.clearRect(0, 0, panel.width, panel.height);
  if (panel.pixels) panel.pixels.data.fill(0);
  panel.drawn = 0;
}

function drawGround(panel) {
  const { ground, scene, screen, cell, width, height } = panel;
  ground.clearRect(0, 0, width, height);
  ground.strokeStyle = INK.line;
  ground.fillStyle = INK.off;
  if (isSolid(scene)) return drawBoxes(panel);
  const rows = scene.grid.length === 1 ? 1 : scene.grid[0], columns = scene.grid[scene.grid.length - 1];
  const [left, top] = panel.toScreen(-0.5, -0.5, 0);
  if (scene.grid.length === 2 && scene.length < scene.patches) {
    scene.ranks.forEach((rank, patch) => {
      if (rank < 0) ground.fillRect(screen[2 * patch] - cell / 2, screen[2 * patch + 1] - cell / 2, cell, cell);
    });
  }
  ground.beginPath();
  const every = cell < 7 ? [rows, columns] : [1, 1];
  for (let row = 0; row <= rows; row += every[0]) { ground.moveTo(left, top + row * cell); ground.lineTo(left + columns * cell, top + row * cell); }
  for (let column = 0; column <= columns; column += every[1]) { ground.moveTo(left + column * cell, top); ground.lineTo(left + column * cell, top + rows * cell); }
  ground.stroke();
}

// Frame every slice of a volume, as corners of its first and last row and column.
function drawBoxes(panel) {
  const { ground, scene, points } = panel;
  const [depth, rows, columns] = scene.grid.slice(-3);
  const sheet = rows * columns, blocks = scene.patches / (depth * sheet);
  const every = Math.max(1, Math.floor(depth / 8));
  ground.beginPath();
  for (let slice = 0; slice < blocks * depth; slice++) {
    if (slice % depth % every && slice % depth !== depth - 1) continue;
    const [x, y, z] = points.subarray(3 * slice * sheet, 3 * slice * sheet + 3);
    const corners = [[-0.5, -0.5], [columns - 0.5, -0.5], [columns - 0.5, rows - 0.5], [-0.5, rows - 0.5]];
    corners.forEach(([dx, dy], corner) => ground[corner ? "lineTo" : "moveTo"](...panel.toScreen(x + dx, y + dy, z)));
    ground.closePath();
  }
  ground.stroke();
}

// Bring the path up to `step`: going forward adds only what is new.
function drawPath(panel, step) {
  if (step + 1 < panel.drawn) restartPath(panel);
  if (panel.dense) paintPixels(panel, step);
  else if (VIEW.colour === "gap") paintPatches(panel, step);
  else strokeSteps(panel, Math.max(panel.drawn, 1), step, (at) => RAMP[levelAt(panel.scene, at)]);
  panel.drawn = step + 1;
}

function levelAt(scene, step) {
  if (VIEW.colour === "path") return pathLevel(scene);
  return VIEW.colour === "gap" ? gapLevel(scene, scene.indices[step]) : stepLevel(scene, step);
}

function paintPixels(panel, step) {
  const { scene, pixels, buffer, path, cell } = panel;
  for (let at = panel.drawn; at <= step; at++) {
    const [r, g, b] = COLOURS[levelAt(scene, at)];
    pixels.data.set([r, g, b, 255], 4 * scene.indices[at]);
  }
  buffer.getContext("2d").putImageData(pixels, 0, 0);
  const [left, top] = panel.toScreen(-0.5, -0.5, 0);
  path.imageSmoothingEnabled = false;
  path.drawImage(buffer, left, top, scene.grid[1] * cell, scene.grid[0] * cell);
}

function paintPatches(panel, step) {
  const { scene, screen, path, cell } = panel;
  const side = isSolid(scene) ? Math.max(cell * 0.5, 2) : Math.max(cell - 1, 1);
  for (let at = panel.drawn; at <= step; at++) {
    const patch = scene.indices[at];
    path.fillStyle = RAMP[gapLevel(scene, patch)];
    path.fillRect(screen[2 * patch] - side / 2, screen[2 * patch + 1] - side / 2, side, side);
  }
}

function strokeSteps(panel, from, to, colourAt) {
  const { scene, screen, path, cell } = panel;
  const broad = Math.min(Math.max(cell * 0.17, 1.3), 7);
  path.lineJoin = path.lineCap = "round";
  for (let at = from; at <= to;) {
    const colour = colourAt(at), kind = scene.kinds[at];
    path.beginPath();
    path.moveTo(screen[2 * scene.indices[at - 1]], screen[2 * scene.indices[at - 1] + 1]);
    for (; at <= to && scene.kinds[at] === kind && colourAt(at) === colour; at++) {
      path.lineTo(screen[2 * scene.indices[at]], screen[2 * scene.indices[at] + 1]);
    }
    if (kind === "reset") continue;
    path.strokeStyle = colour;
    path.lineWidth = kind === "jump" ? 1 : broad;
    path.globalAlpha = kind === "jump" ? 0.5 : 1;
    path.setLineDash(kind === "jump" ? [4, 4] : []);
    path.stroke();
  }
  path.globalAlpha = 1;
  path.setLineDash([]);
}

function drawMarks(panel, step, hovered) {
  const { marks, scene, screen, cell } = panel;
  const size = Math.min(Math.max(cell * 0.28, 3.5), 9);
  marks.clearRect(0, 0, panel.width, panel.height);
  if (!scene.length) return;
  const at = (when) => [screen[2 * scene.indices[when]], screen[2 * scene.indices[when] + 1]];
  if (cell >= 9) for (const reset of scene.restarts) if (reset && reset <= step) dot(marks, at(reset), size * 0.6, INK.paper, RAMP[levelAt(scene, reset)]);
  dot(marks, at(0), size, RAMP[levelAt(scene, 0)], INK.ink);
  if (step === scene.length - 1 && step) diamond(marks, at(step), size * 1.2, RAMP[levelAt(scene, step)]);
  else if (step) { dot(marks, at(step), size + 2.5, "transparent", INK.ink); dot(marks, at(step), size - 0.5, RAMP[levelAt(scene, step)], INK.paper); }
  if (hovered === undefined) return;
  marks.lineWidth = 2;
  marks.strokeStyle = INK.ink;
  const side = Math.max(cell, 8);
  marks.strokeRect(screen[2 * hovered] - side / 2, screen[2 * hovered + 1] - side / 2, side, side);
}

function dot(context, [x, y], radius, fill, edge) {
  context.beginPath();
  context.arc(x, y, Math.max(radius, 1), 0, 2 * Math.PI);
  context.fillStyle = fill; context.strokeStyle = edge; context.lineWidth = 1.5;
  context.fill(); context.stroke();
}

function diamond(context, [x, y], reach, fill) {
  context.beginPath();
  context.moveTo(x, y - reach); context.lineTo(x + reach, y); context.lineTo(x, y + reach); context.lineTo(x - reach, y);
  context.closePath();
  context.fillStyle = fill; context.strokeStyle = INK.ink; context.lineWidth = 1.5;
  context.fill(); context.stroke();
}
