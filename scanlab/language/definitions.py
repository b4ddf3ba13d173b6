"""A definition with its parameters and path arguments filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from scanlab.ir.assumptions import assuming
from scanlab.ir.coordinates import substitute_axes
from scanlab.ir.diagnostics import ScanlabError, Span
from scanlab.ir.expr import Axis, Extent, integer, nodes_of
from scanlab.ir.text import shortened
from scanlab.ir.values import Entry, Order, Plan, Scan, Value, map_orders
from scanlab.language import syntax as tree
from scanlab.language.assumptions import checked
from scanlab.language.keys import constant
from scanlab.language.scope import Scope, Template, wrong_kind
from scanlab.language.usual_axes import AXES_OF

__all__ = ["Reader", "as_kind", "as_scan", "instantiate", "kind_of", "one"]

Reader = Callable[[tree.Node, Scope], tuple[Value, ...]]
"""Reads a syntax tree as paths; an ``orbit`` gives several."""


def one(values: tuple[Value, ...], span: Span) -> Value:
    """The only value. Raises S206 for an orbit of several."""
    if len(values) != 1:
        raise wrong_kind("an orbit of several paths", "one path", span, "put it in a merge: sum(orbit(…))")
    return values[0]


def kind_of(value: Value) -> str:
    """``an order``, ``a scan`` or ``a plan``."""
    return "an order" if isinstance(value, Order) else f"a {type(value).__name__.lower()}"


def as_scan(value: Order | Scan) -> Scan:
    """An order alone is a scan of one path."""
    return value if isinstance(value, Scan) else Scan("sum", (value,), name=value.name, doc=value.doc, span=value.span)


def as_kind(value: Value, kind: str, span: Span) -> Value:
    """The value as the kind it is defined as: an order serves as a scan, a scan as a plan, not the other way."""
    if kind == "order" and not isinstance(value, Order):
        raise wrong_kind(kind_of(value), "an order", span, f"define it as `{type(value).__name__.lower()}`")
    if kind == "scan":
        if isinstance(value, Plan):
            raise wrong_kind("a plan", "a scan", span, "define it as `plan`")
        return as_scan(value)
    if kind == "plan" and not isinstance(value, Plan):
        return Plan("cycle", (Entry(as_scan(value)),), span=span)
    return value


def instantiate(
    template: Template,
    given: tuple[tree.Argument, ...],
    formals: tuple[Value, ...],
    span: Span,
    scope: Scope,
    read: Reader,
) -> Value:
    """The value of a definition for the given parameters and path arguments."""
    syntax = template.syntax
    if len(formals) != len(syntax.formals):
        names = ", ".join(f.text for f in syntax.formals)
        raise wrong_kind(
            f"the helper `{template.name}({names})`", "a path", span, f"apply it to a path: {template.name}(row)"
        )
    values = _parameters(template, given, span, scope)
    place = (template.name, template.axes, template.assume)
    memo_key = (*place, tuple(values.items()), formals, scope.axes if formals else None)
    if memo_key in scope.memo and not formals:
        known = scope.memo[memo_key]
        assert isinstance(known, Order | Scan | Plan)
        return known
    axes = _axes_inside(template, formals, span, scope)
    inner = scope.inside(template.name, axes, span)
    for name, value in values.items():
        inner = inner.bind(_parameter_word(syntax, name), integer(value))
    for word, formal in zip(syntax.formals, formals, strict=True):
        inner = inner.bind(word, _by_place(formal, axes))
    try:
        value = as_kind(one(read(syntax.body, inner), syntax.body.span), syntax.kind, syntax.body.span)
        value = checked(assuming(value, template.assume), syntax.body.span)
    except ScanlabError as error:
        raise _at_use(error, template, span) from None
    if formals:
        value = _by_place(value, scope.axes)
    label = template.name + (f"[{', '.join(f'{k}={v}' for k, v in values.items())}]" if values else "")
    value = replace(value, name=_label(label, formals), doc=syntax.doc, span=value.span or syntax.body.span)
    if not formals:
        scope.memo[memo_key] = value
    return value


# What a helper that stands under no grid line, such as the library's, calls the axes of a grid.
_USUAL_AXES: Mapping[int, tuple[str, ...]] = MappingProxyType({count: AXES_OF[count] for count in (1, 2, 3)})


def _axes_inside(template: Template, formals: tuple[Value, ...], span: Span, scope: Scope) -> tuple[str, ...] | None:
    """The axes under which a body is read: an order's own; a helper's are those of the place of use.

    A helper that names axes which are not there means them by place. Raises S208 where their numbers differ.
    """
    here = scope.axes
    if not formals or here is None:
        return template.axes if not formals else here
    own = template.axes or _USUAL_AXES.get(len(here), ())
    usual = {a for axes in _USUAL_AXES.values() for a in axes}
    words = {w.lower() for w in tree.names_in(template.syntax.body)}
    words |= {e.name for condition in template.assume for e in nodes_of(condition) if isinstance(e, Extent)}
    named = set(template.axes or usual) & words
    if named <= set(here):
        return here
    if len(own) == len(here) and named <= set(own):
        return own
    raise ScanlabError.at(
        "S208",
        f"`{template.name}` names {_axes_text(sorted(named - set(here)))}; the grid here has {', '.join(here)}",
        span,
        help="write its substitution out, by the names of the axes here, as in "
        f"row({here[-1]} = {here[-1].upper()} - 1 - {here[-1]})",
    )


def _axes_text(names: list[str]) -> str:
    return f"the ax{'i' if len(names) == 1 else 'e'}s {', '.join(names)}"


def _by_place(value: Value, axes: tuple[str, ...] | None) -> Value:
    """The value over other names of the same axes; the value itself where it is over them already."""
    if axes is None or value.axes == axes or len(value.axes) != len(axes) or set(value.axes) == set(axes):
        return value
    new = dict(zip(value.axes, map(Axis, axes), strict=True))
    renamed = map_orders(value, lambda o: replace(substitute_axes(o, axes, new), span=o.span))
    return replace(renamed, name=value.name, doc=value.doc, span=value.span)


def _at_use(error: ScanlabError, template: Template, span: Span) -> ScanlabError:
    """An error inside another file, such as the library's, as one of the line that uses its definition."""
    source = template.syntax.span.source
    if source is span.source:
        return error
    diagnostics = []
    for d in error.diagnostics:
        if d.span is not None and d.span.source is source:
            place = f"in {source.name}, line {d.span.line}: {shortened(d.span.text)}"
            message = f"`{template.name}` cannot be used so: {d.message}"
            note = "; ".join(filter(None, (d.note, place)))
            help = "it takes orders: apply it to each path of the scan" if d.code == "S206" else d.help
            d = replace(d, message=message, span=span, note=note, help=help, edit=None)
        diagnostics.append(d)
    return ScanlabError(tuple(diagnostics))


