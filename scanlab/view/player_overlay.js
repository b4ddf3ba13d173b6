// The overlay: markers on the path, drawn anew for every frame and therefore few: start, end, clock, resets, tokens.

const MOST_RESETS = 600;
const TRAIL = 14;

function drawOverlay(panel, steps) {
  const { overlay, width, height } = panel;
  overlay.clearRect(0, 0, width, height);
  drawMemory(panel, steps);
  panel.traces.forEach((trace, number) => {
    if (!trace.scene.length) return;
    overlay.save();
    overlay.translate(trace.dx, trace.dy);
    drawMarkers(panel, trace.scene, steps[number]);
    overlay.restore();
  });
  drawMarks(panel);
}

function drawMarkers(panel, scene, step) {
  const { overlay, cell } = panel, level = levelOf(scene), size = Math.min(Math.max(cell * 0.28, 3.5), 9);
  if (CLOCK.playing || (hasImage(panel) && panel.manner === "pixels")) drawTrail(panel, scene, step, level);
  drawResets(panel, scene, step, level, size * 0.6);
  const shown = (at) => !panel.visible || panel.visible[scene.indices[at]];
  if (shown(0)) dot(overlay, pointAt(panel, scene, 0), size, RAMP[level(0)], INK.ink);
  if (step && shown(step)) {
    if (step === scene.length - 1) diamond(overlay, pointAt(panel, scene, step), size * 1.2, RAMP[level(step)]);
    else ring(overlay, pointAt(panel, scene, step), size, RAMP[level(step)]);
  }
  if (!panel.visible) for (const token of scene.tokens) drawToken(panel, scene, token, token.before <= step);
}

function pointAt({ screen }, scene, step) {
  const patch = scene.indices[step];
  return [screen[2 * patch], screen[2 * patch + 1]];
}

// The last steps once more and broader, so that the eye finds the clock's place.
function drawTrail(panel, scene, step, level) {
  const { overlay, cell } = panel, long = panel.manner === "pixels" ? 4 * TRAIL : TRAIL;
  overlay.lineCap = "round";
  for (let at = Math.max(step - long, 1); at <= step; at++) {
    if (drawnKind(panel, scene, at) !== TOUCH) continue;
    overlay.globalAlpha = Math.max(1 - (step - at) / long, 0.05);
    overlay.strokeStyle = RAMP[level(at)];
    overlay.lineWidth = Math.min(Math.max(cell * 0.3, 2.5), 10);
    overlay.beginPath();
    overlay.moveTo(...pointAt(panel, scene, at - 1));
    overlay.lineTo(...pointAt(panel, scene, at));
    overlay.stroke();
  }
  overlay.globalAlpha = 1;
}

function drawResets(panel, scene, step, level, size) {
  const { restarts, indices } = scene;
  if (restarts.length > MOST_RESETS) return;
  for (const at of restarts) {
    if (at > step) break;
    if (!at || (panel.visible && !panel.visible[indices[at]])) continue;
    dot(panel.overlay, pointAt(panel, scene, at), size, INK.paper, RAMP[level(at)]);
  }
}

// A token stands between two patches of the path, or beside its first or last.
function drawToken(panel, scene, { name, before, position }, reached) {
  const { overlay, cell, width, height } = panel, size = Math.min(Math.max(cell * 0.24, 6.5), 9);
  const last = scene.length - 1, next = pointAt(panel, scene, Math.min(before, last));
  let [x, y] = next;
  if (before > 0 && before <= last) {
    const previous = pointAt(panel, scene, before - 1);
    [x, y] = [(x + previous[0]) / 2, (y + previous[1]) / 2];
  } else {
    const inner = pointAt(panel, scene, before ? Math.max(last - 1, 0) : Math.min(1, last));
    const away = Math.hypot(x - inner[0], y - inner[1]) || 1, reach = Math.max(cell * 0.4, 15);
    [x, y] = [x + ((x - inner[0]) / away) * reach, y + ((y - inner[1]) / away) * reach];
  }
  // Tokens that stand together are drawn beside each other.
  const nth = scene.tokens.filter((other) => other.before === before && other.position < position).length;
  const clamped = [Math.min(Math.max(x + nth * size * 2.2, size), width - size), Math.min(Math.max(y, size), height - size)];
  overlay.globalAlpha = reached ? 1 : 0.4;
  drawTokenSymbol(overlay, clamped, size, name);
  overlay.globalAlpha = 1;
}

function drawTokenSymbol(context, [x, y], size, name) {
  context.beginPath();
  context.roundRect(x - size, y - size, 2 * size, 2 * size, size * 0.45);
  context.fillStyle = INK.ink;
  context.strokeStyle = INK.paper;
  context.lineWidth = 1.5;
  context.fill();
  context.stroke();
  context.fillStyle = INK.paper;
  context.font = `700 ${Math.round(size * 1.35)}px ${INK.letters}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(name[0].toUpperCase(), x, y + 0.5);
}

function ring(context, point, size, fill) {
  dot(context, point, size + 2.5, INK.paper, INK.ink);
  context.beginPath();
  context.arc(...point, Math.max(size - 0.5, 1), 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
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
