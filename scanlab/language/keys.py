"""Syntax to key expressions: names, calls and constants inside ``by``, ``where``, ``restart`` and substitutions."""

from __future__ import annotations

from collections.abc import Callable

from scanlab.ir.boxes import breadth, curve_within, joined, offset
from scanlab.ir.constants import divides_by_zero, fold
from scanlab.ir.coordinates import flipped
from scanlab.ir.diagnostics import ScanlabError, Span
from scanlab.ir.expr import (
    LARGEST_INT,
    LARGEST_VALUE,
    Absolute,
    Axis,
    Binary,
    Compare,
    Expr,
    Extent,
    Extremum,
    Int,
    Logic,
    Negate,
    Not,
    Select,
)
from scanlab.ir.functions import ARITHMETIC, CURVES, LOCAL, Option, Signature
from scanlab.ir.printer import print_expr
from scanlab.ir.text import shortened
from scanlab.ir.values import Order, Plan, Scan
from scanlab.language import syntax as tree
from scanlab.language.rewriting import written_rules
from scanlab.language.scope import Meaning, Scope, unknown_name, wrong_kind
from scanlab.language.tilde import MisplacedTilde, misplaced_tilde

__all__ = [
    "call_of",
    "check_count",
    "check_curve_count",
    "constant",
    "is_local",
    "key",
    "option_value",
    "unknown_key",
    "zero_divisor",
]

_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


def key(node: tree.Node, scope: Scope) -> Expr:
    """The key expression of a syntax tree. Raises ScanlabError S2xx."""
    try:
        return _read(node, scope)
    except MisplacedTilde:
        raise
    except ScanlabError as error:
        # What is too large, or no permutation, is refused by the values themselves, which know of no place.
        raise error.located(node.span) from None


def _read(node: tree.Node, scope: Scope) -> Expr:
    match node:
        case tree.Number(value=value):
            return Int(value)
        case tree.Name(text=text):
            return _name(text, node.span, scope)
        case tree.Unary(op=op, operand=operand):
            return _unary(op, operand, node.span, scope)
        case tree.Binary(op=op, left=left, right=right):
            first = key(left, scope)
            second = key(right, _after(op, first, scope))
            return _bounded(_binary(op, first, second, right.span, scope), node.span)
        case tree.Conditional(then=then, condition=condition, otherwise=otherwise):
            test = key(condition, scope)
            value = fold(test)
            taken, other = (scope if value else scope.unreached(), scope.unreached() if value != 0 else scope)
            return Select(test, key(then, taken), key(otherwise, other))
        case tree.Let(bindings=bindings, body=body):
            for binding in bindings:
                scope = scope.bind(binding.name, key(binding.value, scope.unreached()))
            return key(body, scope)
        case tree.Apply():
            return _call(node, scope)
        case tree.Text():
            raise wrong_kind("a string", "a number", node.span, "rules of lsystem(…) are strings; all else is numbers")
    raise wrong_kind("a path", "a key", node.span, "a key is integer arithmetic over the coordinates, such as h // 7")


def _name(text: str, span: Span, scope: Scope) -> Expr:
    local = scope.locals.get(text)
    if isinstance(local, Expr):
        if scope.reached and divides_by_zero(local):
            raise zero_divisor(span)
        return local
    for axis in scope.axes_or_error(span):
        if text == axis:
            return offset(Axis(axis), scope.within) if scope.within else Axis(axis)
        if text == axis.upper():
            return breadth(Axis(axis), scope.within) if scope.within else Extent(axis)
    if text in CURVES or text in ARITHMETIC:
        raise wrong_kind(f"the function `{text}`", "a key", span, f"give it arguments: {call_of(text, scope)}")
    if text == "visit":
        raise wrong_kind("the function `visit`", "a key", span, "list the patches: visit(0, 2, 1, 3)")
    if local is not None or scope.find(text) is not None:
        raise wrong_kind(f"the path `{text}`", "a key", span, _keys_of(text, local, scope))
    raise unknown_name(text, span, _known_keys(scope), unknown_key(text, scope))


def _keys_of(text: str, local: Meaning | None, scope: Scope) -> str:
    """How the keys of an order are used: given coordinates, as an item of ``by``."""
    template = scope.find(text) if local is None else None
    if template is not None and template.syntax.formals:
        return f"helpers take paths, and are no keys: apply it to a path, as in order b = {text}(row)"
    axes = local.axes if isinstance(local, Order | Scan | Plan) else template.axes if template else None
    here = scope.axes or ()
    used = ", ".join(here[-len(axes or here) :])
    return f"give it coordinates, as a key of its own, to use its keys: by {text}({used})"


def call_of(name: str, scope: Scope) -> str:
    """A call of a key function that takes what there is: its coordinates, or as many as it can have."""
    axes = scope.axes or ("h", "w")
    signature = CURVES.get(name) or ARITHMETIC[name]
    operands = axes[-signature.most :] if signature.most < len(axes) else axes
    operands = (*operands, *map(str, range(len(operands), signature.fewest)))
    return f"{name}({', '.join(operands)})"


