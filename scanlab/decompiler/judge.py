"""From evidence to a verdict: lines path by path, and what keeps a path from having one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, islice, product

import numpy as np

from scanlab.decompiler.evidence import PAD, Evidence, Fault
from scanlab.decompiler.lines import RIVALS, Line, equals_on, lines_of, rival_of, sequence_on, unseen_axes
from scanlab.decompiler.result import Nearest, PathFinding
from scanlab.decompiler.search import Budget
from scanlab.ir.expr import Binary, Expr, Extent, Int, nodes_of
from scanlab.ir.text import count_text, grid_text
from scanlab.ir.values import Order, nodes_in, orders_of
from scanlab.language.library import library_definitions

__all__ = ["judge_path", "kind_of_sizes", "too_few"]

Grid = tuple[int, ...]
# A search for what is not the answer may cost less.
SHORT = Budget(states=120)
# A line that is right at fewer steps than this is no near miss.
NEAR = 0.5
# On larger grids no near miss is looked for: hundreds of orders would be sorted.
NEAR_PATCHES = 1 << 14
# Fewer patches along an axis do not tell a line from one by blocks of two or more.
FEW = 5
# Fewer patches show too little to say anything of a kind of grids.
SMALLEST = 9


def judge_path(axes: tuple[str, ...], evidence: Evidence, number: int, faults: Sequence[Fault]) -> PathFinding:
    """What one path is. faults: those of this path."""
    grids = evidence.grids
    sequences = [(grid, evidence.sequences[grid][number]) for grid in grids]
    if faults:
        return _faulty(axes, evidence, number, faults)
    found = lines_of(axes, sequences)
    line = next(found, None)
    if line is None:
        return _without_a_line(axes, evidence, number)
    if unseen := unseen_axes(axes, grids):
        return _not_settled(line, unseen, axes, grids)
    if _sound(line.order):
        return _with_rivals(line, found, grids)
    others = list(islice(found, RIVALS))
    sound = next((i for i, other in enumerate(others) if _sound(other.order)), None)
    if sound is not None:
        line, others[sound] = others[sound], line
    elif (known := _known_order(axes, sequences)) is not None:
        others.insert(0, line)
        line = Line(known, len(str(known)), True)
    return _with_rivals(line, iter(others), grids)


def _sound(order: Order) -> bool:
    """Whether an order has a path on the smallest grids too, where a part such as H // 2 of a short axis is nothing,
    and divides by no such part, which no proof for all sizes can follow.
    """
    parts = [node.right for node in nodes_in(order) if isinstance(node, Binary) and node.op == "//"]
    if any(isinstance(below, Extent) for part in parts for below in nodes_of(part)):
        return False
    return all(sequence_on(order, grid) is not None for grid in product((1, 2, 3), repeat=len(order.axes)))


def _known_order(axes: tuple[str, ...], sequences: Sequence[tuple[Grid, np.ndarray]]) -> Order | None:
    """An order of the library that gives a path on all grids."""
    fitting = (o for o in _library_orders(axes) if all(equals_on(o, grid, steps) for grid, steps in sequences))
    return next(fitting, None)


def _with_rivals(line: Line, others: Iterator[Line], grids: Sequence[Grid]) -> PathFinding:
    rival = rival_of(line, others)
    if rival is not None:
        other, grid = rival
        shown = ", ".join(map(grid_text, grids))
        note = f"`{other.order}` gives the same on {shown}; an array of {grid_text(grid)} would settle it"
        return PathFinding("several lines", line.order, notes=(note,), settled_by=grid)
    if not line.believed:
        longest = max(max(grid) for grid in grids)
        note = f"seen up to {longest} patches along an axis: a constant of the line is more than half of that"
        return PathFinding("line", line.order, notes=(note,))
    return PathFinding("line", line.order)


def _not_settled(line: Line, unseen: Sequence[str], axes: tuple[str, ...], grids: Sequence[Grid]) -> PathFinding:
    """A line over axes of which no grid shown has two patches."""
    settled_by = tuple(max(2, *(grid[i] for grid in grids)) for i in range(len(axes)))
    names = " and ".join(f"`{axis}`" for axis in unseen)
    note = (
        f"no grid shown has two patches along {names}: where in the line that stands is not settled; an array of "
        f"{grid_text(settled_by)} would settle it"
    )
    return PathFinding("several lines", line.order, notes=(note,), settled_by=settled_by)


def too_few(orders: Iterable[Order], grids: Sequence[Grid]) -> Iterator[str]:
    """Notes on lines that hold on all of some grids, where these are too small or too few to tell them from others."""
    seen = [i for i in range(len(grids[0])) if any(grid[i] > 1 for grid in grids)]
    smallest_side = max(min(grid[i] for i in seen) for grid in grids)
    if smallest_side < FEW:
        yield f"no grid shown has {FEW} patches along every axis: orders by blocks look alike on smaller ones"
    # Along a grid of one row, say, many lines do the same.
    spread = [grid for grid in grids if all(grid[i] > 1 for i in seen)] or grids
    for order in dict.fromkeys(orders):
        nodes = list(nodes_in(order))
        largest = max((node.value for node in nodes if isinstance(node, Int)), default=1)
        sizes = {order.axes[i]: {grid[i] for grid in spread} for i in seen}
        once = [f"`{axis}`" for axis, extents in sizes.items() if sum(extent > largest for extent in extents) < 2]
        if once:
            beyond = f" beyond {largest}" if largest > 1 else ""
            yield f"fewer than two sizes of {' and '.join(once)}{beyond} were shown: the line may depend on the size"
        for axis, k in sorted(_parts(nodes)):
            if len({extent % k for extent in sizes.get(axis, ())}) == 1:
                yield f"all sizes of `{axis}` shown leave the same rest by {k}: how it is divided is not settled"


def _parts(nodes: Sequence[Expr]) -> set[tuple[str, int]]:
    """The extents that are divided by numbers, such as H // 2 and (H + 1) // 2, as axis and number."""
    divided = [(n.left, n.right) for n in nodes if isinstance(n, Binary) and n.op == "//"]
    return {
        (below.name, right.value)
        for left, right in divided
        if isinstance(right, Int)
        for below in nodes_of(left)
        if isinstance(below, Extent)
    }


