"""Syntax to orders, scans and plans."""

from __future__ import annotations

from dataclasses import replace

from scanlab.ir.coordinates import substitute_axes
from scanlab.ir.diagnostics import ScanlabError, Span
from scanlab.ir.expr import LARGEST_INT, Axis, Expr, integer
from scanlab.ir.functions import ARITHMETIC, CURVES
from scanlab.ir.values import (
    MERGES,
    MOST_LAYERS,
    MOST_PATHS,
    PLACES,
    TOKENS,
    Entry,
    Key,
    Order,
    Plan,
    Scan,
    Token,
    Value,
    conjunction,
    map_orders,
    orders_of,
    signed_keys,
)
from scanlab.language import syntax as tree
from scanlab.language.keys import constant, key
from scanlab.language.scope import Meaning, Scope, Template, unknown_name, wrong_kind

__all__ = ["as_kind", "instantiate", "path", "paths"]


def path(node: tree.Node, scope: Scope) -> Value:
    """The order, scan or plan of a syntax tree. Raises ScanlabError S2xx."""
    many = paths(node, scope)
    if len(many) != 1:
        raise wrong_kind("an orbit of several paths", "one path", node.span, "put it in a merge: sum(orbit(…))")
    return many[0]


def paths(node: tree.Node, scope: Scope) -> tuple[Value, ...]:
    """As ``path``, but an ``orbit`` gives several."""
    match node:
        case tree.By():
            return (_by(node, scope),)
        case tree.Suffixed(base=base, suffixes=suffixes):
            return tuple(_suffixed(v, suffixes, scope) for v in paths(base, scope))
        case tree.Let(bindings=bindings, body=body):
            for binding in bindings:
                scope = scope.bind(binding.name, _let_value(binding.value, scope))
            return paths(body, scope)
        case tree.Name(text=text):
            return (_named(text, node.span, scope),)
        case tree.Unary(op="-", operand=operand):
            return tuple(_reversed(v, node.span) for v in paths(operand, scope))
        case tree.Apply():
            return _apply(node, scope)
        case tree.Unary(op="~"):
            raise ScanlabError.at(
                "S209", "`~` belongs to a key, not to a path", node.span, help="to reverse a path write -"
            )
    raise wrong_kind("a key", "a path", node.span, f"an order begins with by: by {node.span.text}")


def _let_value(node: tree.Node, scope: Scope) -> Meaning:
    """A ``let`` names a key, or a path."""
    try:
        return key(node, scope)
    except ScanlabError as not_a_key:
        if not_a_key.code != "S206":
            raise
        return path(node, scope)


def _reversed(value: Value, span: Span) -> Value:
    if isinstance(value, Plan):
        raise wrong_kind("a plan", "a path", span, "reverse the paths inside it")
    return -value


def _by(node: tree.By, scope: Scope) -> Order:
    axes = scope.axes_or_error(node.span)
    keys: list[Key] = []
    for part in node.keys:
        keys += _spliced(part, scope)
    order = Order(axes, tuple(keys), span=node.span)
    return _with_suffixes(order, node.suffixes, scope)


def _spliced(node: tree.Node, scope: Scope) -> list[Key]:
    """The keys one item of ``by`` stands for: itself, or all keys of an order that is used inside another.

    before → after:  ``by t, snake(h, w)``  →  ``by t, h, (-w if h % 2 == 1 else w)``
    """
    if isinstance(node, tree.Unary) and node.op == "~":
        return [Key(key(node.operand, scope), True, node.span)]
    inner = _inner_order(node, scope)
    if inner is None:
        return [Key(key(node, scope), False, node.span)]
    if inner.where is not None or inner.restart or inner.tokens:
        raise wrong_kind("an order with where, restart or with", "a key", node.span, "move them to the outer order")
    return [Key(e, False, node.span) for e in signed_keys(inner)]


def _inner_order(node: tree.Node, scope: Scope) -> Order | None:
    base = node.operand if isinstance(node, tree.Unary) and node.op == "-" else node
    if not isinstance(base, tree.Apply) or base.name in CURVES or base.name in ARITHMETIC or base.name == "visit":
        return None
    if not isinstance(scope.locals.get(base.name), Order) and scope.find(base.name) is None:
        return None
    value = path(node, scope)
    if not isinstance(value, Order):
        raise wrong_kind(_kind(value), "an order", node.span)
    return value


