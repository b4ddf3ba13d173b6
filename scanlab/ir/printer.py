"""Values back to source: what is printed parses to the same value."""

from __future__ import annotations

from scanlab.ir.expr import (
    Absolute,
    Axis,
    Binary,
    Breadth,
    Compare,
    Curve,
    Digit,
    Expr,
    Extent,
    Extremum,
    Int,
    Logic,
    Negate,
    Not,
    Offset,
    Select,
    Visit,
)
from scanlab.ir.values import Key, Order, Plan, Scan, Token, Value
from scanlab.ir.windows import windowed

__all__ = ["print_expr", "print_value"]

# Binding strength, weakest first; an operand prints in parentheses where it binds weaker than its place needs.
_TERNARY, _OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _UNARY, _ATOM = range(9)


def print_value(value: Value) -> str:
    """The source of an order, scan or plan, without a ``grid`` line."""
    match value:
        case Order():
            return _order(value, inline=False)
        case Scan():
            return _scan(value)
        case Plan():
            entries = (_part(e.scan) + (f" * {e.count}" if e.count != 1 else "") for e in value.entries)
            return f"{value.kind}({', '.join(entries)})"


def _order(order: Order, inline: bool) -> str:
    text = "by " + _keys(order.keys)
    if order.where is not None:
        text += f" where {print_expr(order.where)}"
    if order.restart:
        text += " restart by " + ", ".join(map(print_expr, order.restart))
    text += _tokens(order.tokens)
    if order.assume:
        text += " assume " + ", ".join(map(print_expr, order.assume))
    if order.reverse:
        return f"-({text})"
    return f"({text})" if inline else text


def _scan(scan: Scan) -> str:
    parts = (_order(p, inline=True) if isinstance(p, Order) else _part(p) for p in scan.parts)
    return f"{scan.merge}({', '.join(parts)}){_tokens(scan.tokens)}"


def _part(scan: Scan) -> str:
    return f"({_scan(scan)})" if scan.tokens else _scan(scan)


def _tokens(tokens: tuple[Token, ...]) -> str:
    if not tokens:
        return ""
    return " with " + ", ".join(f"{t.name} at {t.place}{' fixed' * t.fixed}" for t in tokens)


def _keys(keys: tuple[Key, ...]) -> str:
    window = windowed(keys)
    if window is None:
        return ", ".join(map(_key, keys))
    before, groups, body = window
    return f"{''.join(f'{_key(k)}, ' for k in before)}within ({', '.join(map(_key, groups))}): {_keys(body)}"


def _key(key: Key) -> str:
    return "~" + _print(key.expr, _UNARY) if key.alternate else print_expr(key.expr)


def print_expr(expr: Expr) -> str:
    """The source of a key expression, with as few parentheses as the grammar allows."""
    return _print(expr, _TERNARY)


def _print(expr: Expr, place: int) -> str:
    text, strength = _text(expr)
    return f"({text})" if strength < place else text


def _text(expr: Expr) -> tuple[str, int]:
    match expr:
        case Int(value=v):
            return str(v), _ATOM if v >= 0 else _UNARY
        case Axis(name=n) | Digit(name=n):
            return n, _ATOM
        case Extent(name=n):
            return n.upper(), _ATOM
        case Negate(operand=a):
            # A negative literal under a minus needs its parentheses: "--3" would read as two negations of 3.
            return f"-{_print(a, _ATOM if isinstance(a, Int) else _UNARY)}", _UNARY
        case Not(operand=a):
            return f"not {_print(a, _NOT)}", _NOT
        case Binary(op=op, left=a, right=b):
            own = _SUM if op in "+-" else _PRODUCT
            return f"{_print(a, own)} {op} {_print(b, own + 1)}", own
        case Compare(op=op, left=a, right=b):
            return f"{_print(a, _SUM)} {op} {_print(b, _SUM)}", _COMPARE
        case Logic(op=op, left=a, right=b):
            own = _AND if op == "and" else _OR
            return f"{_print(a, own)} {op} {_print(b, own + 1)}", own
        case Select(condition=c, then=a, otherwise=b):
            return f"{_print(a, _OR)} if {_print(c, _OR)} else {_print(b, _TERNARY)}", _TERNARY
        case _:
            return _call(expr), _ATOM


def _call(expr: Expr) -> str:
    match expr:
        case Absolute(operand=a):
            return f"abs({print_expr(a)})"
        case Extremum(op=op, operands=many):
            return f"{op}({', '.join(map(print_expr, many))})"
        case Curve(name=name, operands=many, options=options, within=groups):
            texts = (f'{k}="{v}"' if isinstance(v, str) else f"{k}={v}" for k, v in options)
            return f"{name}({', '.join([*map(print_expr, many), *texts])}){_within(groups)}"
        case Offset(operand=a, within=groups):
            return f"offset({print_expr(a)}){_within(groups)}"
        case Breadth(operand=a, within=groups):
            return f"breadth({print_expr(a)}){_within(groups)}"
        case Visit(indices=indices):
            return f"visit({', '.join(map(str, indices))})"
    raise TypeError(f"not a key expression: {expr!r}")


def _within(groups: tuple[Expr, ...]) -> str:
    return f" within ({', '.join(map(print_expr, groups))})" if groups else ""