def _faulty(axes: tuple[str, ...], evidence: Evidence, number: int, faults: Sequence[Fault]) -> PathFinding:
    """A path that reads pads, or patches more than once or never."""
    bad = {fault.grid for fault in faults}
    twice = any(fault.kind != "padded" for fault in faults)
    notes = tuple(map(str, faults[:2]))
    nearest = None
    good = tuple(grid for grid in evidence.grids if grid not in bad)
    if not twice:
        stripped = [(g, steps[steps != PAD]) for g in evidence.grids if len(steps := evidence.sequences[g][number])]
        line = next(lines_of(axes, stripped, SHORT), None)
        nearest = line and Nearest(str(line.order), "without the pads")
    if nearest is None and good:
        line = next(lines_of(axes, [(g, evidence.sequences[g][number]) for g in good], SHORT), None)
        nearest = line and Nearest(str(line.order), f"on {kind_of_sizes(good, tuple(bad))}")
    if nearest is None:
        nearest = _near_miss(axes, evidence, number)
    return PathFinding("not a permutation" if twice else "padded", nearest=nearest, notes=notes)


def _without_a_line(axes: tuple[str, ...], evidence: Evidence, number: int) -> PathFinding:
    """What a path is for which the search has no line: one of the library's, ranks, right on some sizes, or none."""
    grids = evidence.grids
    known = _known_order(axes, [(grid, evidence.sequences[grid][number]) for grid in grids])
    if known is not None:
        return PathFinding("line", known)
    paths = {grid: evidence.path(number, grid) for grid in grids}
    if all(len(path) == math.prod(grid) == len(evidence.sequences[grid][number]) for grid, path in paths.items()):
        inverse = next(lines_of(axes, [(g, np.argsort(path)) for g, path in paths.items()]), None)
        if inverse is not None:
            note = _exchanged(paths)
            return PathFinding("ranks", nearest=Nearest(str(inverse.order), "inverse"), notes=note)
    partly = _on_some_sizes(axes, evidence, number)
    if partly is not None:
        return partly
    return PathFinding("no line", nearest=_near_miss(axes, evidence, number))


def _exchanged(paths: Mapping[Grid, np.ndarray]) -> tuple[str, ...]:
    """Where steps and patches are exchanged, on the first grid on which that shows."""
    for grid, path in paths.items():
        ranks = np.argsort(path)
        apart = np.flatnonzero(path != ranks)
        if len(apart):
            step = int(apart[0])
            return (
                f"on {grid_text(grid)}, step {step} reads patch {path[step]}, and patch {step} is read at step "
                f"{ranks[step]}: the array has the step of every patch where the patch of every step belongs",
            )
    return ()


