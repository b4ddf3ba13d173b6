// The lecture: scenes one below the other, by scrolling, by the arrow keys or by the buttons; each plays when it is seen.

const DATA = JSON.parse(document.getElementById("data").textContent);
const SECTIONS = [...document.querySelectorAll(".scene")];
const SEEN = new Map();
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
let HERE = 0;

function playerOf(number) {
  if (!SEEN.has(number) && DATA[number]) SEEN.set(number, mounted(number));
  return SEEN.get(number);
}

function mounted(number) {
  const root = document.querySelector(`[data-scene="${number}"]`), { paths, example, memory } = DATA[number];
  root.innerHTML = PLAYER_MARKUP;
  const player = mountPlayer(root);
  player.show(paths);
  if (memory) player.show(paths, { ...player.view(), memory });
  if (example) player.counterexample(example);
  return player;
}

// Where the reader is: the players of other scenes stop.
function arrive(at) {
  const isNew = !SEEN.has(at + 1);
  HERE = at;
  for (const [number, player] of SEEN) if (number !== at + 1) player.setPlaying(false);
  const player = playerOf(at + 1);
  if (player && isNew && !DATA[at + 1].example) player.autoplay();
  document.querySelectorAll(".dots a").forEach((dot, i) => {
    if (i === at) dot.setAttribute("aria-current", "step");
    else dot.removeAttribute("aria-current");
  });
  document.getElementById("before").disabled = at === 0;
  document.getElementById("after").disabled = at === SECTIONS.length - 1;
  try { history.replaceState(null, "", `#scene-${at + 1}`); } catch { /* The address stays as it was. */ }
}

function turnTo(at) {
  const scene = Math.min(Math.max(at, 0), SECTIONS.length - 1), section = SECTIONS[scene];
  // At once: the next key may come before the window has moved.
  arrive(scene);
  section.scrollIntoView({ behavior: STILL.matches ? "auto" : "smooth" });
  section.focus({ preventScroll: true });
}

// The tie is mended before the next scene begins.
function onward() {
  const fix = SECTIONS[HERE].querySelector("[data-fix]");
  if (fix && !fix.closest("[data-wrong]").hidden) return mend(SECTIONS[HERE], HERE + 1);
  return turnTo(HERE + 1);
}

function backward() {
  const wrong = SECTIONS[HERE].querySelector("[data-wrong]");
  if (wrong && wrong.hidden) return spoil(SECTIONS[HERE], HERE + 1);
  return turnTo(HERE - 1);
}

function mend(section, number) {
  section.querySelector("[data-wrong]").hidden = true;
  section.querySelector("[data-mended]").hidden = false;
  playerOf(number).clearCounterexample();
  playerOf(number).autoplay();
  section.focus({ preventScroll: true });
}

function spoil(section, number) {
  section.querySelector("[data-wrong]").hidden = false;
  section.querySelector("[data-mended]").hidden = true;
  playerOf(number).counterexample(DATA[number].example);
}

// Keys that a control or a picture has a use for belong to it.
function onKey(event) {
  const { key, target } = event, taken = target.closest && target.closest("input, select, textarea, .stage, .scroll, pre");
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || taken) return;
  const player = SEEN.get(HERE + 1), isPressed = key === " " && target.closest && target.closest("button, a, summary");
  const acts = {
    ArrowRight: onward, PageDown: onward, ArrowLeft: backward, PageUp: backward,
    " ": () => player && !player.counter() && player.setPlaying(!player.CLOCK.playing),
  };
  if (!acts[key] || isPressed || (key === " " && !player)) return;
  event.preventDefault();
  acts[key]();
}

// The scene that holds the middle of the window.
function watch() {
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) arrive(SECTIONS.indexOf(target));
  }, { rootMargin: "-50% 0px -50% 0px" });
  SECTIONS.forEach((section) => seen.observe(section));
}

addEventListener("keydown", onKey, { capture: true });
document.getElementById("before").addEventListener("click", backward);
document.getElementById("after").addEventListener("click", onward);
document.querySelectorAll("[data-fix]").forEach((fix) => fix.addEventListener("click", () => onward()));
watch();
