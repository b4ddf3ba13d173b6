"""Orders as Presburger relations, for all grid sizes at once.

A grid with axes h, w is the set ``[H, W] -> { [h, w] : 0 <= h < H and 0 <= w < W }``; a key is a piecewise
quasi-affine function on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import islpy as isl

from scanlab.compiler.group_maps import beyond_arithmetic, coordinate_in_group
from scanlab.compiler.isl_limit import OPERATION_LIMIT, NotAffine, TooComplex, limited
from scanlab.compiler.lattice import Lattice, evaluate_on_grid
from scanlab.compiler.mixed_radix import alike, has_product, without_products
from scanlab.compiler.quotients import quotient_or_remainder
from scanlab.ir.assumptions import linear_text
from scanlab.ir.constants import fold
from scanlab.ir.coordinates import positive
from scanlab.ir.expr import (
    Absolute,
    Axis,
    Binary,
    Breadth,
    Compare,
    Curve,
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
    children,
    nodes_of,
)
from scanlab.ir.printer import print_expr

__all__ = ["OPERATION_LIMIT", "NotAffine", "Polyhedra", "TooComplex", "limited"]


# Terms of a key from which on it is worth a look whether those before it suffice.
_LARGE = 16


class Polyhedra:
    """The grid's set and the translation of keys, for symbolic extents (under assumptions) or for one grid."""

    def __init__(
        self, axes: tuple[str, ...], grid: tuple[int, ...] | None = None, assume: tuple[Expr, ...] = ()
    ) -> None:
        self.axes = axes
        self.assume = assume
        self.grid = grid
        self.context = isl.Context()
        self._in_groups: dict[Expr, isl.PwAff] = {}
        extents = [a.upper() for a in axes] if grid is None else []
        self.space = isl.Space.create_from_names(self.context, set=list(axes), params=extents)

    @cached_property
    def domain(self) -> isl.Set:
        """All patches of the grids that are assumed, extents at least 1; an assumption that is not linear is left out.

        A proof over more grids is one over those that are assumed, too; a counter-example has to be one of them.
        """
        texts = [f"0 <= {a} < {self._extent_text(i)}" for i, a in enumerate(self.axes)]
        text = " and ".join([*texts, *filter(None, map(linear_text, self.assume))])
        head = f"[{', '.join(a.upper() for a in self.axes)}] -> " if self.grid is None else ""
        return isl.Set.read_from_str(self.context, f"{head}{{ [{', '.join(self.axes)}] : {text} }}")

    def _extent_text(self, i: int) -> str:
        return self.axes[i].upper() if self.grid is None else str(self.grid[i])

    def constant(self, value: int) -> isl.PwAff:
        """The constant function."""
        space = isl.LocalSpace.from_space(self.space)
        return isl.PwAff.from_aff(isl.Aff.zero_on_domain(space).add_constant_val(self._val(value)))

    def _val(self, value: int) -> isl.Val:
        """The constant as isl's number, of any size: its `int_from_si` ends at 64 bits."""
        return isl.Val.read_from_str(self.context, str(value))

    def affine(self, expr: Expr) -> isl.PwAff:
        """The key as a piecewise quasi-affine function. Raises NotAffine."""
        match expr:
            case Int(value=v):
                return self.constant(v)
            case Axis(name=n):
                local = isl.LocalSpace.from_space(self.space)
                return isl.PwAff.from_aff(isl.Aff.var_on_domain(local, isl.dim_type.set, self.axes.index(n)))
            case Extent(name=n):
                return self._extent(n)
            case Negate(operand=a):
                return self.affine(a).neg()
            case Binary(op=op, left=a, right=b):
                return self._binary(expr, op, a, b)
            case Select(condition=c, then=a, otherwise=b):
                return self._select(c, a, b)
            case Extremum(op=op, operands=many):
                result = self.affine(many[0])
                for other in many[1:]:
                    result = result.min(self.affine(other)) if op == "min" else result.max(self.affine(other))
                return result
            case Absolute(operand=a):
                value = self.affine(a)
                return value.max(value.neg())
            case Compare() | Logic() | Not():
                return self._indicator(self.condition(expr))
        return self._from_all_patches(expr)

    def _from_all_patches(self, expr: Expr) -> isl.PwAff:
        match expr:
            case Offset() | Breadth():
                return self._in_group(expr)
            case Curve(name=name):
                raise NotAffine(f"`{print_expr(expr)}`: {name} is defined by recursion or from data, not by arithmetic")
        raise NotAffine(f"`{print_expr(expr)}` is an explicit list")

    def _in_group(self, expr: Offset | Breadth) -> isl.PwAff:
        """A coordinate less the smallest in the patch's group, or the breadth of the group. Raises NotAffine."""
        if expr not in self._in_groups:
            same, exact = self.ties(expr.within)
            if not exact:
                raise beyond_arithmetic(expr)
            value = self.affine(expr.operand)
            self._in_groups[expr] = coordinate_in_group(expr, value, same, self.domain, (self.axes, self.grid))
        return self._in_groups[expr]

    def _select(self, condition: Expr, then: Expr, otherwise: Expr) -> isl.PwAff:
        constant = fold(condition)
        if constant is not None:
            # The other branch is never evaluated: it may divide by zero.
            return self.affine(then if constant else otherwise)
        return isl.PwAff.cond(self._indicator(self.condition(condition)), self.affine(then), self.affine(otherwise))

    def _extent(self, name: str) -> isl.PwAff:
        i = self.axes.index(name)
        if self.grid is not None:
            return self.constant(self.grid[i])
        local = isl.LocalSpace.from_space(self.space)
        return isl.PwAff.from_aff(isl.Aff.var_on_domain(local, isl.dim_type.param, i))

    def _binary(self, expr: Expr, op: str, left: Expr, right: Expr) -> isl.PwAff:
        if op == "+":
            return self.affine(left).add(self.affine(right))
        if op == "-":
            return self.affine(left).sub(self.affine(right))
        if op == "*":
            return self._product(expr, left, right)
        plain = without_products(expr, self) if self.grid is None and has_product(expr) else None
        if plain is not None:
            return self.affine(plain)
        divisor = self._number(right)
        if divisor is None:
            return self._by_extent(expr, op, left, right)
        if divisor == 0:
            raise NotAffine(f"`{print_expr(expr)}` divides by zero")
        value = self.affine(left)
        # Python rounds towards minus infinity: a // -k is (-a) // k, and a % -k is -((-a) % k).
        value = value.neg() if divisor < 0 else value
        scale = self._val(abs(divisor))
        if op == "//":
            return value.scale_down_val(scale).floor()
        remainder = value.mod_val(scale)
        return remainder.neg() if divisor < 0 else remainder

    def _by_extent(self, expr: Expr, op: str, left: Expr, right: Expr) -> isl.PwAff:
        """A quotient or a remainder by what is the same at all patches, where it has few cases on all grids."""
        found = None
        if not _has(right, (Axis, Curve, Visit)):
            found = quotient_or_remainder(op, self.affine(left), self.affine(right), self.domain)
        if found is None:
            raise NotAffine(f"`{print_expr(expr)}` divides by something that is no constant")
        return found

    def _product(self, expr: Expr, left: Expr, right: Expr) -> isl.PwAff:
        for factor, other in ((self._number(left), right), (self._number(right), left)):
            if factor is not None:
                return self.affine(other).scale_val(self._val(factor))
        raise NotAffine(f"`{print_expr(expr)}` multiplies two coordinates")

    def _number(self, expr: Expr) -> int | None:
        value = fold(expr)
        if value is None and self.grid is not None and not _has(expr, (Axis, Curve)):
            lattice = Lattice(self.axes, self.grid)
            value = int(evaluate_on_grid(expr, lattice))
        return value

    def condition(self, expr: Expr) -> isl.Set:
        """The patches at which a condition is not zero. Raises NotAffine."""
        match expr:
            case Compare(op=op, left=a, right=b):
                left, right = self.affine(a), self.affine(b)
                compare = {
                    "==": left.eq_set,
                    "!=": left.ne_set,
                    "<": left.lt_set,
                    "<=": left.le_set,
                    ">": left.gt_set,
                    ">=": left.ge_set,
                }
                return compare[op](right)
            case Logic(op=op, left=a, right=b):
                one, constant = self.condition(a), fold(a)
                if constant is not None and bool(constant) == (op == "or"):
                    return one
                two = self.condition(b)
                return one.intersect(two) if op == "and" else one.union(two)
            case Not(operand=a):
                return self.condition(a).complement()
        return self.affine(expr).ne_set(self.constant(0))

    def _indicator(self, where: isl.Set) -> isl.PwAff:
        one = self.constant(1).intersect_domain(where)
        return one.union_add(self.constant(0).intersect_domain(where.complement()))

    def check_divisors(self, expr: Expr, reached: isl.Set | None = None) -> None:
        """Raise NotAffine where a divisor is not known to differ from zero on every grid, at the patches that reach it.

        reached: the patches at which ``expr`` is evaluated, by default all. A divisor that is the same on the whole
        grid must be positive.
        """
        reached = self.domain if reached is None else reached
        if not any(isinstance(e, Binary) and e.op in ("//", "%") and not self._number(e.right) for e in nodes_of(expr)):
            return
        for child, where in self._reached_below(expr, reached):
            self.check_divisors(child, where)
        if isinstance(expr, Binary) and expr.op in ("//", "%") and not self._number(expr.right):
            self._check_divisor(expr, reached)

    def _check_divisor(self, expr: Binary, reached: isl.Set) -> None:
        if positive(expr.right):
            return
        varies = _has(expr.right, (Axis, Curve, Visit))
        zero = self.constant(0)
        try:
            divisor = self.affine(expr.right)
        except NotAffine:
            divisor = zero
        if reached.is_subset(divisor.ne_set(zero) if varies else divisor.gt_set(zero)):
            return
        why = "varies from patch to patch" if varies else "is not known to be positive"
        raise NotAffine(f"`{print_expr(expr)}` divides by something that {why}")

    def _reached_below(self, expr: Expr, reached: isl.Set) -> Iterator[tuple[Expr, isl.Set]]:
        """The operands of a node, each with the patches at which it is evaluated."""
        match expr:
            case Select(condition=c, then=a, otherwise=b):
                yield c, reached
                holds = self._condition_or_none(c)
                yield a, reached if holds is None else reached.intersect(holds)
                yield b, reached if holds is None else reached.subtract(holds)
            case Logic(op=op, left=a, right=b):
                yield a, reached
                holds = self._condition_or_none(a)
                if holds is not None:
                    reached = reached.intersect(holds) if op == "and" else reached.subtract(holds)
                yield b, reached
            case Curve() | Offset() | Breadth():
                # Boxes are those of the whole grid or of groups of it, so what spans them is evaluated everywhere.
                yield from ((e, self.domain) for e in children(expr))
            case _:
                yield from ((e, reached) for e in children(expr))

    def _condition_or_none(self, expr: Expr) -> isl.Set | None:
        try:
            return self.condition(expr)
        except NotAffine:
            return None

    def selected(self, where: Expr | None) -> isl.Set:
        """The patches that ``where`` keeps. Raises NotAffine."""
        return self.domain if where is None else self.domain.intersect(self.condition(where))

    def key_map(self, keys: tuple[Expr, ...], where: Expr | None) -> isl.Map:
        """``{ patch -> [key, …] }`` on the patches that ``where`` keeps. Raises NotAffine."""
        result: isl.Map | None = None
        for expr in keys:
            one = self.affine(expr).as_map()
            result = one if result is None else result.flat_range_product(one)
        assert result is not None, "an order has at least one key"
        return result.intersect_domain(self.selected(where))

    def ties(self, keys: tuple[Expr, ...], *, precisely: bool = False) -> tuple[isl.Map, bool]:
        """``{ p -> q : all keys of p and q are equal }`` on the whole grid, and whether that is exact.

        Where it is not exact it is too large, so that "no two patches tie" is still a proof; ``precisely`` takes more
        time to be exact. Raises NotAffine.
        """
        relation = isl.Map.from_domain_and_range(self.domain, self.domain)
        exact, beyond = True, None
        alone = isl.Map.identity(relation.get_space())
        for expr in sorted(keys, key=lambda e: (_speaks_of_a_group(e), e.size)):
            if expr.size > _LARGE and relation.is_subset(alone):
                # Smaller keys tell all patches apart, whatever the others are.
                return relation, True
            try:
                one, one_exact = self._ties_of(expr, keys, relation, precisely)
            except NotAffine as why:
                beyond = why
                continue
            relation, exact = relation.intersect(one), exact and one_exact
        if beyond is None:
            return relation, exact
        # The other keys alone may tell all patches apart, whatever this one is.
        if relation.is_subset(alone):
            return relation, exact
        raise beyond

    def _ties_of(
        self, expr: Expr, keys: tuple[Expr, ...], among: isl.Map, precisely: bool = False
    ) -> tuple[isl.Map, bool]:
        """Where a key ties, as far as the pairs ``among`` which all ``keys`` may tie; and whether that is exact."""
        match expr:
            case Negate(operand=a):
                return self._ties_of(a, keys, among, precisely)
            case Curve(operands=many, within=groups) if not groups or self._in_one_group(groups, keys, among):
                # A curve is a bijection of the box of its arguments: it ties where all of them do.
                return self.ties(many, precisely=precisely)
            case Offset(operand=a, within=groups) if self._in_one_group(groups, keys, among):
                return self._ties_of(a, keys, among, precisely)
            case Curve(operands=many, within=groups):
                # What lies in different groups may tie or not.
                (arguments, _), (same, exact) = self.ties(many), self.ties(groups)
                if not exact:
                    raise beyond_arithmetic(expr)
                return same.intersect(arguments).union(among.subtract(same)), False
            case Visit():
                return isl.Map.identity(self.domain.get_space().map_from_set()), True
            case Select() if _has(expr, (Curve, Visit)):
                return self._ties_of_branches(expr, keys, among, precisely)
            case Binary(op="%", left=a, right=Breadth(within=groups) as b) if self._in_one_group(groups, keys, among):
                return self._ties_modulo(self.affine(a), self.affine(b)), False
            case Binary(op="%", left=a, right=b) if not precisely and self._is_remainder_by_extent(expr):
                return self._ties_modulo(self.affine(a), self.affine(b)), False
        return alike(expr, self), True

    def _is_remainder_by_extent(self, expr: Binary) -> bool:
        modulus_varies = _has(expr.right, (Axis, Curve))
        return self._number(expr.right) is None and not modulus_varies and not has_product(expr)

    def _ties_of_branches(
        self, expr: Select, keys: tuple[Expr, ...], among: isl.Map, precisely: bool
    ) -> tuple[isl.Map, bool]:
        """Where ``a if c else b`` could tie: where its branch does; across branches with curves that is not known."""
        holds = self.domain.intersect(self.condition(expr.condition))
        fails = self.domain.subtract(holds)
        (one, one_exact), (two, two_exact) = (
            self._ties_of(e, keys, among, precisely) for e in (expr.then, expr.otherwise)
        )
        across = isl.Map.from_domain_and_range(holds, fails)
        ties = one.intersect_domain(holds).intersect_range(holds)
        ties = ties.union(two.intersect_domain(fails).intersect_range(fails)).union(across).union(across.reverse())
        return ties, one_exact and two_exact and bool(across.is_empty())

    def _in_one_group(self, groups: tuple[Expr, ...], keys: tuple[Expr, ...], among: isl.Map) -> bool:
        """Whether two patches that tie in all ``keys``, and are a pair of ``among``, certainly share a group."""
        if set(groups) <= set(keys):
            return True
        try:
            same, exact = self.ties(groups)
        except NotAffine:
            return False
        return exact and bool(among.is_subset(same))

    def _ties_modulo(self, value: isl.PwAff, modulus: isl.PwAff) -> isl.Map:
        """Where ``value % modulus`` could tie, for a modulus that is the same on the whole grid, or all over a group.

        Two values tie only where they differ by a multiple of the modulus: they are equal, or at least that far apart.
        """
        same = value.eq_map(value)
        return same.union(value.sub(modulus).ge_map(value)).union(value.add(modulus).le_map(value))


def _speaks_of_a_group(expr: Expr) -> bool:
    return any(isinstance(e, Curve | Offset | Breadth) and e.within for e in nodes_of(expr))


def _has(expr: Expr, kinds: tuple[type[Expr], ...]) -> bool:
    return isinstance(expr, kinds) or any(_has(c, kinds) for c in children(expr))
