"""Grids as people write them: the one reading of extents for Python, the command line and the explorer."""

from __future__ import annotations

import operator
import re
import reprlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import islice
from typing import Any, TypeAlias

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text

__all__ = ["Extents", "grid_of", "whole_number"]

Extents: TypeAlias = int | str | Iterable[int]

_JOINED = re.compile(r"\s*[xX×,]\s*")
# What people put between extents elsewhere; tried only to tell them how to write it here.
_FOREIGN = re.compile(r"(?:[\s*;:/|&()\[\]{}xX×,хХ✕⨯⋅·]|by)+")
_LARGEST = 2**62
_MOST_LISTED = 64
_FORMS = "give extents, as in 14x14 or 4x14x14; in Python also 14 or (14, 14)"


def grid_of(given: Any, axes: Sequence[str] = (), what: str = "grid") -> tuple[int, ...]:
    """The extents that were given, one per axis.

    >>> grid_of("14x14"), grid_of(14), grid_of([4, 14, 14])
    ((14, 14), (14,), (4, 14, 14))

    given: an integer; a sequence, array or tensor of integers; or a text. axes: their names, where it is known how many
    there must be. what: the word for it in errors, as in "size". Raises S400 for anything else, and S401 for a number
    beyond all limits.
    """
    plain = type(given) is tuple and bool(given) and all(type(n) is int and 0 < n < _LARGEST for n in given)
    extents = given if plain else _read(given, what)
    if axes and len(extents) != len(axes):
        raise ScanlabError.at(
            "S400",
            f"the {what} {grid_text(extents)} has {count_text(len(extents), 'extent')}; "
            f"this is over {count_text(len(axes), 'axis')} ({', '.join(axes)})",
            help=f"give one extent per axis, as in {grid_text(extents[:1] * len(axes))}",
        )
    return extents


def whole_number(given: Any) -> int | None:
    """An integer of any library as int; None for what is no integer, truth values among them."""
    kind = str(getattr(given, "dtype", type(given).__name__))
    if getattr(given, "ndim", 0) or kind.rpartition(".")[2] in ("bool", "bool_"):
        return None
    try:
        return operator.index(given)
    except TypeError:
        return None


def _read(given: Any, what: str) -> tuple[int, ...]:
    numbers = _of_text(given, what) if isinstance(given, str) else _of_numbers(given, what)
    if any(n < 1 for n in numbers):
        raise ScanlabError.at(
            "S400",
            f"the {what} {_shown(given)} has no {'patches' if what == 'grid' else 'pixels'}",
            help="every extent must be at least 1",
        )
    if any(n >= _LARGEST for n in numbers):
        raise ScanlabError.at("S401", f"the {what} {_shown(given)} is beyond all limits", help="give a smaller one")
    return numbers


def _of_text(text: str, what: str) -> tuple[int, ...]:
    parts = _JOINED.split(text.strip())
    if all(re.fullmatch("-?[0-9]+", p) for p in parts):
        return tuple(_LARGEST if len(p) > 19 else int(p) for p in parts)
    if not text.strip():
        raise ScanlabError.at("S400", f"an empty text is no {what}", help=_FORMS)
    words = _FOREIGN.split(_in_plain_digits(text).strip(" ()[]{}"))
    meant = all(re.fullmatch("[0-9]{1,9}", w) and int(w) for w in words)
    raise ScanlabError.at(
        "S400",
        f"`{_shown(text)}` is no {what}",
        help=f"write {grid_text(map(int, words))}" if meant else _FORMS,
    )


def _in_plain_digits(text: str) -> str:
    """The text with every decimal digit of Unicode as one of 0 to 9."""
    return "".join(str(unicodedata.decimal(c, c)) for c in text)


def _of_numbers(given: Any, what: str) -> tuple[int, ...]:
    alone = whole_number(given)
    if alone is not None:
        return (alone,)
    listed = _listed(given)
    if listed is None:
        note = "what is listed in it has no order" if isinstance(given, Mapping | Set) else _why(given)
        raise ScanlabError.at("S400", f"`{_shown(given)}` is no {what}", note=note, help=_suggestion([given]))
    if not listed:
        raise ScanlabError.at("S400", f"`{_shown(given)}` is no {what}: it has no extents", help=_FORMS)
    if len(listed) > _MOST_LISTED:
        raise ScanlabError.at("S400", f"the {what} has more than {_MOST_LISTED} extents", help=_FORMS)
    numbers = [whole_number(n) for n in listed]
    for item, number in zip(listed, numbers, strict=True):
        if number is None:
            raise ScanlabError.at(
                "S400", f"`{_shown(item)}` in {_shown(given)} is no extent", help=_suggestion(listed), note=_why(item)
            )
    return tuple(n for n in numbers if n is not None)


def _listed(given: Any) -> list[Any] | None:
    """What a sequence holds; None for what is none, or has no order."""
    if isinstance(given, bytes | bytearray | Mapping | Set):
        return None
    try:
        return list(islice(iter(given), _MOST_LISTED + 1))
    except TypeError:
        return None


def _why(item: Any) -> str:
    if isinstance(item, str):
        return "it is a text among numbers"
    if getattr(item, "ndim", 0) or isinstance(item, list | tuple):
        return "extents are listed side by side, not nested"
    return "extents are whole numbers"


def _suggestion(listed: list[Any]) -> str:
    """How to write what was meant, where that is plain: 14.0 as 14, "14" as 14."""
    numbers = []
    for item in listed:
        text = item if isinstance(item, str) else str(item)
        whole = re.fullmatch(r"\s*([0-9]{1,9})(?:\.0*)?\s*", text)
        if whole is None or not int(whole[1]):
            return _FORMS
        numbers.append(int(whole[1]))
    return f"write {numbers[0]}" if len(numbers) == 1 else f"write ({', '.join(map(str, numbers))})"


def _shown(given: Any) -> str:
    """What was given, short enough for a message."""
    if isinstance(given, str):
        return given if len(given) <= 60 else f"{given[:60]}…"
    if isinstance(given, list | tuple) and given and all(type(n) is int for n in given):
        return "x".join(map(_shown, given[:_MOST_LISTED]))
    if isinstance(given, int) and abs(given) >= _LARGEST:
        return f"(a number of {given.bit_length()} bits)"
    return " ".join(reprlib.repr(given).split())
