"""The next patch as arithmetic: from the step to the digits of its key, from the digits to coordinates.

At one grid, the keys of many orders take values like the digits of a number: given the digits before it, a digit runs
from a start in equal strides, and each of its values is held for equally many steps. Then

    d1 = s1 + t1 * (p // c1)                       s, c: piecewise affine in the digits before (isl: lexmin, lexmax)
    d2 = s2(d1) + t2 * (p % c1 // c2(d1)) …        or from the other end, for a key under ~ after an odd sum
    h, w = inverse of the key map, at (d1, d2, …)  isl: reverse, as a piecewise function

A reversed path is the forward one at step L-1-p. A last key that is a curve is inverted by the curve itself (bits for
Morton, a bounded loop for Hilbert). Every form is compared with the sorted order, step by step, before it is handed
out; where it fails, or there is none, a table stays, and says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import islpy as isl
import numpy as np

from scanlab.compiler.curves import INVERSES
from scanlab.compiler.curves.program import point_program
from scanlab.compiler.isl_expr import expression_of
from scanlab.compiler.lattice import Lattice, evaluate_digits, evaluate_on_grid
from scanlab.compiler.polyhedra import NotAffine, Polyhedra, TooComplex, limited
from scanlab.compiler.sorting import kept_patches, sorted_patches
from scanlab.ir.constants import evaluate, simplified
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.expr import Binary, Compare, Curve, Digit, Expr, Int, Select, substitute
from scanlab.ir.printer import print_expr

if TYPE_CHECKING:
    from scanlab.compiler.bind import Path

__all__ = ["CurveStep", "IndexForm", "derive", "evaluate_form", "patch_at"]

_STEPS_BY_HAND = 33


@dataclass(frozen=True)
class CurveStep:
    """Coordinates on a curve: ``outputs`` are the cell of rank ``rank`` in the cube of side ``2**bits``."""

    name: str
    bits: int
    rank: Expr
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class IndexForm:
    """How a kernel finds the patch at step ``p``.

    ``kind``: ``affine`` (arithmetic only), ``curve`` (arithmetic and one curve step) or ``table``. ``digits`` are
    assignments in order, each over ``p`` and the names before it; ``coordinates`` gives one expression per axis and
    ``patch`` the flat row-major index. For a table only ``reason`` is set: why there is no expression.
    """

    kind: str
    digits: tuple[tuple[str, Expr], ...] = ()
    curve: CurveStep | None = None
    coordinates: tuple[Expr, ...] = ()
    patch: Expr | None = None
    reason: str = ""

    def lines(self, axes: tuple[str, ...]) -> list[str]:
        """The form as a program that sets ``patch`` from ``p``: assignments, and loops over the bits of a curve."""
        if self.patch is None:
            return [f"patch = table[p]  # {self.reason}"]
        text = [f"{name} = {print_expr(expr)}" for name, expr in self.digits]
        if self.curve is not None:
            step = self.curve
            text += [f"c = {print_expr(step.rank)}  # the rank on the curve"]
            text += point_program(step.name, "c", step.outputs, step.bits)
        text += [f"{axis} = {print_expr(expr)}" for axis, expr in zip(axes, self.coordinates, strict=True)]
        return [*text, f"patch = {print_expr(self.patch)}"]


class _NoForm(Exception):
    """There is no index expression that is right; the argument says why."""


def derive(path: Path) -> IndexForm:
    """The index form of a bound path; a table where there is none, or where it does not give the sorted order."""
    if not len(path.indices):
        return IndexForm("table", reason="the path visits no patch of this grid")
    polyhedra = Polyhedra(path.axes, path.grid)
    try:
        with limited(polyhedra.context):
            form = _derive(path, polyhedra)
        _check(form, path)
    except (_NoForm, NotAffine, TooComplex) as why:
        return IndexForm("table", reason=str(why))
    except ScanlabError as error:
        # A key that was bound can still be too large for arithmetic: too many terms, numbers past 64 bits.
        return IndexForm("table", reason=error.diagnostics[0].message)
    return form


def _check(form: IndexForm, path: Path) -> None:
    """Raise _NoForm unless the form gives the sorted order: all steps by numpy, and some by Python's own integers."""
    try:
        patches = evaluate_form(form, path.axes, len(path.indices))
    except ZeroDivisionError:
        raise _NoForm("at some step its arithmetic would divide by zero") from None
    oracle = sorted_patches(path.order, Lattice(path.axes, path.grid))
    if not np.array_equal(patches, oracle) or not np.array_equal(path.indices, oracle):
        raise _NoForm("the number of patches per key value varies, so no fixed digits give the step")
    steps = np.unique(np.linspace(0, len(oracle) - 1, _STEPS_BY_HAND).astype(np.int64))
    if any(patch_at(form, path.axes, int(step)) != oracle[step] for step in steps):
        raise _NoForm("two evaluations of its arithmetic differ, which is a mistake in ScanLab")


