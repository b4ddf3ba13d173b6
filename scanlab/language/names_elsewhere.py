"""Names that other languages know, and what stands for them here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["NAMES", "PLACES_ELSEWHERE"]

_RANGES = "there are no ranges: write 0 <= h and h < 3"
_IF = "the condition stands in the middle: a if c else b"
_SORTED = "sorting is written by: by h, w"
_MODULE = "there are no modules: functions stand alone, as in abs(h)"
_JOINED = "keys are listed, separated by commas: by h, w"

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
        **dict.fromkeys(("sorted", "sort", "argsort", "lexsort", "order", "orderby", "sortby", "sort_by"), _SORTED),
        **dict.fromkeys(("np", "numpy", "torch", "math", "jnp"), _MODULE),
        **dict.fromkeys(("zip", "list", "tuple", "array", "stack", "product", "meshgrid"), _JOINED),
        **dict.fromkeys(("fmod", "remainder", "divmod"), "`%` is the remainder: h % 2"),
        **dict.fromkeys(("idiv", "trunc", "fix", "quotient"), "`//` divides, and rounds down: h // 2"),
        **dict.fromkeys(("arange", "linspace"), _RANGES),
        **dict.fromkeys(("ifelse", "cond", "case", "choose"), _IF),
        **dict.fromkeys(("minimum", "least"), "min(h, w)"),
        **dict.fromkeys(("maximum", "greatest"), "max(h, w)"),
        **dict.fromkeys(
            ("reverse", "desc"), "-h is the key h from the largest to the smallest; -row is the path backwards"
        ),
        **dict.fromkeys(("fliplr", "flipud", "mirror"), "other coordinates: row(w = flip(w))"),
        **dict.fromkeys(("transpose", "permute", "swapaxes"), "the coordinates in another order: by w, h"),
        **dict.fromkeys(("fld", "floordiv", "floor_divide"), "`//` divides, and rounds down: h // 2"),
        "cld": "round up as in (h + 1) // 2",
        **dict.fromkeys(("even", "iseven", "is_even"), "write h % 2 == 0"),
        **dict.fromkeys(("odd", "isodd", "is_odd"), "write h % 2 == 1"),
        **dict.fromkeys(("zorder", "z_order", "z_curve", "zcurve"), "it is Morton's order: by morton(h, w)"),
        **dict.fromkeys(("raster", "row_major", "rowmajor", "raster_scan"), "row; or by h, w"),
        **dict.fromkeys(("column_major", "col_major", "colmajor"), "column; or by w, h"),
        **dict.fromkeys(("boustrophedon", "serpentine", "snaking"), "snake; or by h, ~w"),
        **dict.fromkeys(("rand", "rnd", "randperm", "permutation"), "a fixed random order: by random()"),
        **dict.fromkeys(("cat", "concatenate", "append", "seq"), "chain(…) runs paths one after another"),
        **dict.fromkeys(("add", "plus"), "keys are added by +: h + w; paths are merged: sum(row, column)"),
        **dict.fromkeys(("average", "avg"), "paths are averaged: mean(row, column)"),
        **dict.fromkeys(("union", "combine", "merge", "parallel"), "paths are merged: sum(row, column)"),
        **dict.fromkeys(("repeat", "times", "tile"), "a plan says how often a scan is used: layers(row * 2)"),
        "shuffle": "a fixed random order: by random()",
        "iif": _IF,
        "select": _IF,
        "reversed": "reverse a path with -: -row",
        "concat": "chain(…) runs paths one after another",
        "interleave": "tell the patches apart by a remainder first: by w % 2, h, w",
    }
)

PLACES_ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("beginning", "begin", "front", "head", "first", "left", "top"), "start"),
        **dict.fromkeys(("last", "back", "tail", "right", "bottom", "finish"), "end"),
        **dict.fromkeys(("center", "centre", "mid", "half", "halfway"), "middle"),
        **dict.fromkeys(("ends", "sides", "all"), "both"),
    }
)
"""What places of a token are called elsewhere."""
