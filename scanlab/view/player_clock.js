// The clock: one for all panels. Its place runs from 0 to the longest path's last step; shorter paths keep pace.

const CLOCK = { place: 0, playing: false, last: 0, requested: false, shown: -1, announced: 0 };
const SECONDS = { least: 3, most: 12, perStep: 1 / 20 };
let PANELS = [];

function stepOf(scene) {
  if (!scene.length) return -1;
  return LONGEST > 1 ? Math.round((Math.floor(CLOCK.place) * (scene.length - 1)) / (LONGEST - 1)) : 0;
}

function refresh() {
  if (!CLOCK.requested && !CLOCK.ended) { CLOCK.requested = true; requestAnimationFrame(frame); }
}

function frame(now) {
  CLOCK.requested = false;
  if (CLOCK.playing) advance(Math.min(Math.max(now - CLOCK.last, 0) / 1000, 0.1));
  CLOCK.last = now;
  if (CAMERA.moved) {
    CAMERA.moved = false;
    PANELS.forEach(placePanel);
    if (COUNTER) placePanel(COUNTER.panel);
    placePinned();
  }
  if (COUNTER) drawCounter();
  else PANELS.forEach(drawPanel);
  showStep(now);
  reportMark();
  if (CLOCK.playing) refresh();
  else reportView();
}

function showStep(now) {
  if (COUNTER || !SCENES.length) {
    CLOCK.shown = -1;
    at("step").textContent = "";
    return;
  }
  const step = Math.floor(CLOCK.place);
  if (CLOCK.shown !== step) {
    CLOCK.shown = step;
    at("scrub").value = step;
    at("step").textContent = `step ${count(step)} of ${count(LONGEST - 1)}`;
    root.dispatchEvent(new CustomEvent("step", { detail: step, bubbles: true }));
  }
  // Words for screen readers cost more than pixels, so they follow at leisure.
  if (!CLOCK.playing || now - CLOCK.announced > 1000) {
    CLOCK.announced = now;
    at("scrub").setAttribute("aria-valuetext", at("step").textContent);
  }
}

function advance(seconds) {
  const whole = Math.min(Math.max(LONGEST * SECONDS.perStep, SECONDS.least), SECONDS.most);
  CLOCK.place = Math.min(CLOCK.place + (seconds * at("speed").value * LONGEST) / whole, LONGEST - 1);
  if (CLOCK.place >= LONGEST - 1) setPlaying(false);
}

function setPlaying(playing) {
  if (playing && CLOCK.place >= LONGEST - 1) CLOCK.place = 0;
  CLOCK.playing = playing;
  CLOCK.last = performance.now();
  root.classList.toggle("playing", playing);
  at("play").setAttribute("aria-label", playing ? "Pause" : "Play");
  refresh();
}

function goTo(place) {
  setPlaying(false);
  CLOCK.place = Math.min(Math.max(place, 0), LONGEST - 1);
  refresh();
}

function changeSpeed(by) {
  const speed = at("speed");
  speed.selectedIndex = Math.min(Math.max(speed.selectedIndex + by, 0), speed.options.length - 1);
  refresh();
}
