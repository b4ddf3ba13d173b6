"""Merges, orbits and plans: what combines several paths."""

from __future__ import annotations

from scanlab.ir.diagnostics import ScanlabError, Span
from scanlab.ir.values import MOST_LAYERS, MOST_PATHS, Entry, Order, Plan, Scan, Value, orders_of
from scanlab.language import syntax as tree
from scanlab.language.definitions import Reader, as_scan, instantiate
from scanlab.language.keys import constant
from scanlab.language.scope import COMBINATORS, Scope, Template, few_of, unknown_name, wrong_kind

__all__ = ["combine", "combines"]


def combines(node: tree.Apply) -> bool:
    """Whether a call is a merge, an orbit or a plan."""
    return node.arguments is not None and node.name in COMBINATORS


def combine(node: tree.Apply, scope: Scope, read: Reader) -> tuple[Value, ...]:
    """The value of a call that ``combines``; an orbit gives several. Raises ScanlabError S2xx."""
    if node.parameters is not None:
        raise ScanlabError.at("S205", f"`{node.name}` has no parameters in brackets", node.span)
    if node.name == "orbit":
        return _orbit(node, scope, read)
    if node.name in ("cycle", "layers"):
        return (_plan(node, scope, read),)
    parts = tuple(v for a in node.arguments or () for v in _parts(a, scope, read))
    if not parts:
        raise ScanlabError.at("S204", f"`{node.name}` needs at least one path", node.span)
    scan = Scan(node.name, parts, span=node.span)
    _check_axes(scan, node.span)
    if sum(1 for _ in orders_of(scan)) > MOST_PATHS:
        raise ScanlabError.at("S213", f"this scan has more than {MOST_PATHS} paths", node.span)
    return (scan,)


def _parts(argument: tree.Argument, scope: Scope, read: Reader) -> tuple[Order | Scan, ...]:
    _no_name(argument)
    values = read(argument.value, scope)
    for value in values:
        if isinstance(value, Plan):
            raise wrong_kind("a plan", "a path or a scan", argument.span)
    return tuple(v for v in values if not isinstance(v, Plan))


def _no_name(argument: tree.Argument) -> None:
    if argument.name is not None:
        raise ScanlabError.at(
            "S204", f"`{argument.name}=` has no meaning here", argument.span, help="give the path alone"
        )


def _check_axes(scan: Scan, span: Span) -> None:
    different = {o.axes for o in orders_of(scan)}
    if len(different) > 1:
        listed = " and ".join(sorted(", ".join(a) for a in different))
        raise ScanlabError.at("S208", f"the paths of this scan are over different grids: {listed}", span)


def _orbit(node: tree.Apply, scope: Scope, read: Reader) -> tuple[Value, ...]:
    """``orbit(p, f, g)``: p; then f of all so far; then g of all so far: p, f(p), g(p), g(f(p))."""
    given = node.arguments or ()
    if not given:
        raise ScanlabError.at(
            "S204", "`orbit` needs a path and the names of symmetries", node.span, help="orbit(row, transpose)"
        )
    _no_name(given[0])
    images = read(given[0].value, scope)
    for argument in given[1:]:
        _no_name(argument)
        template = _symmetry(argument.value, scope)
        parameters = (argument.value.parameters or ()) if isinstance(argument.value, tree.Apply) else ()
        images += tuple(instantiate(template, parameters, (v,), argument.span, scope, read) for v in images)
        if len(images) > MOST_PATHS:
            raise ScanlabError.at("S213", f"this orbit has more than {MOST_PATHS} paths", node.span)
    return images


def _symmetry(node: tree.Node, scope: Scope) -> Template:
    name = node.name if isinstance(node, tree.Apply) and node.arguments is None else None
    name = node.text if isinstance(node, tree.Name) else name
    template = scope.find(name) if name else None
    if name and template is None:
        raise unknown_name(name, node.span, known := scope.helper_names(), few_of("symmetries are", known))
    if template is None or len(template.syntax.formals) != 1:
        raise wrong_kind(
            f"`{node.span.text}`", "the name of a symmetry", node.span, "such as transpose, flip_h, reverse"
        )
    return template


def _plan(node: tree.Apply, scope: Scope, read: Reader) -> Plan:
    entries: list[Entry] = []
    for argument in node.arguments or ():
        _no_name(argument)
        count, value = 1, argument.value
        if isinstance(value, tree.Binary) and value.op == "*":
            if isinstance(value.left, tree.Number):
                swapped = f"{value.right.span.text} * {value.left.span.text}"
                raise wrong_kind("a number", "a path", value.left.span, f"the count stands last: {swapped}")
            count, value = constant(value.right, scope), value.left
            if not 1 <= count <= MOST_LAYERS:
                raise ScanlabError.at(
                    "S205", f"a repeat count goes from 1 to {MOST_LAYERS}, not {count}", argument.span
                )
        for scan in read(value, scope):
            entries += _entries(scan, count)
        if sum(e.count for e in entries) > MOST_LAYERS:
            raise ScanlabError.at("S213", f"this plan has more than {MOST_LAYERS} layers", node.span)
    if not entries:
        raise ScanlabError.at("S204", f"`{node.name}` needs at least one scan", node.span)
    plan = Plan(node.name, tuple(entries), span=node.span)
    if len({e.scan.axes for e in entries}) > 1:
        raise ScanlabError.at("S208", "the scans of this plan are over different grids", node.span)
    return plan


def _entries(value: Value, count: int) -> list[Entry]:
    """A plan inside a plan is laid out ``count`` times; a scan is one entry."""
    if isinstance(value, Plan):
        return list(value.entries) * count
    return [Entry(as_scan(value), count)]
