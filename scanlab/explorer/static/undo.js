// Undo of the text box. The browser's own forgets everything as soon as a text is put in that nobody typed, or takes
// seconds to put it in as if somebody had. So each text that stood there is kept here, with its caret.

// Milliseconds between two letters that are taken back together.
const PAUSE_MS = 700;
// Texts, and characters of all of them together, that are kept.
const MOST = 1000, ROOM = 16_000_000;
// What is taken back together, letter by letter.
const LETTERS = ["insertText", "deleteContentBackward", "deleteContentForward", "insertCompositionText"];

// How the kind of a change by a slider begins; what comes after tells it from others.
export const SLIDE = "slide ";

// Follow a text area; `put` is called after undo or redo has put a text in.
export function makeUndo(area, put) {
  const past = [], future = [];
  let now = here(), last = { kind: "", at: 0 };

  function here() {
    return { text: area.value, start: area.selectionStart, end: area.selectionEnd };
  }

  // Before a change: where the caret stands, so that undo brings it back, too.
  function before(event) {
    if (event.inputType === "historyUndo" || event.inputType === "historyRedo") {
      event.preventDefault();
      return event.inputType === "historyUndo" ? undo() : redo();
    }
    return mark();
  }

  function mark() {
    if (area.value === now.text) now = here();
  }

  // After a change. kind: the browser's name for it, "" for one that must be taken back alone.
  function record(kind = "") {
    if (area.value === now.text) return;
    const at = Date.now(), isQuick = at - last.at < PAUSE_MS;
    // A slider is drawn as slowly as one likes.
    const joins = kind === last.kind && (kind.startsWith(SLIDE) || (LETTERS.includes(kind) && isQuick));
    if (!joins) past.push(now);
    last = { kind, at };
    now = here();
    future.length = 0;
    while (past.length > MOST || past.reduce((sum, { text }) => sum + text.length, 0) > ROOM) past.shift();
  }

  function take(from, to) {
    if (!from.length) return;
    mark();
    to.push(now);
    now = from.pop();
    last.kind = "";
    area.value = now.text;
    area.setSelectionRange(now.start, now.end);
    put();
  }

  const undo = () => take(past, future), redo = () => take(future, past);

  // What a key does here, if anything.
  function key(event) {
    const held = (event.ctrlKey || event.metaKey) && !event.altKey, name = event.key.toLowerCase();
    if (!held || !(name === "z" || (name === "y" && !event.shiftKey))) return false;
    event.preventDefault();
    if (name === "z" && !event.shiftKey) undo();
    else redo();
    return true;
  }

  // Begin anew with the text that stands there.
  function begin() {
    past.length = future.length = 0;
    now = here();
  }

  area.addEventListener("beforeinput", before);
  return { record, mark, key, begin };
}