def unknown_key(text: str, scope: Scope) -> str:
    """What there is, where a name in a key is unknown and near to none."""
    axes = scope.axes or ()
    help = f"the axes here are {', '.join(axes)}, their extents {', '.join(a.upper() for a in axes)}"
    if scope.locals:
        help += f"; defined are {', '.join(scope.locals)}"
    if scope.stack:
        help += f"; if `{text}` is a parameter, declare it with a default: order {scope.stack[-1]}[{text}=4] = …"
    return help


def _known_keys(scope: Scope) -> dict[str, str]:
    """What can stand in a key alone: names, and functions with arguments."""
    functions = {name: call_of(name, scope) for name in (*CURVES, *ARITHMETIC)}
    return {**functions, **{n: n for n in scope.key_names()}}


def _unary(op: str, operand: tree.Node, span: Span, scope: Scope) -> Expr:
    if op == "~":
        raise misplaced_tilde(span)
    inner = key(operand, scope)
    return Negate(inner) if op == "-" else Not(inner)


def _after(op: str, first: Expr, scope: Scope) -> Scope:
    """The scope of a second operand: `and` and `or` evaluate it only where the first one does not decide."""
    if op not in ("and", "or"):
        return scope
    value = fold(first)
    return scope if value is not None and bool(value) == (op == "and") else scope.unreached()


def _bounded(expr: Expr, span: Span) -> Expr:
    """The expression, unless it is a constant that no 64-bit integer holds (S106)."""
    value = fold(expr) if isinstance(expr, Binary) else None
    if value is not None and abs(value) >= LARGEST_VALUE:
        raise ScanlabError.at(
            "S106",
            f"`{shortened(span.text)}` is a number that 64-bit integers do not hold",
            span,
            help="only the order of key values matters: use smaller factors, or several keys",
        )
    return expr


def _binary(op: str, left: Expr, right: Expr, right_span: Span, scope: Scope) -> Expr:
    if op in ("//", "%") and scope.reached and fold(right) == 0:
        raise zero_divisor(right_span)
    if op in _COMPARISONS:
        return Compare(op, left, right)
    return Logic(op, left, right) if op in ("and", "or") else Binary(op, left, right)


def zero_divisor(span: Span) -> ScanlabError:
    """S306: a divisor is zero whatever the patch."""
    return ScanlabError.at("S306", "this divides by zero", span, help="divide by a positive number")


def _call(node: tree.Apply, scope: Scope) -> Expr:
    within = joined(scope.within, tuple(key(g, scope) for g in node.within))
    if node.name in CURVES:
        return _curve(node, CURVES[node.name], scope, within)
    if is_local(node, scope):
        return _in_group(node, scope, within)
    if node.within:
        help = f"`within` belongs to a curve, to offset(…) or to breadth(…): {call_of('hilbert', scope)} within (…)"
        raise ScanlabError.at("S290", f"`{node.name}` has no box of a group", node.span, help=help)
    plain: dict[str, Callable[[tuple[Expr, ...]], Expr]] = {
        "min": lambda many: Extremum("min", many),
        "max": lambda many: Extremum("max", many),
        "abs": lambda many: Absolute(many[0]),
        "flip": lambda many: _flip(many[0], node.span),
    }
    if node.name in plain:
        signature = ARITHMETIC[node.name]
        operands, options = _operands(node, scope)
        _check_options(node, signature, options)
        example = f"as in {call_of(node.name, scope)}"
        check_count(node.name, len(operands), signature.fewest, signature.most, node.span, example)
        return plain[node.name](operands)
    if node.name == "visit":
        return _visit(node, scope)
    if scope.find(node.name) is not None or isinstance(scope.locals.get(node.name), Order | Scan | Plan):
        help = f"it is a key of its own: by {shortened(node.span.text)}, …; its keys have no sum, product or smallest"
        raise wrong_kind(f"the path `{shortened(node.span.text)}`", "a key", node.span, help)
    functions = (*CURVES, *ARITHMETIC, "visit")
    raise unknown_name(node.name, node.span, functions, f"functions are {', '.join(functions)}")


def is_local(node: tree.Apply, scope: Scope) -> bool:
    """Whether a call is of ``offset`` or ``breadth``: always with ``within``, else where nothing else has the name."""
    known = scope.find(node.name) is not None or isinstance(scope.locals.get(node.name), Order)
    return node.name in LOCAL and (bool(node.within) or not known)


