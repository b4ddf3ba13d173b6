"""Keys that multiply coordinates by extents, as several keys that do not: ``W * h + w`` is the two keys ``h, w``.

A key is read as a polynomial: products of extents, each with a coefficient that isl knows. Where it is ``a * M + b``,
M is positive and two values of b differ by less than M, patches are in the order of (a, b), and tie where both do:

    a1 < a2   implies   a1 * M + b1 < a2 * M + b2,   since   b1 - b2 < M <= (a2 - a1) * M

Quotients and remainders of such a key are rewritten where they are exact: ``(W * h + w) // W`` is ``h + w // W``, and
``(W * h + w) // 7`` is ``(W // 7) * h + w // 7`` on grids with ``W % 7 == 0``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING

import islpy as isl

from scanlab.compiler.isl_limit import NotAffine
from scanlab.ir.constants import fold, simplified
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.expr import Axis, Binary, Compare, Curve, Digit, Expr, Int, Negate, Select, Visit, nodes_of
from scanlab.ir.printer import print_expr

if TYPE_CHECKING:
    from scanlab.compiler.polyhedra import Polyhedra

__all__ = ["alike", "has_product", "parts", "without_products"]

_MOST_TERMS = 32
_MOST_RESIDUES = 8

_Product = tuple[Expr, ...]
"""Factors that are the same at all patches of a grid, sorted by their text; () is 1."""

_Polynomial = dict[_Product, Expr]
"""Coefficients by product."""


def has_product(expr: Expr) -> bool:
    """Whether two factors of a key are no constants, so that isl does not know it as it is."""
    return any(
        isinstance(e, Binary) and e.op == "*" and fold(e.left) is None and fold(e.right) is None for e in nodes_of(expr)
    )


def parts(expr: Expr, polyhedra: Polyhedra) -> tuple[Expr, ...]:
    """The keys, most significant first, that order patches as one key does and have no products: itself, mostly.

    Raises NotAffine where there are none.
    """
    if polyhedra.grid is not None or not has_product(expr):
        return (expr,)
    try:
        polyhedra.affine(expr)
        return (expr,)
    except NotAffine:
        pass
    try:
        return _radix_keys(expr, polyhedra)
    except ScanlabError as error:
        raise NotAffine(error.diagnostics[0].message) from None


def alike(expr: Expr, polyhedra: Polyhedra) -> isl.Map:
    """``{ p -> q : a key is the same at both }``. Raises NotAffine."""
    values = [polyhedra.affine(part) for part in parts(expr, polyhedra)]
    return reduce(isl.Map.intersect, [value.eq_map(value) for value in values])


def _radix_keys(expr: Expr, polyhedra: Polyhedra) -> tuple[Expr, ...]:
    digits: list[Expr] = []
    rest = _Reader(polyhedra).terms(expr)
    while set(rest) - {()}:
        # What is the same at all patches neither orders them nor makes them tie.
        rest = {product: c for product, c in rest.items() if not product or fold(c) is None}
        if set(rest) - {()}:
            rest, low = _without_lowest(rest, polyhedra, expr)
            digits.append(low)
    digits.append(rest.get((), Int(0)))
    return tuple(e for e in reversed(digits) if fold(e) is None) or (Int(0),)


def without_products(expr: Expr, polyhedra: Polyhedra) -> Expr | None:
    """The same value as an expression that multiplies no coordinate by an extent; None where that is not to be had."""
    try:
        terms = _Reader(polyhedra).terms(expr)
    except (NotAffine, ScanlabError):
        return None
    value = terms.get((), Int(0))
    return None if set(terms) - {()} or value == expr else value


def _without_lowest(terms: _Polynomial, polyhedra: Polyhedra, expr: Expr) -> tuple[_Polynomial, Expr]:
    """The key as ``a * M + b``: the polynomial a, and b, for some M that all products share."""
    low = terms.get((), Int(0))
    products = {product: c for product, c in terms.items() if product}
    shared = [f for f in dict.fromkeys(next(iter(products))) if all(f in product for product in products)]
    content = math.gcd(*map(_content, products.values()))
    for factor in shared:
        for scale in dict.fromkeys((1, content)):
            radix = Binary("*", Int(scale), factor)
            if _spreads_less(polyhedra, low, radix):
                return {_without(p, factor): _divided(c, scale) for p, c in products.items()}, low
    raise NotAffine(f"`{print_expr(expr)}` multiplies two coordinates")


def _without(product: _Product, factor: Expr) -> _Product:
    at = product.index(factor)
    return product[:at] + product[at + 1 :]


class _Reader:
    """Reads keys as polynomials, over the grids of one Polyhedra."""

    def __init__(self, polyhedra: Polyhedra) -> None:
        self.polyhedra = polyhedra

    def terms(self, expr: Expr) -> _Polynomial:
        """The polynomial of a key. Raises NotAffine where a product is none of coordinates by extents."""
        if not has_product(expr):
            return {(): expr}
        match expr:
            case Negate(operand=a):
                return {p: Negate(c) for p, c in self.terms(a).items()}
            case Binary(op="+" | "-" as op, left=a, right=b):
                return _combined(self.terms(a), self.terms(b), lambda x, y: Binary(op, x, y))
            case Binary(op="*", left=a, right=b):
                return self._product(expr, self._factor(a), self._factor(b))
            case Binary(op="//" | "%", left=a, right=b):
                return _with_single_factors(self._quotient(expr, self.terms(a), fold(b)))
            case Select(condition=c, then=a, otherwise=b):
                return _combined(self.terms(a), self.terms(b), lambda x, y: Select(c, x, y))
        return {(): expr}

    def _factor(self, expr: Expr) -> _Polynomial:
        """As `terms`, but what is the same at all patches is a product: ``W + 1`` in ``h * (W + 1) + w``."""
        if not _same_everywhere(expr) or fold(expr) is not None:
            return self.terms(expr)
        match expr:
            case Negate(operand=a):
                return {p: Negate(c) for p, c in self._factor(a).items()}
            case Binary(op="*", left=a, right=b):
                return self._product(expr, self._factor(a), self._factor(b))
        return {(expr,): Int(1)}

    def _product(self, expr: Expr, left: _Polynomial, right: _Polynomial) -> _Polynomial:
        if len(left) * len(right) > _MOST_TERMS:
            raise NotAffine(f"`{print_expr(expr)}` has too many terms")
        result: _Polynomial = {}
        for p, a in left.items():
            for q, b in right.items():
                if fold(a) is None and fold(b) is None:
                    raise NotAffine(f"`{print_expr(expr)}` multiplies two coordinates")
                product = tuple(sorted((*p, *q), key=print_expr))
                result = _combined(result, {product: _times(a, b)}, _plus)
        return result

    def _quotient(self, expr: Binary, terms: _Polynomial, number: int | None) -> _Polynomial:
        if not set(terms) - {()}:
            return {(): expr}
        if number is not None:
            return self._by_number(expr, terms, number)
        divisor = self._factor(expr.right)
        positive = all(_is_below(self.polyhedra, Int(0), f) for product in divisor for f in product)
        if len(divisor) != 1 or fold(next(iter(divisor.values()))) != 1 or not positive:
            raise NotAffine(f"`{print_expr(expr)}` divides by something that is no constant")
        return self._by_product(expr, terms, next(iter(divisor)))

    def _by_number(self, expr: Binary, terms: _Polynomial, number: int) -> _Polynomial:
        """``//`` and ``%`` by a number: of multiples of it exactly; other terms leave their remainder, case by case."""
        if number <= 0:
            raise NotAffine(f"`{print_expr(expr)}` multiplies two coordinates")
        whole: _Polynomial = {}
        low = terms.get((), Int(0))
        for product, coefficient in ((p, c) for p, c in terms.items() if p):
            i = next((i for i, f in enumerate(product) if _is_multiple(self.polyhedra, f, number)), None)
            if i is not None:
                smaller = Binary("//", product[i], Int(number))
                product = tuple(sorted((*_without(product, product[i]), smaller), key=print_expr))
            elif _content(coefficient) % number == 0:
                coefficient = _divided(coefficient, number)
            elif expr.op == "%" and number <= _MOST_RESIDUES:
                low = Binary("+", low, _residue(product, coefficient, number))
                continue
            else:
                raise NotAffine(f"`{print_expr(expr)}` divides a product of extents and coordinates")
            whole = _combined(whole, {product: coefficient}, _plus)
        rest: _Polynomial = {(): Binary(expr.op, low, Int(number))}
        return rest if expr.op == "%" else _combined(whole, rest, _plus)

    def _by_product(self, expr: Binary, terms: _Polynomial, divisor: _Product) -> _Polynomial:
        """``//`` and ``%`` by extents: of products that hold them exactly; the others must be below or one key."""
        whole: _Polynomial = {}
        low: _Polynomial = {}
        for product, coefficient in terms.items():
            left = product
            for factor in divisor:
                left = _without(left, factor) if left is not None and factor in left else None
            if left is None:
                low[product] = coefficient
            else:
                whole = _combined(whole, {left: coefficient}, _plus)
        if not set(low) - {()}:
            rest: _Polynomial = {(): Binary(expr.op, low.get((), Int(0)), expr.right)}
        elif self._below(low, divisor):
            rest = {} if expr.op == "//" else low
        else:
            raise NotAffine(f"`{print_expr(expr)}` divides a product of extents and coordinates")
        return rest if expr.op == "%" else _combined(whole, rest, _plus)

    def _below(self, terms: _Polynomial, bound: _Product) -> bool:
        """Whether a value is from 0 to below a product of extents, digit by digit: ``W * h + w`` is below ``H * W``."""
        if not bound:
            return not terms
        for factor in dict.fromkeys(bound):
            high = {_without(p, factor): c for p, c in terms.items() if factor in p}
            low = {p: c for p, c in terms.items() if factor not in p}
            if set(low) - {()} or not _is_below(self.polyhedra, low.get((), Int(0)), factor):
                continue
            rest = _without(bound, factor)
            if (not high and not rest) or (rest and self._below(high, rest)):
                return True
        return False


