// The ribbon below a picture: the same path as the sequence that the model reads, left to right, with its tokens in
// their places and a gap before each reset. A press on it moves the clock there.

const RIBBON = { height: 20, top: 6, thick: 8, sign: 6 };

function makeRibbon(panel, scene) {
  const canvas = panel.figure.appendChild(element("canvas", undefined, "ribbon"));
  canvas.setAttribute("aria-hidden", "true");
  const ribbon = { canvas, context: canvas.getContext("2d"), scene, strip: null, step: -1 };
  const seek = (event) => {
    if (!event.buttons) return;
    const box = canvas.getBoundingClientRect(), share = (event.clientX - box.left) / box.width;
    const step = stepBefore(ribbon.scene, share * (ribbon.scene.length + ribbon.scene.tokens.length));
    goTo((step * (LONGEST - 1)) / Math.max(ribbon.scene.length - 1, 1));
  };
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); seek(event); });
  canvas.addEventListener("pointermove", seek);
  return ribbon;
}

// Sequences that look alike have one ribbon, that of the first panel.
function shareRibbons() {
  const key = ({ scene }) => JSON.stringify([scene.length, scene.tokens, Array.from(scene.restarts)]);
  const [first, ...others] = PANELS.map(({ ribbons }) => ribbons.map(key).join());
  const isShared = VIEW.colour === "step" && others.length > 0 && others.every((other) => other === first);
  PANELS.forEach(({ figure }, number) => figure.classList.toggle("shared", isShared && number > 0));
}

// The step at a position of the sequence, which counts the tokens too.
function stepBefore(scene, position) {
  const earlier = scene.tokens.filter((token) => token.position < Math.floor(position)).length;
  return Math.min(Math.max(Math.floor(position) - earlier, 0), scene.length - 1);
}

function positionOf(scene, step) {
  return step + scene.tokens.filter((token) => token.before <= step).length;
}

// The whole ribbon once, in full colour, for drawRibbon to copy from.
function paintRibbon(panel, ribbon) {
  const { scene } = ribbon, level = levelOf(scene), { width, dots } = panel;
  const strip = document.createElement("canvas"), context = strip.getContext("2d");
  sizeCanvas(strip, width, RIBBON.height, dots);
  const whole = scene.length + scene.tokens.length, wide = width / whole;
  const tokenPositions = new Set(scene.tokens.map((token) => token.position));
  if (wide >= 1) {
    const gap = wide >= 7 ? 1 : 0;
    for (let position = 0, step = 0; position < whole; position++) {
      if (tokenPositions.has(position)) continue;
      context.fillStyle = RAMP[level(step++)];
      context.fillRect(position * wide, RIBBON.top, Math.max(wide - gap, 1), RIBBON.thick);
    }
  } else {
    for (let x = 0; x < width; x += 1 / dots) {
      context.fillStyle = RAMP[level(stepBefore(scene, (x + 0.5 / dots) / wide))];
      context.fillRect(x, RIBBON.top, 1 / dots, RIBBON.thick);
    }
  }
  if (scene.restarts.length * 5 <= width) {
    for (const step of scene.restarts) if (step) context.clearRect(positionOf(scene, step) * wide - 1.5, 0, 2.5, RIBBON.height);
  }
  for (const token of scene.tokens) {
    const x = Math.min(Math.max((token.position + 0.5) * wide, RIBBON.sign + 1), width - RIBBON.sign - 1);
    drawTokenSymbol(context, [x, RIBBON.top + RIBBON.thick / 2], RIBBON.sign, token.name);
  }
  ribbon.strip = strip;
  sizeCanvas(ribbon.canvas, width, RIBBON.height, dots);
  ribbon.step = -1;
}

// What is done in full colour, what is to come faintly, and the clock's place.
function drawRibbon(panel, ribbon, step) {
  if (!ribbon.strip) paintRibbon(panel, ribbon);
  if (ribbon.step === step) return;
  ribbon.step = step;
  const { context, strip, scene } = ribbon, { width, dots } = panel;
  const whole = scene.length + scene.tokens.length, done = (positionOf(scene, step) + 1) * (width / whole);
  context.clearRect(0, 0, width, RIBBON.height);
  context.globalAlpha = 0.25;
  context.drawImage(strip, 0, 0, width, RIBBON.height);
  context.globalAlpha = 1;
  const cut = Math.max(Math.round(done * dots), 1);
  context.drawImage(strip, 0, 0, cut, strip.height, 0, 0, cut / dots, RIBBON.height);
  context.fillStyle = INK.ink;
  context.beginPath();
  context.roundRect(Math.min(Math.max(done - 1.25, 0), width - 2.5), 2, 2.5, RIBBON.height - 4, 1.25);
  context.fill();
}
