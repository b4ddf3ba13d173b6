"""Syntax to orders, scans and plans."""

from __future__ import annotations

from dataclasses import replace

from scanlab.ir.boxes import joined
from scanlab.ir.diagnostics import ScanlabError, Span
from scanlab.ir.expr import Axis, Expr
from scanlab.ir.functions import ARITHMETIC, CURVES
from scanlab.ir.text import balanced, shortened
from scanlab.ir.values import (
    Key,
    Order,
    Plan,
    Scan,
    Value,
    conjunction,
    map_orders,
    signed_keys,
)
from scanlab.language import syntax as tree
from scanlab.language.assumptions import checked, read_assumptions
from scanlab.language.combine import combine, combines
from scanlab.language.definitions import instantiate, kind_of, one
from scanlab.language.keys import is_local, key, unknown_key
from scanlab.language.placing import check_tokens, placed_tokens
from scanlab.language.regroup import regrouped
from scanlab.language.scope import COMBINATORS, Meaning, Scope, Template, few_of, unknown_name, wrong_kind
from scanlab.language.substitution import as_a_path, over_axes, over_coordinates
from scanlab.language.tilde import MisplacedTilde, inside_a_key

__all__ = ["define", "path", "paths"]


def path(node: tree.Node, scope: Scope) -> Value:
    """The order, scan or plan of a syntax tree. Raises ScanlabError S2xx."""
    return checked(one(paths(node, scope), node.span), node.span)


def define(template: Template, scope: Scope) -> Value:
    """The value of a definition without open parameters. Raises ScanlabError S2xx."""
    return instantiate(template, (), (), template.syntax.name.span, scope, paths)


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
    raise _no_path(node, scope)


def _no_path(node: tree.Node, scope: Scope) -> ScanlabError:
    if isinstance(node, tree.Binary) and node.op == "*" and isinstance(node.right, tree.Number):
        counted = f"layers({balanced(shortened(node.span.text))})"
        help = f"how often a scan is used stands in a plan: {counted}; keys stand in an order, as in by h * 2, w"
        return wrong_kind("a key", "a path", node.span, help)
    if isinstance(node, tree.Binary) and node.op in ("+", "*"):
        return wrong_kind(
            "a key",
            "a path",
            node.span,
            "paths are merged, as in sum(row, column); keys stand in an order, as in by h + w, w",
        )
    if isinstance(node, tree.Conditional):
        help = "a condition chooses keys: by (a if c else b), …; or part of the grid: scatter((row where c), …)"
        return wrong_kind("a key", "a path", node.span, help)
    help = _hyphenated(node, scope) or f"an order begins with by: (by {balanced(shortened(node.span.text))})"
    return wrong_kind("a key", "a path", node.span, help)


def _hyphenated(node: tree.Node, scope: Scope) -> str:
    """A name of the library that was written with hyphens, as zig-zag for zigzag, in a help; "" for none."""
    known, word = set(scope.path_names()), node.span.text
    meant = [name for name in (word.replace("-", "_"), word.replace("-", "")) if "-" in word and name in known]
    return f"names have no hyphen: {meant[0]}" if meant else ""


def _let_value(node: tree.Node, scope: Scope) -> Meaning:
    """A ``let`` names a key, or a path."""
    if _applies_path(node, scope):
        return path(node, scope)
    if isinstance(node, tree.Unary) and node.op == "~":
        help = f"name {shortened(node.operand.span.text)} alone, and put `~` where the name is a key, as in by h, ~a"
        raise ScanlabError.at("S209", "`~` belongs to a key of by, not to a name", node.span, help=help)
    try:
        # A let is expanded where it is used, so whether it is evaluated is known only there.
        return _key_of_by(node, scope.unreached())
    except ScanlabError as not_a_key:
        if not_a_key.code != "S206":
            raise
        return path(node, scope)


def _applies_path(node: tree.Node, scope: Scope) -> bool:
    """Whether a definition or a merge is applied; ``gilbert(h, w)`` is the curve, not the order of that name."""
    while isinstance(node, tree.Unary) and node.op == "-":
        node = node.operand
    if not isinstance(node, tree.Apply):
        return False
    if node.arguments is not None and (node.name in CURVES or node.name in ARITHMETIC):
        return False
    return node.name in COMBINATORS or scope.find(node.name) is not None


