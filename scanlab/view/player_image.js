// The user's own image: its patches where they lie, uncovered as the path reaches them, and in the order of reading.
// The image is read by the browser and stays in it.

const LARGEST_IMAGE = 1024;
const FEW = 500;
const STRIP = { high: 124, largest: 30, least: 7, film: 36, gap: 2, nothing: -1 };
let IMAGE = null;

function setImage(url) {
  note("");
  if (!url) return keepImage(null);
  if (!/^(data:image\/|blob:)/.test(url)) return note("Only an image of this device can be shown.");
  const picture = new Image();
  picture.onload = () => keepImage(shrink(picture));
  picture.onerror = () => note("The browser cannot read this file as an image.");
  picture.src = url;
}

function readImageFile(file) {
  if (!file) return;
  const reader = new FileReader();
  reader.onload = () => setImage(reader.result.replace(/^data:application\/octet-stream/, "data:image/png"));
  reader.onerror = () => note("The browser cannot read this file.");
  reader.readAsDataURL(file);
}

function shrink(picture) {
  const scale = Math.min(1, LARGEST_IMAGE / Math.max(picture.naturalWidth, picture.naturalHeight, 1));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(Math.round(picture.naturalWidth * scale), 1);
  canvas.height = Math.max(Math.round(picture.naturalHeight * scale), 1);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function keepImage(canvas) {
  IMAGE = canvas;
  at("unimage").hidden = !IMAGE;
  at("image-name").textContent = IMAGE ? "Other image" : "Image";
  redraw();
}

// Whether the image lies on the grid itself; in volumes and on lines it is only in the strip.
function hasImage({ scene }) {
  return IMAGE !== null && scene.grid.length === 2 && scene.length > 0;
}

// The part of the image that a patch covers: the middle of the image, cut to the grid's proportions.
function sourceOf(scene, patch) {
  const flat = scene.grid.length > 1, [rows, columns] = flat ? scene.grid.slice(-2) : [1, scene.grid[0]];
  const [row, column] = flat ? [Math.floor(patch / columns) % rows, patch % columns] : [0, patch];
  const side = flat ? Math.min(IMAGE.width / columns, IMAGE.height / rows) : 0;
  const [wide, tall] = flat ? [side, side] : [IMAGE.width / columns, IMAGE.height];
  const [left, top] = [(IMAGE.width - wide * columns) / 2, (IMAGE.height - tall * rows) / 2];
  return [left + column * wide, top + row * tall, wide, tall];
}

function drawImageFaint(panel) {
  if (!hasImage(panel)) return;
  panel.ground.save();
  panel.ground.globalAlpha = 0.22;
  panel.ground.filter = "grayscale(1)";
  drawWhole(panel, panel.ground);
  panel.ground.restore();
}

function drawWhole(panel, context) {
  const { left, top, right, bottom, rows, columns } = frameOf(panel), [x, y, wide, tall] = sourceOf(panel.scene, 0);
  context.drawImage(IMAGE, x, y, wide * columns, tall * rows, left, top, right - left, bottom - top);
}

// The middle of the image, cut to these proportions, as a PNG of so many pixels; "" where there is none.
function pictureOf(rows, columns) {
  if (!IMAGE) return "";
  const side = Math.min(IMAGE.width / columns, IMAGE.height / rows), [wide, tall] = [side * columns, side * rows];
  const canvas = Object.assign(document.createElement("canvas"), { width: columns, height: rows });
  canvas.getContext("2d").drawImage(IMAGE, (IMAGE.width - wide) / 2, (IMAGE.height - tall) / 2, wide, tall, 0, 0, columns, rows);
  return canvas.toDataURL("image/png");
}

// Uncover the patches up to a step: few one by one, many at once through a stencil with one pixel per patch.
function revealImage(panel, step) {
  drawStrip(panel, step);
  // What the state remembers uncovers the image in its own way.
  if (VIEW.memory || !hasImage(panel) || step + 1 === panel.revealed) return;
  if (step + 1 < panel.revealed) drawGround(panel);
  const { ground, scene, cell, dots, screen } = panel, edge = (value) => Math.round(value * dots) / dots;
  if (step - panel.revealed > FEW) stencilImage(panel, step);
  else for (let at = panel.revealed; at <= step; at++) {
    const patch = scene.indices[at], [x, y] = [screen[2 * patch] - cell / 2, screen[2 * patch + 1] - cell / 2];
    const [left, top] = [edge(x), edge(y)];
    ground.drawImage(IMAGE, ...sourceOf(scene, patch), left, top, edge(x + cell) - left, edge(y + cell) - top);
  }
  panel.revealed = step + 1;
}

function stencilImage(panel, step) {
  const { scene, width, height, dots } = panel, [rows, columns] = scene.grid;
  const seen = new ImageData(columns, rows), words = new Uint32Array(seen.data.buffer);
  for (let at = 0; at <= step; at++) words[scene.indices[at]] = 0xff000000;
  const stencil = Object.assign(document.createElement("canvas"), { width: columns, height: rows });
  stencil.getContext("2d").putImageData(seen, 0, 0);
  const cover = document.createElement("canvas"), context = cover.getContext("2d");
  sizeCanvas(cover, width, height, dots);
  drawWhole(panel, context);
  context.globalCompositeOperation = "destination-in";
  context.imageSmoothingEnabled = false;
  const { left, top, right, bottom } = frameOf(panel);
  context.drawImage(stencil, left, top, right - left, bottom - top);
  panel.ground.drawImage(cover, 0, 0, width, height);
}

// The strip: patches in the order of reading. Where all fit they are laid out in rows; else the last ones are a film.
function fitStrip(panel) {
  if (!IMAGE || !panel.scene.length) {
    if (panel.strip) panel.strip.box.remove();
    panel.strip = null;
    return;
  }
  if (!panel.strip) {
    const box = element("div", undefined, "strip"), canvas = element("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "The patches of the image in the order of reading");
    const slices = isSolid(panel.scene) ? ", the same image in every slice" : "";
    box.append(element("p", `Read in this order${slices}`, "facts"), canvas);
    panel.figure.append(box);
    panel.strip = { box, canvas, context: canvas.getContext("2d") };
  }
  const { scene, width } = panel, whole = scene.length + scene.tokens.length, { gap } = STRIP;
  let side = STRIP.largest;
  while (side >= STRIP.least && Math.floor(width / (side + gap)) * Math.floor(STRIP.high / (side + gap)) < whole) side--;
  const film = side < STRIP.least;
  if (film) side = STRIP.film;
  const columns = Math.max(Math.floor(width / (side + gap)), 1), rows = film ? 1 : Math.ceil(whole / columns);
  Object.assign(panel.strip, { side, film, columns, drawn: STRIP.nothing });
  sizeCanvas(panel.strip.canvas, width, rows * (side + gap), panel.dots);
}

function drawStrip(panel, step) {
  const { strip } = panel;
  if (!strip) return;
  const { scene } = panel, last = step === scene.length - 1 ? scene.length + scene.tokens.length - 1 : positionOf(scene, step);
  if (strip.drawn === last) return;
  let first = strip.drawn + 1, shift = 0;
  if (strip.film || last < strip.drawn || strip.drawn === STRIP.nothing) {
    strip.context.clearRect(0, 0, panel.width, panel.height);
    first = strip.film ? Math.max(last - strip.columns + 1, 0) : 0;
    shift = strip.film ? first : 0;
  }
  for (let position = first; position <= last; position++) drawEntry(strip, scene, position, position - shift);
  strip.drawn = last;
}

function drawEntry({ context, side, columns }, scene, position, slot) {
  const x = (slot % columns) * (side + STRIP.gap), y = Math.floor(slot / columns) * (side + STRIP.gap);
  const token = scene.tokens.find((each) => each.position === position);
  if (token) return drawTokenSymbol(context, [x + side / 2, y + side / 2], Math.min(side / 2, 11), token.name);
  const step = position - scene.tokens.filter((each) => each.position < position).length;
  context.drawImage(IMAGE, ...sourceOf(scene, scene.indices[step]), x, y, side, side);
  if (scene.kinds[step] !== RESET || !step) return;
  context.fillStyle = INK.ink;
  context.fillRect(x - STRIP.gap, y, STRIP.gap, side);
}
