// The address: all that the page shows, after the # of its link, as name=value with & between.

const COLOURS = ["step", "path", "gap"], SPEEDS = [0.25, 0.5, 1, 2, 4, 8];
const USUAL_PANES = "proof,keys";
// What of the player's view stands in a link: how each value is read, and written where it is not as usual.
const VIEW_FIELDS = {
  step: { usual: -1, read: (text) => whole(text, -1) },
  speed: { usual: 1, read: (text) => (SPEEDS.includes(Number(text)) ? Number(text) : undefined) },
  slice: { usual: "", read: (text) => text },
  layer: { usual: 0, read: (text) => whole(text, 0) },
  zoom: { usual: 1, read: (text) => within(text, 1, 24) },
  shift: { usual: [0, 0], read: (text) => pair(text, 12, 12) },
  rotation: { usual: [0.62, 0.5], read: (text) => pair(text, 1e6, 1.55) },
  together: { usual: false, read: (text) => text === "true" },
  pinned: { usual: [], read: (text) => (/^\d{1,6},\d{1,9}$/.test(text) ? text.split(",").map(Number) : undefined) },
  memory: { usual: 0, read: (text) => within(text, 0, 1024) },
};

function readAddress() {
  const given = new URLSearchParams(location.hash.replace(/^#/, ""));
  const text = (name) => given.get(name) || "";
  const view = {};
  for (const [name, { usual, read }] of Object.entries(VIEW_FIELDS)) {
    const value = given.has(name) ? read(given.get(name)) : undefined;
    view[name] = value === undefined ? usual : value;
  }
  return {
    strategy: text("strategy"), grid: text("grid"), embed: text("embed") === "1", view,
    looksAt: Object.keys(VIEW_FIELDS).some((name) => given.has(name)),
    colour: COLOURS.includes(text("colour")) ? text("colour") : COLOURS[0],
    panes: given.has("panes") ? text("panes").split(",").filter((name) => name in PANE_TITLES) : USUAL_PANES.split(","),
    filters: { search: text("search"), axes: text("axes"), kind: text("kind"), mark: text("mark") },
  };
}

// The address of a strategy; grid "" is its usual one.
function strategyAddress({ strategy, grid, colour, panes, view, embed }) {
  const parts = new URLSearchParams({ strategy });
  if (grid) parts.set("grid", grid);
  if (colour !== COLOURS[0]) parts.set("colour", colour);
  for (const [name, { usual }] of Object.entries(VIEW_FIELDS)) {
    if (String(view[name]) !== String(usual)) parts.set(name, shortened(view[name]));
  }
  if (!embed && panes.join() !== USUAL_PANES) parts.set("panes", panes.join());
  if (embed) parts.set("embed", "1");
  return plain(parts);
}

function galleryAddress(filters) {
  return plain(new URLSearchParams(Object.entries(filters).filter(([, value]) => value)));
}

// Commas need no escape there, and are easier to read.
function plain(parts) {
  return `#${parts.toString().replace(/%2C/g, ",")}`;
}

// Change the address without a step in the history; browsers refuse more than some hundred changes a minute.
function keepAddress(address) {
  try { history.replaceState(null, "", address); } catch { /* The link that is copied is made anew. */ }
}

function shortened(value) {
  const short = (number) => (typeof number === "number" ? Number(number.toFixed(4)) : number);
  return Array.isArray(value) ? value.map(short).join() : String(short(value));
}

function whole(text, low) {
  return /^-?\d{1,9}$/.test(text) && Number(text) >= low ? Number(text) : undefined;
}

function within(text, low, high) {
  const number = Number(text);
  return text !== "" && number >= low && number <= high ? number : undefined;
}

function pair(text, ...limits) {
  const numbers = text.split(",").map((part, i) => within(part, -limits[i], limits[i]));
  return numbers.length === 2 && !numbers.includes(undefined) ? numbers : undefined;
}