def _kind(value: Value) -> str:
    return f"a {type(value).__name__.lower()}" if not isinstance(value, Order) else "an order"


def _suffixed(value: Value, suffixes: tuple[tree.Suffix, ...], scope: Scope) -> Value:
    if isinstance(value, Plan):
        raise wrong_kind("a plan", "a path", suffixes[0].span, "write it on the scans inside the plan")
    for suffix in suffixes:
        if suffix.kind == "with" and isinstance(value, Scan):
            value = replace(value, tokens=_tokens(value.tokens, suffix), name="", doc="")
        else:
            value = map_orders(value, lambda o, s=suffix: _with_suffixes(o, (s,), scope))
    _check_tokens(value, suffixes[-1].span)
    return value


def _with_suffixes(order: Order, suffixes: tuple[tree.Suffix, ...], scope: Scope) -> Order:
    for suffix in suffixes:
        match suffix.kind:
            case "where":
                order = replace(order, where=conjunction(order.where, key(suffix.items[0], scope)))
            case "restart":
                order = replace(order, restart=order.restart + tuple(key(i, scope) for i in suffix.items))
            case _:
                order = replace(order, tokens=_tokens(order.tokens, suffix))
    return replace(order, name="", doc="") if suffixes else order


def _tokens(present: tuple[Token, ...], suffix: tree.Suffix) -> tuple[Token, ...]:
    tokens = list(present)
    for item in suffix.items:
        assert isinstance(item, tree.TokenAt), "the grammar gives tokens only"
        for word, allowed, what in ((item.name, TOKENS, "token"), (item.place, PLACES, "place")):
            if word not in allowed:
                raise unknown_name(word, _within(item.span, word), allowed, f"a {what} is one of")
        if any(t.name == item.name for t in tokens):
            raise ScanlabError.at("S215", f"the token `{item.name}` is placed twice", item.span)
        tokens.append(Token(item.name, item.place, item.fixed))
    return tuple(tokens)


def _within(span: Span, word: str) -> Span:
    start = span.start + max(0, span.text.find(word))
    return Span(span.source, start, start + len(word))


def _check_tokens(value: Value, span: Span) -> None:
    """Tokens stand on a scan or on its paths, not on both: their places would be ambiguous."""
    if isinstance(value, Scan) and value.tokens and any(_has_tokens(p) for p in value.parts):
        raise ScanlabError.at("S215", "tokens are placed on this scan and on paths inside it", span)


def _has_tokens(value: Order | Scan) -> bool:
    return bool(value.tokens) or (isinstance(value, Scan) and any(_has_tokens(p) for p in value.parts))


def _named(text: str, span: Span, scope: Scope) -> Value:
    local = scope.locals.get(text)
    if isinstance(local, Order | Scan | Plan):
        return local
    template = scope.find(text)
    if template is not None:
        value = instantiate(template, (), (), span, scope)
        return _on_grid(value, scope, span)
    if isinstance(local, Expr) or text in {*(scope.axes or ()), *(a.upper() for a in scope.axes or ())}:
        raise wrong_kind(f"the key `{text}`", "a path", span, f"an order begins with by: by {text}")
    raise unknown_name(text, span, scope.path_names(), "defined are")


def _on_grid(value: Value, scope: Scope, span: Span) -> Value:
    """The value on the scope's grid: the same number of axes is renamed in order, another number is an error."""
    axes = scope.axes_or_error(span)
    if value.axes == axes:
        return value
    if len(value.axes) != len(axes):
        raise ScanlabError.at(
            "S208",
            f"`{span.text}` is over the axes {', '.join(value.axes)}; the grid here has {', '.join(axes)}",
            span,
            help=f"say which coordinates it runs over, as in {span.text}({', '.join(axes[-len(value.axes) :])})",
        )
    return _over(value, axes, dict(zip(value.axes, map(Axis, axes), strict=True)), span)


def _over(value: Value, axes: tuple[str, ...], new: dict[str, Expr], span: Span) -> Value:
    return map_orders(value, lambda o: replace(substitute_axes(o, axes, new, span), span=span))