def _label(name: str, formals: tuple[Value, ...]) -> str:
    if not formals:
        return name
    return f"{name}({', '.join(f.name or str(f) for f in formals)})"


def _parameter_word(syntax: tree.Definition, name: str) -> tree.Word:
    return next(p.name for p in syntax.parameters if p.name.text == name)


def _parameters(template: Template, given: tuple[tree.Argument, ...], span: Span, scope: Scope) -> dict[str, int]:
    """Parameter values by name, defaults filled in. Raises S205."""
    syntax = template.syntax
    names = [p.name.text for p in syntax.parameters]
    values: dict[str, int] = {}
    for i, argument in enumerate(given):
        name = argument.name if argument.name is not None else (names[i] if i < len(names) else None)
        if name not in names:
            known = f"its parameters are {', '.join(names)}" if names else "it has none"
            what = f"parameter `{name}`" if name else f"parameter number {i + 1}"
            raise ScanlabError.at("S205", f"`{template.name}` has no {what}; {known}", argument.span)
        if name in values:
            raise ScanlabError.at("S205", f"the parameter `{name}` is given twice", argument.span)
        values[name] = constant(argument.value, scope)
    for parameter in syntax.parameters:
        name = parameter.name.text
        if name in values:
            continue
        if parameter.default is None:
            raise ScanlabError.at(
                "S205",
                f"`{template.name}` needs a value for its parameter `{name}`",
                span,
                help=f"write {template.name}[{', '.join(f'{n}=…' for n in names)}]",
            )
        values[name] = constant(parameter.default, scope)
    return {n: values[n] for n in names}
