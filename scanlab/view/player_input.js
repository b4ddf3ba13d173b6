// Input: the keyboard, the pointer and the finger.

const TURN = 140;

// Where several players stand on one page, each with data-keys="own" listens to keys inside itself alone.
function onKey(event) {
  if (root.dataset.keys === "own" && !root.contains(event.target)) return;
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || COUNTER || isTaken(event)) return;
  const panel = PANELS.find(({ stage }) => stage === event.target);
  const act = (panel && !event.shiftKey && stageKey(panel, event.key)) || cameraKey(event) || clockKey(event.key) || pinKey(event.key);
  if (!act) return;
  act();
  event.preventDefault();
}

function clockKey(key) {
  return {
    " ": () => setPlaying(!CLOCK.playing),
    ArrowLeft: () => goTo(Math.floor(CLOCK.place) - 1),
    ArrowRight: () => goTo(Math.floor(CLOCK.place) + 1),
    Home: () => goTo(0),
    End: () => goTo(LONGEST - 1),
    "<": () => changeSpeed(-1),
    ">": () => changeSpeed(1),
  }[key];
}

function cameraKey({ key, shiftKey }) {
  const turns = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
  if (shiftKey && turns[key]) {
    if (SCENES.some(isSolid)) return () => rotate(...turns[key]);
    return CAMERA.zoom > 1 ? () => pan(-turns[key][0], turns[key][1]) : undefined;
  }
  return { "+": () => zoomBy(1.25), "=": () => zoomBy(1.25), "-": () => zoomBy(0.8), 0: resetCamera }[key];
}

function pinKey(key) {
  return key === "Escape" && PIN ? unpin : undefined;
}

// On a picture that has the focus the arrows move over its patches, and Enter pins one.
function stageKey(panel, key) {
  if (key === "Escape") return PIN ? unpin : HOVER ? endHover : undefined;
  if (key === "Enter") return () => togglePin(panel, targetOf(panel).patch);
  const axes = panel.scene.grid.length, moves = {
    ArrowLeft: [axes - 1, -1], ArrowRight: [axes - 1, 1], ArrowUp: [axes - 2, -1], ArrowDown: [axes - 2, 1],
    PageUp: [axes - 3, -1], PageDown: [axes - 3, 1],
  };
  if (!moves[key] || moves[key][0] < 0) return undefined;
  return () => moveHover(panel, ...moves[key]);
}

function moveHover(panel, axis, by) {
  const { scene } = panel, target = targetOf(panel), from = target.by === "clock" ? -1 : target.patch;
  let patch = scene.indices[Math.max(stepOf(scene), 0)];
  if (from >= 0) {
    const value = scene.lattice.places[axis][from] + by;
    const stride = scene.grid.slice(axis + 1).reduce((a, b) => a * b, 1);
    patch = value >= 0 && value < scene.grid[axis] ? from + by * stride : from;
  }
  if (target.by === "pin") return pin(panel, patch);
  const box = panel.stage.getBoundingClientRect();
  return hoverPatch(panel, patch, [box.left + panel.screen[2 * patch], box.top + panel.screen[2 * patch + 1]]);
}

const TAKES_ALL = "input, select, textarea, [contenteditable], dialog, [role=dialog], [role=tablist], [role=listbox], "
  + "[role=menu], [role=radiogroup], [role=slider], [role=combobox]";
const TAKES_SPACE = "button, a, summary, [role=button], [role=option], [role=tab], [role=switch], [role=checkbox]";

// Keys that something else has a use for belong to it; the player's own slider moves as the player does.
function isTaken({ target, key }) {
  if (target === at("scrub") || !target.closest) return false;
  return target.closest(TAKES_ALL) !== null || (key === " " && target.closest(TAKES_SPACE) !== null);
}

function listen(panel) {
  const { stage } = panel, held = new Map();
  let moved = false;
  const patchUnder = (event) => {
    const box = stage.getBoundingClientRect();
    return patchAt(panel, event.clientX - box.left, event.clientY - box.top);
  };
  const here = (event) => hoverPatch(panel, patchUnder(event), [event.clientX, event.clientY]);
  // A finger cannot hover: its first tap on a patch tells of it, the next one pins it.
  const press = (event) => {
    const patch = patchUnder(event), target = targetOf(panel);
    if (event.pointerType !== "touch" || (target.by !== "clock" && target.patch === patch)) togglePin(panel, patch);
    here(event);
  };
  stage.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    held.set(event.pointerId, [event.clientX, event.clientY]);
    moved = false;
    if (isSolid(panel.scene) || CAMERA.zoom > 1) stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!held.has(event.pointerId)) return event.pointerType === "touch" ? undefined : here(event);
    const before = held.get(event.pointerId), now = [event.clientX, event.clientY];
    if (!moved && Math.hypot(now[0] - before[0], now[1] - before[1]) < 4) return undefined;
    moved = true;
    drag(panel, held, event.pointerId, now);
    held.set(event.pointerId, now);
    return undefined;
  });
  stage.addEventListener("pointerup", (event) => { if (held.delete(event.pointerId) && !moved) press(event); });
  stage.addEventListener("pointercancel", (event) => held.delete(event.pointerId));
  stage.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") endHover(); });
  stage.addEventListener("blur", endHover);
  stage.addEventListener("focus", () => { if (stage.matches(":focus-visible")) moveHover(panel, 0, 0); });
  stage.addEventListener("wheel", (event) => onWheel(panel, event), { passive: false });
}

// One finger or the mouse turns a volume and shifts an enlarged picture; two fingers enlarge.
function drag(panel, held, id, now) {
  const before = held.get(id), [dx, dy] = [now[0] - before[0], now[1] - before[1]];
  endHover();
  if (held.size > 1) {
    const other = [...held].find(([pointer]) => pointer !== id)[1], far = ([x, y]) => Math.hypot(x - other[0], y - other[1]);
    if (isSolid(panel.scene)) rotate(0, dy / (2 * TURN));
    return zoomAt(panel, far(now) / Math.max(far(before), 1), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
  }
  if (isSolid(panel.scene)) return rotate(dx / TURN, dy / TURN);
  return CAMERA.zoom > 1 ? pan(dx / panel.width, dy / panel.width) : undefined;
}

// The wheel alone scrolls the page; with Ctrl, as trackpads send for a pinch, it enlarges.
function onWheel(panel, event) {
  if (!event.ctrlKey) return;
  event.preventDefault();
  zoomAt(panel, Math.exp(-event.deltaY / 240), event.clientX, event.clientY);
}

function zoomAt(panel, factor, x, y) {
  const box = panel.stage.getBoundingClientRect();
  zoomBy(factor, (x - box.left - box.width / 2) / box.width, (y - box.top - box.height / 2) / box.width);
}
