"""The library's orders as starting points: with every choice of their parameters, turned every way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import permutations
from typing import TypeVar

from scanlab.facade import load
from scanlab.ir.coordinates import flipped, substitute_axes
from scanlab.ir.expr import Axis, Expr
from scanlab.ir.functions import CURVES
from scanlab.ir.values import Order
from scanlab.language.library import library_definitions, library_templates

__all__ = ["Base", "Choose", "bases", "drawn_base", "sides", "turned", "under"]

Choice = TypeVar("Choice", str, int, bool)
Choose = Callable[[str, Sequence[Choice]], Choice]
"""Picks one of the options; what has one name always has the same options, so that a sampler can learn of it."""

LARGEST_SIDE = 16
MOST_OF_AN_OPTION = 8


@dataclass(frozen=True)
class Base:
    """An order of the library over so many axes as the grid has, with the values that each parameter may take."""

    name: str
    parameters: tuple[tuple[str, tuple[int, ...]], ...] = ()


def under(choose: Choose, prefix: str) -> Choose:
    """The same choices under longer names."""
    return lambda name, options: choose(f"{prefix} {name}", options)


def sides(grid: Sequence[int]) -> tuple[int, ...]:
    """The sides of windows, and strides, that make a difference on a grid: from 2 up, below its largest extent."""
    return tuple(range(2, max(3, min(max(grid), LARGEST_SIDE + 1))))


def bases(grid: tuple[int, ...]) -> tuple[Base, ...]:
    """The library's orders that visit the whole of a grid with so many axes, by name."""
    templates = library_templates()
    known = []
    for name, definition in library_definitions().items():
        order = definition.value
        if isinstance(order, Order) and len(order.axes) == len(grid) and not order.partial and not order.tokens:
            words = [p.name.text for p in templates[name].syntax.parameters]
            known.append(Base(name, tuple((w, _values(w, grid)) for w in words)))
    return tuple(sorted(known, key=lambda b: b.name))


def _values(parameter: str, grid: tuple[int, ...]) -> tuple[int, ...]:
    """A parameter named as an option of a curve is that option; any other is a side or a stride."""
    for signature in CURVES.values():
        option = signature.option(parameter)
        if option is not None:
            return tuple(range(option.low, min(option.high, option.low + MOST_OF_AN_OPTION - 1) + 1))
    return sides(grid)


def drawn_base(choose: Choose, axes: tuple[str, ...], grid: tuple[int, ...]) -> Order:
    """An order of the library with chosen parameters, over these axes."""
    known = _by_name(grid)
    base = known[choose("order", tuple(known))]
    given = {p: choose(f"{base.name} {p}", values) for p, values in base.parameters}
    text = base.name + (f"[{', '.join(f'{p}={v}' for p, v in given.items())}]" if given else "")
    order = load(text)
    assert isinstance(order, Order), "bases() lists orders alone"
    return substitute_axes(order, axes, {old: Axis(new) for old, new in zip(order.axes, axes, strict=True)})


@cache
def _by_name(grid: tuple[int, ...]) -> dict[str, Base]:
    return {base.name: base for base in bases(grid)}


def turned(order: Order, choose: Choose) -> Order:
    """A symmetry of the box: axes exchanged, some of them from the other end, the last patch first.

    before → after:  ``by h, w``  →  ``-(by w, H - 1 - h)``
    """
    orders = [" ".join(p) for p in permutations(order.axes)]
    exchanged = choose("axes", orders).split()
    new: dict[str, Expr] = {}
    for axis, other in zip(order.axes, exchanged, strict=True):
        mirrored = flipped(Axis(other)) if choose(f"flip {axis}", (False, True)) else None
        new[axis] = Axis(other) if mirrored is None else mirrored
    turn = substitute_axes(order, order.axes, new)
    return replace(turn, reverse=turn.reverse != choose("reverse", (False, True)))
