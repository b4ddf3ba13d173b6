"""From evidence to a verdict: lines path by path, and what keeps a path from having one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, islice, product

import numpy as np

from scanlab.decompiler.evidence import PAD, Evidence, Fault
from scanlab.decompiler.lines import RIVALS, Line, equals_on, is_believed, lines_of, rival_of, sequence_on, unseen_axes
from scanlab.decompiler.result import Nearest, PathFinding
from scanlab.decompiler.search import Budget
from scanlab.decompiler.sizes import KINDS, kind_of_sizes
from scanlab.ir.expr import Binary, Expr, Extent, Int, nodes_of
from scanlab.ir.text import count_text, grid_text
from scanlab.ir.values import Order, nodes_in, orders_of
from scanlab.language.library import library_definitions

__all__ = ["judge_path", "too_few"]

Grid = tuple[int, ...]
# A search for what is not the answer may cost less.
SHORT = Budget(states=120)
# A line that is right at fewer steps than this is no near miss.
NEAR = 0.5
# There are about so many keys, plain and with ~, to choose from: 2 ** 9.
BITS_OF_A_KEY = 9
# What holds on a part is searched for on so many grids, the smallest, and tried on all.
MOST_SEARCHED = 6
# On larger grids no near miss is looked for: hundreds of orders would be sorted.
NEAR_PATCHES = 1 << 14
# Fewer patches along an axis do not tell a line from one by blocks of two or more.
FEW = 5
# Fewer patches show too little to say anything of a kind of grids.
SMALLEST = 9


def judge_path(
    axes: tuple[str, ...], evidence: Evidence, number: int, faults: Sequence[Fault], refuted: Order | None = None
) -> PathFinding:
    """What one path is. faults: those of this path; refuted: a line that was searched for long, and fits but a part."""
    grids = evidence.grids
    sequences = [(grid, evidence.sequences[grid][number]) for grid in grids]
    if faults:
        return _faulty(axes, evidence, number, faults)
    if refuted is not None and (bad := _failing(refuted, evidence, number)):
        return _partly_right(refuted, evidence, number, bad)
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
        return PathFinding("several lines", line.order, notes=(note,), settled_by=grid, rival=other.order)
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
        if not is_believed(order, grids):
            longest = max(max(grid) for grid in grids)
            yield f"seen up to {longest} patches along an axis: a constant of the line is more than half of that"
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
        line = None if line is None or _by_chance(line, good) else line
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
    ranks = _ranks(axes, {grid: evidence.sequences[grid][number] for grid in grids})
    if ranks is not None:
        return ranks
    partly = _on_some_sizes(axes, evidence, number)
    if partly is not None:
        return partly
    return PathFinding("no line", nearest=_near_miss(axes, evidence, number))


def _ranks(axes: tuple[str, ...], paths: Mapping[Grid, np.ndarray]) -> PathFinding | None:
    """A path whose inverse has a line, and one that is no accident."""
    if any(not np.array_equal(np.sort(path), np.arange(math.prod(grid))) for grid, path in paths.items()):
        return None
    found = lines_of(axes, [(grid, np.argsort(path)) for grid, path in paths.items()])
    line = next(found, None)
    if line is None or not line.believed or _by_chance(line, paths):
        return None
    notes = [*_exchanged(paths)]
    if (rival := rival_of(line, found)) is not None:
        notes.append(f"`{rival[0].order}` has that inverse as well, and differs on {grid_text(rival[1])}")
    turned = [((grid[1], grid[0]), path) for grid, path in paths.items() if len(grid) == 2]
    if any(grid[0] != grid[1] for grid, _ in turned) and (other := next(lines_of(axes, turned, SHORT), None)):
        notes.append(
            f"or {' and '.join(axes)} are exchanged: with the extents the other way round it is `{other.order}`"
        )
    return PathFinding("ranks", nearest=Nearest(str(line.order), "inverse"), notes=tuple(notes))


def _by_chance(line: Line, grids: Iterable[Grid]) -> bool:
    """Whether one of so many lines could fit arrays of these grids that have none: there are not many more of those."""
    keys = len(line.order.keys)
    return 2 * BITS_OF_A_KEY * keys > sum(math.lgamma(math.prod(grid) + 1) for grid in grids) / math.log(2)


def _exchanged(paths: Mapping[Grid, np.ndarray]) -> Iterator[str]:
    """Where steps and patches are exchanged, on the first grid on which that shows."""
    for grid, path in paths.items():
        ranks = np.argsort(path)
        apart = np.flatnonzero(path != ranks)
        if len(apart):
            step = int(apart[0])
            yield (
                f"on {grid_text(grid)}, step {step} reads patch {path[step]}, where the inverse reads {ranks[step]}: an"
                " array has the patch of every step, and this one may have the step of every patch"
            )
            return


def _on_some_sizes(axes: tuple[str, ...], evidence: Evidence, number: int) -> PathFinding | None:
    """A line that is right on grids of one kind, where there is one."""
    given = {grid: evidence.sequences[grid][number] for grid in evidence.grids}
    tried = set()
    for _, holds in KINDS:
        some = tuple(filter(holds, given))
        if not some or len(some) == len(given) or math.prod(some[-1]) < SMALLEST or some[:MOST_SEARCHED] in tried:
            continue
        tried.add(some[:MOST_SEARCHED])
        line = next(lines_of(axes, [(g, given[g]) for g in some[:MOST_SEARCHED]], SHORT), None)
        if line is not None and line.believed and not _by_chance(line, some):
            return _partly_right(line.order, evidence, number, _failing(line.order, evidence, number))
    return None


def _failing(order: Order, evidence: Evidence, number: int) -> tuple[Grid, ...]:
    """The grids on which an order does not give a path."""
    return tuple(g for g in evidence.grids if not equals_on(order, g, evidence.sequences[g][number]))


def _partly_right(order: Order, evidence: Evidence, number: int, bad: tuple[Grid, ...]) -> PathFinding:
    good = tuple(grid for grid in evidence.grids if grid not in bad)
    nearest = Nearest(str(order), f"on {kind_of_sizes(good, bad)}")
    return PathFinding("some sizes", nearest=nearest, notes=(_departure(order, evidence, number, bad),))


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
    few = islice(given.items(), MOST_SEARCHED)
    own = (next(lines_of(axes, [(g, steps)], SHORT), None) for g, steps in few)
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
    # On the largest grid on which it differs, and is near.
    for grid in reversed(evidence.grids):
        line, steps = sequence_on(best[1], grid), given[grid]
        differing = int((line != steps).sum()) if line is not None and len(line) == len(steps) else 0
        if 0 < differing <= (1 - NEAR) * len(steps):
            return Nearest(str(best[1]), "near miss", differing, len(steps), grid)
    return None


@cache
def _library_orders(axes: tuple[str, ...]) -> tuple[Order, ...]:
    return tuple(dict.fromkeys(_all_library_orders(axes)))


def _all_library_orders(axes: tuple[str, ...]) -> Iterator[Order]:
    for definition in library_definitions().values():
        if definition.value is not None and definition.axes == axes:
            yield from orders_of(definition.value)
