// The panel about one patch: where it is, at which step each path reaches it, and when its neighbours are reached.

const MOST_ROWS = 16, MOST_NOTED = 4;
let HOVER = null;

function hoverPatch(panel, patch, point) {
  const before = HOVER;
  HOVER = patch < 0 ? null : { panel, patch, point };
  if (!pinned()) {
    const isNew = !HOVER || !before || before.quiet || before.patch !== patch || before.panel !== panel;
    if (isNew) showTip();
    else placeTip(point);
  }
  refresh();
}

// The tip tells of the pinned patch; else of the one under the pointer, but not of one that the page points at.
function showTip() {
  const held = COUNTER ? null : pinned(), chosen = held || (HOVER && !HOVER.quiet ? HOVER : null);
  at("tip").hidden = !chosen;
  at("tip").classList.toggle("pinned", held !== null);
  if (!chosen) return;
  fillTip(chosen.panel.scene, chosen.patch);
  if (held) placePinned();
  else placeTip(chosen.point);
}

// Beside the pinned patch, wherever that is scrolled or turned to; hidden where something else lies there.
function placePinned() {
  const held = COUNTER ? null : pinned();
  if (!held) return;
  const { stage, screen } = held.panel, box = stage.getBoundingClientRect();
  const point = [box.left + screen[2 * held.patch], box.top + screen[2 * held.patch + 1]];
  const top = document.elementFromPoint(...point);
  at("tip").hidden = !(stage.contains(top) || at("tip").contains(top));
  if (!at("tip").hidden) placeTip(point);
}

function endHover() {
  if (HOVER) hoverPatch(HOVER.panel, -1);
}

// Beside the pointer; on narrow screens above the controls, or at the top where that would hide the patch.
function placeTip([x, y]) {
  const tip = at("tip"), box = tip.getBoundingClientRect();
  if (matchMedia("(max-width: 560px)").matches) {
    const top = Math.min(at("bar").getBoundingClientRect().top, window.innerHeight) - box.height - 8;
    tip.style.left = "8px";
    tip.style.top = `${Math.max(y > top - 16 ? 8 : top, 8)}px`;
    return;
  }
  if (pinned()) return keepBeside(tip, box, [x, y], Math.max(18, pinned().panel.cell / 2 + 8));
  const right = x + 18 + box.width < window.innerWidth - 8 ? x + 18 : x - 18 - box.width;
  tip.style.left = `${Math.max(right, 8)}px`;
  tip.style.top = `${Math.max(Math.min(y + 18, window.innerHeight - box.height - 8), 8)}px`;
}

// One that stays keeps to the player, so that it hides nothing that stands beside; below its patch, or else above it.
function keepBeside(tip, box, [x, y], away) {
  const { left, right } = root.getBoundingClientRect(), below = y + away + box.height < window.innerHeight - 8;
  tip.style.left = `${Math.max(Math.min(x + away, right - box.width), left, 8)}px`;
  tip.style.top = `${Math.max(below ? y + away : y - away - box.height, 8)}px`;
}

function fillTip(scene, patch) {
  const place = placeOf(scene, patch).map((value, axis) => `${scene.axes[axis]} ${value}`).join(", ");
  const neighbours = neighboursOf(scene, patch), here = SCENES.filter((other) => sameGrid(scene, other));
  // Many neighbours stand below each other where the screen is narrow, and fewer paths beside each other.
  const upright = window.innerWidth < 640 && neighbours.length > 4, shown = here.slice(0, upright ? 3 : MOST_ROWS);
  const head = ["", "step", ...neighbours.map(([name]) => name)].map((text) => element("th", text));
  const rows = [head, ...shown.map((each) => tipCells(each, patch, neighbours))];
  const table = element("table", undefined, upright ? "upright" : "");
  for (const cells of upright ? head.map((_, column) => rows.map((row) => row[column])) : rows) table.insertRow().append(...cells);
  const more = here.length > shown.length ? [element("p", `and ${here.length - shown.length} more`)] : [];
  const title = element("b", `(${place}) is patch ${count(patch)}`);
  at("tip").replaceChildren(title, ...(pinned() ? [letGoButton()] : []), table, ...more, ...segmentNotes(here, patch));
}

function letGoButton() {
  const button = element("button", "×");
  button.type = "button";
  button.title = "Let go of this patch (Esc)";
  button.setAttribute("aria-label", "Let go of this patch");
  button.addEventListener("click", unpin);
  return button;
}

function tipCells(scene, patch, neighbours) {
  const swatch = element("i"), name = element("th"), rank = scene.ranks[patch];
  if (rank >= 0) swatch.style.background = RAMP[levelOf(scene)(rank)];
  name.append(swatch, scene.group && SCENES.some((other) => !ofOneScan(other, scene)) ? scene.title : scene.label);
  const word = (at) => (at < 0 ? "" : scene.ranks[at] < 0 ? "–" : count(scene.ranks[at]));
  const here = element("td", rank < 0 ? "not visited" : count(rank), "here");
  return [name, here, ...neighbours.map(([, other]) => element("td", word(other)))];
}

// What a table cannot say: the segment between resets that a step lies in, and how far away neighbours are read.
function segmentNotes(scenes, patch) {
  const notes = [];
  for (const scene of scenes.slice(0, MOST_NOTED)) {
    const rank = scene.ranks[patch], prefix = scenes.length > 1 ? `${scene.label}: ` : "";
    if (rank < 0) continue;
    if (scene.restarts.length > 1) {
      const segment = segmentOf(scene, rank), first = scene.restarts[segment];
      const which = `segment ${count(segment + 1)} of ${count(scene.restarts.length)}`;
      notes.push(element("p", `${prefix}${which}, its step ${count(rank - first)}`));
    }
    const gap = gapsOf(scene)[patch];
    if (VIEW.colour === "gap" && gap >= 0) notes.push(element("p", `${prefix}neighbours ${gap.toFixed(1)} steps away on average`));
  }
  const left = scenes.length - MOST_NOTED;
  return notes.length && left > 0 ? [...notes, element("p", `and ${left} more paths`)] : notes;
}
