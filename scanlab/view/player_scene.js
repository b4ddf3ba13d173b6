// Values: the scenes as they arrive, where their patches lie, and what their colours mean.
// The three player_*.js files are the body of one function, mountPlayer(root): see player.py.

let COLOURS = [], RAMP = [], SCENES = [], LONGEST = 1, WIDEST_GAP = 1;

function take(data) {
  COLOURS = data.ramp;
  RAMP = COLOURS.map(([r, g, b]) => `rgb(${r} ${g} ${b})`);
  SCENES = data.scenes.map(readScene);
  LONGEST = SCENES.reduce((most, scene) => Math.max(most, scene.length), 1);
  WIDEST_GAP = SCENES.reduce((most, scene) => scene.gaps.reduce((a, b) => Math.max(a, b), most), 1);
}

function decode(text) {
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  return new Uint32Array(bytes.buffer);
}

function readScene(raw, number) {
  const indices = decode(raw.indices);
  const patches = raw.grid.reduce((a, b) => a * b, 1);
  const ranks = new Int32Array(patches).fill(-1);
  indices.forEach((patch, step) => { ranks[patch] = step; });
  const scene = { ...raw, number, indices, ranks, patches, length: indices.length, restarts: new Set(raw.restarts) };
  scene.kinds = stepKinds(scene);
  scene.gaps = neighbourGaps(scene);
  return scene;
}

function placeOf(scene, patch) {
  const place = [];
  for (let axis = scene.grid.length - 1; axis >= 0; axis--) {
    place.unshift(patch % scene.grid[axis]);
    patch = Math.floor(patch / scene.grid[axis]);
  }
  return place;
}

// The kind of the step that arrives at each step: "touch" for patches that share a side, an edge or a corner.
function stepKinds(scene) {
  const kinds = new Array(scene.length).fill("reset");
  let before = scene.length ? placeOf(scene, scene.indices[0]) : [];
  for (let step = 1; step < scene.length; step++) {
    const place = placeOf(scene, scene.indices[step]);
    const touches = place.every((value, axis) => Math.abs(value - before[axis]) <= 1);
    if (!scene.restarts.has(step)) kinds[step] = touches ? "touch" : "jump";
    before = place;
  }
  return kinds;
}

// The mean difference in step between a patch and its grid neighbours; -1 where it has none.
function neighbourGaps(scene) {
  const total = new Float64Array(scene.patches), count = new Uint8Array(scene.patches);
  let stride = 1;
  for (let axis = scene.grid.length - 1; axis >= 0; axis--) {
    const extent = scene.grid[axis];
    for (let patch = 0; patch < scene.patches; patch++) {
      if (Math.floor(patch / stride) % extent === extent - 1) continue;
      const next = patch + stride;
      if (scene.ranks[patch] < 0 || scene.ranks[next] < 0) continue;
      const gap = Math.abs(scene.ranks[patch] - scene.ranks[next]);
      total[patch] += gap; total[next] += gap; count[patch]++; count[next]++;
    }
    stride *= extent;
  }
  return total.map((sum, patch) => (count[patch] ? sum / count[patch] : -1));
}

function stepLevel(scene, step) {
  return Math.round((step / Math.max(scene.length - 1, 1)) * 255);
}

// Gaps range over orders of magnitude, so their colours follow the logarithm; a gap of 1 is the lower end.
function gapLevel(scene, patch) {
  const gap = Math.max(scene.gaps[patch], 1);
  return WIDEST_GAP > 1 ? Math.round((Math.log(gap) / Math.log(WIDEST_GAP)) * 255) : 0;
}

function pathLevel(scene) {
  return SCENES.length > 1 ? Math.round((scene.number / (SCENES.length - 1)) * 255) : 0;
}

function isSolid(scene) {
  return scene.grid.length > 2;
}

// Middle of every patch in its own space: x right, y down, z away; one axis is drawn against its step.
function layOut(scene) {
  const points = new Float32Array(scene.patches * 3);
  const grid = scene.grid, tail = grid.slice(-3);
  const [depth, rows, columns] = [1, 1, 1, ...tail].slice(-3);
  const pitch = depth > 1 ? Math.max(1, (0.6 * Math.max(rows, columns)) / depth) : 1;
  const lead = grid.slice(0, -3);
  for (let patch = 0; patch < scene.patches; patch++) {
    const place = placeOf(scene, patch);
    let [z, y, x] = [0, 0, 0, ...place].slice(-3);
    if (grid.length === 1) y = Math.max(scene.ranks[patch], 0) / 2;
    if (lead.length) x += place[lead.length - 1] * (columns + 2);
    if (lead.length > 1) y += place[0] * (rows + 2);
    points.set([x, y, z * pitch], patch * 3);
  }
  const size = [
    lead.length ? lead[lead.length - 1] * (columns + 2) - 2 : columns,
    grid.length === 1 ? Math.max(scene.length - 1, 0) / 2 + 1 : lead.length > 1 ? lead[0] * (rows + 2) - 2 : rows,
    (depth - 1) * pitch + 1,
  ];
  return { points, size };
}
