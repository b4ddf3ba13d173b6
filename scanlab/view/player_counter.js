// A counter-example in the place of the paths: a grid on which an order fails, and the patches that show it.

let COUNTER = null;

// failing: {grid, patches, label, axes}: extents, coordinates of each patch, what is wrong, and names where known.
function counterexample(failing) {
  const { grid, patches, label, axes = grid.map(() => "") } = failing;
  const raw = { label: "Counter-example", title: "", group: "", part: "", source: label, subtitle: label, caption: "", axes, grid };
  const scene = readScene({ ...raw, indices: "", restarts: "", bytes: 2, tokens: [] }, 0);
  const panel = makePanel([scene]);
  panel.largest = 96;
  panel.conflicting = patches.map((place) => place.reduce((flat, value, axis) => flat * grid[axis] + value, 0));
  panel.facts.remove();
  panel.stage.setAttribute("role", "img");
  panel.stage.setAttribute("aria-label", label);
  panel.stage.removeAttribute("tabindex");
  COUNTER = { panel, places: patches };
  setPlaying(false);
  endHover();
  at("counter").replaceChildren(panel.figure);
  showCounter();
}

function clearCounterexample() {
  if (!COUNTER) return;
  COUNTER = null;
  at("counter").replaceChildren();
  showCounter();
}

function showCounter() {
  // As tall as what it takes the place of, so that the controls stay where they are.
  if (COUNTER && !at("panels").hidden) {
    const tall = at("panels").getBoundingClientRect().bottom - at("legend").getBoundingClientRect().top;
    at("counter").style.minHeight = `${tall}px`;
  }
  at("counter").hidden = !COUNTER;
  at("panels").hidden = at("legend").hidden = COUNTER !== null;
  enable();
  redraw();
  showTip();
}

// The controls are of use where there are paths to play.
function enable() {
  const idle = COUNTER !== null || !SCENES.length;
  at("bar").inert = idle;
  for (const control of at("bar").querySelectorAll("button, input, select")) control.disabled = idle;
}

function drawCounter() {
  const { panel, places } = COUNTER, { overlay, screen, cell, scene } = panel;
  overlay.clearRect(0, 0, panel.width, panel.height);
  const at = panel.conflicting.map((patch) => [screen[2 * patch], screen[2 * patch + 1]]);
  const half = Math.max(isSolid(scene) ? cell * 0.22 : cell / 2 - 2, 4.5);
  for (const [x, y] of at) drawConflict(overlay, x, y, half);
  overlay.strokeStyle = INK.wrong;
  overlay.lineWidth = 2;
  overlay.setLineDash([5, 4]);
  at.slice(1).forEach((point, number) => joinEdges(overlay, at[number], point, half));
  overlay.setLineDash([]);
  at.forEach(([x, y], number) => labelConflict(panel, x, y, half, `(${places[number].join(", ")})`));
}

// Hatched, so that the mark does not rest on its colour.
function drawConflict(overlay, x, y, half) {
  overlay.save();
  overlay.beginPath();
  overlay.roundRect(x - half, y - half, 2 * half, 2 * half, Math.min(5, half / 2));
  overlay.fillStyle = INK.paper;
  overlay.fill();
  overlay.clip();
  overlay.strokeStyle = INK.wrong;
  overlay.globalAlpha = 0.35;
  overlay.lineWidth = 2;
  overlay.beginPath();
  for (let shift = -2 * half; shift <= 2 * half; shift += 8) {
    overlay.moveTo(x - half + shift, y + half);
    overlay.lineTo(x + half + shift, y - half);
  }
  overlay.stroke();
  overlay.restore();
  overlay.beginPath();
  overlay.roundRect(x - half, y - half, 2 * half, 2 * half, Math.min(5, half / 2));
  overlay.strokeStyle = INK.wrong;
  overlay.lineWidth = 3;
  overlay.stroke();
}

// From edge to edge, in a bow around the patches between them.
function joinEdges(overlay, [x, y], [u, v], half) {
  const long = Math.hypot(u - x, v - y) || 1, [dx, dy] = [(u - x) / long, (v - y) / long];
  const cut = half / Math.max(Math.abs(dx), Math.abs(dy), 0.01), bow = long > 3 * half ? half + long * 0.12 : 0;
  if (long <= 2 * cut) return;
  overlay.beginPath();
  overlay.moveTo(x + dx * cut, y + dy * cut);
  overlay.quadraticCurveTo((x + u) / 2 + dy * bow, (y + v) / 2 - dx * bow, u - dx * cut, v - dy * cut);
  overlay.stroke();
}

function labelConflict({ overlay, width }, x, y, half, text) {
  overlay.font = `600 13px ${INK.letters}`;
  overlay.textAlign = "center";
  overlay.textBaseline = "middle";
  const wide = overlay.measureText(text).width + 10, inside = wide < 2 * half;
  const [left, top] = [Math.min(Math.max(x, wide / 2 + 2), width - wide / 2 - 2), inside ? y : Math.max(y - half - 12, 10)];
  overlay.fillStyle = INK.paper;
  overlay.beginPath();
  overlay.roundRect(left - wide / 2, top - 10, wide, 20, 5);
  overlay.fill();
  overlay.fillStyle = INK.wrong;
  overlay.fillText(text, left, top + 0.5);
}
