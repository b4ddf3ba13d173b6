// What the state remembers: at one patch of a path, the share of the state that is still of every patch before it. A
// model's own shares are shown where they are given; else a state that keeps as much of itself at every step.

// Steps that the slider offers until half is left: 1 to 1,024.
const SLOW = 10;
// Shares below this part of the largest are not drawn, and what is left of a state is not followed further.
const FAINTEST_SHARE = 1e-3, FORGOTTEN = 1e-7;
const MOST_RANKED = 16384;
const MOST_OF_IT = 0.9;

// 0 is off; else the steps after which half of what was read is left.
function remember(half) {
  const was = VIEW.memory > 0;
  VIEW.memory = half > 0 ? half : 0;
  at("remember").checked = VIEW.memory > 0;
  at("keeping").hidden = !VIEW.memory;
  if (VIEW.memory) at("half").value = Math.round(SLOW * Math.log2(half));
  sayHalf();
  root.classList.toggle("remembers", VIEW.memory > 0);
  if (was === VIEW.memory > 0) refresh();
  else redraw();
}

function halfAsked() {
  return 2 ** (at("half").value / SLOW);
}

function keptOf(half) {
  return 0.5 ** (1 / half);
}

function sayHalf() {
  if (!VIEW.memory) return;
  if (showsOwnStates()) {
    at("half-name").textContent = "of the model's own states";
    return;
  }
  const half = VIEW.memory, steps = half < 10 ? half.toFixed(1) : count(Math.round(half));
  at("half-name").textContent = `half left after ${steps} steps`;
  at("half").title = `a state that keeps ${keptOf(half).toFixed(4)} of itself at every step`;
  at("half").setAttribute("aria-valuetext", at("half-name").textContent);
}

// Add the shares of a path's state at a patch to `shares`, as their part `weight` of 1.
function addShares(shares, scene, patch, kept, weight) {
  const given = scene.remembered, size = scene.patches;
  if (given) {
    for (let at = 0; at < size; at++) shares[at] += given[patch * size + at] * weight;
    return undefined;
  }
  const last = scene.ranks[patch];
  if (last < 0) return undefined;
  const first = scene.restarts[segmentOf(scene, last)], { indices, tokens } = scene;
  let [left, total] = [1, 0];
  for (let pass = 0; pass < 2; pass++) {
    left = 1;
    const scale = pass ? weight / total : 0;
    for (let step = last; step >= first && left > FORGOTTEN; step--) {
      if (pass) shares[indices[step]] += left * scale;
      else total += left;
      // What a token writes is kept as well; it lies nowhere on the grid.
      for (const token of tokens) if (token.before === step && step > first) { left *= kept; if (!pass) total += left; }
      left *= kept;
    }
  }
  return undefined;
}

// The shares of every patch in the states of a panel's paths, [P], kept until another patch, path or decay is asked.
function sharesOf(panel, patch) {
  const key = JSON.stringify([patch, VIEW.memory, panel.traces.map(({ scene }) => scene.number)]), kept = panel.kept;
  const givens = panel.traces.map(({ scene }) => scene.remembered);
  if (kept?.key === key && kept.scene === panel.scene && kept.givens.every((given, at) => given === givens[at])) return kept;
  const shares = new Float64Array(panel.scene.patches), { traces } = panel;
  for (const { scene } of traces) addShares(shares, scene, patch, keptOf(VIEW.memory), 1 / traces.length);
  panel.kept = { key, scene: panel.scene, givens, patch, shares, most: shares.reduce((most, share) => Math.max(most, share), 0) };
  return panel.kept;
}

// How strongly a share is drawn, 0 to 1, by its logarithm.
function strengthOf(share, most) {
  return share <= 0 ? 0 : Math.max(0, 1 - Math.log(share / most) / Math.log(FAINTEST_SHARE));
}

function drawMemory(panel, steps) {
  if (!VIEW.memory || !panel.scene.length) return sayMemory(panel, null);
  const patch = targetOf(panel).patch;
  if (patch < 0) return sayMemory(panel, null);
  const kept = sharesOf(panel, patch);
  if (kept.most > 0) (panel.scene.grid.length === 2 ? drawShares : dotShares)(panel, kept);
  return sayMemory(panel, kept);
}

// One pixel per patch, enlarged: the image behind it where there is one, else one colour.
function drawShares(panel, { shares, most }) {
  const { scene, overlay, width, height, dots } = panel, [rows, columns] = scene.grid;
  const stencil = new ImageData(columns, rows), words = new Uint32Array(stencil.data.buffer);
  const colour = memoryWord();
  for (let patch = 0; patch < shares.length; patch++) {
    const alpha = Math.round(255 * strengthOf(shares[patch], most));
    if (alpha) words[patch] = (colour & 0xffffff) | (alpha << 24);
  }
  const small = canvasOf("memoryStencil", columns, rows, 1);
  small.putImageData(stencil, 0, 0);
  const { left, top, right, bottom } = frameOf(panel);
  if (!hasImage(panel)) {
    overlay.imageSmoothingEnabled = false;
    overlay.drawImage(small.canvas, left, top, right - left, bottom - top);
    return;
  }
  const cover = canvasOf("memoryCover", width, height, dots);
  cover.clearRect(0, 0, width, height);
  drawWhole(panel, cover);
  cover.globalCompositeOperation = "destination-in";
  cover.imageSmoothingEnabled = false;
  cover.drawImage(small.canvas, left, top, right - left, bottom - top);
  overlay.drawImage(cover.canvas, 0, 0, width, height);
}

