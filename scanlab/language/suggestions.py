"""What to write in place of a habit, where that is computed from the words of the text."""

from __future__ import annotations

import re
from collections.abc import Callable

from scanlab.ir.functions import ARITHMETIC, CURVES
from scanlab.language.names_elsewhere import NAMES

__all__ = [
    "NO_BITS",
    "a_scan",
    "an_order",
    "attribute",
    "digits",
    "downwards",
    "from_to",
    "masked",
    "one_of",
    "power",
    "shift",
    "superscript",
    "within",
]

NO_BITS = "there are no operations on bits"


def power(a: str, n: str) -> str:
    """``a ** n``."""
    if a.isdigit():
        return f"there are no powers: write {int(a) ** int(n)}" if int(n) * len(a) <= 9 else "there are no powers"
    product = " * ".join([a] * int(n)) if 2 <= int(n) <= 8 else ""
    return f"there are no powers: {product}" if product else "there are no powers: write the product, as in h * h"


def superscript(a: str, n: str) -> str:
    """``a²``."""
    return power(a, str("⁰¹²³⁴⁵⁶⁷⁸⁹".index(n)))


def shift(op: str) -> Callable[..., str]:
    """``a << n`` and ``a >> n``, by the sign that computes it."""
    return lambda a, n: f"there are no shifts: {a} {op} {2 ** int(n)}" if int(n) < 31 else "there are no shifts"


def masked(a: str, n: str) -> str:
    """``a & n``."""
    if (int(n) + 1) & int(n) == 0:
        return f"{NO_BITS}: {_grouped(a)} % {int(n) + 1}"
    return f"{NO_BITS}; between two conditions write `and`"


def _grouped(a: str) -> str:
    return f"({a})" if " " in a else a


def downwards(a: str) -> str:
    """``a desc``."""
    return f"keys ascend; from the largest to the smallest: -{_grouped(a)}"


def one_of(a: str, n: str, no: str | None = None) -> str:
    """``a in (…)``, ``a not in (…)``."""
    sign, join = ("!=", "and") if no else ("==", "or")
    return "write " + f" {join} ".join(f"{a} {sign} {v.strip()}" for v in n.split(","))


def from_to(a: str, m: str, n: str, no: str | None = None) -> str:
    """``a between m and n``, both counted."""
    return f"write {a} < {m} or {n} < {a}" if no else f"write {m} <= {a} and {a} <= {n}"


def within(a: str, n: str, m: str | None = None, no: str | None = None) -> str:
    """``a in range(m, n)``."""
    low = m.strip(" ,") if m else "0"
    return f"write {a} < {low} or {n} <= {a}" if no else f"write {low} <= {a} and {a} < {n}"


def digits(a: str, b: str) -> str:
    """``1_000``."""
    return f"numbers are written without `_`: {a}{b.replace('_', '')}"


_MODULES = ("np", "numpy", "torch", "math", "jnp", "tf", "F", "lab", "scanlab")
_EXTENTS = ("size", "shape", "len", "length", "extent", "max", "n")


def attribute(a: str, b: str, call: str | None = None, empty: str | None = None) -> str:
    """What ``a.b`` means: a function of a module, a method, an extent, or a coordinate of something."""
    head = "there are no attributes: "
    if a in _MODULES:
        if b in CURVES or b in ARITHMETIC:
            return f"there are no modules: {b}(…)"
        return f"there are no modules; {NAMES.get(b, f'nor is there {b}')}"
    if b in ("reverse", "reversed", "inverse"):
        return f"{head}-{a} runs backwards"
    if call and (b in CURVES or b in ARITHMETIC or b.startswith(("flip_", "rot")) or b == "transpose"):
        return f"{head}{b}({a})" if empty else f"{head}{b}({a}, …)"
    if b in _EXTENTS:
        return f"{head}the extent of h is H" if a.islower() else f"{head}the extent is {a} alone"
    name = b if len(b) <= 2 else a
    return f"{head}a coordinate is written by its name alone, as in {name}"


def an_order(keys: str) -> str:
    """For a list without ``by``: names of several letters are taken for paths."""
    items = [k.strip() for k in keys.strip(" []").split(",") if k.strip()]
    if all(re.fullmatch(r"-? ?[A-Za-z_]\w{2,}(?: \(.*)?", k) for k in items):
        return f"several paths are a scan, and are merged: scan a = sum({', '.join(items)})"
    return f"an order begins with by: by {', '.join(items)}"


def a_scan(keys: str, kind: str = "scan") -> str:
    """For a list of paths without a merge."""
    items = [k.strip() for k in re.split("[,;]", keys.strip(" []{}")) if k.strip()]
    if kind == "plan":
        return f"a plan says which scan each layer uses: cycle({', '.join(items)})"
    if all(re.fullmatch(r"\w{1,2}", k) for k in items):
        return f"an order begins with by: by {', '.join(items)}"
    return f"paths are merged: sum({', '.join(items)})"


def an_order_of(keys: str) -> str:
    """For a list behind a word that is not ``by``."""
    return an_order(re.split(r" (?:where|restart|with|expect|source|note|(?i:from|order))\b", keys)[0])
