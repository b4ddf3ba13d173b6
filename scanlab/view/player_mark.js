// The patch that all is linked to: the pinned one, else the one under the pointer, else the one where the clock is.

// The pinned patch as {scene: its number, patch}; and patches that the page marks beside it, by a rule that it has.
let PIN = null, CHOSEN = null;
let MARK_SENT = "null";

// What a panel shows of its grid: {patch, step, by: "pin", "pointer" or "clock"}; the patch is -1 where there is none.
function targetOf({ scene }) {
  for (const [by, mark] of [["pin", pinned()], ["pointer", HOVER]]) {
    if (mark && sameGrid(mark.panel.scene, scene)) return { patch: mark.patch, step: scene.ranks[mark.patch], by };
  }
  const step = stepOf(scene);
  return { patch: step < 0 ? -1 : scene.indices[step], step, by: "clock" };
}

// The same for every path: [{scene, patch, step}], the pinned patch in all that have its grid.
function targets() {
  return SCENES.map((scene) => {
    const { patch } = targetOf({ scene });
    return { scene: scene.number, patch, step: patch < 0 ? -1 : scene.ranks[patch] };
  });
}

function panelOf(number) {
  return PANELS.find((panel) => panel.traces.some(({ scene }) => scene.number === number));
}

// The pinned patch with the panel that it was pinned in.
function pinned() {
  const panel = PIN && panelOf(PIN.scene);
  return panel ? { panel, patch: PIN.patch } : null;
}

function pin(panel, patch) {
  PIN = patch < 0 ? null : { scene: panel.scene.number, patch };
  showTip();
  refresh();
}

function unpin() {
  PIN = null;
  showTip();
  refresh();
}

// A click on a patch pins it; on the pinned one, it lets go.
function togglePin(panel, patch) {
  const held = pinned();
  if (held && held.patch === patch && sameGrid(held.panel.scene, panel.scene)) unpin();
  else pin(panel, patch);
}

// Other paths may have come: the pin stays in its path, or in another over the same grid, if that has the patch.
function keepPin(before) {
  if (!PIN) return;
  const old = before[PIN.scene], same = (scene) => scene && scene.grid.join() === old.grid.join();
  const scene = old && (same(SCENES[PIN.scene]) ? SCENES[PIN.scene] : SCENES.find(same));
  PIN = scene ? { scene: scene.number, patch: PIN.patch } : null;
}

// What was pointed at is of the paths before.
function forgetPointed() {
  CHOSEN = null;
  if (HOVER?.quiet) HOVER = null;
}

function takePin([number, patch] = []) {
  PIN = patch < SCENES[number]?.patches ? { scene: number, patch } : null;
}

// What another part of the page points at: {scene, patch} or {scene, step} as the pointer would, with pinned: true as a
// click would; {scene, patches: […]} marks many; null ends it. A pin that is there stays until another takes its place.
function mark(where) {
  CHOSEN = null;
  const panel = where && panelOf(where.scene), scene = panel && SCENES[where.scene];
  const patch = scene ? (where.patch ?? scene.indices[where.step] ?? -1) : -1;
  if (scene && where.patches) CHOSEN = { scene, patches: where.patches };
  if (patch >= 0 && where.pinned) pin(panel, patch);
  HOVER = patch >= 0 && !where.pinned ? { panel, patch, scene, quiet: true } : null;
  showTip();
  refresh();
}

// As plain values: what is marked by a pin or the pointer, or null; `step` is -1 where the path does not go.
function marked() {
  const held = pinned(), source = held || HOVER;
  if (!source || COUNTER) return null;
  const scene = held ? SCENES[PIN.scene] : source.scene || source.panel.scene, { number, label, group, part } = scene;
  return { scene: number, label, group, part, patch: source.patch, step: scene.ranks[source.patch], pinned: held !== null };
}

// Sent once for each picture, however many moves of the pointer there were.
function reportMark() {
  const detail = marked(), words = JSON.stringify(detail);
  if (words === MARK_SENT) return;
  MARK_SENT = words;
  root.dispatchEvent(new CustomEvent("mark", { detail, bubbles: true }));
}

function drawMarks(panel) {
  const held = pinned();
  if (CHOSEN && sameGrid(CHOSEN.scene, panel.scene)) fillChosen(panel);
  if (HOVER && sameGrid(HOVER.panel.scene, panel.scene)) outlinePatch(panel, HOVER.patch, false, !held);
  if (held && sameGrid(held.panel.scene, panel.scene)) outlinePatch(panel, held.patch, true, true);
}

function fillChosen({ overlay, screen, cell, visible }) {
  const side = Math.max(cell - 1, 3);
  overlay.save();
  overlay.fillStyle = INK.focus;
  overlay.globalAlpha = 0.38;
  for (const patch of CHOSEN.patches) {
    if (visible && !visible[patch]) continue;
    overlay.fillRect(screen[2 * patch] - side / 2, screen[2 * patch + 1] - side / 2, side, side);
  }
  overlay.restore();
}

// A patch with a frame around it, and its neighbours with thin ones; a pin's frame has corners that reach out.
function outlinePatch(panel, patch, isPin, withNeighbours) {
  const { overlay, screen, cell, scene, visible } = panel, side = Math.max(cell, 9);
  if (visible && !visible[patch]) return;
  const box = (at, grown) => {
    const half = side / 2 + grown;
    overlay.strokeRect(screen[2 * at] - half, screen[2 * at + 1] - half, 2 * half, 2 * half);
  };
  overlay.save();
  overlay.lineJoin = "round";
  overlay.strokeStyle = INK.soft;
  overlay.lineWidth = 1;
  if (cell >= 6 && withNeighbours) for (const [, other] of neighboursOf(scene, patch)) if (other >= 0) box(other, -1.5);
  overlay.strokeStyle = INK.paper;
  overlay.lineWidth = 5;
  box(patch, 0.5);
  overlay.strokeStyle = isPin ? INK.focus : INK.ink;
  overlay.lineWidth = isPin ? 3 : 2.25;
  box(patch, 0.5);
  if (isPin) drawPinHead(overlay, screen[2 * patch] + side / 2, screen[2 * patch + 1] - side / 2, Math.min(Math.max(cell / 6, 3.5), 5.5));
  overlay.restore();
}

function drawPinHead(overlay, x, y, radius) {
  dot(overlay, [x, y], radius, INK.focus, INK.paper);
}