def _reversed(value: Value, span: Span) -> Value:
    if isinstance(value, Plan):
        raise wrong_kind("a plan", "a path", span, "reverse the paths inside it")
    return -value


def _by(node: tree.By, scope: Scope) -> Order:
    axes = scope.axes_or_error(node.span)
    keys, assume = _listed(node.keys, scope)
    order = Order(axes, tuple(keys), span=node.span, assume=tuple(dict.fromkeys(assume)))
    return _with_suffixes(order, node.suffixes, scope)


_Listed = tuple[list[Key], tuple[Expr, ...]]
"""Keys, and what the orders that they come from assume."""


def _listed(items: tuple[tree.Node, ...], scope: Scope) -> _Listed:
    """The keys of a list.

    before → after:  ``within (h // 7): h``  →  ``h // 7``, ``offset(h) within (h // 7)``
    """
    keys: list[Key] = []
    assume: tuple[Expr, ...] = ()
    for item in items:
        if isinstance(item, tree.Within):
            groups, more = _listed(item.groups, scope)
            within = joined(scope.within, tuple(k.expr for k in groups))
            inside, assumed = _listed(item.keys, replace(scope, within=within))
            keys += [*groups, *inside]
            assume += more + assumed
        else:
            spliced, assumed = _spliced(item, scope)
            keys += spliced
            assume += assumed
    return keys, assume


def _spliced(node: tree.Node, scope: Scope) -> _Listed:
    """The keys one item of ``by`` stands for: itself, or all keys of an order that is used inside another.

    With what that order assumes.

    before → after:  ``by t, snake(h, w)``  →  ``by t, h, (-w if h % 2 == 1 else w)``
    """
    if isinstance(node, tree.Regroup):
        return regrouped(node, scope), ()
    if isinstance(node, tree.Unary) and node.op == "~":
        return [Key(_key_of_by(node.operand, scope), True, node.span)], ()
    inner = _inner_order(node, scope)
    if inner is None:
        return [Key(_key_of_by(node, scope), False, node.span)], ()
    if inner.where is not None or inner.restart or inner.tokens:
        raise wrong_kind("an order with where, restart or with", "a key", node.span, "move them to the outer order")
    return [Key(e, False, node.span) for e in signed_keys(inner)], inner.assume


def _no_parts(node: tree.Apply, scope: Scope) -> None:
    """Raise S205 for the brackets or parentheses behind a coordinate, an extent or a local number."""
    if node.name in scope.key_names():
        help = f"write {node.name} alone; a product is written out: {node.name} * …"
        raise ScanlabError.at("S205", f"`{node.name}` is a number, and has no parts", node.span, help=help)


def _key_of_by(node: tree.Node, scope: Scope) -> Expr:
    try:
        return key(node, scope)
    except MisplacedTilde as error:
        raise inside_a_key(error, node) from None


def _condition(node: tree.Node, scope: Scope) -> Expr:
    if isinstance(node, tree.Unary) and node.op == "~":
        raise ScanlabError.at("S209", "`~` belongs to a key of by", node.span, help="`not` negates a condition")
    return _key_of_by(node, scope)


def _inner_order(node: tree.Node, scope: Scope) -> Order | None:
    base = node.operand if isinstance(node, tree.Unary) and node.op == "-" else node
    if not isinstance(base, tree.Apply) or base.name in CURVES or base.name in ARITHMETIC or base.name == "visit":
        return None
    if is_local(base, scope):
        return None
    if not isinstance(scope.locals.get(base.name), Order | Scan) and scope.find(base.name) is None:
        _no_parts(base, scope)
        if base.arguments is None:
            raise unknown_name(base.name, base.span, (), unknown_key(base.name, scope))
        orders = [n for n in scope.path_names(applied=True) if n not in COMBINATORS]
        functions = (*CURVES, *ARITHMETIC, "visit")
        raise unknown_name(base.name, base.span, (*functions, *orders), few_of("functions are", functions))
    value = path(node, scope)
    if not isinstance(value, Order):
        raise wrong_kind(kind_of(value), "an order", node.span)
    return value


