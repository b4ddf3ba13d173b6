"""Keys inside the boxes of groups: ``within (h // 7, w // 7): hilbert(h, w)``, and back from such keys to that line.

``within (g, …): k, …`` stands for the keys ``g, …, k, …``, in which ``k`` is local: a coordinate counts from the first
one of the patch's group, an extent is that of the group's box, and a curve runs over that box. A group holds all
patches of the grid at which the ``g`` are equal.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scanlab.ir.boxes import breadth, curve_within, joined, offset
from scanlab.ir.expr import Axis, Breadth, Curve, Expr, Extent, Offset, nodes_of, substitute

if TYPE_CHECKING:
    from scanlab.ir.values import Key

__all__ = ["keys_within", "localized", "windowed"]

Groups = tuple[Expr, ...]


def keys_within(groups: tuple[Key, ...], body: tuple[Key, ...]) -> tuple[Key, ...]:
    """The keys that ``within (groups): body`` stands for; ``body`` as it would be read on a whole grid.

    >>> import scanlab
    >>> from scanlab.ir.values import Order
    >>> tiles, snake = scanlab.parse("by h // 7, w // 7").keys, scanlab.parse("by h, ~w").keys
    >>> print(Order(("h", "w"), keys_within(tiles, snake)))
    by within (h // 7, w // 7): h, ~w
    """
    exprs = joined((), tuple(k.expr for k in groups))
    return (*groups, *(replace(k, expr=localized(k.expr, exprs)) for k in body))


def localized(expr: Expr, groups: Groups) -> Expr:
    """A key as it means inside a group what it meant on the grid.

    before → after:  ``h`` → ``offset(h) within (g)``;  ``H`` → ``breadth(h) within (g)``
    """

    def change(e: Expr) -> Expr | None:
        match e:
            case Axis():
                return offset(e, groups)
            case Extent(name=name):
                return breadth(Axis(name), groups)
            case Curve(name=name, operands=many, options=options, within=own):
                return curve_within(name, all_of(many), options, joined(groups, all_of(own)))
            case Offset(operand=inner, within=own):
                return offset(substitute(inner, change), joined(groups, all_of(own)))
            case Breadth(operand=inner, within=own):
                return breadth(substitute(inner, change), joined(groups, all_of(own)))
        return None

    def all_of(exprs: tuple[Expr, ...]) -> tuple[Expr, ...]:
        return tuple(substitute(e, change) for e in exprs)

    return substitute(expr, change)


def windowed(keys: tuple[Key, ...]) -> tuple[tuple[Key, ...], tuple[Key, ...], tuple[Key, ...]] | None:
    """Keys as ``before, within (groups): body``, where they can be written so; the outermost of several."""
    exprs = tuple(k.expr for k in keys)
    if not _outermost(exprs):
        return None
    for at in range(1, len(keys)):
        groups = _outermost(exprs[at:])
        if not groups or len(groups) > at or groups != exprs[at - len(groups) : at]:
            continue
        body = tuple(replace(k, expr=_globalized(k.expr, groups)) for k in keys[at:])
        split = at - len(groups)
        if keys_within(keys[split:at], body) == keys[split:]:
            return keys[:split], keys[split:at], body
    return None


def _outermost(exprs: tuple[Expr, ...]) -> Groups:
    """The keys of the widest groups that an expression speaks of; those inside are named by these first."""
    named = [e.within for root in exprs for e in nodes_of(root) if isinstance(e, Curve | Offset | Breadth) and e.within]
    return min(named, key=len, default=())


def _globalized(expr: Expr, groups: Groups) -> Expr:
    """What ``localized`` makes the expression from, if it made it."""

    def change(e: Expr) -> Expr | None:
        if not isinstance(e, Curve | Offset | Breadth) or e.within[: len(groups)] != groups:
            return None
        inner = tuple(substitute(w, change) for w in e.within[len(groups) :])
        if isinstance(e, Curve):
            return Curve(e.name, tuple(substitute(o, change) for o in e.operands), e.options, inner)
        if inner or not isinstance(e.operand, Axis):
            return type(e)(substitute(e.operand, change), inner)
        return e.operand if isinstance(e, Offset) else Extent(e.operand.name)

    return substitute(expr, change)
