// A counter-example in the place of the paths: a grid on which an order fails, and the patches that show it.

let COUNTER = null;

// failing: {grid, patches, label, axes}: extents, coordinates of each patch, what is wrong, and names where known.
function counterexample(failing) {
  const { grid, patches, label, axes = grid.map(() => "") } = failing;
  const raw = { label: "Counter-example", title: "", group: "", part: "", source: label, subtitle: label, caption: "", axes, grid };
  const scene = readScene({ ...raw, indices: "", restarts: "", bytes: 2, tokens: [] }, 0);
  const panel = makePanel([scene]);
  panel.largest = 96;
  panel.clashing = patches.map((place) => place.reduce((flat, value, axis) => flat * grid[axis] + value, 0));
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
  at("counter").hidden = !COUNTER;
  at("panels").hidden = at("legend").hidden = COUNTER !== null;
  enable();
  redraw();
}

// The controls are of use where there are paths to play.
function enable() {
  const idle = COUNTER !== null || !SCENES.length;
  at("bar").inert = idle;
  for (const control of at("bar").querySelectorAll("button, input, select")) control.disabled = idle;
}

function drawCounter() {
  const { panel, places } = COUNTER, { marks, screen, cell, scene } = panel;
  marks.clearRect(0, 0, panel.width, panel.height);
  const at = panel.clashing.map((patch) => [screen[2 * patch], screen[2 * patch + 1]]);
  const half = Math.max(isSolid(scene) ? cell * 0.22 : cell / 2 - 2, 4.5);
  for (const [x, y] of at) markClash(marks, x, y, half);
  marks.strokeStyle = INK.wrong;
  marks.lineWidth = 2;
  marks.setLineDash([5, 4]);
  at.slice(1).forEach((point, number) => joinEdges(marks, at[number], point, half));
  marks.setLineDash([]);
  at.forEach(([x, y], number) => nameClash(panel, x, y, half, `(${places[number].join(", ")})`));
}

// Hatched, so that the mark does not rest on its colour.
function markClash(marks, x, y, half) {
  marks.save();
  marks.beginPath();
  marks.roundRect(x - half, y - half, 2 * half, 2 * half, Math.min(5, half / 2));
  marks.fillStyle = INK.paper;
  marks.fill();
  marks.clip();
  marks.strokeStyle = INK.wrong;
  marks.globalAlpha = 0.35;
  marks.lineWidth = 2;
  marks.beginPath();
  for (let shift = -2 * half; shift <= 2 * half; shift += 8) {
    marks.moveTo(x - half + shift, y + half);
    marks.lineTo(x + half + shift, y - half);
  }
  marks.stroke();
  marks.restore();
  marks.beginPath();
  marks.roundRect(x - half, y - half, 2 * half, 2 * half, Math.min(5, half / 2));
  marks.strokeStyle = INK.wrong;
  marks.lineWidth = 3;
  marks.stroke();
}

// From edge to edge, in a bow around the patches between them.
function joinEdges(marks, [x, y], [u, v], half) {
  const long = Math.hypot(u - x, v - y) || 1, [dx, dy] = [(u - x) / long, (v - y) / long];
  const cut = half / Math.max(Math.abs(dx), Math.abs(dy), 0.01), bow = long > 3 * half ? half + long * 0.12 : 0;
  if (long <= 2 * cut) return;
  marks.beginPath();
  marks.moveTo(x + dx * cut, y + dy * cut);
  marks.quadraticCurveTo((x + u) / 2 + dy * bow, (y + v) / 2 - dx * bow, u - dx * cut, v - dy * cut);
  marks.stroke();
}

function nameClash({ marks, width }, x, y, half, text) {
  marks.font = `600 13px ${INK.letters}`;
  marks.textAlign = "center";
  marks.textBaseline = "middle";
  const wide = marks.measureText(text).width + 10, inside = wide < 2 * half;
  const [left, top] = [Math.min(Math.max(x, wide / 2 + 2), width - wide / 2 - 2), inside ? y : Math.max(y - half - 12, 10)];
  marks.fillStyle = INK.paper;
  marks.beginPath();
  marks.roundRect(left - wide / 2, top - 10, wide, 20, 5);
  marks.fill();
  marks.fillStyle = INK.wrong;
  marks.fillText(text, left, top + 0.5);
}
