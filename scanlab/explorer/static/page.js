// What a page keeps in the browser itself, so that no server is needed for it: what was typed and is not in the address
// yet, and which of what stands there is of another text.

// Drafts: for every entry of the tab's history its address and what its user changed since, by field, each with its turn.
// They are in sessionStorage, so that other tabs have their own, and reloads and restarts of the server leave them.
const PLACE = "scanlab ";
let turn = 0, fields = {}, hash = "";

// Which entry of the history this is.
function entry() {
  if (!history.state?.entry) history.replaceState({ ...history.state, entry: newEntry() }, "");
  return history.state.entry;
}

function newEntry() {
  return `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
}

function store() {
  const place = PLACE + entry();
  try {
    if (Object.keys(fields).length || hash !== location.hash) sessionStorage.setItem(place, JSON.stringify({ hash, fields, at: Date.now() }));
    else sessionStorage.removeItem(place);
  } catch { /* A browser without room or leave to keep it: the address is written all the same. */ }
}

function read(place) {
  try { return JSON.parse(sessionStorage.getItem(place)); }
  catch { return null; }
}

// Keep what the user has made of a field, at once; the number of this turn, which the server says back.
export function keep(name, value) {
  fields[name] = { turn: ++turn, value };
  store();
  return turn;
}

// The address that the server has made of all up to a turn; `write` puts it there.
export function settle(address, upTo) {
  hash = address;
  for (const [name, kept] of Object.entries(fields)) if (kept.turn <= upTo) delete fields[name];
  store();
}

export function write() {
  if (hash && hash !== location.hash) history.replaceState({ ...history.state, entry: entry() }, "", hash);
  store();
}

// Begin another entry, as for another document.
export function push(address, upTo) {
  history.pushState({ entry: newEntry() }, "", address);
  settle(address, upTo);
}

// All that is known of the entry that the page stands at: its address, and what came after that. A page that is opened
// afresh in a tab takes over what was typed there last and reached no server.
export function whole() {
  let found = read(PLACE + entry()), adopted = false;
  if (!found && !location.hash) adopted = Boolean(found = adopt());
  hash = found?.hash ?? location.hash;
  fields = Object.fromEntries(Object.entries(found?.fields ?? {}).map(([name, { value }]) => [name, { turn: turn + 1, value }]));
  turn++;
  store();
  const draft = Object.fromEntries(Object.entries(fields).map(([name, { value }]) => [name, value]));
  return { address: hash.slice(1), draft, turn, adopted };
}

function adopt() {
  const places = Object.keys(sessionStorage).filter((key) => key.startsWith(PLACE) && read(key)?.fields?.text);
  const [last] = places.sort((one, other) => read(other).at - read(one).at);
  const found = last && read(last);
  if (found) sessionStorage.removeItem(last);
  return found;
}

// Freshness: everything that says something of a text carries in data-of which text that is, and of which grid. What is
// of another than the one that stands in the box is marked until the answer comes, whether there is a server or not.
let text = null, grid = null;

// The text that stands in the box. It is the same mark as scanlab/explorer/freshness.py makes.
export function wantText(value) {
  text = `${value.length}-${crc(value).toString(16)}`;
  mark();
  return text;
}

// The grid that was typed; null where the server may choose one.
export function wantGrid(value) {
  grid = value === null ? null : (value.match(/\d+/g) ?? []).map(Number).join("x");
  mark();
}

export function isOf(mark) {
  return mark === text;
}

function mark() {
  for (const node of document.querySelectorAll("[data-of]")) {
    const [ofText, ofGrid] = node.dataset.of.split(" ");
    const older = text !== null && (ofText !== text || (grid !== null && ofGrid !== undefined && ofGrid !== grid));
    if (older !== node.hasAttribute("data-older")) node.toggleAttribute("data-older", older);
  }
}

new MutationObserver(mark).observe(document.documentElement, { subtree: true, childList: true, attributeFilter: ["data-of"] });

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});

// CRC-32 of the text's UTF-16 units, low bytes first.
function crc(value) {
  let sum = 0xffffffff;
  for (let at = 0; at < value.length; at++) {
    const unit = value.charCodeAt(at);
    sum = TABLE[(sum ^ unit) & 255] ^ (sum >>> 8);
    sum = TABLE[(sum ^ (unit >> 8)) & 255] ^ (sum >>> 8);
  }
  return (sum ^ 0xffffffff) >>> 0;
}
