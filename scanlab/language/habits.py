"""What users of other languages write here, and what to write instead: tables of habits, tried in their order.

A habit is seen in the words around the place where reading failed: those of the statement before it, joined by single
spaces, and those from it on. ``{name}`` in a suggestion is what the pattern's group of that name matches.
"""

from __future__ import annotations

from scanlab.ir.functions import ARITHMETIC, CURVES
from scanlab.ir.merges import MERGES
from scanlab.language.habit import Habit
from scanlab.language.habits_of_places import PLACE_HABITS
from scanlab.language.suggestions import (
    NO_BITS,
    a_scan,
    an_order,
    an_order_of,
    attribute,
    digits,
    downwards,
    from_to,
    masked,
    one_of,
    power,
    shift,
    superscript,
    within,
)

__all__ = ["HABITS", "LAST_RESORTS", "last_resort", "suggestion"]


_COMPARES = "==|!=|<=|>=|<|>"
_ARROWS = "there are no arrows: keys are separated by commas, as in by h, w"
_RANGES = "there are no ranges: write 0 <= h and h < 3"
_COMMENT = "comments begin with #"
_IF = "the condition stands in the middle: a if c else b"
_LOOPS = "there are no loops and no statements: a key is one expression, for every patch at once"

_IN = "(?P<no>not )?in "
_ONE_OF_THEM = "compare with each of them: h == 1 or h == 2"
_MERGED = (*MERGES, "cycle", "layers", "orbit")
_TO_SUFFIX = r"(?= (?:restart|with|expect|source|note)\b|$)"
# A key, or a side of a comparison, that reaches up to the place.
_TERM = r"(?:^|\b(?:by|where|if|and|or|not|else)\b|[,(=]) ?(?P<a>\w+(?: (?:[-+*%]|//) \w+)*)"
_CLAIMS = "a claim is one of expect continuous, expect covers, expect same as …, expect streamable in …"
_EXACTLY_ONCE = "that no patch is visited twice is always checked; that every patch is visited is: expect covers"