def evaluate_form(form: IndexForm, axes: tuple[str, ...], length: int) -> np.ndarray:
    """int64 [L]: the patches an index form gives for the steps 0 to L-1.

    Raises ZeroDivisionError where it divides by zero, and S402 where a value could leave 63 bits.
    """
    assert form.patch is not None, "a table has no expression"
    values: dict[str, np.ndarray] = {"p": np.arange(length, dtype=np.int64)}
    for name, expr in form.digits:
        values[name] = evaluate_digits(expr, values)
    if form.curve is not None:
        _evaluate_curve(form.curve, values)
    for axis, expr in zip(axes, form.coordinates, strict=True):
        values[axis] = evaluate_digits(expr, values)
    return np.broadcast_to(evaluate_digits(form.patch, values), (length,))


def patch_at(form: IndexForm, axes: tuple[str, ...], step: int) -> int:
    """The patch an index form gives for one step, on Python's integers: the second method beside ``evaluate_form``."""
    assert form.patch is not None, "a table has no expression"
    values = {"p": step}
    for name, expr in form.digits:
        values[name] = evaluate(expr, values, {})
    if form.curve is not None:
        rank = np.array([evaluate(form.curve.rank, values, {})])
        point = INVERSES[form.curve.name](rank, len(form.curve.outputs), form.curve.bits)[0]
        values |= dict(zip(form.curve.outputs, map(int, point), strict=True))
    for axis, expr in zip(axes, form.coordinates, strict=True):
        values[axis] = evaluate(expr, values, {})
    return evaluate(form.patch, values, {})


def _evaluate_curve(step: CurveStep, values: dict[str, np.ndarray]) -> None:
    ranks = np.asarray(evaluate_digits(step.rank, values))
    if ranks.min() < 0 or ranks.max() >= 2 ** (step.bits * len(step.outputs)):
        raise _NoForm("a rank lies outside the curve's cube")
    points = INVERSES[step.name](ranks, len(step.outputs), step.bits)
    for i, name in enumerate(step.outputs):
        values[name] = points[..., i]


@dataclass(frozen=True)
class _Curved:
    """A last key that is a curve: its cube, and the smallest value of each argument."""

    curve: Curve
    bits: int
    origin: tuple[int, ...]


def _derive(path: Path, polyhedra: Polyhedra) -> IndexForm:
    keys = path.order.keys
    curved = _last_curve(keys[-1].expr, path)
    plain = keys[:-1] if curved else keys
    names = tuple(f"d{i + 1}" for i in range(len(plain)))
    columns = _columns(tuple(k.expr for k in plain), path)
    cells = _group_size(columns) if curved else 1
    step: Expr = Digit("p")
    if path.order.reverse:
        step = Binary("-", Int(len(path.indices) - 1), step)
    digits: list[tuple[str, Expr]] = []
    rest = step
    if plain:
        key_map = polyhedra.key_map(tuple(k.expr for k in plain), path.order.where)
        ranges = _digit_ranges(key_map.range().coalesce(), names, _strides(columns), tuple(k.alternate for k in plain))
        digits, rest = _digits(ranges, names, cells, step)
    curve_step = None
    if curved is not None:
        backwards = Binary("-", Int(cells - 1), rest)
        rank = _by_parity(names, rest, backwards) if keys[-1].alternate else rest
        outputs = tuple(f"x{i + 1}" for i in range(len(curved.curve.operands)))
        curve_step = CurveStep(curved.curve.name, curved.bits, rank, outputs)
    coordinates = _coordinates(path, polyhedra, tuple(k.expr for k in plain), names, curved, curve_step)
    patch: Expr | None = None
    for axis, extent in zip(path.axes, path.grid, strict=True):
        patch = Digit(axis) if patch is None else simplified(Binary("+", Binary("*", patch, Int(extent)), Digit(axis)))
    return IndexForm("curve" if curved else "affine", tuple(digits), curve_step, coordinates, patch)


def _last_curve(expr: Expr, path: Path) -> _Curved | None:
    if not isinstance(expr, Curve):
        return None
    if expr.within:
        raise _NoForm(f"{expr.name} runs over the boxes of groups, which are not all alike")
    if expr.name not in INVERSES:
        raise _NoForm(f"{expr.name} has no inverse in closed form")
    lattice = Lattice(path.axes, path.grid)
    operands = [evaluate_on_grid(o, lattice) for o in expr.operands]
    largest = max(int(o.max()) - int(o.min()) for o in operands)
    return _Curved(expr, largest.bit_length(), tuple(int(o.min()) for o in operands))


def _columns(keys: tuple[Expr, ...], path: Path) -> list[np.ndarray]:
    """The value of each key along the forward path, int64 [L]."""
    lattice = Lattice(path.axes, path.grid)
    kept = kept_patches(path.order, lattice)
    along = path.indices[::-1] if path.order.reverse else path.indices
    return [np.broadcast_to(evaluate_on_grid(k, lattice, reached=kept), path.grid).reshape(-1)[along] for k in keys]


def _strides(columns: list[np.ndarray]) -> tuple[int, ...]:
    """The step between the values of each key, within the group of patches that share the first patch's keys before."""
    same = np.ones(len(columns[0]), dtype=bool)
    strides = []
    for column in columns:
        values = column[same]
        other = values[values != values[0]]
        strides.append(abs(int(other[0] - values[0])) if len(other) else 1)
        same &= column == column[0]
    return tuple(strides)


