"""The Python form: coordinates as symbols, so that ``by(h, ~w)`` makes the same value as the text ``by h, ~w``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from scanlab.ir.coordinates import extent_of, flipped
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.expr import (
    LARGEST_INT,
    Absolute,
    Axis,
    Binary,
    Compare,
    Curve,
    Expr,
    Extremum,
    Logic,
    Negate,
    Not,
    Select,
    integer,
    nodes_of,
)
from scanlab.ir.functions import CURVES
from scanlab.ir.printer import print_expr
from scanlab.ir.values import Key, Order, Token
from scanlab.ir.windows import keys_within
from scanlab.language.assumptions import check_possible, condition_on_extents
from scanlab.language.axes import named_axes
from scanlab.language.keys import check_curve_count, option_value
from scanlab.language.rewriting import python_rules

__all__ = ["Symbol", "axes", "by", "curve", "extent", "flip", "maximum", "minimum", "order", "where", "within"]


@dataclass(frozen=True)
class Within:
    """The keys that ``within(groups, …)`` stands for, as an argument of ``by``."""

    keys: tuple[Key, ...]


@dataclass(frozen=True, eq=False)
class Symbol:
    """A key expression under construction; Python's operators build the language's."""

    expr: Expr
    alternate: bool = False

    def __add__(self, other: Any) -> Symbol:
        return _binary("+", self, other)

    def __radd__(self, other: Any) -> Symbol:
        return _binary("+", other, self)

    def __sub__(self, other: Any) -> Symbol:
        return _binary("-", self, other)

    def __rsub__(self, other: Any) -> Symbol:
        return _binary("-", other, self)

    def __mul__(self, other: Any) -> Symbol:
        return _binary("*", self, other)

    def __rmul__(self, other: Any) -> Symbol:
        return _binary("*", other, self)

    def __floordiv__(self, other: Any) -> Symbol:
        return _binary("//", self, other)

    def __mod__(self, other: Any) -> Symbol:
        return _binary("%", self, other)

    def __neg__(self) -> Symbol:
        return Symbol(Negate(_plain(self)))

    def __abs__(self) -> Symbol:
        return Symbol(Absolute(_plain(self)))

    def __invert__(self) -> Symbol:
        return Symbol(_plain(self), alternate=True)

    def __eq__(self, other: object) -> Symbol:  # type: ignore[override]
        return _compare("==", self, other)

    def __ne__(self, other: object) -> Symbol:  # type: ignore[override]
        return _compare("!=", self, other)

    def __lt__(self, other: Any) -> Symbol:
        return _compare("<", self, other)

    def __le__(self, other: Any) -> Symbol:
        return _compare("<=", self, other)

    def __gt__(self, other: Any) -> Symbol:
        return _compare(">", self, other)

    def __ge__(self, other: Any) -> Symbol:
        return _compare(">=", self, other)

    def __and__(self, other: Any) -> Symbol:
        return Symbol(Logic("and", _plain(self), _plain(other)))

    def __or__(self, other: Any) -> Symbol:
        return Symbol(Logic("or", _plain(self), _plain(other)))

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise ScanlabError.at(
            "S216",
            f"the truth of `{print_expr(self.expr)}` is not known before there is a grid",
            help="write scanlab.where(condition, a, b) for `a if condition else b`, & for `and`, | for `or`",
        )

    def __str__(self) -> str:
        return ("~" if self.alternate else "") + print_expr(self.expr)


def _plain(value: Any) -> Expr:
    """The expression of an operand: a symbol, or an integer. Raises S206 and S209."""
    if isinstance(value, Symbol):
        if value.alternate:
            raise ScanlabError.at(
                "S209",
                f"`{value}` turns a whole key around and cannot stand inside one",
                help="use ~ on the key itself",
            )
        return value.expr
    if isinstance(value, int):
        if abs(value) > LARGEST_INT:
            raise ScanlabError.at(
                "S106",
                f"this number is larger than {LARGEST_INT}",
                help="only the order of key values matters: use smaller factors, or several keys",
            )
        return integer(int(value))
    raise ScanlabError.at("S206", f"{value!r} stands where a key is needed", help="keys are made of axes and integers")


def _binary(op: str, left: Any, right: Any) -> Symbol:
    if op in ("//", "%") and not isinstance(right, Symbol) and right == 0:
        raise ScanlabError.at("S306", "this divides by zero", help="divide by a positive number")
    return Symbol(Binary(op, _plain(left), _plain(right)))


def _compare(op: str, left: Any, right: Any) -> Symbol:
    return Symbol(Compare(op, _plain(left), _plain(right)))


def axes(names: str | Iterable[str]) -> tuple[Symbol, ...]:
    """The coordinates of a grid as symbols: ``h, w = axes("h w")``. Raises S410 for no names of axes.

    >>> import scanlab
    >>> h, w = scanlab.axes("h w")
    >>> print(h // 7 + w % 2)
    h // 7 + w % 2
    """
    return tuple(Symbol(Axis(n)) for n in named_axes(names))


def extent(symbol: Symbol) -> Symbol:
    """The extent of a coordinate: ``extent(h)`` is ``H``. Raises S210 where it is not known.

    >>> import scanlab
    >>> [h] = scanlab.axes("h")
    >>> print(scanlab.extent(h), scanlab.extent(h // 2), sep=", ")
    H, (H + 1) // 2
    """
    size = extent_of(_plain(symbol))
    if size is None:
        raise ScanlabError.at("S210", f"the extent of `{symbol}` is not known")
    return Symbol(size)


def flip(symbol: Symbol) -> Symbol:
    """The coordinate counted from the other end: ``flip(h)`` is ``H - 1 - h``. Raises S210.

    >>> import scanlab
    >>> [w] = scanlab.axes("w")
    >>> print(scanlab.flip(w))
    W - 1 - w
    """
    turned = flipped(_plain(symbol))
    if turned is None:
        raise ScanlabError.at("S210", f"the extent of `{symbol}` is not known", help="flip a coordinate")
    return Symbol(turned)


def where(condition: Any, then: Any, otherwise: Any) -> Symbol:
    """``then if condition else otherwise``, patch by patch.

    >>> import scanlab
    >>> h, w = scanlab.axes("h w")
    >>> print(scanlab.where(h % 2 == 1, -w, w))
    -w if h % 2 == 1 else w
    """
    return Symbol(Select(_plain(condition), _plain(then), _plain(otherwise)))


def negation(condition: Any) -> Symbol:
    """``not condition``."""
    return Symbol(Not(_plain(condition)))


def minimum(*keys: Any) -> Symbol:
    """``min(…)`` of two or more keys.

    >>> import scanlab
    >>> h, w = scanlab.axes("h w")
    >>> scanlab.compile(scanlab.by(scanlab.minimum(h, w), h, w), (2, 3)).indices
    array([[0, 1, 2, 3, 4, 5]])
    """
    return Symbol(Extremum("min", tuple(map(_plain, keys))))


def maximum(*keys: Any) -> Symbol:
    """``max(…)`` of two or more keys.

    >>> import scanlab
    >>> h, w = scanlab.axes("h w")
    >>> scanlab.compile(scanlab.by(scanlab.maximum(h, w), h, w), (2, 3)).indices
    array([[0, 1, 3, 4, 2, 5]])
    """
    return Symbol(Extremum("max", tuple(map(_plain, keys))))


def curve(name: str, *keys: Any, **options: int | str) -> Symbol:
    """A curve as a key: ``curve("hilbert", h, w)``. Raises S201, S204, S211 and S291 as the language does.

    >>> import scanlab
    >>> order = scanlab.by(scanlab.curve("hilbert", *scanlab.axes("h w")))
    >>> scanlab.compile(order, (2, 2)).indices
    array([[0, 1, 3, 2]])
    """
    signature = CURVES.get(name)
    if signature is None:
        raise ScanlabError.at("S201", f"unknown curve `{name}`", help=f"there are {', '.join(CURVES)}")
    operands = tuple(map(_plain, keys))
    check_curve_count(signature, len(operands), None)
    if signature.rules:
        return Symbol(Curve(name, operands, python_rules(options)))
    chosen = {o.name: o.default for o in signature.options}
    for given, value in options.items():
        option = signature.option(given)
        if option is None:
            raise ScanlabError.at("S211", f"`{name}` has no option `{given}`")
        if not isinstance(value, int):
            raise ScanlabError.at("S211", f"{given}={value!r} is no whole number")
        chosen[given] = option_value(option, value, None)
    return Symbol(Curve(name, operands, tuple(sorted(chosen.items()))))


def within(groups: Any, *keys: Any) -> Within:
    """``within (groups): keys``, as the last argument of ``by``: keys that speak of the boxes of groups.

    groups: a key or a tuple of keys; the patches at which they are all equal are a group. In ``keys`` a coordinate
    counts from the group's first one, an extent is that of its box, and a curve runs over that box.

    >>> import scanlab
    >>> h, w = scanlab.axes("h w")
    >>> print(scanlab.by(scanlab.within((h // 7, ~(w // 7)), scanlab.curve("gilbert", h, w))))
    by within (h // 7, ~(w // 7)): gilbert(h, w)
    """
    if not keys:
        raise ScanlabError.at("S204", "`within` needs at least one key", help="as in within((h // 7, w // 7), h, w)")
    given = groups if isinstance(groups, tuple | list) else (groups,)
    if not given:
        raise ScanlabError.at("S204", "`within` needs the keys of its groups", help="as in within(h // 7, h, w)")
    return Within(keys_within(tuple(_listed(given)), tuple(_listed(keys))))


def _listed(keys: Iterable[Any]) -> Iterator[Key]:
    for key in keys:
        if isinstance(key, Within):
            yield from key.keys
        else:
            yield Key(key.expr, key.alternate) if isinstance(key, Symbol) else Key(_plain(key))


def by(
    *keys: Any | Within,
    axes: str | Iterable[str] | None = None,
    where: Any = None,
    restart: Any = (),
    tokens: tuple[Token, ...] = (),
    assume: Any = (),
) -> Order:
    """The order with these keys, most significant first: ``by(h, ~w)``.

    ``axes`` names the grid's axes in order; by default they are the ones the keys mention, ``h w`` if these are among
    them. ``where`` keeps patches, ``restart`` (a symbol or several) resets the state where it changes, ``assume``
    (a condition on extents, or several) says which grids it is for. Raises S280 and S281 as the language does.

    >>> import scanlab
    >>> h, w = scanlab.axes("h w")
    >>> print(scanlab.by(h // 2, ~w, where=h > 0))
    by h // 2, ~w where h > 0
    >>> print(scanlab.by(h // 2, h % 2, ~w, assume=scanlab.extent(h) % 2 == 0))
    by h // 2, h % 2, ~w assume H % 2 == 0
    """
    if not keys:
        raise ScanlabError.at("S204", "`by` needs at least one key", help="as in by(h, w)")
    listed = tuple(_listed(keys))
    condition = None if where is None else _plain(where)
    restarts = _several(restart)
    assumed = tuple(dict.fromkeys(condition_on_extents(e, None) for e in _several(assume)))
    names = (
        named_axes(axes)
        if axes is not None
        else _mentioned([*(k.expr for k in listed), *restarts, *filter(None, [condition])])
    )
    check_possible(assumed, names, None)
    return Order(names, listed, condition, restarts, tokens=tokens, assume=assumed)


def _several(given: Any) -> tuple[Expr, ...]:
    return tuple(map(_plain, given if isinstance(given, tuple | list) else (given,)))


_USUAL = ("t", "d", "h", "w")


def _mentioned(exprs: list[Expr]) -> tuple[str, ...]:
    """The axes that occur in expressions: the usual ones in their usual order, then others as they come."""
    names = list(dict.fromkeys(n.name for e in exprs for n in nodes_of(e) if isinstance(n, Axis)))
    if {"h", "w"} & set(names):
        names = list(dict.fromkeys([*names, "h", "w"]))
    return tuple(sorted(names, key=lambda n: _USUAL.index(n) if n in _USUAL else len(_USUAL)))


def order(function: Callable[..., Any]) -> Order:
    """The order a Python function describes, traced once with symbols for its parameters, which are the axes.

    ``@scanlab.order`` over ``def snake(h, w): return h, ~w`` is ``by h, ~w``. The name and docstring carry over.
    Raises S216 where the function branches on a coordinate.

    >>> import scanlab
    >>> @scanlab.order
    ... def snake(h, w):
    ...     return h, ~w
    >>> scanlab.compile(snake, (2, 3)).indices
    array([[0, 1, 2, 5, 4, 3]])
    """
    names = tuple(inspect.signature(function).parameters)
    result = function(*(Symbol(Axis(n)) for n in names))
    keys = result if isinstance(result, tuple) else (result,)
    made = result if isinstance(result, Order) else by(*keys, axes=" ".join(names))
    doc = inspect.getdoc(function) or ""
    return replace(made, axes=names, name=getattr(function, "__name__", ""), doc=doc)
