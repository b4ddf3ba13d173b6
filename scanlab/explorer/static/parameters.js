// The numbers of a text that are parameters: arguments in brackets, and options such as seed=3. Each gets a slider.

import { tokensOf } from "/scanlab/static/paint.js";

// Longer texts have none, and no text has more.
const LONGEST = 20_000, MOST = 24;
// How far a slider goes at least.
const FAR = 16;
const ENDS = new Set([",", "]", ")"]), BEGINS = new Set(["[", "(", ","]);

// [{start, end, value, name, of, line, least, most}] in the text's order. limits: lowest and highest value of each option.
export function parametersOf(text, patterns, words, limits) {
  if (text.length > LONGEST) return [];
  const tokens = [...tokensOf(text, patterns)].filter(([, , kind]) => kind !== "comment");
  const parts = tokens.map(([start, end, kind]) => ({ start, end, kind, text: text.slice(start, end) }));
  const axes = axesOf(text), open = [], all = [];
  parts.forEach((part, at) => {
    if (part.text === "[" || part.text === "(") open.push({ kind: part.text, of: parts[at - 1]?.text ?? "", place: 0 });
    else if (part.text === "]" || part.text === ")") open.pop();
    else if (part.text === "," && open.length) open.at(-1).place++;
    else if (part.kind === "number" && all.length < MOST) {
      const name = nameOf(parts, at, open.at(-1), text, words);
      if (name && !axes.has(name)) all.push(described(part, name, open.at(-1), text, limits));
    }
  });
  return all;
}

// A number that stands alone: `name=7`, or one that its place in brackets names.
function nameOf(parts, at, bracket, text, words) {
  const [other, name, sign, next] = [parts[at - 3], parts[at - 2], parts[at - 1], parts[at + 1]];
  if (!sign || (next && next.kind === "sign" && !ENDS.has(next.text))) return "";
  if (sign.text === "=" && name?.kind === "name" && BEGINS.has(other?.text)) return name.text;
  const isFirst = bracket?.kind === "[" && (sign.text === "[" || sign.text === ",");
  return isFirst ? parameterNames(bracket.of, text, words)[bracket.place] ?? "" : "";
}

// The names of a definition's parameters: of the text, or else of the library.
function parameterNames(name, text, words) {
  const own = new RegExp(`\\b(?:order|scan|plan)\\s+${name}\\s*\\[([^\\]]*)\\]`).exec(text);
  const known = own ?? words.map(([word, , written]) => word === name && /^\w+\[([^\]]*)\]/.exec(written)).find(Boolean);
  return known ? known[1].split(",").map((part) => part.split("=")[0].trim()) : [];
}

function described({ start, end, text: digits }, name, bracket, text, limits) {
  const value = Number(digits), [low, high] = bracket?.kind === "(" && limits[name] ? limits[name] : [value ? 1 : 0, Infinity];
  const most = Math.min(Math.max(FAR, 2 * value), high), line = text.slice(0, start).split("\n").length;
  return { start, end, value, name, of: bracket?.of || "by", line, least: Math.min(low, value), most: Math.max(most, value) };
}

function axesOf(text) {
  return new Set([...text.matchAll(/\bgrid\s+([a-z_]\w*(?:\s*,\s*[a-z_]\w*)*)/g)].flatMap(([, line]) => line.split(/\s*,\s*/)));
}