def _with_single_factors(terms: _Polynomial) -> _Polynomial:
    """The polynomial with extents that multiply no coordinate among what isl knows: ``2 * W - w``."""
    result: _Polynomial = {}
    for product, coefficient in terms.items():
        number = fold(coefficient)
        if number is not None and len(product) == 1:
            product, coefficient = (), Binary("*", Int(number), product[0])
        result = _combined(result, {product: coefficient}, _plus)
    return result


def _plus(left: Expr, right: Expr) -> Expr:
    return Binary("+", left, right)


def _combined(left: _Polynomial, right: _Polynomial, join: Callable[[Expr, Expr], Expr]) -> _Polynomial:
    """Term by term; what is missing is 0."""
    if len(left) + len(right) > _MOST_TERMS:
        raise NotAffine("a key has too many terms")
    zero = Int(0)
    joined = {p: simplified(join(left.get(p, zero), right.get(p, zero))) for p in {**left, **right}}
    return {p: c for p, c in joined.items() if c != zero}


def _times(a: Expr, b: Expr) -> Expr:
    number, other = (fold(a), b) if fold(a) is not None else (fold(b), a)
    assert number is not None, "one of them is a constant"
    return simplified(Binary("*", Int(number), other))


def _residue(product: _Product, coefficient: Expr, number: int) -> Expr:
    """What a product leaves modulo a number: the coefficient times the remainder of each factor, case by case."""
    for factor in product:
        value: Expr = Int(0)
        for r in range(number - 1, 0, -1):
            value = Select(Compare("==", Binary("%", factor, Int(number)), Int(r)), _times(Int(r), coefficient), value)
        coefficient = value
    return coefficient


