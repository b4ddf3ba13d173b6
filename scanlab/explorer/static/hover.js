// The card at a word of the text box: after a moment under the pointer, or at the caret by a key. It can be reached with
// the pointer, and Escape, typing and scrolling take it away.

import { escape, prose } from "/scanlab/static/paint.js";

const WAIT_MS = 250, STAY_MS = 200;

// area: the text box; card: the element that is shown; geometry: what one letter takes; meaning: of a place in the text.
export function makeHover(area, card, geometry, meaning) {
  let shown = null, timer = 0;

  function later(what, ms) {
    clearTimeout(timer);
    timer = setTimeout(what, ms);
  }

  function hide() {
    clearTimeout(timer);
    shown = null;
    card.hidden = true;
    card.replaceChildren();
  }

  function show(entry) {
    clearTimeout(timer);
    if (!entry) return hide();
    if (shown?.start === entry.start && shown.word === entry.word) return;
    shown = entry;
    card.innerHTML = html(entry);
    card.hidden = false;
    put(entry);
  }

  // Below the word, or above it where there is no room; never past the edge of the box.
  function put({ start }) {
    const { wide, high, left, top } = geometry(), before = area.value.slice(0, start), line = before.slice(before.lastIndexOf("\n") + 1);
    const x = left + line.length * wide - area.scrollLeft, y = top + (before.split("\n").length - 1) * high - area.scrollTop;
    const above = y + high + card.offsetHeight > area.clientHeight && y > card.offsetHeight;
    card.style.left = `${Math.max(4, Math.min(x - 12, area.clientWidth - card.offsetWidth - 4))}px`;
    card.style.top = `${above ? y - card.offsetHeight : y + high}px`;
  }

  function placeAt(event) {
    const { wide, high, left, top } = geometry(), box = area.getBoundingClientRect();
    const row = Math.floor((event.clientY - box.top - top + area.scrollTop) / high);
    const column = Math.floor((event.clientX - box.left - left + area.scrollLeft) / wide);
    const lines = area.value.split("\n");
    if (row < 0 || row >= lines.length || column < 0 || column >= lines[row].length) return -1;
    return lines.slice(0, row).reduce((sum, line) => sum + line.length + 1, column);
  }

  function moved(event) {
    if (event.pointerType !== "mouse" || event.buttons) return;
    const at = placeAt(event), entry = at < 0 ? null : meaning(at);
    if (entry && shown?.start === entry.start) clearTimeout(timer);
    else later(() => show(entry), entry ? WAIT_MS : STAY_MS);
  }

  // What a key does here, if anything.
  function key(event) {
    if (event.key === "F2") show(meaning(area.selectionStart) ?? meaning(area.selectionStart - 1));
    else if (event.key === "Escape" && shown) hide();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  area.addEventListener("pointermove", moved);
  area.addEventListener("pointerleave", () => later(hide, STAY_MS));
  for (const kind of ["pointerdown", "input", "scroll", "blur"]) area.addEventListener(kind, hide);
  card.addEventListener("pointerenter", () => clearTimeout(timer));
  card.addEventListener("pointerleave", () => later(hide, STAY_MS));
  return { key, hide };
}

function html({ kind, written, means, picture }) {
  const image = picture ? `<img src="${escape(picture)}" alt="" width="84" height="84">` : "";
  return `${image}<div><code>${escape(written)}</code> <small>${escape(kind)}</small><p>${prose(means)}</p></div>`;
}
