// The ground: the grid's lines, the patches that a path leaves out, the names of the axes, the planes of a volume.

function drawGround(panel) {
  const { ground, width, height, scene } = panel;
  panel.revealed = 0;
  ground.clearRect(0, 0, width, height);
  if (isSolid(scene)) return drawPlanes(panel);
  drawImageFaint(panel);
  drawLeftOut(panel);
  drawGridLines(panel);
  if (scene.axes.some((name) => name) && (!BARE || COUNTER)) nameAxes(panel);
}

// The sides of a flat grid on the screen.
function frameOf({ scene, cell, size, basis }) {
  const [left, top] = toScreen({ basis }, -0.5, -0.5, 0);
  const columns = scene.grid[scene.grid.length - 1], rows = scene.grid.length === 1 ? size[1] : scene.grid[0];
  return { left, top, columns, rows, right: left + columns * cell, bottom: top + rows * cell };
}

function drawLeftOut({ ground, scene, screen, cell, traces }) {
  if (scene.grid.length !== 2 || !scene.length || traces.some((trace) => trace.scene.length === scene.patches)) return;
  ground.fillStyle = INK.off;
  for (let patch = 0; patch < scene.patches; patch++) {
    if (traces.some((trace) => trace.scene.ranks[patch] >= 0)) continue;
    ground.fillRect(screen[2 * patch] - cell / 2, screen[2 * patch + 1] - cell / 2, cell, cell);
  }
}

function drawGridLines(panel) {
  const { ground, scene, cell } = panel, { left, top, columns, rows, right, bottom } = frameOf(panel);
  const inner = cell >= 7, lined = scene.grid.length === 2 && inner;
  ground.strokeStyle = INK.line;
  ground.lineWidth = 1;
  ground.beginPath();
  for (let row = 1, y = top + cell; lined && row < rows; row++, y += cell) { ground.moveTo(left, y); ground.lineTo(right, y); }
  for (let column = 1, x = left + cell; inner && column < columns; column++, x += cell) { ground.moveTo(x, top); ground.lineTo(x, bottom); }
  ground.stroke();
  ground.beginPath();
  ground.roundRect(left, top, right - left, bottom - top, Math.min(3, cell / 3));
  ground.stroke();
}

function nameAxes(panel) {
  const { ground, scene } = panel, { left, top } = frameOf(panel);
  const [x, y] = [Math.max(left, 2), Math.max(top, 16)];
  const [down, across] = scene.grid.length === 1 ? ["step", scene.axes[0]] : scene.axes;
  ground.font = `italic 12px ${INK.letters}`;
  ground.fillStyle = INK.soft;
  ground.textBaseline = "alphabetic";
  ground.textAlign = "left";
  ground.fillText(`${across} →`, x + 1, y - 6);
  ground.textAlign = "center";
  ground.fillText(down, x - (down.length > 2 ? 14 : 11), y + 10);
  ground.fillText("↓", x - 11, y + 25);
}

// Every plane of a volume as a sheet, far ones first; those outside the slice are only outlines.
function drawPlanes(panel) {
  const { ground, scene, points, basis } = panel;
  const [depth, rows, columns] = scene.grid.slice(-3), sheet = rows * columns;
  const every = Math.max(1, Math.floor(depth / 8)), planes = [];
  for (let plane = 0; plane < scene.patches / sheet; plane++) {
    if ((plane % depth) % every && plane % depth !== depth - 1) continue;
    planes.push(plane);
  }
  if (basis.Z[2] > 0) planes.reverse();
  ground.lineWidth = 1;
  ground.strokeStyle = INK.line;
  ground.fillStyle = INK.plane;
  for (const plane of planes) {
    const at = 3 * plane * sheet, [x, y, z] = [points[at], points[at + 1], points[at + 2]];
    const corners = [[-0.5, -0.5], [columns - 0.5, -0.5], [columns - 0.5, rows - 0.5], [-0.5, rows - 0.5]];
    ground.beginPath();
    corners.forEach(([dx, dy], corner) => ground[corner ? "lineTo" : "moveTo"](...toScreen(panel, x + dx, y + dy, z)));
    ground.closePath();
    if (!panel.visible) ground.fill();
    ground.stroke();
  }
  if (scene.axes.some((name) => name) && (!BARE || COUNTER)) nameEdges(panel);
}

// The last three axes, each at an edge of the first block.
function nameEdges(panel) {
  const { ground, scene, pitch } = panel, [depth, rows, columns] = scene.grid.slice(-3);
  const [t, h, w] = scene.axes.slice(-3), gap = Math.max(9 / panel.cell, 0.5), far = (depth - 1) * pitch;
  const [top, left] = [CAMERA.pitch >= 0 ? rows - 0.5 + gap : -0.5 - gap, -0.5 - gap];
  ground.font = `italic 12px ${INK.letters}`;
  ground.fillStyle = INK.soft;
  ground.textAlign = "center";
  ground.textBaseline = "middle";
  const { X, Y, Z } = panel.basis;
  nameEdge(panel, w, X, toScreen(panel, (columns - 1) / 2, top, 0));
  nameEdge(panel, h, Y, toScreen(panel, left, (rows - 1) / 2, 0));
  nameEdge(panel, t, Z, toScreen(panel, columns - 0.5 + gap, top, far / 2));
}

const ARROWS = ["→", "↘", "↓", "↙", "←", "↖", "↑", "↗"];

// A name with the direction in which its axis runs on the screen, never past the edge; none where it runs into the depth.
function nameEdge({ ground, width, height }, name, [dx, dy], [x, y]) {
  const arrow = Math.hypot(dx, dy) > 1 ? ` ${ARROWS[Math.round(Math.atan2(dy, dx) / (Math.PI / 4) + 8) % 8]}` : "";
  const words = `${name}${arrow}`, half = ground.measureText(words).width / 2 + 3;
  ground.fillText(words, Math.min(Math.max(x, half), width - half), Math.min(Math.max(y, 9), height - 9));
}
