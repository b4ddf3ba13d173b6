"""Coordinate substitution: ``row(w, h)``, ``row(h=H-1-h)``; and paths where keys stand."""

from __future__ import annotations

from dataclasses import replace

from scanlab.ir.boxes import offset
from scanlab.ir.constants import divides_by_zero
from scanlab.ir.coordinates import substitute_axes
from scanlab.ir.diagnostics import ScanlabError, Span
from scanlab.ir.expr import Axis, Expr
from scanlab.ir.functions import ARITHMETIC
from scanlab.ir.text import balanced, shortened
from scanlab.ir.values import Order, Plan, Value, map_orders
from scanlab.language import syntax as tree
from scanlab.language.keys import call_of, key, zero_divisor
from scanlab.language.scope import Scope, unknown_name, wrong_kind
from scanlab.language.tilde import MisplacedTilde, inside_a_key

__all__ = ["as_a_path", "over_axes", "over_coordinates"]


def over_coordinates(value: Value, node: tree.Apply, scope: Scope) -> Value:
    """Coordinate substitution: one expression per axis, or ``axis=expression`` for some of them."""
    axes = scope.axes_or_error(node.span)
    given = node.arguments or ()
    named = {a.name: a.value for a in given if a.name is not None}
    if isinstance(value, Plan):
        raise wrong_kind("a plan", "a path", node.span, "substitute coordinates in the scans inside it")
    if named:
        for a in given:
            if a.name is None:
                raise ScanlabError.at("S204", "name all coordinates or none", a.span)
            if a.name not in value.axes:
                raise unknown_name(a.name, a.span, value.axes, f"`{node.name}` runs over {', '.join(value.axes)}")
        new = {
            x: _key_of_argument(node, named[x], scope) if x in named else _same_axis(x, axes, node.span, scope)
            for x in value.axes
        }
    else:
        if len(given) != len(value.axes):
            raise ScanlabError.at(
                "S204",
                f"`{node.name}` runs over {len(value.axes)} coordinates ({', '.join(value.axes)}), {len(given)} given",
                node.span,
                help=f"give each a key, as in {node.name}({', '.join(reversed(value.axes))})",
            )
        new = {x: _key_of_argument(node, a.value, scope) for x, a in zip(value.axes, given, strict=True)}
    return over_axes(value, axes, new, node.span, scope.within)


def _key_of_argument(node: tree.Apply, value: tree.Node, scope: Scope) -> Expr:
    try:
        return key(value, scope)
    except MisplacedTilde as error:
        raise inside_a_key(error, node) from None


def _same_axis(name: str, axes: tuple[str, ...], span: Span, scope: Scope) -> Expr:
    if name not in axes:
        raise ScanlabError.at("S208", f"the grid here has no axis `{name}` (it has {', '.join(axes)})", span)
    return offset(Axis(name), scope.within) if scope.within else Axis(name)


def over_axes(
    value: Value, axes: tuple[str, ...], new: dict[str, Expr], span: Span, within: tuple[Expr, ...] = ()
) -> Value:
    """The value whose keys see other coordinates, as inside the groups ``within``.

    Raises S210, and S306 for what then divides by zero.
    """

    def changed(order: Order) -> Order:
        moved = replace(substitute_axes(order, axes, new, span, within), span=span)
        conditions = () if moved.where is None else (moved.where,)
        if any(map(divides_by_zero, (*(k.expr for k in moved.keys), *conditions, *moved.restart))):
            raise zero_divisor(span)
        return moved

    return map_orders(value, changed)


def as_a_path(node: tree.Apply, scope: Scope) -> str:
    """What to write where a key function stands for a path: an order of its keys, or what is done with paths."""
    given = [a.value for a in node.arguments or ()]
    named = [n for a in given for n in tree.names_in(a)]
    axes = scope.axes or ()
    if not any(n not in (*axes, *(a.upper() for a in axes)) and scope.find(n) is not None for n in named):
        return f"an order begins with by: (by {balanced(shortened(node.span.text))})"
    paths_given = ", ".join(shortened(a.span.text) for a in given)
    if node.name == "flip" and len(given) == 1 and isinstance(given[0], tree.Name):
        last, path = axes[-1] if axes else "w", given[0].text
        backwards = f"-{path} is the path with the last patch first"
        return f"flip turns coordinates around: {path}({last} = flip({last})); {backwards}"
    if node.name in ARITHMETIC:
        return f"`{node.name}` computes with keys; paths are merged, as in sum({paths_given})"
    return f"`{node.name}` runs over coordinates: (by {call_of(node.name, scope)})"
