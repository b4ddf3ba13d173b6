// Values: the scenes as they arrive, and what follows from them. Arrays are typed, and shared where grids are equal.
// The player_*.js files are the body of one function, mountPlayer(root): see player.py.

const RESET = 0, TOUCH = 1, JUMP = 2;
let SCENES = [], LONGEST = 1, LATTICES = new Map();

function take(data) {
  const before = LATTICES;
  LATTICES = new Map();
  for (const { grid } of data.scenes) {
    const key = grid.join();
    if (!LATTICES.has(key)) LATTICES.set(key, before.get(key) || makeLattice(grid));
  }
  SCENES = data.scenes.map(readScene);
  LONGEST = SCENES.reduce((most, scene) => Math.max(most, scene.length), 1);
}

// Coordinates of every patch, one array per axis.
function makeLattice(grid) {
  const patches = grid.reduce((a, b) => a * b, 1);
  let stride = patches;
  const places = grid.map((extent) => {
    const place = new (extent > 65535 ? Uint32Array : Uint16Array)(patches);
    const block = stride;
    stride /= extent;
    for (let at = 0; at < patches; at += block) {
      for (let value = 1; value < extent; value++) place.fill(value, at + value * stride, at + (value + 1) * stride);
    }
    return place;
  });
  return { grid, patches, places };
}

function decode(text, bytes) {
  const raw = atob(text), data = new Uint8Array(raw.length);
  for (let at = 0; at < raw.length; at++) data[at] = raw.charCodeAt(at);
  return bytes === 2 ? new Uint16Array(data.buffer) : new Uint32Array(data.buffer);
}

function readScene(raw, number) {
  const lattice = LATTICES.get(raw.grid.join()) || makeLattice(raw.grid);
  const indices = decode(raw.indices, raw.bytes), restarts = decode(raw.restarts, raw.bytes);
  const ranks = new Int32Array(lattice.patches).fill(-1);
  for (let step = 0; step < indices.length; step++) ranks[indices[step]] = step;
  const scene = { ...raw, number, lattice, indices, ranks, restarts, patches: lattice.patches, length: indices.length };
  // Positions count the tokens; `before` is the step that a token stands before.
  scene.tokens = raw.tokens.map(([name, position], earlier) => ({ name, position, before: position - earlier }));
  scene.kinds = stepKinds(scene);
  return scene;
}

function placeOf(scene, patch) {
  return scene.lattice.places.map((place) => place[patch]);
}

// The kind of the step that arrives at each step: TOUCH for patches that share a side, an edge or a corner.
function stepKinds({ indices, length, lattice, restarts }) {
  const kinds = new Uint8Array(length).fill(TOUCH);
  for (const place of lattice.places) {
    for (let step = 1; step < length; step++) {
      const apart = place[indices[step]] - place[indices[step - 1]];
      if (apart > 1 || apart < -1) kinds[step] = JUMP;
    }
  }
  for (const step of restarts) kinds[step] = RESET;
  if (length) kinds[0] = RESET;
  return kinds;
}

// The mean difference in step between a patch and its grid neighbours; -1 where it has none.
function gapsOf(scene) {
  if (scene.gaps) return scene.gaps;
  const total = new Float64Array(scene.patches), count = new Uint8Array(scene.patches);
  let stride = scene.patches;
  scene.grid.forEach((extent, axis) => {
    stride /= extent;
    const place = scene.lattice.places[axis];
    for (let patch = 0; patch < scene.patches; patch++) {
      if (place[patch] === extent - 1 || scene.ranks[patch] < 0 || scene.ranks[patch + stride] < 0) continue;
      const gap = Math.abs(scene.ranks[patch] - scene.ranks[patch + stride]);
      total[patch] += gap; total[patch + stride] += gap; count[patch]++; count[patch + stride]++;
    }
  });
  scene.gaps = total.map((sum, patch) => (count[patch] ? sum / count[patch] : -1));
  return scene.gaps;
}

// The patches one step away along each axis, as [axis's name with sign, patch or -1].
function neighboursOf(scene, patch) {
  let stride = scene.patches;
  return scene.grid.flatMap((extent, axis) => {
    stride /= extent;
    const value = scene.lattice.places[axis][patch], name = scene.axes[axis];
    return [[`${name}−1`, value > 0 ? patch - stride : -1], [`${name}+1`, value < extent - 1 ? patch + stride : -1]];
  });
}

// Which of the segments between two resets of the state a step lies in, from 0.
function segmentOf(scene, step) {
  let [low, high] = [0, scene.restarts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (scene.restarts[middle] <= step) low = middle;
    else high = middle;
  }
  return low;
}

function isSolid(scene) {
  return scene.grid.length > 2;
}

function sameGrid(one, other) {
  return one.grid.join() === other.grid.join() && one.axes.join() === other.axes.join();
}

function count(number) {
  return number.toLocaleString("en");
}