def _in_group(node: tree.Apply, scope: Scope, within: tuple[Expr, ...]) -> Expr:
    if not within:
        help = f"name the keys of the groups: {shortened(node.span.text)} within ({', '.join(scope.axes or ())})"
        message = f"`{node.name}` speaks of the box of a group, and there is none"
        raise ScanlabError.at("S290", message, node.span, help=help)
    operands, options = _operands(node, scope)
    _check_options(node, LOCAL[node.name], options)
    check_count(node.name, len(operands), 1, 1, node.span)
    return offset(operands[0], within) if node.name == "offset" else breadth(operands[0], within)


def _flip(expr: Expr, span: Span) -> Expr:
    turned = flipped(expr)
    if turned is None:
        raise ScanlabError.at(
            "S210", f"the extent of `{print_expr(expr)}` is not known", span, help="flip a coordinate, as in flip(h)"
        )
    return turned


def _visit(node: tree.Apply, scope: Scope) -> Expr:
    if scope.within:
        help = "an explicit list fits one grid; give the groups their numbers in front of it, as keys of their own"
        raise ScanlabError.at("S290", "an explicit list has no box of a group", node.span, help=help)
    numbers = [constant(a.value, scope) for a in node.arguments or ()]
    return Order.from_indices(numbers).keys[0].expr


def _operands(node: tree.Apply, scope: Scope) -> tuple[tuple[Expr, ...], tuple[tree.Argument, ...]]:
    if node.parameters is not None:
        raise ScanlabError.at(
            "S205",
            f"the key function `{node.name}` has no parameters in brackets",
            node.span,
            help=f"give options by name in the parentheses, as in {node.name}(h, w, seed=1)",
        )
    given = node.arguments or ()
    return tuple(key(a.value, scope) for a in given if a.name is None), tuple(a for a in given if a.name)


def _curve(node: tree.Apply, signature: Signature, scope: Scope, within: tuple[Expr, ...]) -> Expr:
    operands, options = _operands(node, scope)
    if not operands and signature.whole_grid:
        operands = tuple(Axis(a) for a in scope.axes_or_error(node.span))
    check_curve_count(signature, len(operands), node.span, f"as in {call_of(node.name, scope)}")
    if signature.rules:
        return curve_within(node.name, operands, written_rules(node, options), within)
    _check_options(node, signature, options)
    chosen = {o.name: o.default for o in signature.options}
    for argument in options:
        option = signature.option(argument.name or "")
        assert option is not None, "_check_options has passed"
        if argument.value.span.text in option.words:
            chosen[option.name] = option.words.index(argument.value.span.text)
        else:
            chosen[option.name] = option_value(option, constant(argument.value, scope), argument.span)
    return curve_within(node.name, operands, tuple(sorted(chosen.items())), within)


def _check_options(node: tree.Apply, signature: Signature, options: tuple[tree.Argument, ...]) -> None:
    seen: set[str] = set()
    for argument in options:
        name = argument.name or ""
        if signature.option(name) is None:
            names = [o.name for o in signature.options]
            if not names:
                raise ScanlabError.at(
                    "S211", f"`{node.name}` has no option `{name}`; it has none", argument.span, help="leave it out"
                )
            raise ScanlabError.at(
                "S211", f"`{node.name}` has no option `{name}`", argument.span, help=_options(signature)
            )
        if name in seen:
            raise ScanlabError.at("S211", f"the option `{name}` is given twice", argument.span)
        seen.add(name)


def _options(signature: Signature) -> str:
    return "it has " + "; ".join(f"{o.name} ({o.doc})" for o in signature.options)


def option_value(option: Option, value: int, span: Span | None) -> int:
    """The value, if the option allows it. Raises S211 otherwise."""
    if not option.low <= value <= option.high:
        words = f" ({', '.join(option.words)})" if option.words else ""
        raise ScanlabError.at(
            "S211", f"{option.name}={value} is out of range: it goes from {option.low} to {option.high}{words}", span
        )
    return value


def check_curve_count(signature: Signature, given: int, span: Span | None, help: str = "") -> None:
    """Raise S204 where a curve gets too few or too many coordinates."""
    check_count(signature.name, given, max(1, signature.fewest), signature.most, span, help)


def check_count(name: str, given: int, fewest: int, most: int, span: Span | None, help: str = "") -> None:
    """Raise S204 where a function gets too few or too many arguments."""
    if fewest <= given <= most:
        return
    wanted = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    plural = "" if wanted == "1" else "s"
    raise ScanlabError.at("S204", f"`{name}` takes {wanted} argument{plural}, {given} given", span, help=help)


def constant(node: tree.Node, scope: Scope) -> int:
    """The value of an expression without coordinates, such as a parameter. Raises S205 where it has some."""
    value = fold(key(node, scope))
    if value is not None and abs(value) > LARGEST_INT:
        raise ScanlabError.at("S106", f"this number is larger than {LARGEST_INT}", node.span)
    if value is None:
        raise ScanlabError.at(
            "S205",
            f"`{node.span.text}` is not a constant",
            node.span,
            help="parameters, options and repeat counts are numbers known before any grid is",
        )
    return value
