"""The names of axes as they are given in Python: ``"h w"``, ``"h, w"`` or a sequence of names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from scanlab.ir.diagnostics import ScanlabError, Source
from scanlab.ir.grids import whole_number
from scanlab.language.module import read_module

__all__ = ["named_axes", "parse_axes"]

_NAMES_OF_AXES = 'name the axes, as in parse("by h, w", "h w"); extents come later: compile(…, grid=(14, 14))'


def parse_axes(axes: str | Iterable[str]) -> tuple[str, ...]:
    """Axis names from ``"h w"``, ``"h, w"`` or a sequence of names.

    Raises S410 for extents in their place, and S212 and S101 for what cannot be the name of an axis.
    """
    return _declared(named_axes(axes))


def named_axes(axes: str | Iterable[str]) -> tuple[str, ...]:
    """As ``parse_axes``, with names that no grid line could declare: Python's forms have no text to disturb."""
    names = re.split(r"[\s,]+", axes.strip()) if isinstance(axes, str) else _listed_names(axes)
    if any(n[:1].isdecimal() for n in names):
        raise ScanlabError.at("S410", f"`{' '.join(names)}` are extents, not names of axes", help=_NAMES_OF_AXES)
    return tuple(names)


def _listed_names(given: Any) -> list[str]:
    if whole_number(given) is not None:
        raise ScanlabError.at("S410", f"`{given}` is an extent, not the name of an axis", help=_NAMES_OF_AXES)
    try:
        names = [] if isinstance(given, bytes | bytearray) else list(given)
    except TypeError:
        names = []
    if not names:
        raise ScanlabError.at("S410", f"{given!r} names no axes", help=_NAMES_OF_AXES)
    for wrong in (n for n in names if not isinstance(n, str)):
        what = "is an extent, not the name of an axis" if whole_number(wrong) is not None else "names no axis"
        raise ScanlabError.at("S410", f"`{wrong}` {what}", help=_NAMES_OF_AXES)
    return names


@lru_cache(maxsize=256)
def _declared(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names, where a grid line could declare them."""
    read_module(Source(f"grid {', '.join(names)}", "<axes>")).raise_problems()
    return names
