"""`scanlab.decompile`: arrays, functions, modules and compiled scans to a line of the language."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from time import perf_counter
from typing import Any

import numpy as np

from scanlab.decompiler.ask import Asked, ask
from scanlab.decompiler.combine import combined, gives
from scanlab.decompiler.evidence import Evidence, evidence_of
from scanlab.decompiler.judge import judge_path, too_few
from scanlab.decompiler.lines import equals_on
from scanlab.decompiler.result import Decompiled, PathFinding
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import Extents
from scanlab.ir.merges import MERGES
from scanlab.ir.text import count_text, grid_text
from scanlab.ir.values import Order, orders_of
from scanlab.language.axes import parse_axes
from scanlab.language.usual_axes import AXES_OF

__all__ = ["decompile"]

Grid = tuple[int, ...]
# How often a grid on which a line fails is added to what it is found from.
MOST_ROUNDS = 6
TELLING_PATCHES = 2048
# After so many seconds no further path is looked at.
MOST_SECONDS = 30.0


def decompile(
    source: Any, grid: Extents | None = None, *, axes: str | Iterable[str] | None = None, merge: str | None = None
) -> Decompiled:
    """The shortest line, or scan of lines, that gives the arrays on all grids shown.

    source: integer arrays by grid, {(8, 8): array}, each [L], or [K, L] for K paths, of flat row-major patch numbers;
    one array, with its `grid`; a function of the extents that returns such an array, called on several grids; a torch
    module that reads patches through index tensors; or a CompiledScan, or several by grid, whose merges and restarts
    are carried over. -1 stands for a pad, -2 for a class token, -3 for a mean token. axes: names for the extents, "h w"
    by default. merge: how the outputs of several paths merge, which arrays do not tell; "sum" where nothing is given,
    "scatter" where they share the grid out. One array that reads the whole grid several times, pass by pass, is a chain
    of its passes.

    A line is parsed, bound and compared with every array before it is given. `verdict` says whether it is the only one
    that fits (VERDICTS of scanlab.decompiler.result), and `notes` what is not settled.

    Raises S430 for what is no list of patches, S431 for patches that a grid has not, S432 for a function that fails,
    S471 for one that does not come back, and S472 for one that answers differently each time.

    >>> import scanlab
    >>> def boustrophedon(height, width):
    ...     rows = [[r * width + c for c in range(width)] for r in range(height)]
    ...     return [patch for r, row in enumerate(rows) for patch in (row[::-1] if r % 2 else row)]
    >>> print(scanlab.decompile(boustrophedon).source)
    by h, ~w
    """
    asked = ask(source, grid, axes)
    evidence = evidence_of(asked.arrays)
    own = evidence.scans[0].axes if evidence.scans else None
    names = _axes(own if axes is None else axes, len(evidence.grids[0]))
    if merge is not None and (not isinstance(merge, str) or merge not in MERGES):
        raise ScanlabError.at("S201", f"there is no merge `{merge}`", help=f"one of {', '.join(MERGES)}")
    if all(math.prod(grid) == 1 for grid in evidence.grids):
        raise ScanlabError.at("S430", "one patch has one order, which tells nothing", help="give a larger grid")
    _check_repeats(asked, evidence)
    answer = _tested(_answer(names, evidence, merge), names, evidence, asked, merge)
    grids = (*answer.grids, *answer.tested)
    few = () if answer.value is None else too_few(orders_of(answer.value), grids)
    return replace(answer, notes=tuple(dict.fromkeys((*answer.notes, *asked.notes(), *few))))


def _check_repeats(asked: Asked, evidence: Evidence) -> None:
    """Raise S472 where a function gives another array when it is asked again."""
    grid = evidence.grids[0]
    again = asked.again(grid)
    if again is None:
        return
    paths = evidence_of({grid: again}).sequences[grid]
    if len(paths) != evidence.paths or not all(map(np.array_equal, paths, evidence.sequences[grid])):
        raise ScanlabError.at(
            "S472",
            f"the function gives another array on {grid_text(grid)} when it is called again",
            help="fix its seed, or give its arrays",
        )


def _tested(
    answer: Decompiled, axes: tuple[str, ...], evidence: Evidence, asked: Asked, merge: str | None
) -> Decompiled:
    """An answer that holds on further grids as well, where there is a function to ask; what differs is evidence.

    What is said without a line rests on all grids that are asked for. A line that fails after MOST_ROUNDS is none.
    """
    for round_number in range(MOST_ROUNDS + 1):
        given = asked.further(answer)
        if not given:
            break
        further = evidence_of(given)
        if answer.value is None:
            evidence = evidence.with_more(further, further.grids)
            answer = _answer(axes, evidence, merge)
            continue
        apart = [grid for grid in further.grids if not gives(answer.value, grid, further.sequences[grid])]
        settling = _settling(answer, further)
        if not apart and (not settling or round_number == MOST_ROUNDS):
            return replace(answer, tested=further.grids)
        if round_number == MOST_ROUNDS:
            refuted = tuple(p.order for p in answer.paths)
            return _answer(axes, evidence.with_more(further, further.grids), merge, refuted)
        new = {apart[0]} if apart else {*settling, _telling(further.grids)}
        evidence = evidence.with_more(further, new)
        answer = _answer(axes, evidence, merge)
    return answer


def _settling(answer: Decompiled, further: Evidence) -> set[Grid]:
    """Grids that settle between a line that holds there and another: the smallest, or one on which the other fails."""
    passes = further if further.paths == len(answer.paths) else further.in_passes()
    sequences = {} if passes is None else passes.sequences
    found = set()
    for number, path in enumerate(answer.paths):
        if path.settled_by in further.sequences:
            found.add(path.settled_by)
        elif path.rival is not None:
            rival = path.rival
            fails = (g for g in further.grids if g in sequences and not equals_on(rival, g, sequences[g][number]))
            found.update(islice(fails, 1))
    return found


def _telling(grids: Iterable[Grid]) -> Grid:
    """The largest of some grids that is still searched in little time: it parts most lines that fit small ones."""
    return max(grids, key=lambda grid: math.prod(grid) if math.prod(grid) <= TELLING_PATCHES else 0)


def _answer(
    axes: tuple[str, ...], evidence: Evidence, merge: str | None, refuted: Sequence[Order | None] = ()
) -> Decompiled:
    """What there is to say of some evidence. refuted: lines of its paths that fit but some of it."""
    passes = evidence.in_passes() if merge in (None, "chain") else None
    if passes is not None:
        evidence, merge = passes, "chain"
    faults = list(evidence.faults())
    paths = []
    known: dict[bytes, PathFinding] = {}
    start = perf_counter()
    for number in range(evidence.paths):
        key = b"|".join(evidence.sequences[grid][number].tobytes() for grid in evidence.grids)
        if key not in known and perf_counter() - start > MOST_SECONDS:
            why = f"it was not looked at: the paths before it took more than {MOST_SECONDS:g} seconds"
            known[key] = PathFinding("no line", notes=(why,))
        if key not in known:
            own = [fault for fault in faults if fault.path == number]
            line = refuted[number] if number < len(refuted) else None
            known[key] = judge_path(axes, evidence, number, own, line)
        paths.append(known[key])
    return combined(axes, evidence, tuple(paths), merge, [f for f in faults if f.path is None])


def _axes(given: str | Iterable[str] | None, count: int) -> tuple[str, ...]:
    """Names for the extents. Raises S212 and S400."""
    if given is None and count not in AXES_OF:
        words = f"the grids have {count_text(count, 'extent')}, which have no usual names"
        raise ScanlabError.at("S400", words, help="name them, as in axes='a b c d e'")
    names = parse_axes(AXES_OF[count] if given is None else given)
    if len(names) != count:
        raise ScanlabError.at(
            "S400",
            f"the grids have {count_text(count, 'extent')}, and there are {count_text(len(names), 'axis')}",
            help="name one axis per extent",
        )
    return names