def _apply(node: tree.Apply, scope: Scope) -> tuple[Value, ...]:
    local = scope.locals.get(node.name)
    if isinstance(local, Order | Scan):
        if node.parameters is not None:
            raise ScanlabError.at("S205", f"`{node.name}` has no parameters", node.span)
        return (_coordinates(local, node, scope),)
    if node.arguments is not None and node.name in ("orbit", "cycle", "layers", *MERGES):
        return _combine(node, scope)
    template = scope.find(node.name)
    if template is None:
        if node.name in CURVES or node.name in ARITHMETIC:
            raise wrong_kind(f"the key function `{node.name}`", "a path", node.span, f"write (by {node.span.text})")
        raise unknown_name(node.name, node.span, scope.path_names(), "defined are")
    if template.syntax.formals:
        return tuple(_expand(template, node, scope))
    value = instantiate(template, node.parameters or (), (), node.span, scope)
    if node.arguments is None:
        return (_on_grid(value, scope, node.span),)
    return (_coordinates(value, node, scope),)


def _expand(template: Template, node: tree.Apply, scope: Scope) -> list[Value]:
    """A helper such as ``transpose(p)`` applied to paths; its body is read on the grid of the place of use."""
    formals, given = template.syntax.formals, node.arguments or ()
    if len(given) != len(formals) or any(a.name for a in given):
        names = ", ".join(f.text for f in formals)
        raise ScanlabError.at(
            "S204", f"`{node.name}({names})` takes {len(formals)} paths, {len(given)} given", node.span
        )
    # Only a one-path helper spreads over an orbit; with several arguments it would be unclear which pairs are meant.
    if len(formals) == 1:
        return [
            instantiate(template, node.parameters or (), (v,), node.span, scope) for v in paths(given[0].value, scope)
        ]
    many = tuple(path(a.value, scope) for a in given)
    return [instantiate(template, node.parameters or (), many, node.span, scope)]


def _coordinates(value: Value, node: tree.Apply, scope: Scope) -> Value:
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
                raise unknown_name(a.name, a.span, value.axes, f"`{node.name}` runs over")
        new = {x: key(named[x], scope) if x in named else _same_axis(x, axes, node.span) for x in value.axes}
    else:
        if len(given) != len(value.axes):
            raise ScanlabError.at(
                "S204",
                f"`{node.name}` runs over {len(value.axes)} coordinates ({', '.join(value.axes)}), {len(given)} given",
                node.span,
            )
        new = {x: key(a.value, scope) for x, a in zip(value.axes, given, strict=True)}
    return _over(value, axes, new, node.span)


def _same_axis(name: str, axes: tuple[str, ...], span: Span) -> Expr:
    if name not in axes:
        raise ScanlabError.at("S208", f"the grid here has no axis `{name}` (it has {', '.join(axes)})", span)
    return Axis(name)


def _combine(node: tree.Apply, scope: Scope) -> tuple[Value, ...]:
    if node.parameters is not None:
        raise ScanlabError.at("S205", f"`{node.name}` has no parameters in brackets", node.span)
    if node.name == "orbit":
        return _orbit(node, scope)
    if node.name in ("cycle", "layers"):
        return (_plan(node, scope),)
    parts = tuple(v for a in node.arguments or () for v in _parts(a, scope))
    if not parts:
        raise ScanlabError.at("S204", f"`{node.name}` needs at least one path", node.span)
    scan = Scan(node.name, parts, span=node.span)
    _check_axes(scan, node.span)
    if sum(1 for _ in orders_of(scan)) > MOST_PATHS:
        raise ScanlabError.at("S213", f"this scan has more than {MOST_PATHS} paths", node.span)
    return (scan,)


def _parts(argument: tree.Argument, scope: Scope) -> tuple[Order | Scan, ...]:
    _no_name(argument)
    values = paths(argument.value, scope)
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


def _orbit(node: tree.Apply, scope: Scope) -> tuple[Value, ...]:
    """``orbit(p, f, g)``: p; then f of all so far; then g of all so far: p, f(p), g(p), g(f(p))."""
    given = node.arguments or ()
    if not given:
        raise ScanlabError.at(
            "S204", "`orbit` needs a path and the names of symmetries", node.span, help="orbit(row, transpose)"
        )
    _no_name(given[0])
    found = paths(given[0].value, scope)
    for argument in given[1:]:
        _no_name(argument)
        template = _symmetry(argument.value, scope)
        parameters = (argument.value.parameters or ()) if isinstance(argument.value, tree.Apply) else ()
        found += tuple(instantiate(template, parameters, (v,), argument.span, scope) for v in found)
        if len(found) > MOST_PATHS:
            raise ScanlabError.at("S213", f"this orbit has more than {MOST_PATHS} paths", node.span)
    return found


