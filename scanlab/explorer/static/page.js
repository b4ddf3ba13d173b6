// What a page keeps in the browser itself, so that no server is needed for it: what was typed and is not in the address
// yet, and which of what stands there is of another text.

// Drafts: for every entry of the tab's history its address and what its user changed since, by field, each with its turn.
// They are in sessionStorage, so that other tabs have their own, and reloads and restarts of the server leave them.
const PLACE = "scanlab ", NOW = "scanlab-now", NEVER = Number.MAX_SAFE_INTEGER;
// The longest text that is read, as in scanlab/explorer/state.py.
export const MOST = 262_144;
let turn = 0, fields = {}, hash = "", here = "";

// Which entry of the history this is. A page that is loaded anew is the one that stood here before: browsers may not have
// written down yet what its entry was changed to last.
function entry() {
  if (!here) {
    const [{ type } = {}] = performance.getEntriesByType("navigation");
    begin((type === "reload" && sessionStorage.getItem(NOW)) || history.state?.entry || newEntry());
  }
  return here;
}

function begin(id) {
  here = id;
  try { sessionStorage.setItem(NOW, id); }
  catch { /* A browser without leave to keep anything: the address is written all the same. */ }
  if (history.state?.entry !== id) history.replaceState({ ...history.state, entry: id }, "");
}

function newEntry() {
  return `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
}

// Also what the address holds already: a page that is about to be loaded anew may have asked for its old one before.
function store() {
  const place = PLACE + entry(), words = JSON.stringify({ hash, fields, at: Date.now() });
  try { sessionStorage.setItem(place, words); }
  catch {
    // Without room, other entries have theirs in their addresses; without leave, the address is written all the same.
    for (const other of places()) if (other !== place && isSettled(read(other))) sessionStorage.removeItem(other);
    try { sessionStorage.setItem(place, words); }
    catch { /* see above */ }
  }
}

function places() {
  return Object.keys(sessionStorage).filter((key) => key.startsWith(PLACE));
}

function isSettled(stored) {
  return !stored || !Object.keys(stored.fields).length;
}

function read(place) {
  try { return JSON.parse(sessionStorage.getItem(place)); }
  catch { return null; }
}

// Keep what the user has made of a field, at once; the number of this turn, which the server says back.
export function keep(name, value) {
  fields[name] = { turn: ++turn, value };
  if (isUnread(name, value)) fields[name].turn = NEVER;
  store();
  return turn;
}

// A text that is too long to be read goes to no server: it stays here.
function isUnread(name, value) {
  return name === "text" && value.length > MOST;
}

export function unread() {
  return isUnread("text", fields.text?.value ?? "") ? fields.text.value : null;
}

// The address that the server has made of all up to a turn; `write` puts it there.
export function settle(address, upTo) {
  hash = address;
  for (const [name, kept] of Object.entries(fields)) if (kept.turn <= upTo) delete fields[name];
  store();
}

export function write() {
  if (hash && hash !== location.hash) history.replaceState({ ...history.state, entry: entry() }, "", hash);
}

// Begin another entry, as for another document.
export function push(address, upTo) {
  const id = newEntry();
  history.pushState({ entry: id }, "", address);
  begin(id);
  settle(address, upTo);
}

// All that is known of the entry that the page stands at: its address, and what came after that. A page that is opened
// afresh in a tab takes over what was typed there last and reached no server.
export function whole() {
  if (here) begin(history.state?.entry ?? newEntry());
  let stored = read(PLACE + entry()), adopted = false;
  if (!stored && !location.hash) adopted = Boolean(stored = adopt());
  hash = stored?.hash ?? location.hash;
  fields = {};
  turn++;
  const draft = {};
  for (const [name, { value }] of Object.entries(stored?.fields ?? {})) {
    fields[name] = { turn: isUnread(name, value) ? NEVER : turn, value };
    if (!isUnread(name, value)) draft[name] = value;
  }
  return { address: hash.slice(1), draft, turn, adopted };
}

function adopt() {
  const [last] = places().filter((place) => read(place)?.fields.text).sort((one, other) => read(other).at - read(one).at);
  const stored = last && read(last);
  if (stored) sessionStorage.removeItem(last);
  return stored;
}

// Freshness: everything that says something of a text carries in data-of which text that is, and of which grid. What is
// of another than the one that stands in the box is marked until the answer comes, whether there is a server or not.
let text = null, grid = null;

// The text that stands in the box. It is the same version as scanlab/explorer/freshness.py makes.
export function wantText(value) {
  text = `${value.length}-${crc(value).toString(16)}`;
  markOlder();
  return text;
}

// The grid that was typed; null where the server may choose one.
export function wantGrid(value) {
  grid = value === null ? null : (value.match(/\d+/g) ?? []).map(Number).join("x");
  markOlder();
}

export function isOf(version) {
  return version === text;
}

function markOlder() {
  for (const node of document.querySelectorAll("[data-of]")) {
    const [ofText, ofGrid] = node.dataset.of.split(" ");
    const older = text !== null && (ofText !== text || (grid !== null && ofGrid !== undefined && ofGrid !== grid));
    if (older !== node.hasAttribute("data-older")) node.toggleAttribute("data-older", older);
  }
}

// What can be taken away, as a file or by the clipboard, is of the text in the box, or is not given.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-older] .takes")) event.stopImmediatePropagation();
}, true);

new MutationObserver(markOlder).observe(document.documentElement, { subtree: true, childList: true, attributeFilter: ["data-of"] });

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