def _suffixed(value: Value, suffixes: tuple[tree.Suffix, ...], scope: Scope) -> Value:
    if isinstance(value, Plan):
        raise wrong_kind("a plan", "a path", suffixes[0].span, "write it on the scans inside the plan")
    for suffix in suffixes:
        if suffix.kind == "with" and isinstance(value, Scan):
            value = replace(value, tokens=placed_tokens(value.tokens, suffix), name="", doc="")
        else:
            value = map_orders(value, lambda o, s=suffix: _with_suffixes(o, (s,), scope))
    check_tokens(value, suffixes[-1].span)
    return value


def _with_suffixes(order: Order, suffixes: tuple[tree.Suffix, ...], scope: Scope) -> Order:
    for suffix in suffixes:
        match suffix.kind:
            case "where":
                order = replace(order, where=conjunction(order.where, _condition(suffix.items[0], scope)))
            case "restart":
                order = replace(order, restart=order.restart + tuple(_key_of_by(i, scope) for i in suffix.items))
            case "assume":
                more = read_assumptions(suffix.items, scope)
                order = replace(order, assume=tuple(dict.fromkeys((*order.assume, *more))))
                checked(order, suffix.span)
            case _:
                order = replace(order, tokens=placed_tokens(order.tokens, suffix))
    return replace(order, name="", doc="") if suffixes else order


def _named(text: str, span: Span, scope: Scope) -> Value:
    local = scope.locals.get(text)
    if isinstance(local, Order | Scan | Plan):
        return local
    template = scope.find(text)
    if template is not None:
        value = instantiate(template, (), (), span, scope, paths)
        return _on_grid(value, scope, span)
    if isinstance(local, Expr) or text in {*(scope.axes or ()), *(a.upper() for a in scope.axes or ())}:
        raise wrong_kind(f"the key `{text}`", "a path", span, f"an order begins with by: (by {text})")
    raise unknown_name(text, span, known := scope.path_names(), few_of("paths here are", known))


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
    return over_axes(value, axes, dict(zip(value.axes, map(Axis, axes), strict=True)), span)


def _apply(node: tree.Apply, scope: Scope) -> tuple[Value, ...]:
    local = scope.locals.get(node.name)
    if isinstance(local, Order | Scan):
        if node.parameters is not None:
            raise ScanlabError.at("S205", f"`{node.name}` has no parameters", node.span)
        return (over_coordinates(local, node, scope),)
    if combines(node):
        return combine(node, scope, paths)
    template = scope.find(node.name)
    if template is None:
        if node.name in CURVES or node.name in ARITHMETIC or node.name == "visit":
            raise wrong_kind(f"the key function `{node.name}`", "a path", node.span, as_a_path(node, scope))
        known = scope.path_names(applied=True)
        raise unknown_name(node.name, node.span, known, few_of("there are", known))
    if template.syntax.formals:
        return tuple(_expand(template, node, scope))
    value = instantiate(template, node.parameters or (), (), node.span, scope, paths)
    if node.arguments is None:
        return (_on_grid(value, scope, node.span),)
    try:
        return (over_coordinates(value, node, scope),)
    except ScanlabError as error:
        raise _in_brackets(error, template, node) from None


def _in_brackets(error: ScanlabError, template: Template, node: tree.Apply) -> ScanlabError:
    """The error, with the brackets that are meant where a parameter is given as a coordinate, as in window(4)."""
    names, given = [p.name.text for p in template.syntax.parameters], node.arguments or ()
    named = any(a.name in names for a in given)
    if error.code not in ("S201", "S204") or node.parameters or not (named or 0 < len(given) <= len(names)):
        return error
    values = [a.value.span.text for a in given]
    words = ", ".join(f"{n}={shortened(v)}" for n, v in zip(names, values, strict=False))
    help = f"parameters stand in brackets: {template.name}[{words}]"
    return ScanlabError(tuple(replace(d, help=help, edit=None) for d in error.diagnostics))


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
        groups = [(v,) for a in given for v in paths(a.value, scope)]
    else:
        groups = [tuple(path(a.value, scope) for a in given)]
    return [instantiate(template, node.parameters or (), group, node.span, scope, paths) for group in groups]
