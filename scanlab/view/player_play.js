// Playing: one clock for all panels, the controls, the keyboard, and what the pointer is over.

const at = (name) => root.querySelector(`[data-at="${name}"]`);
const CLOCK = { place: 0, playing: false, last: 0, asked: false };
let PANELS = [], HOVER = null;

function stepOf(scene) {
  if (!scene.length) return -1;
  return LONGEST > 1 ? Math.round((Math.floor(CLOCK.place) * (scene.length - 1)) / (LONGEST - 1)) : 0;
}

function refresh() {
  if (!CLOCK.asked) { CLOCK.asked = true; requestAnimationFrame(frame); }
}

function frame(now) {
  CLOCK.asked = false;
  if (CLOCK.playing) advance(Math.min((now - CLOCK.last) / 1000, 0.1));
  CLOCK.last = now;
  for (const panel of PANELS) {
    const step = stepOf(panel.scene);
    if (step < 0) continue;
    if (step + 1 !== panel.drawn) drawPath(panel, step);
    drawMarks(panel, step, HOVER && sameGrid(HOVER.panel, panel) ? HOVER.patch : undefined);
  }
  const step = Math.floor(CLOCK.place);
  at("scrub").value = step;
  at("step").textContent = `step ${step.toLocaleString("en")} of ${(LONGEST - 1).toLocaleString("en")}`;
  if (CLOCK.playing) refresh();
}

function advance(seconds) {
  const whole = Math.min(Math.max(LONGEST / 20, 3), 12);
  CLOCK.place = Math.min(CLOCK.place + (seconds * at("speed").value * LONGEST) / whole, LONGEST - 1);
  if (CLOCK.place >= LONGEST - 1) setPlaying(false);
}

function setPlaying(playing) {
  if (playing && CLOCK.place >= LONGEST - 1) CLOCK.place = 0;
  CLOCK.playing = playing;
  CLOCK.last = performance.now();
  at("play").textContent = playing ? "❚❚" : "▶";
  at("play").setAttribute("aria-label", playing ? "Pause" : "Play");
  refresh();
}

function goTo(place) {
  setPlaying(false);
  CLOCK.place = Math.min(Math.max(place, 0), LONGEST - 1);
  refresh();
}

function rotate(yaw, pitch) {
  CAMERA.yaw += yaw;
  CAMERA.pitch = Math.min(Math.max(CAMERA.pitch + pitch, -1.5), 1.5);
  PANELS.filter((panel) => isSolid(panel.scene)).forEach(placePanel);
  refresh();
}

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target)) return;
  const turns = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
  const moves = { ArrowLeft: CLOCK.place - 1, ArrowRight: CLOCK.place + 1, Home: 0, End: LONGEST - 1 };
  if (event.shiftKey && turns[event.key] && PANELS.some((panel) => isSolid(panel.scene))) rotate(...turns[event.key]);
  else if (event.key === " ") setPlaying(!CLOCK.playing);
  else if (event.key in moves) goTo(Math.floor(moves[event.key]));
  else return;
  event.preventDefault();
}

// Keys typed into a field belong to it; the player's own slider moves as the player does.
function isTyping(target) {
  if (target === at("scrub") || !target.closest) return false;
  return target.closest("input, select, textarea, [contenteditable], [role=tablist]") !== null;
}

function sameGrid(one, other) {
  return one.scene.grid.join() === other.scene.grid.join() && one.scene.axes.join() === other.scene.axes.join();
}

function patchAt(panel, x, y) {
  const { screen, scene, cell } = panel;
  let best = -1, least = Math.max(cell * 0.75, 9) ** 2;
  for (let patch = 0; patch < scene.patches; patch++) {
    const distance = (screen[2 * patch] - x) ** 2 + (screen[2 * patch + 1] - y) ** 2;
    if (distance < least) { best = patch; least = distance; }
  }
  return best;
}

function hover(panel, event) {
  const box = panel.stage.getBoundingClientRect();
  const patch = patchAt(panel, event.clientX - box.left, event.clientY - box.top);
  HOVER = patch < 0 ? null : { panel, patch };
  at("tip").hidden = !HOVER;
  if (HOVER) {
    fillTip(panel, patch);
    const tip = at("tip").getBoundingClientRect();
    at("tip").style.left = `${Math.max(Math.min(event.clientX + 16, window.innerWidth - tip.width - 8), 8)}px`;
    at("tip").style.top = `${Math.max(Math.min(event.clientY + 16, window.innerHeight - tip.height - 8), 8)}px`;
  }
  refresh();
}

