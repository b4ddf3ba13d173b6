// The view: what the user chose to look at, as plain values that an address can hold.

let REPORTED = "";

// The step is -1 at the end, where paths are whole; else that of the clock, which the longest path keeps.
function view() {
  const { axis, at: layer } = VIEW.slice, { zoom, x, y, yaw, pitch } = CAMERA;
  return {
    step: CLOCK.place >= LONGEST - 1 ? -1 : Math.floor(CLOCK.place), speed: Number(at("speed").value),
    slice: axis, layer: axis ? layer : 0, zoom, shift: [x, y], rotation: [yaw, pitch], together: VIEW.together,
    pinned: PIN ? [PIN.scene, PIN.patch] : [], memory: VIEW.memory,
  };
}

// Look at the paths as another page did; `show` calls it between taking paths and arranging them.
function takeView({ step, speed, slice, layer, zoom, shift, rotation, together, memory, pinned: held }) {
  setPlaying(false);
  CLOCK.place = step < 0 ? LONGEST - 1 : Math.min(step, LONGEST - 1);
  at("speed").value = speed;
  VIEW.slice = { axis: slice, at: layer };
  Object.assign(CAMERA, { zoom, x: shift[0], y: shift[1], yaw: rotation[0], pitch: rotation[1] });
  VIEW.together = at("together").checked = together;
  takePin(held);
  remember(memory);
  pan(0, 0);
}

// Report another view as soon as it is drawn and the clock stands.
function reportView() {
  if (CLOCK.playing) return;
  const words = JSON.stringify(view());
  if (words === REPORTED) return;
  REPORTED = words;
  root.dispatchEvent(new CustomEvent("view"));
}
