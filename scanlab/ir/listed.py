"""An order as an explicit list: what of it can be read, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from typing import Any

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import whole_number
from scanlab.ir.text import shortened

__all__ = ["permutation", "plain_axes"]

_FORM = "give the flat row-major index of the patch visited at each step (an order, not its ranks)"
_AXES = 'name the axes, as in axes="h w"'


def permutation(given: Any) -> tuple[int, ...]:
    """The numbers 0 … L-1 of a sequence, array or tensor, in its order. Raises S214 for anything else."""
    flat = _integers(given)
    _check_permutation(flat)
    return flat


def plain_axes(given: Any) -> tuple[str, ...]:
    """Axis names from ``"h w"``, ``"h, w"`` or a sequence of names. Raises S212."""
    listed = re.split(r"[\s,]+", given.strip()) if isinstance(given, str) else _items(given)
    if not listed:
        raise ScanlabError.at("S212", f"{_shown(given)} names no axes", help=_AXES)
    for name in listed:
        if not isinstance(name, str) or not re.fullmatch("[a-z][a-z0-9_]*", name):
            raise ScanlabError.at("S212", f"{_shown(name)} is no axis name: axes are lower case", help=_AXES)
    if len(set(listed)) < len(listed):
        raise ScanlabError.at("S212", f"{_shown(given)} names an axis twice", help=_AXES)
    return tuple(listed)


def _integers(given: Any) -> tuple[int, ...]:
    depth = getattr(given, "ndim", 1)
    if depth > 1:
        shape = "x".join(map(str, given.shape))
        help = "flatten it: array.ravel(); where it holds the step of each patch: array.ravel().argsort()"
        raise ScanlabError.at("S214", f"these indices are no list: they are an array of {shape}", help=help)
    items = _items(given)
    if items is None:
        raise ScanlabError.at("S214", f"{_shown(given)} is no list of indices", help=_FORM)
    numbers = tuple(i if type(i) is int else whole_number(i) for i in items)
    for step, (item, number) in enumerate(zip(items, numbers, strict=True)):
        if number is None:
            raise ScanlabError.at(
                "S214", f"{_shown(item)}, at step {step}, is no index of a patch", help=_suggestion(item)
            )
    return tuple(n for n in numbers if n is not None)


def _items(given: Any) -> list[Any] | None:
    """What a sequence holds; None for what is none, or has no order."""
    if isinstance(given, str | bytes | bytearray | Mapping | Set):
        return None
    try:
        # An array's own list holds plain numbers, which are read faster.
        return given.tolist() if getattr(given, "ndim", 0) == 1 else list(given)
    except (AttributeError, TypeError):
        return None


def _suggestion(item: Any) -> str:
    if isinstance(item, float):
        return "indices are whole numbers; convert them, as in array.astype(int)"
    return "give one flat list of whole numbers" if _items(item) is not None else _FORM


def _shown(given: Any) -> str:
    """What was given, short enough for a message."""
    return f"`{shortened(repr(given))}`"


def _check_permutation(flat: tuple[int, ...]) -> None:
    seen: dict[int, int] = {}
    for step, patch in enumerate(flat):
        problem = None
        if not 0 <= patch < len(flat):
            problem = (
                f"step {step} visits patch {patch}, but {len(flat)} steps can only visit patches 0 to {len(flat) - 1}"
            )
        elif patch in seen:
            problem = f"patch {patch} is visited twice, at steps {seen[patch]} and {step}"
        if problem:
            raise ScanlabError.at(
                "S214",
                f"these indices are no permutation: {problem}",
                help="give the flat row-major index of the patch visited at each step (an order, not its ranks)",
            )
        seen[patch] = step
    if not flat:
        raise ScanlabError.at("S214", "these indices are no permutation: there are none")