HABITS = (
    # Signs of other languages, which mean nothing here.
    Habit(r"/ \*", _COMMENT),
    Habit(r"[=(:\[]", "a grid line names the axes: grid h, w", "^grid"),
    Habit(r"/ (?P<b>\w+)", "`//` divides, and rounds down: {a} // {b}", r"(?P<a>\w+)"),
    Habit("/", "`//` divides, and rounds down: h // 2"),
    Habit(
        r"\^ (?:1\b|[^\d])",
        "there are no powers: write the product, as in h * h; nor is there an exclusive or of bits: "
        "between two conditions write `!=`",
    ),
    Habit(r"\^ (?P<n>\d)\b", lambda a, n: f"as a power: {power(a, n)}; {NO_BITS}", r"(?P<a>\w+)"),
    Habit(r"\^", "there are no powers: write the product, as in h * h"),
    Habit("(?P<n>[⁰¹²³⁴⁵⁶⁷⁸⁹])", superscript, r"(?P<a>\w+)"),
    Habit("[⁰¹²³⁴⁵⁶⁷⁸⁹]", "there are no powers: write the product, as in h * h"),
    Habit("…", _RANGES),
    Habit(r"& (?P<n>\d+)\b", masked, _TERM),
    Habit(r"& \d", f"{NO_BITS}: h & 1 is h % 2"),
    Habit("&", f"between two conditions write `and`: h > 0 and w > 0; {NO_BITS}"),
    Habit(r"\|", "write abs(…): abs(h - 3)", r"\bby|,|\("),
    Habit(r"\|", f"between two conditions write `or`: h == 0 or w == 0; {NO_BITS}"),
    Habit("!(?!=)", "write `not`: not h == w"),
    Habit(r"\?", _IF),
    Habit(";", "a let ends in `in`: let a = h in by a, w", r"\blet\b [^;]*"),
    Habit(";", "keys and paths are separated by commas; a definition ends where the next one begins"),
    Habit(r"\. \d", "numbers are whole: scale the key instead, since only the order of its values matters", r"\d"),
    Habit(r"\.\.", _RANGES),
    Habit(":+", "there are no slices: -row is the path backwards", r"\["),
    Habit(":", _RANGES, r"\d"),
    Habit(r"\. T\b", "there are no attributes: transpose({a})", r"(?P<a>\w+)"),
    Habit(r"\. (?P<b>\w+)(?P<call> \((?P<empty> \))?)?", attribute, r"\b(?P<a>[A-Za-z_]\w*)"),
    Habit(
        r"\. \w", "there are no attributes: functions take what they work on in parentheses, as in flip(h)", r"[\])]"
    ),
    Habit(r"\.", "numbers are whole, and names stand alone"),
    Habit(
        r"(?:: =|[-=] ?>|< ?-|= ?=|:|←|:=|is\b|as\b)",
        "`=` follows the name: {kind} {a} = by h, w",
        r"^(?P<kind>order|scan|plan) (?P<a>\w+)",
    ),
    Habit(":", "`=` gives a definition, a let, a parameter or an option its value"),
    Habit("[{}]", _ONE_OF_THEM, r"\bin"),
    Habit("[{}]", "write parentheses: ( and )"),
    Habit("['`]", 'strings stand in double quotes: "…"'),
    Habit(r"\\", "a definition goes on in the next line without a sign"),
    Habit("[@$]", "names are made of the letters a to z, digits and _"),
    Habit("[→⇒↦➔➜]", _ARROWS),
    # Signs of ours, put together as elsewhere.
    Habit(r"\* (?P<n>\d)\b", power, r"(?P<a>\w+) \*"),
    Habit(r"\*", "there are no powers: write the product, as in h * h", r"\*"),
    Habit(">", "write `!=`: h != w", "<"),
    Habit(r"> (?P<n>\d\d?)\b", shift("//"), r"(?P<a>\w+) >"),
    Habit(r"< (?P<n>\d\d?)\b", shift("*"), r"\b(?P<a>\w+) <"),
    Habit(">", "there are no shifts: h >> 1 is h // 2", ">"),
    Habit("<", "there are no shifts: h << 1 is h * 2", "<"),
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
    Habit(r"= (?P<b>\w+(?: (?:[-+*%]|//) \w+)*)", "`==` compares: {a} == {b}", _TERM),
    Habit("=", "`==` compares: write it here", r"[\w)]"),
    # Words of other languages.
    Habit(
        r"if (?P<c>[^,]+?) then (?P<a>[^,]+?) else (?P<b>\w+)",
        "the condition stands in the middle: {a} if {c} else {b}",
    ),
    Habit(r",|\)|$", "a choice names both: a if c else b", r"\bif (?!.*\belse\b)[^,]+"),
    Habit(r"when (?P<c>[^,]+?) then\b", _IF),
    Habit(
        rf"(?:when|filter|having|such that|given|provided|only if|only where|for which) (?P<c>\w[^,]*?){_TO_SUFFIX}",
        "part of the grid is kept by where: where {c}",
    ),
    Habit(
        rf"(?:unless|except|without) (?P<c>\w[^,]*?){_TO_SUFFIX}",
        "part of the grid is kept by where: where not ({c})",
    ),
    Habit(r"if\b|then\b|elif\b|when\b|case\b", _IF),
    Habit(r"mod (?P<b>\w+)", "`%` is the remainder: {a} % {b}", r"(?P<a>\w+)"),
    Habit(r"mod\b|rem\b", "`%` is the remainder: h % 2", r"[\w)]"),
    Habit(r"div (?P<b>\w+)", "`//` divides, and rounds down: {a} // {b}", r"(?P<a>\w+)"),
    Habit(r"div\b", "`//` divides, and rounds down: h // 2", r"[\w)]"),
    Habit(r"_(?P<b>\d[\d_]*)", digits, r"\b(?P<a>\d+)"),
    Habit(r"x\w+|e\d+", "numbers are written in the digits 0 to 9", r"\d"),
    Habit(r"x ?(?P<b>\d+)", "a scan is repeated by *: {a} * {b}", r"(?P<a>[\w)]+)"),
    Habit(r"xor\b", "write `!=` between two conditions"),
    Habit(r"(?=[A-Z])(?i:and|or|not|if|else|by|where|let|in|at|as|with|restart|expect)\b", "words are lower case"),
    Habit(r"\w|\(", "words are lower case", r"\b(?=[A-Z])(?i:by|let|sum|not)"),
    Habit(r"(?=[OSP])(?i:order|scan|plan) \w", "words are lower case"),
    Habit(r"[\w:]", _LOOPS, r"\b(?:for|while|return|def|lambda|function)"),
    Habit(r"(?:for|while|return|def|lambda|do|begin|end|foreach)\b", _LOOPS),
    Habit(rf"{_IN}[(\[{{] (?P<n>\w+(?: , \w+)*)(?: ,)? [)\]}}]", one_of, _TERM),
    Habit(rf"{_IN}range \( (?P<m>\w+ , )?(?P<n>\w+) \)", within, _TERM),
    Habit(rf"{_IN}(?P<m>\w+) : (?P<n>\w+)", from_to, _TERM),
    Habit(r"(?P<no>not )?between (?P<m>\w+) and (?P<n>\w+)", from_to, _TERM),
    Habit(r"is not (?P<b>\w+)", "write {a} != {b}", _TERM),
    Habit(r"is (?P<b>\w+)", "write {a} == {b}", _TERM),
    Habit(r"not in\b", _ONE_OF_THEM, r"[\w)]"),
    Habit(r"(?:in|to|upto)\b", _RANGES, r"\d|[^=]* \w+"),
    # Words of SQL and of tests.
    Habit(r"(?i:desc|descending|reverse|reversed|backwards?|down)\b", downwards, _TERM),
    Habit(r"(?i:desc|descending)\b", "keys ascend; from the largest to the smallest, write - before the key", r"[\w)]"),
    Habit(r"(?i:asc|ascending|up)\b", "keys ascend already: leave this word out", r"[\w)]"),
    Habit(r"by \w", "an order begins with by alone: by h, w", r"(?i:\bsort(?:ed)?|\border|\bordered|\bgroup)"),
    Habit(
        r"(?P<keys>\w+(?: , \w+)*)",
        "an order begins with by: by {keys}",
        r"(?i:\b(?:sort|sorted|order_by|orderby|sort_by|key|keys))",
    ),
    Habit(
        r"(?:assert|require|requires|ensure|claim|check|prove|assume|verify)\b (?P<c>continuous|covers|same as)\b",
        "a claim begins with expect: expect {c}",
    ),
    Habit(r"(?P<c>continuous|covers|same as)\b", "a claim begins with expect: expect {c}", r"(?<!\bexpect) ?"),
    Habit(
        r"(?:assert|require|requires|ensure|claim|check|prove|assume|verify)\b",
        _CLAIMS,
    ),
    Habit(
        r"(?:bijective|bijection|permutation|injective|surjective|total|unique|complete|valid|once)\b",
        _EXACTLY_ONCE,
        r"\bexpect",
    ),
    Habit(
        r"(?:connected|contiguous|adjacent|unit|smooth|no jumps)\b",
        "that every step goes to a neighbour is: expect continuous",
        r"\bexpect",
    ),
    Habit(r"(?:cover|covering|coverage|all)\b", "expect covers", r"\bexpect"),
    Habit(r"(?:equal|equals|is|identical|= =|= ?=)(?: to)? (?P<b>\w+)", "expect same as {b}", r"\bexpect"),
    Habit(r"not\b", "a claim says what holds, not what does not: expect continuous, covers or same as …", r"\bexpect"),
    Habit(
        r"$",
        _CLAIMS,
        r"\bexpect",
    ),
    Habit(r"reset(?:s|ting)?(?: (?:by|at|on|when|every|each|per))? (?P<b>\w+)", "restart by {b}"),
    Habit(r"(?:at|on|when|every|each|per|after|where) (?P<b>\w+)", "restart by {b}", r"\brestart"),
    Habit("$", "name what the state restarts by: restart by h", r"\brestart(?: by)?"),
    # Places of tokens.
    Habit(r"0", "the first place is start: at start", r"\bat"),
    Habit(r"- 1|L\b", "the last place is end: at end", r"\bat"),
    Habit(r"\W|\d", "a place is start, middle, end or both", r"\bat"),
    Habit(
        r"(?:and|or|&|\+) (?:start|end)\b",
        "for both ends write: with {a} at both",
        r"\bwith (?P<a>\w+) at (?:start|end)",
    ),
    Habit(
        r"$|expect\b|source\b|note\b",
        "for both ends write: with {a} at both",
        r"\bwith (?P<a>\w+) at (?:start , end|end , start)",
    ),
    Habit(r"$|expect\b|source\b|note\b", "say where it stands: with {a} at start", r"\bwith (?P<a>(?!latency\b)\w+)"),
    Habit(r"(?P<a>\w+)", "say where it stands: with {a} at start", r"\bwith (?:\d+|a|an|one)"),
    # Words of ours, in another place.
    Habit(r"let\b", "a let stands before by: let a = h // 2 in by a, w", r"\bby\b.*"),
    Habit(r"by\b", "a let ends in `in`: let a = h in by a, w", r"\blet \w+ = [^,]*"),
    Habit(r"(?P<b>\w+)", "expect same as {b}", r"\bexpect same"),
    Habit(r"by\b", "`=` follows the name: {kind} {a} = by …", r"(?P<kind>order|scan|plan) (?P<a>\w+)"),
    Habit(r"by (?P<keys>[^()]*)", "put a line in parentheses: {a}((by h, w), …)", r"(?P<a>\w+) \("),
    Habit(r"by\b", "put a line in parentheses: (by h, w)", r"[(,]"),
    Habit(r"(?P<b>(?!by\b)\w+)", "restart by {b}", r"\brestart"),
    Habit(r"(?P<b>\w+)", "with {a} at {b}", r"\bwith (?P<a>\w+)"),
    Habit(
        r"(?P<word>where|restart|with)\b", "inside a list, put the path and its `{word}` in parentheses: (row {word} …)"
    ),
    Habit(",", "keys stand without parentheses: by h, w", r"(?:\bby|,) \( [^()]*"),
    Habit(
        r"\[ (?P<keys>[^\[\]]*)",
        lambda keys, b: f"{'paths' if b in _MERGED else 'arguments'} stand without brackets: {b}({keys.strip()})",
        r"\b(?P<b>\w+) \(",
    ),
    Habit(r"[\[{] (?P<keys>[^\[\](){}]+)", a_scan, r"^(?P<kind>scan|plan) \w+ ="),
    Habit(r"\[ (?P<keys>[^\[\]()]+)", an_order, r"^(?:order \w+ (?:\[.*\] )?=)?"),
    Habit(r"\[", "paths are merged: sum(row, column)", r"^(?:scan|plan) \w+ ="),
    Habit(r"\[", "keys stand without brackets: by h, w", r"\bby|,"),
    Habit(
        r", (?P<more>(?:(?!\bby |\bwhere |\brestart |\bwith |\bexpect ).)*)",
        lambda keys, more: an_order(f"{keys}, {more}"),
        r"^order \w+ (?:\[.*\] )?= (?P<keys>(?!(?:by|let)\b)[^(),]+)",
    ),
    Habit(
        r", (?P<more>(?:(?!\bby |\bwhere |\brestart |\bwith |\bexpect ).)*)",
        lambda kind, keys, more: a_scan(f"{keys}, {more}", kind),
        r"^(?P<kind>scan|plan) \w+ (?:\[.*\] )?= (?P<keys>(?!(?:by|let)\b)[^(),]+)",
    ),
    Habit(
        r", (?P<more>(?:(?!\bby |\bwhere |\brestart |\bwith |\bexpect ).)*)",
        lambda keys, more: an_order(f"{keys}, {more}"),
        r"^(?P<keys>(?!(?:by|let|order|scan|plan|grid)\b)[^(),]+)",
    ),
    Habit(
        r", (?P<more>[^()]*)",
        lambda keys, more: an_order(f"{keys}, {more}"),
        r"^(?:order \w+ (?:\[.*\] )?= )?\( (?P<keys>(?!(?:by|let)\b)[^(),]+)",
    ),
    Habit(
        r", (?P<more>[^()]*)",
        lambda kind, keys, more: a_scan(f"{keys}, {more}", kind),
        r"^(?P<kind>scan|plan) \w+ (?:\[.*\] )?= \( (?P<keys>(?!(?:by|let)\b)[^(),]+)",
    ),
    Habit(",|\\)|$", "a key is missing after this comma, or the comma is too many", ","),
    Habit(r"(?P<b>\w+)", "axes are separated by commas: {a}, {b}", r"^(?P<a>grid \w+(?: , \w+)*)"),
)