def _symmetry(node: tree.Node, scope: Scope) -> Template:
    name = node.name if isinstance(node, tree.Apply) and node.arguments is None else None
    name = node.text if isinstance(node, tree.Name) else name
    template = scope.find(name) if name else None
    if name and template is None:
        raise unknown_name(name, node.span, scope.path_names(), "defined are")
    if template is None or len(template.syntax.formals) != 1:
        raise wrong_kind(
            f"`{node.span.text}`", "the name of a symmetry", node.span, "such as transpose, flip_h, reverse"
        )
    return template


def _plan(node: tree.Apply, scope: Scope) -> Plan:
    entries: list[Entry] = []
    for argument in node.arguments or ():
        _no_name(argument)
        count, value = 1, argument.value
        if isinstance(value, tree.Binary) and value.op == "*":
            count, value = constant(value.right, scope), value.left
            if not 1 <= count <= MOST_LAYERS:
                raise ScanlabError.at(
                    "S205", f"a repeat count goes from 1 to {MOST_LAYERS}, not {count}", argument.span
                )
        for found in paths(value, scope):
            entries += _entries(found, count)
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


def as_scan(value: Order | Scan) -> Scan:
    """An order alone is a scan of one path."""
    return value if isinstance(value, Scan) else Scan("sum", (value,), name=value.name, doc=value.doc, span=value.span)


def as_kind(value: Value, kind: str, span: Span) -> Value:
    """The value as the kind it is defined as: an order serves as a scan, a scan as a plan, not the other way."""
    if kind == "order" and not isinstance(value, Order):
        raise wrong_kind(_kind(value), "an order", span, f"define it as `{type(value).__name__.lower()}`")
    if kind == "scan":
        if isinstance(value, Plan):
            raise wrong_kind("a plan", "a scan", span, "define it as `plan`")
        return as_scan(value)
    if kind == "plan" and not isinstance(value, Plan):
        return Plan("cycle", (Entry(as_scan(value)),), span=span)
    return value


def instantiate(
    template: Template, given: tuple[tree.Argument, ...], formals: tuple[Value, ...], span: Span, scope: Scope
) -> Value:
    """The value of a definition for the given parameters and path arguments."""
    syntax = template.syntax
    if len(formals) != len(syntax.formals):
        names = ", ".join(f.text for f in syntax.formals)
        raise wrong_kind(
            f"the helper `{template.name}({names})`", "a path", span, f"apply it to a path: {template.name}(row)"
        )
    values = _parameters(template, given, span, scope)
    memo_key = (template.name, template.axes, tuple(values.items()), formals, scope.axes if formals else None)
    if memo_key in scope.memo and not formals:
        known = scope.memo[memo_key]
        assert isinstance(known, Order | Scan | Plan)
        return known
    inner = scope.inside(template.name, template.axes if not formals else scope.axes, span)
    for name, value in values.items():
        inner = inner.bind(_parameter_word(syntax, name), integer(value))
    for word, formal in zip(syntax.formals, formals, strict=True):
        inner = inner.bind(word, formal)
    value = as_kind(path(syntax.body, inner), syntax.kind, syntax.body.span)
    label = template.name + (f"[{', '.join(f'{k}={v}' for k, v in values.items())}]" if values else "")
    value = replace(value, name=_label(label, formals), doc=syntax.doc, span=value.span or syntax.body.span)
    if not formals:
        scope.memo[memo_key] = value
    return value


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
        values[name] = _in_range(constant(argument.value, scope), argument.span)
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
        values[name] = _in_range(constant(parameter.default, scope), parameter.span)
    return {n: values[n] for n in names}


def _in_range(value: int, span: Span) -> int:
    if abs(value) > LARGEST_INT:
        raise ScanlabError.at("S106", f"this number is larger than {LARGEST_INT}", span)
    return value