def _content(expr: Expr) -> int:
    """A number that divides an expression on every patch, as far as can be read off; 0 for the constant 0."""
    number = fold(expr)
    if number is not None:
        return abs(number)
    match expr:
        case Binary(op="*", left=a, right=b):
            return _content(a) * _content(b)
        case Binary(op="+" | "-", left=a, right=b) | Select(then=a, otherwise=b):
            return math.gcd(_content(a), _content(b))
        case Negate(operand=a):
            return _content(a)
    return 1


def _divided(expr: Expr, number: int) -> Expr:
    """An expression divided by a number that divides its content."""
    if number == 1:
        return expr
    constant = fold(expr)
    if constant is not None:
        return Int(constant // number)
    match expr:
        case Binary(op="*", left=a, right=b):
            shared = math.gcd(_content(a), number)
            return simplified(Binary("*", _divided(a, shared), _divided(b, number // shared)))
        case Binary(op="+" | "-" as op, left=a, right=b):
            return simplified(Binary(op, _divided(a, number), _divided(b, number)))
        case Select(condition=c, then=a, otherwise=b):
            return Select(c, _divided(a, number), _divided(b, number))
        case Negate(operand=a):
            return Negate(_divided(a, number))
    raise AssertionError("its content is 1")


def _is_below(polyhedra: Polyhedra, expr: Expr, bound: Expr) -> bool:
    """Whether isl knows that a key is from 0 to below a bound at all patches."""
    try:
        value, above = polyhedra.affine(expr), polyhedra.affine(bound)
    except NotAffine:
        return False
    return bool(polyhedra.domain.is_subset(value.ge_set(polyhedra.constant(0)).intersect(value.lt_set(above))))


def _is_multiple(polyhedra: Polyhedra, expr: Expr, number: int) -> bool:
    """Whether isl knows that a key is a multiple of a number at all patches."""
    try:
        rest = polyhedra.affine(Binary("%", expr, Int(number)))
    except NotAffine:
        return False
    return bool(polyhedra.domain.is_subset(rest.eq_set(polyhedra.constant(0))))


def _spreads_less(polyhedra: Polyhedra, expr: Expr, bound: Expr) -> bool:
    """Whether isl knows that two values of a key differ by less than a bound, the same at all patches of a grid."""
    try:
        value, above = polyhedra.affine(expr), polyhedra.affine(bound)
    except NotAffine:
        return False
    apart = value.sub(above).ge_map(value)
    return bool(apart.intersect_domain(polyhedra.domain).intersect_range(polyhedra.domain).is_empty())


def _same_everywhere(expr: Expr) -> bool:
    return not any(isinstance(e, Axis | Curve | Digit | Visit) for e in nodes_of(expr))