def _group_size(columns: list[np.ndarray]) -> int:
    """How many patches share the first patch's keys: the length of the curve inside one group."""
    if not columns:
        return 1
    return int(np.logical_and.reduce([c == c[0] for c in columns]).sum())


@dataclass(frozen=True)
class _DigitRange:
    """One digit: its lowest and highest value and how many it has, over the digits before it; its stride and ``~``."""

    low: Expr
    high: Expr
    count: Expr
    stride: int
    alternate: bool


def _digit_ranges(
    keys: isl.Set, names: tuple[str, ...], strides: tuple[int, ...], alternate: tuple[bool, ...]
) -> list[_DigitRange]:
    n, ranges = len(names), []
    one = isl.Val.int_from_si(keys.get_ctx(), 1)
    for i, stride in enumerate(strides):
        upto = keys.project_out(isl.dim_type.set, i + 1, n - i - 1)
        prefix = upto.project_out(isl.dim_type.set, i, 1)
        values = isl.Map.from_range(upto).move_dims(isl.dim_type.in_, 0, isl.dim_type.out, 0, i)
        low = values.lexmin_pw_multi_aff().get_pw_aff(0)
        high = values.lexmax_pw_multi_aff().get_pw_aff(0)
        count = high.sub(low).scale_down_val(isl.Val.int_from_si(keys.get_ctx(), stride)).floor().add_constant_val(one)
        first, last, number = (simplified(expression_of(f, names[:i], prefix)) for f in (low, high, count))
        ranges.append(_DigitRange(first, last, number, stride, alternate[i]))
    return ranges


def _digits(
    ranges: list[_DigitRange], names: tuple[str, ...], cells: int, step: Expr
) -> tuple[list[tuple[str, Expr]], Expr]:
    """The digit assignments, and what is left of the step below the last digit (a curve of ``cells`` is)."""
    digits: list[tuple[str, Expr]] = []
    rest = step
    for i, digit in enumerate(ranges):
        here = {names[i]: digit.low}
        below = simplified(_replaced(_steps_below(ranges, names, i, cells), here))
        offset = Binary("*", Int(digit.stride), Binary("//", rest, below))
        value: Expr = Binary("+", digit.low, offset)
        if digit.alternate:
            value = _by_parity(names[:i], value, Binary("-", digit.high, offset))
        digits.append((names[i], simplified(value)))
        if i + 1 < len(ranges) or cells > 1:
            digits.append((f"r{i + 1}", simplified(Binary("%", rest, below))))
            rest = Digit(f"r{i + 1}")
        else:
            rest = Int(0)
    return digits, rest


def _by_parity(before: tuple[str, ...], forwards: Expr, backwards: Expr) -> Expr:
    """``forwards`` where the sum of the digits before is even, else ``backwards``."""
    if not before:
        return forwards
    total: Expr = Digit(before[0])
    for name in before[1:]:
        total = Binary("+", total, Digit(name))
    return Select(Compare("==", Binary("%", total, Int(2)), Int(0)), forwards, backwards)


def _steps_below(ranges: list[_DigitRange], names: tuple[str, ...], i: int, cells: int) -> Expr:
    """How many steps one value of digit i is held, over the digits up to it.

    The values of the next digit are held equally long, all but the last, which a ragged edge can cut short:
    below(i) = (count - 1) * below(i+1) at its first value + below(i+1) at its last.
    """
    if i + 1 == len(ranges):
        return Int(cells)
    digit, name = ranges[i + 1], names[i + 1]
    below = _steps_below(ranges, names, i + 1, cells)
    first, last = (simplified(_replaced(below, {name: e})) for e in (digit.low, digit.high))
    if first == last:
        return simplified(Binary("*", digit.count, first))
    return simplified(Binary("+", Binary("*", Binary("-", digit.count, Int(1)), first), last))


def _replaced(expr: Expr, new: Mapping[str, Expr]) -> Expr:
    return substitute(expr, lambda e: new.get(e.name) if isinstance(e, Digit) else None)


def _coordinates(
    path: Path,
    polyhedra: Polyhedra,
    keys: tuple[Expr, ...],
    names: tuple[str, ...],
    curved: _Curved | None,
    step: CurveStep | None,
) -> tuple[Expr, ...]:
    """The inverse of the key map, one expression per axis; a curve key stands in it for its own arguments."""
    if curved is not None and step is not None:
        keys = (*keys, *(_shifted(o, low) for o, low in zip(curved.curve.operands, curved.origin, strict=True)))
        names = (*names, *step.outputs)
    inverse = polyhedra.key_map(keys, path.order.where).reverse()
    if not inverse.is_single_valued():
        raise _NoForm("the keys do not determine the patch")
    function = isl.PwMultiAff.from_map(inverse)
    domain = inverse.domain()
    return tuple(simplified(expression_of(function.get_pw_aff(i), names, domain)) for i in range(len(path.axes)))


def _shifted(expr: Expr, origin: int) -> Expr:
    return expr if origin == 0 else Binary("-", expr, Int(origin))
