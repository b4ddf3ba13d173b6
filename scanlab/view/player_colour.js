// Colours: the one ramp of every picture, which level of it a step has, and the page's own inks.

const LEVELS = 255;
const COLOURS = Array.from({ length: LEVELS + 1 }, (_, level) =>
  [0, 2, 4].map((at) => parseInt(RAMP_TABLE.substr(6 * level + at, 2), 16)));
const RAMP = COLOURS.map(([r, g, b]) => `rgb(${r} ${g} ${b})`);
// The same as one number per colour, as an image's memory holds it: alpha, blue, green, red.
const WORDS = Uint32Array.from(COLOURS, ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0);
const VIEW = { colour: "step", slice: { axis: "", at: 0 }, together: false, memory: 0 };
let INK = {};

function readInk() {
  const style = getComputedStyle(root);
  const names = ["paper", "ink", "soft", "line", "off", "wrong", "plane", "focus", "accent"];
  INK = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  INK.letters = style.fontFamily;
}

// The level of every step, as a function that is quick to call.
function levelOf(scene) {
  if (VIEW.colour === "path") {
    const level = pathLevel(scene);
    return () => level;
  }
  if (VIEW.colour === "gap") {
    const levels = gapLevels(scene), indices = scene.indices;
    return (step) => levels[indices[step]];
  }
  const scale = LEVELS / Math.max(scene.length - 1, 1);
  return (step) => (step * scale + 0.5) | 0;
}

function pathLevel(scene) {
  return SCENES.length > 1 ? Math.round((scene.number / (SCENES.length - 1)) * LEVELS) : 0;
}

function widestGap() {
  let most = 1;
  for (const scene of SCENES) for (const gap of gapsOf(scene)) if (gap > most) most = gap;
  return most;
}

// Gaps range over orders of magnitude, so their colours follow the logarithm; a gap of 1 is the lower end.
function gapLevels(scene) {
  const widest = SCENES.widest || (SCENES.widest = widestGap());
  if (!scene.gapLevels) {
    const scale = widest > 1 ? LEVELS / Math.log(widest) : 0;
    scene.gapLevels = Uint8Array.from(gapsOf(scene), (gap) => Math.log(Math.max(gap, 1)) * scale + 0.5);
  }
  return scene.gapLevels;
}
