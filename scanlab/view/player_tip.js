// The panel about one patch: where it is, at which step each path reaches it, and when its neighbours are reached.

const MOST_ROWS = 16;
let HOVER = null;

function hoverPatch(panel, patch, point) {
  HOVER = patch < 0 ? null : { panel, patch };
  at("tip").hidden = !HOVER;
  if (HOVER) {
    fillTip(panel.scene, patch);
    placeTip(point);
  }
  refresh();
}

function endHover() {
  if (HOVER) hoverPatch(HOVER.panel, -1);
}

// Beside the pointer; on narrow screens above the controls, where no finger lies.
function placeTip([x, y]) {
  const tip = at("tip"), box = tip.getBoundingClientRect();
  if (matchMedia("(max-width: 560px)").matches) {
    const bar = at("bar").getBoundingClientRect();
    tip.style.left = "8px";
    tip.style.top = `${Math.max(Math.min(bar.top, window.innerHeight) - box.height - 8, 8)}px`;
    return;
  }
  const right = x + 18 + box.width < window.innerWidth - 8 ? x + 18 : x - 18 - box.width;
  tip.style.left = `${Math.max(right, 8)}px`;
  tip.style.top = `${Math.max(Math.min(y + 18, window.innerHeight - box.height - 8), 8)}px`;
}

function fillTip(scene, patch) {
  const place = placeOf(scene, patch).map((value, axis) => `${scene.axes[axis]} ${value}`).join(", ");
  const neighbours = neighboursOf(scene, patch);
  const here = SCENES.filter((other) => sameGrid(scene, other));
  const table = element("table"), head = table.createTHead().insertRow(), body = table.createTBody();
  for (const text of ["", "step", ...neighbours.map(([name]) => name)]) head.append(element("th", text));
  here.slice(0, MOST_ROWS).forEach((each) => tipRow(body.insertRow(), each, patch, neighbours));
  const more = here.length > MOST_ROWS ? [element("p", `and ${here.length - MOST_ROWS} more paths`)] : [];
  at("tip").replaceChildren(element("b", `(${place}) is patch ${count(patch)}`), table, ...more, ...segmentNotes(here, patch));
}

function tipRow(row, scene, patch, neighbours) {
  const mark = element("i"), name = element("th"), rank = scene.ranks[patch];
  if (rank >= 0) mark.style.background = RAMP[levelOf(scene)(rank)];
  name.append(mark, scene.group && SCENES.some((other) => other.group !== scene.group) ? scene.title : scene.label);
  row.append(name, element("td", rank < 0 ? "not visited" : count(rank), "here"));
  for (const [, other] of neighbours) row.append(element("td", other < 0 ? "" : scene.ranks[other] < 0 ? "–" : count(scene.ranks[other])));
}

// What a table cannot say: the stretch between resets that a step lies in, and how far away neighbours are read.
function segmentNotes(scenes, patch) {
  const notes = [];
  for (const scene of scenes.slice(0, 4)) {
    const rank = scene.ranks[patch], prefix = scenes.length > 1 ? `${scene.label}: ` : "";
    if (rank < 0) continue;
    if (scene.restarts.length > 1) {
      const segment = segmentOf(scene, rank), first = scene.restarts[segment];
      notes.push(element("p", `${prefix}segment ${count(segment + 1)} of ${count(scene.restarts.length)}, its step ${count(rank - first)}`));
    }
    const gap = gapsOf(scene)[patch];
    if (VIEW.colour === "gap" && gap >= 0) notes.push(element("p", `${prefix}neighbours ${gap.toFixed(1)} steps away on average`));
  }
  return notes;
}
