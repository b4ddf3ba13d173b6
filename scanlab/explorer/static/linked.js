// What in the panes speaks of a patch: cells of the indices, lines of keys, expressions and path functions. Which of them
// are of the patch that the picture is about is known here, without the server, but for the numbers in the lines.

const ITEMS = ".pane td[data-patch], .pane .line";
export const LINE_PANES = ["keys", "expr", "triton", "cpu"];

export function paneOf(item) {
  return item.closest(".pane").id.slice("pane-".length);
}

// The panes that are open, of the text that the picture is of, and have linked lines.
export function openPanes(version) {
  return LINE_PANES.filter((name) => bodyOf(name)?.dataset.of === version && bodyOf(name).querySelector("[data-part]"));
}

function bodyOf(name) {
  return document.querySelector(`#pane-${name} .pane-body`);
}

// Mark the cells of the indices that are of the targets, and say where; own: the path that the page looks at. Returned is
// whether its cell is on the page that is listed.
export function markCells(targets, scenes, own, version) {
  const body = bodyOf("indices");
  if (!body || body.dataset.of !== version) return true;
  for (const cell of MARKED.splice(0)) cell.classList.remove("here");
  let seen = true;
  for (const word of body.querySelectorAll("[data-at-scenes]")) {
    const numbers = word.dataset.atScenes.split(" ").map(Number), shown = numbers.includes(own) ? own : numbers[0];
    const table = word.nextElementSibling;
    for (const number of numbers) {
      const { patch } = targets[number], cell = cellsOf(table).get(`${number} ${patch}`);
      if (cell) { cell.classList.add("here"); MARKED.push(cell); }
      if (number !== shown) continue;
      if (cell && !body.matches(":hover, :focus-within")) reveal(table, cell);
      if (!cell && number === own) seen = false;
      write(word, `${placeText(scenes[number], targets[number])}${cell || patch < 0 ? "" : ", on another page"}`);
    }
  }
  return seen;
}

// The cells of a table by path and patch: it is made anew for other contents.
const CELLS = new WeakMap(), MARKED = [];

function cellsOf(table) {
  if (!CELLS.has(table)) {
    const cells = [...table.querySelectorAll("td[data-patch]")];
    CELLS.set(table, new Map(cells.map((cell) => [`${cell.dataset.scene} ${cell.dataset.patch}`, cell])));
  }
  return CELLS.get(table);
}

// Scroll a box so that a row is seen, and nothing else.
function reveal(box, cell) {
  const head = box.querySelector("thead")?.offsetHeight ?? 0, top = cell.parentElement.offsetTop, bottom = top + cell.offsetHeight;
  if (top - head < box.scrollTop) box.scrollTop = top - head - cell.offsetHeight;
  else if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight + cell.offsetHeight;
}

function placeText(scene, { patch, step }) {
  if (patch < 0) return "no patch";
  const place = scene.lattice.places.map((values, axis) => `${scene.axes[axis]} ${values[patch]}`).join(", ");
  return `at (${place}), patch ${patch.toLocaleString("en")}: ${step < 0 ? "not visited" : `step ${step.toLocaleString("en")}`} of ${scene.label}`;
}

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Put into every line what it comes to; parts: as scanlab/explorer/explaining.py has them.
export function fillLines(pane, parts) {
  const body = bodyOf(pane);
  if (!body) return;
  for (const box of body.querySelectorAll("[data-part]")) {
    const part = parts[box.dataset.part];
    if (!part) continue;
    const known = new Map(part.lines.map((line) => [String(line[0]), line]));
    box.scanlabPart = part;
    const at = body.querySelector(`[data-at-part="${box.dataset.part}"]`);
    if (at) write(at, part.at);
    for (const line of box.querySelectorAll(".line")) {
      const [, words, isOwn] = known.get(line.dataset.line) ?? [];
      write(line.lastElementChild, words ?? "");
      line.classList.toggle("reached", Boolean(words && isOwn));
      line.classList.toggle("other", Boolean(words) && !isOwn);
    }
    box.classList.toggle("worked", part.lines.length > 0);
  }
}

// The steps of the patches that agree in a key with the one that is worked out, [first, last]; null for other lines.
export function stepsOfKey(line) {
  const known = line.parentElement.scanlabPart?.lines.find(([number]) => String(number) === line.dataset.line);
  return known && known[3] >= 0 ? { scene: line.parentElement.scanlabPart.scene, first: known[3], last: known[4] } : null;
}

export function sceneOf(line) {
  const part = line.parentElement.scanlabPart;
  return part ? part.scene : Number(line.parentElement.dataset.scenes.split(" ")[0]);
}

// Follow the pointer and the focus over all items: `point` gets the one they are on, or null; `press` one that is
// clicked, or chosen by Enter. Arrows move from one to the next.
export function watchItems(point, press, signal) {
  const listen = (type, listener) => document.addEventListener(type, listener, { signal });
  const itemOf = (event) => event.target.closest?.(ITEMS) ?? null;
  let under = null;
  const at = (item) => {
    if (item === under) return;
    under?.classList.remove("pointed");
    item?.classList.add("pointed");
    under = item;
    point(item);
  };
  listen("pointerover", (event) => { if (event.pointerType !== "touch") at(itemOf(event)); });
  listen("focusin", (event) => { if (itemOf(event) || event.target.closest?.(".linked")) at(itemOf(event)); });
  listen("focusout", (event) => { if (itemOf(event)) at(null); });
  listen("click", (event) => { const item = itemOf(event); if (item && !getSelection().toString()) press(item); });
  listen("keydown", (event) => onKey(event, press));
}

function onKey(event, press) {
  const box = event.target.closest?.(".linked, .scroll:has(.linked)"), item = event.target.closest?.(ITEMS);
  if (!box || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "Enter" && item) press(item);
  else if (event.key === "Escape" && item) (box.tabIndex >= 0 ? box : box.closest("[tabindex='0']"))?.focus();
  else {
    const next = item ? neighbour(item, event.key) : ["ArrowDown", "ArrowRight"].includes(event.key) && first(box);
    if (!next) return;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  event.preventDefault();
  event.stopPropagation();
}

function first(box) {
  return box.querySelector("td.here") ?? box.querySelector("td[data-patch], .line.reached") ?? box.querySelector(".line");
}

function neighbour(item, key) {
  const by = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[key];
  if (item.matches(".line")) return by ? item[by] : null;
  if (by) {
    let row = item.parentElement[by];
    while (row && !row.cells[item.cellIndex]?.dataset.patch) row = row[by];
    return row?.cells[item.cellIndex];
  }
  const side = { ArrowRight: "nextElementSibling", ArrowLeft: "previousElementSibling" }[key];
  return side && item[side]?.dataset.patch ? item[side] : null;
}