def _on_some_sizes(axes: tuple[str, ...], evidence: Evidence, number: int) -> PathFinding | None:
    """A line that is right on grids of one kind, where there is one."""
    given = {grid: evidence.sequences[grid][number] for grid in evidence.grids}
    tried = set()
    for _, holds in KINDS:
        some = tuple(filter(holds, given))
        if not some or len(some) == len(given) or math.prod(some[-1]) < SMALLEST or some in tried:
            continue
        tried.add(some)
        line = next(lines_of(axes, [(g, given[g]) for g in some], SHORT), None)
        if line is None or not line.believed:
            continue
        good = tuple(g for g, steps in given.items() if equals_on(line.order, g, steps))
        bad = tuple(g for g in given if g not in good)
        nearest = Nearest(str(line.order), f"on {kind_of_sizes(good, bad)}")
        return PathFinding("some sizes", nearest=nearest, notes=(_departure(line.order, evidence, number, bad),))
    return None


def _departure(order: Order, evidence: Evidence, number: int, grids: Sequence[Grid]) -> str:
    """Where a path leaves a line, on the smallest of some grids on which it does."""
    for grid in grids:
        given, line = evidence.sequences[grid][number], sequence_on(order, grid)
        if line is None or len(line) != len(given):
            own = "no path" if line is None else count_text(len(line), "step")
            return f"on {grid_text(grid)} there are {count_text(len(given), 'step')}, and `{order}` has {own}"
        apart = np.flatnonzero(line != given)
        if len(apart):
            step = int(apart[0])
            return f"on {grid_text(grid)}, step {step} reads patch {given[step]} where `{order}` has patch {line[step]}"
    return ""


def _near_miss(axes: tuple[str, ...], evidence: Evidence, number: int) -> Nearest | None:
    """The line that is right at the most steps: of those of single grids, and of the library's."""
    given = {grid: evidence.sequences[grid][number] for grid in evidence.grids}
    if math.prod(evidence.grids[-1]) > NEAR_PATCHES:
        return None
    own = (next(lines_of(axes, [(g, steps)], SHORT), None) for g, steps in given.items())
    known = chain((line.order for line in own if line is not None), _library_orders(axes))
    best: tuple[int, Order] | None = None
    total = sum(len(steps) for steps in given.values())
    for order in known:
        equal = 0
        for grid, steps in given.items():
            line = sequence_on(order, grid)
            equal += int((line == steps).sum()) if line is not None and len(line) == len(steps) else 0
        if best is None or equal > best[0]:
            best = (equal, order)
    if best is None or best[0] < NEAR * total:
        return None
    # On the largest grid on which it differs at all.
    for grid in reversed(evidence.grids):
        line, steps = sequence_on(best[1], grid), given[grid]
        if line is not None and len(line) == len(steps) and (line != steps).any():
            return Nearest(str(best[1]), "near miss", int((line != steps).sum()), len(steps), grid)
    return None


@cache
def _library_orders(axes: tuple[str, ...]) -> tuple[Order, ...]:
    return tuple(dict.fromkeys(_all_library_orders(axes)))


def _all_library_orders(axes: tuple[str, ...]) -> Iterator[Order]:
    for definition in library_definitions().values():
        if definition.value is not None and definition.axes == axes:
            yield from orders_of(definition.value)


def kind_of_sizes(good: Sequence[Grid], bad: Sequence[Grid]) -> str:
    """The grids on which something holds, in a word where one alone tells them from the others; else each of them.

    >>> kind_of_sizes([(4, 4), (7, 7)], [(5, 8)])
    'squares only'
    >>> kind_of_sizes([(3, 5), (4, 4)], [(7, 7)])
    '3x5 and 4x4 alone'
    """
    kinds = [kind for kind, holds in KINDS if all(map(holds, good)) and not any(map(holds, bad))]
    if len(kinds) == 1:
        return f"{kinds[0]} only"
    listed = " and ".join(map(grid_text, good)) if len(good) < 4 else f"{len(good)} of {len(good) + len(bad)} grids"
    return f"{listed} alone" + (f" ({', or '.join(kinds)}: what was shown does not tell)" if kinds else "")


def _divided(k: int) -> Callable[[Grid], bool]:
    return lambda grid: all(n % k == 0 for n in grid)


KINDS: tuple[tuple[str, Callable[[Grid], bool]], ...] = (
    ("squares", lambda grid: len(set(grid)) == 1),
    ("even sizes", _divided(2)),
    ("odd sizes", lambda grid: all(n % 2 for n in grid)),
    ("powers of two", lambda grid: all(n & (n - 1) == 0 for n in grid)),
    ("squares of a power of two", lambda grid: len(set(grid)) == 1 and all(n & (n - 1) == 0 for n in grid)),
    ("even squares", lambda grid: len(set(grid)) == 1 and grid[0] % 2 == 0),
    ("grids that are not higher than wide", lambda grid: len(grid) == 2 and grid[0] <= grid[1]),
    *((f"sizes that {k} divides", _divided(k)) for k in (3, 4, 5, 7, 8)),
)