function fillTip(panel, patch) {
  const place = placeOf(panel.scene, patch).map((value, axis) => `${panel.scene.axes[axis]} ${value}`).join(", ");
  const rows = PANELS.filter((other) => sameGrid(panel, other)).slice(0, 16).map(({ scene }) => {
    const row = element("span"), mark = element("i"), rank = scene.ranks[patch];
    if (rank >= 0) mark.style.background = RAMP[levelAt(scene, rank)];
    const gap = VIEW.colour === "gap" && scene.gaps[patch] >= 0 ? `, neighbours ${scene.gaps[patch].toFixed(1)} steps away` : "";
    row.append(mark, `${scene.title}: ${rank < 0 ? "not visited" : `step ${rank.toLocaleString("en")}${gap}`}`);
    return row;
  });
  at("tip").replaceChildren(element("b", `(${place}) is patch ${patch.toLocaleString("en")}`), ...rows);
}

function endHover() {
  HOVER = null;
  at("tip").hidden = true;
  refresh();
}

function listen(panel) {
  let held = null;
  panel.stage.addEventListener("pointerdown", (event) => {
    if (isSolid(panel.scene)) { held = [event.clientX, event.clientY]; panel.stage.setPointerCapture(event.pointerId); }
    else hover(panel, event);
  });
  panel.stage.addEventListener("pointermove", (event) => {
    if (!held) return hover(panel, event);
    endHover();
    rotate((event.clientX - held[0]) / 140, (event.clientY - held[1]) / 140);
    held = [event.clientX, event.clientY];
  });
  for (const name of ["pointerup", "pointercancel"]) panel.stage.addEventListener(name, () => { held = null; });
  panel.stage.addEventListener("pointerleave", endHover);
}

function paintLegend() {
  const context = at("ramp").getContext("2d");
  RAMP.forEach((colour, level) => { context.fillStyle = colour; context.fillRect(level, 0, 1, 1); });
  const ends = {
    step: ["first step", "last step"],
    path: ["first path", "last path"],
    gap: ["mean distance to grid neighbours, in steps: 1", `${Math.round(WIDEST_GAP).toLocaleString("en")} (log scale)`],
  };
  [at("low").textContent, at("high").textContent] = ends[VIEW.colour];
}

function redraw() {
  readInk();
  paintLegend();
  PANELS.forEach(fitPanel);
  refresh();
}

// Show other paths in the place of those that are shown; the clock keeps its place, as a share of the longest path.
function show(data) {
  const share = PANELS.length && LONGEST > 1 ? CLOCK.place / (LONGEST - 1) : 1;
  take(data);
  PANELS = SCENES.map(makePanel);
  HOVER = null;
  const main = at("panels"), few = { 1: "100%", 2: "420px", 3: "320px", 4: "270px" };
  main.style.setProperty("--panel", few[PANELS.length] || "270px");
  main.replaceChildren();
  let group = "";
  for (const panel of PANELS) {
    if (panel.scene.group !== group) main.append(element("h2", panel.scene.group));
    group = panel.scene.group;
    main.append(panel.figure);
    listen(panel);
  }
  CLOCK.place = share * (LONGEST - 1);
  at("scrub").max = LONGEST - 1;
  at("turn").hidden = !SCENES.some(isSolid);
  redraw();
}

function colourBy(name) {
  VIEW.colour = at("colour").value = name;
  paintLegend();
  PANELS.forEach(restartPath);
  refresh();
}

function start() {
  at("play").addEventListener("click", () => setPlaying(!CLOCK.playing));
  at("play").addEventListener("keyup", (event) => { if (event.key === " ") event.preventDefault(); });
  at("scrub").addEventListener("input", (event) => goTo(Number(event.target.value)));
  at("colour").addEventListener("change", (event) => colourBy(event.target.value));
  document.addEventListener("keydown", onKey);
  window.addEventListener("resize", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

start();
return { show, goTo, setPlaying, colourBy, redraw, CLOCK, VIEW, panels: () => PANELS, scenes: () => SCENES };
