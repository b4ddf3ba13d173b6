// Where patches lie: in a space of their own, and through the one camera of all panels on the screen.

const CAMERA = { yaw: 0.62, pitch: 0.5, zoom: 1, x: 0, y: 0 };
const NEAREST = 24;
const BANDS = 4;

// Middle of every patch in its own space: x right, y down, z away; one axis is drawn against its step.
function layOut(scene) {
  const { grid, lattice } = scene;
  if (lattice.layout && grid.length > 1) return lattice.layout;
  const [depth, rows, columns] = [1, 1, 1, ...grid.slice(-3)].slice(-3);
  const pitch = depth > 1 ? Math.max(1, (0.6 * Math.max(rows, columns)) / depth) : 1;
  const lead = grid.slice(0, -3), [z, y, x] = [null, null, null, ...lattice.places.slice(-3)].slice(-3);
  const [across, down] = [lattice.places[lead.length - 1], lattice.places[lead.length - 2]];
  const points = new Float32Array(scene.patches * 3);
  for (let patch = 0, at = 0; patch < scene.patches; patch++, at += 3) {
    points[at] = x[patch] + (across ? across[patch] * (columns + 2) : 0);
    points[at + 1] = (y ? y[patch] : Math.max(scene.ranks[patch], 0) / 2) + (down ? down[patch] * (rows + 2) : 0);
    points[at + 2] = z ? z[patch] * pitch : 0;
  }
  const size = [
    lead.length ? lead[lead.length - 1] * (columns + 2) - 2 : columns,
    grid.length === 1 ? Math.max(scene.length - 1, 0) / 2 + 1 : lead.length > 1 ? lead[0] * (rows + 2) - 2 : rows,
    (depth - 1) * pitch + 1,
  ];
  lattice.layout = { points, size, pitch };
  return lattice.layout;
}

// The camera as a linear map of a panel's space: screen = origin + x·X + y·Y + z·Z; the third number is distance.
function basisOf(panel) {
  const { size, width, height, scene } = panel;
  const rim = rimOf(scene), solid = isSolid(scene);
  const [wide, tall] = [width - rim.left - rim.right, height - rim.top - rim.bottom];
  const reach = Math.hypot(...size) / 2;
  const across = solid ? 2 * reach : size[0], down = solid ? 1.8 * reach : size[1];
  const cell = Math.min(wide / across, tall / down, panel.largest) * CAMERA.zoom, { yaw, pitch } = solid ? CAMERA : { yaw: 0, pitch: 0 };
  const [cy, sy, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
  const X = [cy * cell, sy * sp * cell, -sy * cp], Y = [0, cp * cell, sp], Z = [sy * cell, -cy * sp * cell, cy * cp];
  const middle = size.map((extent) => (extent - 1) / 2);
  const centre = [rim.left + wide / 2 + CAMERA.x * width, rim.top + tall / 2 + CAMERA.y * width, 0];
  const origin = centre.map((value, at) => value - middle[0] * X[at] - middle[1] * Y[at] - middle[2] * Z[at]);
  return { cell, reach, X, Y, Z, origin };
}

// Room for the names of the axes.
function rimOf(scene) {
  if (BARE && !COUNTER) return { left: 5, right: 5, top: 5, bottom: 5 };
  return isSolid(scene) ? { left: 14, right: 14, top: 14, bottom: 14 } : { left: 26, right: 8, top: 20, bottom: 8 };
}

function toScreen({ basis: { X, Y, Z, origin } }, x, y, z) {
  return [origin[0] + x * X[0] + y * Y[0] + z * Z[0], origin[1] + x * X[1] + y * Y[1] + z * Z[1]];
}

// Put every patch on the screen; `bands` tell near (0) from far, `visible` what the slice leaves.
function placePatches(panel) {
  const { scene, points, screen } = panel, solid = isSolid(scene);
  panel.basis = basisOf(panel);
  panel.cell = panel.basis.cell;
  const { X, Y, Z, origin, reach } = panel.basis;
  const bands = solid ? panel.bands || new Uint8Array(scene.patches) : null;
  for (let patch = 0, at = 0; patch < scene.patches; patch++, at += 3) {
    const x = points[at], y = points[at + 1], z = points[at + 2];
    screen[2 * patch] = origin[0] + x * X[0] + y * Y[0] + z * Z[0];
    screen[2 * patch + 1] = origin[1] + x * X[1] + y * Y[1] + z * Z[1];
    if (solid) bands[patch] = Math.max(0, Math.min(0.999, (origin[2] + x * X[2] + y * Y[2] + z * Z[2]) / (2 * reach) + 0.5)) * BANDS;
  }
  panel.bands = bands;
  panel.visible = visibleIn(scene);
}

// 1 where the slice leaves a patch; null where it leaves all.
function visibleIn(scene) {
  const axis = isSolid(scene) ? scene.axes.indexOf(VIEW.slice.axis) : -1;
  if (axis < 0) return null;
  const at = Math.min(VIEW.slice.at, scene.grid[axis] - 1), place = scene.lattice.places[axis];
  const visible = new Uint8Array(scene.patches);
  for (let patch = 0; patch < scene.patches; patch++) visible[patch] = place[patch] === at ? 1 : 0;
  return visible;
}

// The patch at a point of the screen, -1 where there is none; in a volume the nearest of those on top.
function patchAt(panel, x, y) {
  const { scene, screen, cell, basis, visible } = panel;
  if (scene.grid.length === 2) {
    const [row, column] = [Math.round((y - basis.origin[1]) / cell), Math.round((x - basis.origin[0]) / cell)];
    return row >= 0 && row < scene.grid[0] && column >= 0 && column < scene.grid[1] ? row * scene.grid[1] + column : -1;
  }
  let best = -1, least = Math.max(cell * 0.75, 9) ** 2;
  for (let patch = 0; patch < scene.patches; patch++) {
    if (visible && !visible[patch]) continue;
    let distance = (screen[2 * patch] - x) ** 2 + (screen[2 * patch + 1] - y) ** 2;
    if (panel.bands) distance += panel.bands[patch];
    if (distance < least) { best = patch; least = distance; }
  }
  return best;
}

function rotate(yaw, pitch) {
  CAMERA.yaw += yaw;
  CAMERA.pitch = Math.min(Math.max(CAMERA.pitch + pitch, -1.55), 1.55);
  moveCamera();
}

// Zoom so that a point, given as a share of the panel's width from its middle, stays where it is.
function zoomBy(factor, x = 0, y = 0) {
  const zoom = Math.min(Math.max(CAMERA.zoom * factor, 1), NEAREST), real = zoom / CAMERA.zoom;
  CAMERA.x = zoom === 1 ? 0 : x - (x - CAMERA.x) * real;
  CAMERA.y = zoom === 1 ? 0 : y - (y - CAMERA.y) * real;
  CAMERA.zoom = zoom;
  pan(0, 0);
}

function pan(x, y) {
  const most = (CAMERA.zoom - 1) / 2;
  CAMERA.x = Math.min(Math.max(CAMERA.x + x, -most), most);
  CAMERA.y = Math.min(Math.max(CAMERA.y + y, -most), most);
  moveCamera();
}

function resetCamera() {
  Object.assign(CAMERA, { yaw: 0.62, pitch: 0.5, zoom: 1, x: 0, y: 0 });
  moveCamera();
}

// Many moves of the pointer may come between two frames; the picture follows once in each.
function moveCamera() {
  CAMERA.moved = true;
  refresh();
}
