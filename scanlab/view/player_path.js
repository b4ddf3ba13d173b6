// The path itself, from the step drawn last to the clock's.

function drawPath(panel, trace, step) {
  if (panel.manner === "pixels") paintPixels(panel, trace, step);
  else if (panel.manner === "cloud") paintCloud(panel, trace, step);
  else drawLines(panel, trace, step);
}

function makePixels(panel) {
  if (panel.pixels) return;
  const [rows, columns] = panel.scene.grid;
  panel.pixels = new ImageData(columns, rows);
  panel.words = new Uint32Array(panel.pixels.data.buffer);
  panel.buffer = Object.assign(document.createElement("canvas"), { width: columns, height: rows }).getContext("2d");
}

// One pixel per patch, in a picture as large as the grid, drawn enlarged. On an image the trail alone is shown.
function paintPixels(panel, { scene, drawn }, step) {
  if (hasImage(panel)) return;
  const { pixels, words, buffer, path, cell } = panel, level = levelOf(scene), { indices } = scene;
  let [first, last] = [scene.grid[0], 0];
  for (let at = drawn; at <= step; at++) {
    const row = (indices[at] / scene.grid[1]) | 0;
    words[indices[at]] = WORDS[level(at)];
    if (row < first) first = row;
    if (row > last) last = row;
  }
  const { left, top, columns } = frameOf(panel), high = last - first + 1;
  buffer.putImageData(pixels, 0, 0, 0, first, columns, high);
  path.imageSmoothingEnabled = false;
  path.drawImage(buffer.canvas, 0, first, columns, high, left, top + first * cell, columns * cell, high * cell);
}

function makeCloud(panel) {
  if (panel.cloud) return;
  const { width, height } = panel.layers[1], picture = new ImageData(width, height);
  panel.cloud = { picture, words: new Uint32Array(picture.data.buffer), depth: new Float32Array(width * height) };
}

// One point per patch, the nearest in front.
function paintCloud(panel, { scene, drawn }, step) {
  const { cloud, screen, points, dots, cell, visible, basis: { X, Y, Z } } = panel, { indices } = scene;
  const level = levelOf(scene), { width, height } = cloud.picture, side = Math.max(1, Math.min(Math.round(cell * dots * 0.55), 6));
  for (let at = drawn; at <= step; at++) {
    const patch = indices[at];
    if (visible && !visible[patch]) continue;
    const far = points[3 * patch] * X[2] + points[3 * patch + 1] * Y[2] + points[3 * patch + 2] * Z[2], word = WORDS[level(at)];
    const left = (screen[2 * patch] * dots - side / 2) | 0, top = (screen[2 * patch + 1] * dots - side / 2) | 0;
    for (let y = Math.max(top, 0); y < Math.min(top + side, height); y++) {
      for (let x = Math.max(left, 0); x < Math.min(left + side, width); x++) {
        if (far < cloud.depth[y * width + x]) { cloud.depth[y * width + x] = far; cloud.words[y * width + x] = word; }
      }
    }
  }
  panel.path.putImageData(cloud.picture, 0, 0);
}

function drawLines(panel, trace, step) {
  const { path, scene } = panel, tiled = VIEW.colour === "gap" && panel.traces.length === 1 && !hasImage(panel);
  path.save();
  path.translate(trace.dx, trace.dy);
  if (isSolid(scene) || tiled) paintTiles(panel, trace, step, tiled);
  strokeSteps(panel, trace, Math.max(trace.drawn, 1), step, tiled && (panel.visible || !isSolid(scene)) ? INK.paper : "");
  path.restore();
}

// Where steps of one colour, kind and distance follow each other, they are one line.
function strokeSteps(panel, trace, from, to, plain) {
  const { screen, path, bands } = panel, { scene } = trace, { indices } = scene, level = levelOf(scene);
  const edge = hasImage(panel) ? INK.paper : "";
  path.lineJoin = "round";
  for (let at = from; at <= to;) {
    const kind = drawnKind(panel, scene, at);
    if (kind === RESET) { at++; continue; }
    const ink = level(at), band = bands ? bands[indices[at]] : 0;
    path.beginPath();
    path.moveTo(screen[2 * indices[at - 1]], screen[2 * indices[at - 1] + 1]);
    do {
      path.lineTo(screen[2 * indices[at]], screen[2 * indices[at] + 1]);
      at++;
    } while (at <= to && level(at) === ink && (!bands || bands[indices[at]] === band) && drawnKind(panel, scene, at) === kind);
    if (edge && kind === TOUCH) strokeKind(path, panel, kind, band, edge, 2.5);
    strokeKind(path, panel, kind, band, plain || RAMP[ink], 0);
  }
  path.globalAlpha = 1;
  path.setLineDash([]);
}

