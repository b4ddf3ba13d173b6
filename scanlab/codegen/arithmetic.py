"""From index expressions to the arithmetic of a sequence: what turns its step into the row it visits.

The index form of a path gives the patch from the step p among the path's patches. A sequence's step also counts virtual
tokens and, in a chain, the steps of the paths before:

    p   = step - (steps before this path) - (tokens before this step), or L - 1 less that where the path is reversed
    row = patch(p), or the row of the token that stands at this step
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from dataclasses import replace

from scanlab.codegen.intervals import Interval, NoArithmetic, bounds, without_negative_dividends
from scanlab.codegen.lines import Arithmetic, Assignment, Line, simpler, tidied
from scanlab.compiler.bind import Path
from scanlab.compiler.index_form import CurveStep
from scanlab.ir.constants import simplified
from scanlab.ir.expr import Binary, Compare, Digit, Expr, Int, Logic, Select, nodes_of, substitute

__all__ = ["arithmetic"]

STEP = Digit("step")
_LOCALS = {"b", "gray", "low", "flip", "p", "rank", "row", "s", "swap"}
_RESERVED = _LOCALS | {"njit", "step", "steps", "tl", "sequence", "triton"}


def arithmetic(paths: Sequence[Path], token_rows: dict[int, int]) -> Arithmetic:
    """The arithmetic of the sequence that takes ``paths`` one after the other. Raises NoArithmetic."""
    lines: list[Line] = []
    start, ends, rows = 0, [], []
    for number, path in enumerate(paths):
        below, row = _path(path, token_rows, start, "" if len(paths) == 1 else f"_{number + 1}")
        lines += below
        rows.append(row)
        start += len(path.sequence)
        ends.append(start)
    row = rows[-1]
    for earlier, end in reversed(list(zip(rows[:-1], ends[:-1], strict=True))):
        row = Select(Compare("<", STEP, Int(end)), earlier, row)
    return tidied(_bounded(tidied(Arithmetic(tuple(lines), row)), start))


def _path(path: Path, token_rows: dict[int, int], start: int, suffix: str) -> tuple[list[Line], Expr]:
    """The lines of one path, every name with the suffix, and its row."""
    form = path.index_form
    if form.patch is None:
        raise NoArithmetic(form.reason)
    names = dict(zip(path.axes, _coordinate_names(path.axes), strict=True))
    lines: list[Line] = [_patch_step(path, start, suffix)]
    lines += [Assignment(name + suffix, _renamed(_forwards(expr, path), {}, suffix)) for name, expr in form.digits]
    if form.curve is not None:
        outputs = tuple(x + suffix for x in form.curve.outputs)
        lines.append(replace(form.curve, rank=_renamed(_forwards(form.curve.rank, path), {}, suffix), outputs=outputs))
    for axis, expr in zip(path.axes, form.coordinates, strict=True):
        lines.append(Assignment(names[axis] + suffix, _renamed(expr, {}, suffix)))
    row = _renamed(form.patch, names, suffix)
    at: dict[str, list[int]] = {}
    for name, position in path.token_positions:
        at.setdefault(name, []).append(position)
    for positions in at.values():
        token = int(path.sequence[positions[0]])
        row = Select(_any_of([Compare("==", STEP, Int(start + q)) for q in positions]), Int(token_rows[token]), row)
    return lines, row


def _forwards(expr: Expr, path: Path) -> Expr:
    """The expression over the step of the forward path, which is what `p` holds here."""
    backwards = Binary("-", Int(len(path.indices) - 1), Digit("p"))
    return substitute(expr, lambda e: Digit("p") if path.order.reverse and e == backwards else None)


def _patch_step(path: Path, start: int, suffix: str) -> Assignment:
    """The step among the patches of the forward path; elsewhere than at its patches the value does not matter."""
    positions = [position for _, position in path.token_positions]
    leading = 0
    while leading in positions:
        leading += 1
    expr = simplified(Binary("-", STEP, Int(start + leading)))
    for q in positions[leading:]:
        if q < len(path.sequence) - 1:
            expr = Binary("-", expr, Select(Compare(">", STEP, Int(start + q)), Int(1), Int(0)))
    if path.order.reverse:
        expr = simpler(Binary("-", Int(len(path.indices) - 1), expr))
    return Assignment("p" + suffix, expr, Interval(0, len(path.indices) - 1))


def _bounded(value: Arithmetic, steps: int) -> Arithmetic:
    """The same rows without divisions of negative numbers, all within 32 bits. Raises NoArithmetic."""
    known = {"step": Interval(0, steps - 1)}
    lines: list[Line] = []
    for line in value.lines:
        if isinstance(line, CurveStep):
            curve = replace(line, rank=without_negative_dividends(line.rank, known))
            known |= _curve_bounds(curve, known)
            lines.append(curve)
            continue
        expr = without_negative_dividends(line.expr, known)
        known[line.name] = line.within or bounds(expr, known)
        lines.append(Assignment(line.name, expr))
    row = without_negative_dividends(value.row, known)
    bounds(row, known)
    bounded = Arithmetic(tuple(lines), row)
    parts = [e for place in bounded.expressions for e in nodes_of(place)]
    plain = all(isinstance(e.right, Int) for e in parts if isinstance(e, Binary) and e.op in ("//", "%"))
    return replace(bounded, unsigned=plain and all(bounds(e, known).low >= 0 for e in parts))


def _curve_bounds(step: CurveStep, known: dict[str, Interval]) -> dict[str, Interval]:
    cells = 2 ** (step.bits * len(step.outputs))
    rank = bounds(step.rank, known)
    if rank.low < 0 or rank.high >= cells or cells > 2**30:
        raise NoArithmetic("a rank might lie outside the curve's cube")
    return dict.fromkeys(step.outputs, Interval(0, 2**step.bits - 1))


def _any_of(conditions: list[Expr]) -> Expr:
    result = conditions[0]
    for condition in conditions[1:]:
        result = Logic("or", result, condition)
    return result


def _coordinate_names(axes: tuple[str, ...]) -> tuple[str, ...]:
    """The axes' own names where they are plain words that the generated text does not use otherwise."""
    plain = all(re.fullmatch("[a-z]{1,12}", a) and a not in _RESERVED and not keyword.iskeyword(a) for a in axes)
    return axes if plain else tuple(f"axis{i + 1}" for i in range(len(axes)))


def _renamed(expr: Expr, names: dict[str, str], suffix: str) -> Expr:
    return substitute(expr, lambda e: Digit(names.get(e.name, e.name) + suffix) if isinstance(e, Digit) else None)
