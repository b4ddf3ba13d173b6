"""What every word and sign of the language means: docs/language.md lists it, and the explorer shows it at the word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from scanlab.ir.functions import ARITHMETIC, CURVES, LOCAL, Signature
from scanlab.ir.merges import MERGES, MergeRule
from scanlab.ir.values import CLASS, MEAN

__all__ = ["KEYWORDS", "PLACES", "SIGNS", "Entry", "glossary"]


@dataclass(frozen=True)
class Entry:
    """A word of the language. kind: what sort of word; written: how it stands in a text; means: in Markdown.

    >>> glossary()["where"].written
    'by h, w where w <= h'
    """

    kind: str
    written: str
    means: str


def _table(kind: str, rows: Mapping[str, tuple[str, str]]) -> Mapping[str, Entry]:
    return MappingProxyType({word: Entry(kind, written, means) for word, (written, means) in rows.items()})


KEYWORDS = _table(
    "keyword",
    {
        "grid": ("grid h, w", "names the axes of the definitions below it, slowest first"),
        "order": ("order snake = by h, ~w", "defines one path: the patches of a grid, sorted by keys"),
        "scan": ("scan cross = sum(row, column)", "defines several paths over one grid, and how their outputs merge"),
        "plan": ("plan staged = layers(cross * 2, vim)", "defines which scan each layer of a network uses"),
        "by": ("by h, ~w", "sort keys, most significant first: patches are visited in ascending order of them"),
        "within": (
            "by within (h // 7, w // 7): gilbert(h, w)",
            "sorts by the groups in parentheses, and inside each group by the keys after the colon, "
            "where coordinates and extents are the group's own",
        ),
        "let": ("let s = w // 4 in by s, ~h, w", "a name for a part; keys are expanded where the name is used"),
        "in": ("let s = w // 4 in …", "ends the names of a `let`; in a claim, `streamable in t`, names an axis"),
        "where": ("by h, w where w <= h", "keeps the patches for which the condition is not zero"),
        "restart": ("by h, w restart by h", "resets the state of the scan wherever a value changes along the path"),
        "with": ("sum(row, -row) with cls at middle", "places tokens that are no patches in the sequence"),
        "at": ("with cls at middle", "where a token stands: `start`, `middle`, `end` or `both`"),
        "fixed": ("with cls at start fixed", "keeps a token's place where the path is reversed"),
        "assume": ("grid h, w assume H % 4 == 0", "the sizes that definitions, claims and proofs speak of"),
        "expect": ("expect continuous", "claims what the compiler must prove; what cannot be proved is refused"),
        "continuous": ("expect continuous", "every step of every sequence goes to a neighbouring patch"),
        "covers": ("expect covers", "every patch is visited"),
        "same": ("expect same as row", "the same layers, merges and paths, with restarts and tokens at the same steps"),
        "as": ("expect same as row", "names the strategy that this one is the same as"),
        "streamable": (
            "expect streamable in t",
            "no patch comes before one of an earlier frame, so that frames can be scanned as they arrive",
        ),
        "latency": ("streamable in t with latency 2", "how many frames may have to be there at once"),
        "source": ('source "arXiv 2401.10166"', "says where a definition comes from"),
        "note": ('note "the code does otherwise"', "says what to know of a definition"),
        "if": ("h if w > 0 else 0", "a choice; only the branch that is taken is evaluated"),
        "else": ("h if w > 0 else 0", "the value where the condition of the `if` is zero"),
        "and": ("0 <= h and h < 3", "1 where both hold, else 0"),
        "or": ("h == 0 or w == 0", "1 where either holds, else 0"),
        "not": ("not h == 0", "1 where it does not hold, else 0"),
    },
)
SIGNS = _table(
    "sign",
    {
        "~": ("by h, ~w", "runs the key backwards wherever the sum of the keys before it is odd"),
        "//": ("h // 7", "floor division, as in Python: the number of the window"),
        "%": ("h % 7", "remainder, as in Python: the place within the window"),
        "-": ("W - 1 - w, -row", "the difference; in front of a path, the same path with its last patch first"),
        "*": ("2 * h, cross * 2", "the product; in a plan, so many layers of a scan"),
        "+": ("h + w", "the sum: patches of one diagonal have the same"),
        "==": ("h == 0", "1 where both are equal, else 0"),
        "!=": ("h != 0", "1 where they differ, else 0"),
        "<": ("w < h", "1 where it is smaller, else 0"),
        "<=": ("w <= h", "1 where it is smaller or equal, else 0"),
        ">": ("w > h", "1 where it is larger, else 0"),
        ">=": ("2 * h >= H", "1 where it is larger or equal, else 0"),
    },
)
_PLAN = _table(
    "in plans and scans",
    {
        "cycle": ("cycle(cross, vim)", "the scans of a network's layers, repeated for as many layers as there are"),
        "layers": ("layers(cross * 2, vim * 4)", "exactly one scan for each layer of a network"),
        "orbit": (
            "sum(orbit(snake, transpose, flip_h))",
            "several paths: the first, then each helper applied to all before it",
        ),
    },
)
_TOKENS = _table(
    "token", {CLASS: ("with cls at middle", "a class token: it stands for the whole image, and is learned")}
)
PLACES = _table(
    "place of a token",
    {
        "start": ("with cls at start", "in front of the first patch"),
        "middle": ("with cls at middle", "in front of patch number L // 2"),
        "end": ("with cls at end", "after the last patch"),
        "both": ("with cls at both", "one token at each end"),
    },
)
_VISIT = Entry("function", "visit(0, 2, 1, 3)", "the step at which an explicit list of flat indices visits the patch")


@cache
def glossary() -> Mapping[str, Entry]:
    """Every word and sign of the language itself; names of the library are not among them."""
    merges = {name: Entry("merge", f"{name}(a, b, …)", _outputs(name, rule)) for name, rule in MERGES.items()}
    functions = {
        **{name: _function("curve", s, "") for name, s in CURVES.items()},
        **{name: _function("function", s, "") for name, s in ARITHMETIC.items()},
        **{name: _function("function", s, " within (g)") for name, s in LOCAL.items()},
        "visit": _VISIT,
    }
    return MappingProxyType({**KEYWORDS, **SIGNS, **_PLAN, **merges, **_TOKENS, **PLACES, **functions})


def _outputs(name: str, rule: MergeRule) -> str:
    also = "; as a token, `with mean at end`, the average of the patches" if name == MEAN else ""
    return f"what becomes of the paths' outputs: {rule.outputs}{also}"


def _function(kind: str, signature: Signature, behind: str) -> Entry:
    options = "".join(f"; `{o.name}={o.default}`: {o.doc}" for o in signature.options)
    return Entry(kind, f"{signature.written}{behind}", f"{signature.doc}{options}")
