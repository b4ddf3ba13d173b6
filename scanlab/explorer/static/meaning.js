// What a word of the language means where it stands: its own definition first, then the language's, then the library's.

import { tokensOf } from "/scanlab/static/paint.js";

// No definition and no line of the library is shown longer than this.
const MOST = 150;

// words: [word, kind, written, means, picture] of all that is known; {start, end, word, kind, written, means, picture} of
// the word at a place of the text, or null.
export function meaningAt(text, at, patterns, words) {
  const tokens = [...tokensOf(text, patterns)], number = tokens.findIndex(([start, end]) => start <= at && at < end);
  if (number < 0) return null;
  const [start, end, kind] = tokens[number], word = text.slice(start, end);
  const entry = ownMeaning(text, start, word, kind) ?? known(words, word, kind);
  return entry && { start, end, word, ...entry };
}

// A name that is written like a function is the language's, one that is not is the library's.
function known(words, word, kind) {
  if (kind === "string" || kind === "comment" || kind === "number") return null;
  const all = words.filter(([name]) => name === word), match = kind === "name" ? all.at(-1) : all[0];
  if (!match) return null;
  const [, sort, written, means, picture] = match;
  return { kind: sort, written: short(written), means, picture };
}

function ownMeaning(text, start, word, kind) {
  if (kind !== "name" && kind !== "extent") return null;
  return definition(text, word) ?? parameter(text.slice(0, start), word) ?? axis(text, start, word);
}

// name = …, with the string above it.
function definition(text, word) {
  const match = new RegExp(`(?:"((?:\\\\.|[^"\\\\])*)"\\s*)?\\b(order|scan|plan)\\s+${word}\\b([^\\n]*)`).exec(text);
  if (!match) return null;
  const line = text.slice(0, match.index + match[0].length).split("\n").length;
  return { kind: `${match[2]} of this text`, written: short(`${word}${match[3]}`), means: match[1] ?? `defined in line ${line}`, picture: "" };
}

// A parameter of the definition that the word stands in, or a path that it is given.
function parameter(before, word) {
  const heads = [...before.matchAll(/\b(?:order|scan|plan)\s+(\w+)\s*(?:\[([^\]]*)\]?)?\s*(?:\(([^)=]*)\)?)?/g)], head = heads.at(-1);
  if (!head) return null;
  const [, name, given = "", paths = ""] = head;
  const [match] = given.split(",").map((part) => part.split("=").map((side) => side.trim())).filter(([other]) => other === word);
  if (match) return { kind: `parameter of ${name}`, written: `${name}[${match.join("=")}]`, means: match[1] ? `${match[1]} where no other is given` : "must be given", picture: "" };
  if (paths.split(",").some((other) => other.trim() === word)) return { kind: `path given to ${name}`, written: `${name}(${paths.trim()})`, means: "whatever path the helper is used with", picture: "" };
  return null;
}

// An axis of the grid line above, or its extent.
function axis(text, start, word) {
  const grids = [...text.matchAll(/\bgrid\s+([a-z_]\w*(?:\s*,\s*[a-z_]\w*)*)/g)].filter(({ index }) => index < start);
  const [, line] = grids.at(-1) ?? [null, "h, w"];
  const axes = line.split(",").map((name) => name.trim());
  const lower = word.toLowerCase();
  if (axes.includes(word)) return { kind: "axis", written: `0 <= ${word} < ${word.toUpperCase()}`, means: `the coordinate of a patch along \`${word}\`, from 0`, picture: "" };
  if (axes.includes(lower)) return { kind: "extent", written: word, means: `how many patches there are along \`${lower}\``, picture: "" };
  return null;
}

function short(written) {
  const line = written.replace(/\s+/g, " ").trim();
  return line.length > MOST ? `${line.slice(0, MOST - 1)}…` : line;
}