// In volumes and on lines: a dot on every patch that is shown.
function dotShares(panel, { shares, most }) {
  const { overlay, screen, cell, visible } = panel, reach = Math.max(cell * 0.42, 2);
  overlay.fillStyle = INK.accent;
  for (let patch = 0; patch < shares.length; patch++) {
    const strength = strengthOf(shares[patch], most);
    if (!strength || (visible && !visible[patch])) continue;
    overlay.globalAlpha = strength;
    overlay.beginPath();
    overlay.arc(screen[2 * patch], screen[2 * patch + 1], reach, 0, 2 * Math.PI);
    overlay.fill();
  }
  overlay.globalAlpha = 1;
}

function memoryWord() {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(INK.accent.slice(at, at + 2), 16));
  return (blue << 16) | (green << 8) | red;
}

// Canvases that are drawn through, kept from frame to frame.
const SCRATCH = {};
function canvasOf(name, width, height, dots) {
  const canvas = SCRATCH[name] || (SCRATCH[name] = document.createElement("canvas"));
  const sized = canvas.width === Math.round(width * dots) && canvas.height === Math.round(height * dots);
  if (!sized) sizeCanvas(canvas, width, height, dots);
  const context = canvas.getContext("2d");
  context.globalCompositeOperation = "source-over";
  return context;
}

// Beside every picture, in words: how few patches hold most of the state, and how far they lie.
function sayMemory(panel, kept) {
  if (!panel.memory) {
    if (!kept) return;
    panel.memory = panel.figure.appendChild(element("p", "", "facts memory"));
  }
  panel.memory.hidden = !kept;
  if (!kept) return;
  if (panel.memory.said !== kept) panel.memory.words = memoryWords(panel.scene, kept);
  panel.memory.said = kept;
  const words = panel.memory.words + wordsOfHovered(panel, kept);
  if (panel.memory.textContent !== words) panel.memory.textContent = words;
}

function memoryWords(scene, { patch, shares, most }) {
  const place = placeOf(scene, patch).join(", ");
  if (!most) return `No path comes to (${place}).`;
  const whole = shares.reduce((sum, share) => sum + share, 0);
  let [far, weight] = [0, 0];
  for (let other = 0; other < shares.length; other++) {
    if (!shares[other]) continue;
    far += shares[other] * distanceBetween(scene, patch, other);
    weight += shares[other];
  }
  const few = shares.length <= MOST_RANKED ? `${count(patchesWith(shares, MOST_OF_IT * whole))} patches hold 90 % of it, ` : "";
  const distance = `${(far / weight).toFixed(1)} patches away on average`;
  const tokens = whole < 0.9995 ? `; ${(100 * (1 - whole)).toFixed(1)} % is of tokens` : "";
  return `The state at (${place}): ${few}${distance}${tokens}`;
}

function patchesWith(shares, wanted) {
  const ranked = shares.filter((share) => share > 0).sort().reverse();
  let [sum, number] = [0, 0];
  while (sum < wanted && number < ranked.length) sum += ranked[number++];
  return number;
}

function distanceBetween({ lattice }, one, other) {
  return Math.hypot(...lattice.places.map((place) => place[one] - place[other]));
}

// With a pinned patch: what its state holds of the one under the pointer.
function wordsOfHovered(panel, { patch, shares }) {
  if (!HOVER || HOVER.patch === patch || !sameGrid(HOVER.panel.scene, panel.scene)) return "";
  const place = placeOf(panel.scene, HOVER.patch).join(", "), share = shares[HOVER.patch];
  return `; ${share ? percent(share) : "nothing"} of (${place})`;
}

function percent(share) {
  return share >= 0.001 ? `${(100 * share).toPrecision(2)} %` : "less than 0.1 %";
}

function memoryItems() {
  const swatch = element("i"), item = element("span", undefined, "item scale");
  swatch.className = "fades";
  item.append(element("span", "share of the state: a thousandth of the largest"), swatch, element("span", "the largest, log scale"));
  return [item];
}

function showsOwnStates() {
  return SCENES.length > 0 && SCENES.every((scene) => scene.remembered);
}

// A model's own states, for paths by their numbers: base64 of float32 [P, P], row by row the shares of the state at
// each patch. They are shown at once; without any, the decay that the slider gives is.
function setRemembered(list) {
  for (const scene of SCENES) scene.remembered = null;
  for (const [number, text] of list || []) {
    if (SCENES[number]) SCENES[number].remembered = new Float32Array(decode(text, 4).buffer);
  }
  at("half").disabled = showsOwnStates();
  if (list && list.length && !VIEW.memory) remember(halfAsked());
  sayHalf();
  refresh();
}
