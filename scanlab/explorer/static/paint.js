// A text as HTML, every token in a span of its kind, underlined where something is wrong.

// Beyond this many characters the text stays plain: a page of spans costs more than its colours are worth.
const MOST = 60_000;

// patterns: [sticky RegExp, kind], tried in turn; marks: [{start, end, severity}].
export function paint(text, patterns, marks) {
  if (text.length > MOST) return `${escape(text)}\n`;
  const cuts = marks.flatMap(({ start, end }) => [start, Math.max(end, start + 1)]).sort((a, b) => a - b);
  let made = "", at = 0;
  while (at < text.length) {
    const [size, kind] = next(text, at, patterns);
    const inner = [at, ...cuts.filter((cut) => cut > at && cut < at + size), at + size];
    for (let i = 0; i + 1 < inner.length; i++) made += piece(text, inner[i], inner[i + 1], kind, marks);
    at += size;
  }
  // A mark at the very end, as where a text ends too early, gets a place of its own.
  const last = marks.find((mark) => mark.start >= text.length);
  return `${made}${last ? `<span class="mark ${last.severity}"> </span>` : ""}\n`;
}

// The tokens of a text: [start, end, kind] of each, but for space.
export function* tokensOf(text, patterns) {
  for (let at = 0, size = 0, kind = ""; at < text.length; at += size) {
    [size, kind] = next(text, at, patterns);
    if (kind !== "space") yield [at, at + size, kind];
  }
}

function next(text, at, patterns) {
  for (const [pattern, kind] of patterns) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match && match[0].length) return [match[0].length, kind];
  }
  return [1, "error"];
}

function piece(text, start, end, kind, marks) {
  const mark = marks.find((m) => m.start <= start && start < Math.max(m.end, m.start + 1));
  const shown = escape(text.slice(start, end));
  return kind === "space" && !mark ? shown : `<span class="${kind}${mark ? ` mark ${mark.severity}` : ""}">${shown}</span>`;
}

// Words in Markdown's `code` as HTML.
export function prose(text) {
  return escape(text).replace(/`([^`]+)`/g, "<code>$1</code>");
}

export function escape(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}