function strokeKind(path, panel, kind, band, colour, more) {
  const near = panel.visible ? 1 : 1 - 0.17 * band, share = panel.traces.length > 1 ? 1.5 : 1;
  const broad = Math.min(Math.max(panel.cell * 0.17, 1.3), 7) / share;
  path.strokeStyle = colour;
  path.lineWidth = kind === JUMP ? 1 : Math.max(broad * near * (hasImage(panel) ? 0.6 : 1), 1) + more;
  path.globalAlpha = (kind === JUMP ? (panel.cell < 12 ? 0.3 : 0.5) : 1) * near * (more ? 0.7 : 1);
  path.setLineDash(kind === JUMP ? [4, 4] : []);
  // An edge must not cover the end of the line before.
  path.lineCap = more ? "butt" : "round";
  path.stroke();
}

// The kind of a step, RESET also for one that the slice hides or that lies wholly outside an enlarged picture.
function drawnKind(panel, scene, at) {
  const { visible, screen, width, height } = panel, here = scene.indices[at], before = scene.indices[at - 1];
  if (visible && !(visible[here] && visible[before])) return RESET;
  if (CAMERA.zoom > 1) {
    const [x, y, u, v] = [screen[2 * here], screen[2 * here + 1], screen[2 * before], screen[2 * before + 1]];
    if ((x < 0 && u < 0) || (y < 0 && v < 0) || (x > width && u > width) || (y > height && v > height)) return RESET;
  }
  return scene.kinds[at];
}

// A tile or, in a volume, a small ball for each patch: what shows the patches where lines cannot.
function paintTiles(panel, { scene, drawn }, step, whole) {
  const { path, screen, visible, cell, bands } = panel, level = levelOf(scene), { indices } = scene;
  const { X, Y, Z } = panel.basis, half = [X, Y, Z.map((value) => value * panel.pitch)], sliced = visible !== null;
  const flat = slicePlane(scene), side = whole ? 0.46 : 0.4, radius = Math.min(Math.max(cell * 0.13, 1.2), 5);
  const pictured = IMAGE && sliced && flat[1] === 1;
  for (let at = drawn; at <= step; at++) {
    const patch = indices[at], x = screen[2 * patch], y = screen[2 * patch + 1];
    if ((sliced && !visible[patch]) || x < -cell || y < -cell || x > panel.width + cell || y > panel.height + cell) continue;
    path.fillStyle = RAMP[level(at)];
    path.globalAlpha = sliced ? (whole ? 1 : 0.45) : bands ? 1 - 0.17 * bands[patch] : 1;
    if (pictured) fillPicture(path, x, y, X, Y, sourceOf(scene, patch));
    else if (!bands) path.fillRect(x - cell * side, y - cell * side, 2 * cell * side, 2 * cell * side);
    else if (sliced) fillTile(path, x, y, half[flat[0]], half[flat[1]], side);
    else { path.beginPath(); path.arc(x, y, whole ? radius * 1.7 : radius, 0, 2 * Math.PI); path.fill(); }
  }
  path.globalAlpha = 1;
}

function fillTile(path, x, y, one, other, side) {
  path.beginPath();
  for (const [a, b] of [[-side, -side], [side, -side], [side, side], [-side, side]]) {
    path.lineTo(x + a * one[0] + b * other[0], y + a * one[1] + b * other[1]);
  }
  path.fill();
}

// A patch of the image, as slanted as the layer that it lies in.
function fillPicture(path, x, y, X, Y, source) {
  path.save();
  path.globalAlpha = 1;
  path.transform(X[0], X[1], Y[0], Y[1], x - (X[0] + Y[0]) / 2, y - (X[1] + Y[1]) / 2);
  path.drawImage(IMAGE, ...source, 0, 0, 1, 1);
  path.restore();
}

// The two directions that a slice runs along, as numbers of X, Y and Z; of axes before the last three, rows and columns.
function slicePlane(scene) {
  const from = scene.axes.length - scene.axes.indexOf(VIEW.slice.axis);
  return { 1: [1, 2], 2: [0, 2] }[from] || [0, 1];
}
