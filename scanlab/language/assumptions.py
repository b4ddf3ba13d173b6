"""``assume …`` on a grid line or behind an order: conditions on the grid's extents alone, which some grid satisfies."""

from __future__ import annotations

from dataclasses import fields

from scanlab.ir.assumptions import impossible, shared_assumptions, sizes_text
from scanlab.ir.constants import fold
from scanlab.ir.coordinates import positive
from scanlab.ir.diagnostics import ScanlabError, Span
from scanlab.ir.expr import Axis, Binary, Compare, Curve, Expr, Logic, Not, Select, Visit, nodes_of
from scanlab.ir.printer import print_expr
from scanlab.ir.text import shortened
from scanlab.ir.values import Value
from scanlab.language import syntax as tree
from scanlab.language.keys import key
from scanlab.language.scope import Scope
from scanlab.language.tilde import MisplacedTilde

__all__ = ["check_possible", "checked", "condition_on_extents", "read_assumptions"]


def read_assumptions(nodes: tuple[tree.Node, ...], scope: Scope) -> tuple[Expr, ...]:
    """The conditions of an ``assume``. Raises S280 for what is no condition on extents, and what `key` raises."""
    return tuple(_assumption(node, scope) for node in nodes)


def _assumption(node: tree.Node, scope: Scope) -> Expr:
    expr = _read(node, scope)
    span = _place(node, scope).span if _speaks_of_patches(expr) else node.span
    return condition_on_extents(expr, span)


def condition_on_extents(expr: Expr, span: Span | None) -> Expr:
    """The expression, if it is a condition that has a value on every grid, whatever the patch. Raises S280."""
    places = [e for e in nodes_of(expr) if isinstance(e, _PLACES)]
    if places:
        text = shortened(span.text) if span else print_expr(places[0])
        axis = next((e.name for e in places if isinstance(e, Axis)), "")
        what = f"an assumption speaks of the grid's extents, and `{text}` differs from patch to patch"
        means = f"the extent of {axis} is {axis.upper()}; " if axis else ""
        help = f"{means}`where` chooses patches, as in by h, w where h > 0"
        raise ScanlabError.at("S280", what, span, help=help)
    if not _is_condition(expr):
        text = shortened(span.text if span else print_expr(expr))
        raise ScanlabError.at("S280", f"`{text}` is no condition", span, help="compare it, as in H == 8 or H % 4 == 0")
    for divided in nodes_of(expr):
        if isinstance(divided, Binary) and divided.op in ("//", "%") and not _never_zero(divided.right):
            what = f"`{print_expr(divided)}` divides by what can be zero on some grid"
            raise ScanlabError.at("S280", what, span, help="divide by a number or by an extent, as in H % W == 0")
    return expr


_PLACES = (Axis, Curve, Visit)


def _speaks_of_patches(expr: Expr) -> bool:
    return any(isinstance(e, _PLACES) for e in nodes_of(expr))


def _read(node: tree.Node, scope: Scope) -> Expr:
    if isinstance(node, tree.Unary) and node.op == "~":
        raise ScanlabError.at("S209", "`~` belongs to a key of by", node.span, help="`not` negates a condition")
    try:
        return key(node, scope)
    except MisplacedTilde as error:
        raise ScanlabError(error.diagnostics) from None


def _place(node: tree.Node, scope: Scope) -> tree.Node:
    """The smallest part of a condition that speaks of patches."""
    for field in fields(node):
        value = getattr(node, field.name)
        for below in value if isinstance(value, tuple) else (value,):
            part = below.value if isinstance(below, tree.Argument) else below
            if not isinstance(part, tree.Node) or isinstance(part, tree.Word | tree.Binding):
                continue
            if _speaks_of_patches(key(part, _inside(node, scope))):
                return _place(part, _inside(node, scope))
    return node


def _inside(node: tree.Node, scope: Scope) -> Scope:
    for binding in node.bindings if isinstance(node, tree.Let) else ():
        scope = scope.bind(binding.name, key(binding.value, scope))
    return scope.unreached()


def _is_condition(expr: Expr) -> bool:
    match expr:
        case Compare() | Not():
            return True
        case Logic(left=a, right=b) | Select(then=a, otherwise=b):
            return _is_condition(a) and _is_condition(b)
    return False


def _never_zero(expr: Expr) -> bool:
    value = fold(expr)
    return positive(expr) if value is None else value != 0


def checked(value: Value, span: Span) -> Value:
    """The value, unless no grid satisfies all that its orders assume (S281)."""
    check_possible(shared_assumptions(value), value.axes, span)
    return value


def check_possible(assume: tuple[Expr, ...], axes: tuple[str, ...], span: Span | None) -> None:
    """Raise S281 where no grid satisfies all conditions."""
    if assume and impossible(assume, axes):
        raise ScanlabError.at(
            "S281",
            f"no grid satisfies what is assumed: there are no {sizes_text(assume, 'grids')}",
            span,
            help="a grid's extents are whole numbers from 1 up; leave one of the conditions out",
        )
