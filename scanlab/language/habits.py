"""What users of other languages write here, and what to write instead: tables of habits, tried in their order.

A habit is seen in the words around the place where reading failed: those of the statement before it, joined by single
spaces, and those from it on. ``{name}`` in a cure is what the pattern's group of that name found.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from scanlab.ir.functions import ARITHMETIC, CURVES

__all__ = ["NAMES", "Habit", "cure", "last_resort", "plain_form"]


@dataclass(frozen=True)
class Habit:
    """``after``: how the text goes on at the place, from its first word. ``before``: how the text before it ends."""

    after: str
    cure: str
    before: str = ""

    def seen(self, before: str, after: str) -> str | None:
        """The cure, if this is the habit."""
        there = re.match(self.after, after)
        here = re.search(f"(?:{self.before})$", before) if self.before else re.match("", before)
        if there is None or here is None:
            return None
        return self.cure.format(**{**here.groupdict(), **there.groupdict()})


_COMPARES = "==|!=|<=|>=|<|>"
_ARROWS = "there are no arrows: keys are separated by commas, as in by h, w"
_RANGES = "there are no ranges: write 0 <= h and h < 3"
_COMMENT = "comments begin with #"
_IF = "the condition stands in the middle: a if c else b"
_LOOPS = "there are no loops and no statements: a key is one expression, for every patch at once"

_HABITS = (
    # Signs of other languages, which mean nothing here.
    Habit(r"/ \*", _COMMENT),
    Habit(r"[=(:\[]", "a grid line names the axes: grid h, w", "^grid"),
    Habit(r"/ (?P<b>\w+)", "`//` divides, and rounds down: {a} // {b}", r"(?P<a>\w+)"),
    Habit("/", "`//` divides, and rounds down: h // 2"),
    Habit(r"\^", "there are no powers: {a} * {a}", r"(?P<a>\w+)"),
    Habit(r"\^", "there are no powers: write the product, as in h * h"),
    Habit("[²³]", "there are no powers: {a} * {a}", r"(?P<a>\w+)"),
    Habit("…", _RANGES),
    Habit("&", "write `and`: h > 0 and w > 0"),
    Habit(r"\|", "write abs(…): abs(h - 3)", r"\bby|,|\("),
    Habit(r"\|", "write `or`: h == 0 or w == 0"),
    Habit("!(?!=)", "write `not`: not h == w"),
    Habit(r"\?", _IF),
    Habit(";", "a let ends in `in`: let a = h in by a, w", r"\blet\b [^;]*"),
    Habit(";", "keys and paths are separated by commas; a definition ends where the next one begins"),
    Habit(r"\. \d", "numbers are whole: scale the key instead, since only the order of its values matters", r"\d"),
    Habit(r"\.\.", _RANGES),
    Habit(":+", "there are no slices: -row is the path backwards", r"\["),
    Habit(":", _RANGES, r"\d"),
    Habit(r"\. T\b", "there are no attributes: transpose({a})", r"(?P<a>\w+)"),
    Habit(r"\. (?P<b>\w+)", "there are no attributes: a coordinate is written by its name alone, as in {b}", r"\w"),
    Habit(r"\.", "numbers are whole, and names stand alone"),
    Habit(":", "`=` follows the name: {kind} {a} = by h, w", r"(?P<kind>order|scan|plan) (?P<a>\w+)"),
    Habit(":", "`=` gives a definition, a let, a parameter or an option its value"),
    Habit("[{}]", "write parentheses: ( and )"),
    Habit("['`]", 'strings stand in double quotes: "…"'),
    Habit(r"\\", "a definition goes on in the next line without a sign"),
    Habit("[@$]", "names are made of the letters a to z, digits and _"),
    Habit("[→⇒↦➔➜]", _ARROWS),
    # Signs of ours, put together as elsewhere.
    Habit(r"\* (?P<b>\w+)", "there are no powers: {a} * {a}", r"(?P<a>\w+) \*"),
    Habit(r"\*", "there are no powers: write the product, as in h * h", r"\*"),
    Habit(">", "write `!=`: h != w", "<"),
    Habit(">", "there are no shifts: h // 2", ">"),
    Habit("<", "there are no shifts: h * 2", "<"),
    Habit(r"\+", "nothing is assigned: a key is one expression", r"\+"),
    Habit("=|by\\b", "a definition needs a name: {kind} a = by h, w", "^(?P<kind>order|scan|plan)"),
    Habit('""', "a definition is written without quotes", "="),
    Habit(">", _ARROWS, "[-=]"),
    Habit(
        rf"(?P<op2>{_COMPARES}) (?P<c>[^,()]+?)(?= (?:,|\)|and|or|if|where|restart|with|expect)|$)",
        "comparisons do not chain: {a} {op} {b} and {b} {op2} {c}",
        rf"(?P<a>\w+) (?P<op>{_COMPARES}) (?P<b>\w+)",
    ),
    Habit(_COMPARES, "comparisons do not chain: join two of them, as in 0 <= h and h < 3", rf"(?:{_COMPARES}) [^,]*"),
    Habit(r"\d", "a grid line names the axes, not their extents: grid h, w", "^grid"),
    Habit("=", "signs of comparison hold together: {a}=", "(?P<a>[<>])"),
    Habit("=", "`==` compares: h == w", "==|!="),
    Habit("=", "nothing is assigned: a key is one expression", r"[-+*%]|//"),
    Habit(r"(?P<a>\w+) (?:\[ [^\]]* \] )?= by\b", "a definition begins with its kind: order {a} = by …"),
    Habit(r"(?P<a>\w+) =", "a definition begins with its kind: order {a} = …", "^"),
    Habit(r"let \w+ = [^=]*\bin\b", "a let stands behind the name: order a = let q = h in by q, w", r"[\w)](?<!\bby)"),
    Habit(r"(?:def|var|const) (?P<a>\w+) =", "a definition begins with its kind: order {a} = …"),
    Habit(r"(?:by|let)\b", "a definition begins with its kind and its name: order a = by h, w", r"^(?:grid [\w ,]*)?"),
    Habit(r"= (?P<b>\w+)", "`==` compares: {a} == {b}", r"(?P<a>\w+)"),
    Habit("=", "`==` compares: h == w", r"[\w)]"),
    # Words of other languages.
    Habit(
        r"if (?P<c>[^,]+?) then (?P<a>[^,]+?) else (?P<b>\w+)",
        "the condition stands in the middle: {a} if {c} else {b}",
    ),
    Habit(r",|\)|$", "a choice names both: a if c else b", r"\bif (?!.*\belse\b)[^,]+"),
    Habit(r"if\b|then\b|elif\b|when\b", _IF),
    Habit(r"mod (?P<b>\w+)", "`%` is the remainder: {a} % {b}", r"(?P<a>\w+)"),
    Habit(r"mod\b|rem\b", "`%` is the remainder: h % 2", r"[\w)]"),
    Habit(r"div (?P<b>\w+)", "`//` divides, and rounds down: {a} // {b}", r"(?P<a>\w+)"),
    Habit(r"div\b", "`//` divides, and rounds down: h // 2", r"[\w)]"),
    Habit(r"x\w+|e\d+", "numbers are written in the digits 0 to 9", r"\d"),
    Habit(r"x ?(?P<b>\d+)", "a scan is repeated by *: {a} * {b}", r"(?P<a>[\w)]+)"),
    Habit(r"xor\b", "write `!=` between two conditions"),
    Habit(r"(?=[A-Z])(?i:and|or|not|if|else|by|where|let|in|at|as|with|restart|expect)\b", "words are lower case"),
    Habit(r"\w|\(", "words are lower case", r"\b(?=[A-Z])(?i:by|let|sum|not)"),
    Habit(r"(?=[OSP])(?i:order|scan|plan) \w", "words are lower case"),
    Habit(r"[\w:]", _LOOPS, r"\b(?:for|while|return|def|lambda|function)"),
    Habit(r"(?:for|while|return|def|lambda|do|begin|end|foreach)\b", _LOOPS),
    Habit(r"(?:in|to|upto)\b", _RANGES, r"\d|[^=]* \w+"),
    # Words of ours, in another place.
    Habit(r"let\b", "a let stands before by: let a = h // 2 in by a, w", r"\bby\b.*"),
    Habit(r"by\b", "a let ends in `in`: let a = h in by a, w", r"\blet \w+ = [^,]*"),
    Habit(r"(?P<b>\w+)", "expect same as {b}", r"\bexpect same"),
    Habit(r"by\b", "`=` follows the name: {kind} {a} = by …", r"(?P<kind>order|scan|plan) (?P<a>\w+)"),
    Habit(r"by (?P<keys>[^()]*)", "put a line in parentheses: {a}((by h, w), …)", r"(?P<a>\w+) \("),
    Habit(r"by\b", "put a line in parentheses: (by h, w)", r"[(,]"),
    Habit(r"(?P<b>\w+)", "restart by {b}", r"\brestart"),
    Habit(r"(?P<b>\w+)", "with {a} at {b}", r"\bwith (?P<a>\w+)"),
    Habit(
        r"(?P<word>where|restart|with)\b", "inside a list, put the path and its `{word}` in parentheses: (row {word} …)"
    ),
    Habit(",", "keys stand without parentheses: by h, w", r"(?:\bby|,) \( [^()]*"),
    Habit(r"\[", "paths are merged: sum(row, column)", r"^(?:scan|plan) \w+ ="),
    Habit(r"\[", "keys stand without brackets: by h, w", r"\bby|,"),
    Habit(",", "an order begins with by: by {keys}, …", r"^order \w+ (?:\[.*\] )?= (?P<keys>(?!by |let )[^(),]+)"),
    Habit(",", "paths are merged: sum({paths}, …)", r"^(?:scan|plan) \w+ (?:\[.*\] )?= (?P<paths>(?!by |let )[^(),]+)"),
    Habit(",|\\)|$", "a key is missing after this comma, or the comma is too many", ","),
    Habit(r"(?P<b>\w+)", "axes are separated by commas: {a}, {b}", r"^(?P<a>grid \w+(?: , \w+)*)"),
)

_LAST_RESORTS = (
    Habit(r"\w", f"if this is a comment: {_COMMENT}", r"(?://|- -) [\w ]*"),
    Habit(r"\w", "`~` applies to one term: put the whole key in parentheses, as in ~(w % 7)", r"~ \w+"),
    Habit(
        r"(?P<b>\w+)", "arguments stand in parentheses: {a}({b}, …)", rf"\b(?P<a>{'|'.join((*CURVES, *ARITHMETIC))})"
    ),
    Habit(r"(?P<b>\w+)", "something is missing between `{a}` and `{b}`, such as a comma", r"(?P<a>[\w)]+)"),
    Habit(r"\(", "something is missing before the parenthesis, such as a comma", r"[\d)]"),
)

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "mod": "`%` is the remainder: h % 2",
        "rem": "`%` is the remainder: h % 2",
        "div": "`//` divides, and rounds down: h // 2",
        "floor": "`//` rounds down already: h // 2",
        "ceil": "round up as in (h + 1) // 2",
        "round": "`//` divides, and rounds down: h // 2",
        "int": "all numbers are whole already",
        "float": "all numbers are whole",
        "pow": "there are no powers: h * h",
        "sqrt": "there are no roots: compare squares, as in h * h <= w",
        "sign": "write (h > 0) - (h < 0)",
        "len": "the extent of h is H",
        "size": "the extent of h is H",
        "shape": "the extent of h is H",
        "range": _RANGES,
        "true": "a truth value is 1",
        "True": "a truth value is 1",
        "false": "a truth value is 0",
        "False": "a truth value is 0",
        "sum": "`sum` merges paths; keys are added by +: h + w",
        "mean": "`mean` merges paths; keys are added by +: h + w",
        "xor": "write `!=` between two conditions",
        "where": "write a if c else b",
        "iif": _IF,
        "select": _IF,
        "reversed": "reverse a path with -: -row",
        "concat": "chain(…) runs paths one after another",
        "interleave": "tell the patches apart by a remainder first: by w % 2, h, w",
    }
)
"""Names that other languages know, and what stands for them here."""

# Characters that look like the language's own signs.
_SIGNS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys("−–—‐‑", "-"),
        **dict.fromkeys("×·∙⋅✕✖∗", "*"),
        **dict.fromkeys("÷∕⁄", "//"),
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‘’′", '"'),
        **dict.fromkeys("∼˜～", "~"),
        "≤": "<=",
        "≥": ">=",
        "≠": "!=",
        "∧": "and",
        "∨": "or",
        "¬": "not",
    }
)


def plain_form(text: str) -> str | None:
    """What was meant by characters that the language does not have, such as a typographic minus; None if unknown."""
    if text[0] in _SIGNS:
        return _SIGNS[text[0]]
    if any(unicodedata.category(c) in ("Zs", "Cf", "Cc", "Zl", "Zp") for c in text):
        return " "
    plain = unicodedata.normalize("NFKC", text)
    wide = plain != text and plain.isascii() and not any(unicodedata.category(c) in ("No", "Po") for c in text)
    return plain if wide else None


def cure(before: str, after: str) -> str:
    """What to write instead, for the words before and from the place where reading failed; "" for no known habit."""
    return _first(_HABITS, before, after)


def last_resort(before: str, after: str) -> str:
    """As ``cure``, of what is only likely: asked when nothing better is known."""
    return _first(_LAST_RESORTS, before, after)


def _first(habits: tuple[Habit, ...], before: str, after: str) -> str:
    return next((found for habit in habits if (found := habit.seen(before, after))), "")