LAST_RESORTS = (
    Habit(
        r"\w",
        _CLAIMS,
        r"\bexpect",
    ),
    Habit(r"(?P<b>\w+)", "paths stand in parentheses: {a}({b})", r"\b(?P<a>transpose|reverse|flip_\w|rot\d+)"),
    Habit(r"(?P<keys>\w+ ,.*)", an_order_of, r"^(?:order \w+ = )?\w+"),
    Habit(r"\[", "there are no lists: keys are listed behind by: by h, w"),
    Habit(r"\w", f"if this is a comment: {_COMMENT}", r"(?://|- -) [\w ]*"),
    Habit(
        r"(?P<b>\w+)",
        "arguments stand in parentheses: {a}({b}, …)",
        rf"\b(?P<a>{'|'.join((*CURVES, *ARITHMETIC, *_MERGED))})",
    ),
    Habit(r"(?P<b>[A-Za-z_]\w*)", "a product is written out: {a} * {b}", r"\b(?P<a>\d+)"),
    Habit(r"\(", "a product is written out: {a} * (…)", r"\b(?P<a>\d+)"),
    Habit(r"\(", "something is missing before the parenthesis, such as a comma", r"\)"),
)


def suggestion(before: str, after: str) -> str:
    """What to write instead, for the words before and from the place where reading failed; "" for no known habit."""
    return _first((*PLACE_HABITS, *HABITS), before, after)


def last_resort(before: str, after: str) -> str:
    """As ``suggestion``, of what is only likely: asked when nothing better is known."""
    return _first(LAST_RESORTS, before, after)


def _first(habits: tuple[Habit, ...], before: str, after: str) -> str:
    return next(filter(None, (habit.seen(before, after) for habit in habits)), "")
