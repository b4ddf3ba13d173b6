"""`scanlab.decompile`: arrays, functions, modules and compiled scans to a line of the language."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from time import perf_counter
from typing import Any

import numpy as np

from scanlab.compiler.bind import CompiledScan, bind
from scanlab.compiler.equivalences import find_equivalences
from scanlab.compiler.prove import prove
from scanlab.decompiler.ask import Asked, ask
from scanlab.decompiler.evidence import Evidence, Fault, evidence_of
from scanlab.decompiler.judge import judge_path, too_few
from scanlab.decompiler.result import Decompiled, Nearest, PathFinding
from scanlab.ir.diagnostics import ScanlabError, Source
from scanlab.ir.grids import Extents
from scanlab.ir.merges import MERGES
from scanlab.ir.text import count_text, grid_text
from scanlab.ir.values import Order, Plan, Scan, Value, orders_of
from scanlab.language.axes import parse_axes
from scanlab.language.library import library_definitions, library_templates
from scanlab.language.module import parse_value
from scanlab.language.usual_axes import AXES_OF

__all__ = ["decompile"]

Grid = tuple[int, ...]
# How often a grid on which a line fails is added to what it is found from.
MOST_ROUNDS = 6
TELLING_PATCHES = 2048
MOST_NOTES = 6
# After so many seconds no further path is looked at.
MOST_SECONDS = 30.0
# From the worst: what is said of a scan is what is worst of its paths.
_WORST = ("not a permutation", "padded", "ranks", "no line", "some sizes", "several lines", "line")


def decompile(
    source: Any, grid: Extents | None = None, *, axes: str | Iterable[str] | None = None, merge: str | None = None
) -> Decompiled:
    """The shortest line, or scan of lines, that gives the arrays on all grids shown.

    source: integer arrays by grid, {(8, 8): array}, each [L], or [K, L] for K paths, of flat row-major patch numbers;
    one array, with its `grid`; a function of the extents that returns such an array, called on several grids; a torch
    module that reads patches through index tensors; or a CompiledScan, or several by grid. -1 stands for a pad, -2 for
    a class token, -3 for a mean token. axes: names for the extents, "h w" by default. merge: how the outputs of several
    paths merge, which arrays do not tell; "sum" where nothing is given. One array that reads the whole grid several
    times, pass by pass, is a chain of its passes.

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
    names = _axes(axes, len(evidence.grids[0]))
    chosen = asked.merge if merge is None else merge
    if chosen is not None and (not isinstance(chosen, str) or chosen not in MERGES):
        raise ScanlabError.at("S201", f"there is no merge `{chosen}`", help=f"one of {', '.join(MERGES)}")
    if all(math.prod(grid) == 1 for grid in evidence.grids):
        raise ScanlabError.at("S430", "one patch has one order, which tells nothing", help="give a larger grid")
    _check_repeats(asked, evidence)
    answer = _tested(_answer(names, evidence, chosen), names, evidence, asked, chosen)
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
    """An answer that holds on further grids as well, where there is a function to ask; what differs is evidence."""
    for _ in range(MOST_ROUNDS):
        further = asked.further(answer)
        if not further:
            break
        apart = {grid: array for grid, array in further.items() if not _agrees(answer, grid, array)}
        settling = {p.settled_by for p in answer.paths if p.settled_by in further}
        if not apart and not settling:
            return replace(answer, tested=tuple(further))
        new = {min(apart, key=math.prod)} if apart else {*settling, _telling(further)}
        evidence = Evidence({**evidence.sequences, **evidence_of({g: further[g] for g in new if g}).sequences})
        answer = _answer(axes, evidence, merge)
    return answer


def _telling(grids: Iterable[Grid]) -> Grid:
    """The largest of some grids that is still searched in little time: it parts most lines that fit small ones."""
    return max(grids, key=lambda grid: math.prod(grid) if math.prod(grid) <= TELLING_PATCHES else 0)


def _agrees(answer: Decompiled, grid: Grid, array: Any) -> bool:
    given = evidence_of({grid: array}).sequences[grid]
    if answer.value is None:
        return True
    return _gives(answer.value, grid, given)


def _gives(value: Value, grid: Grid, sequences: Sequence[np.ndarray]) -> bool:
    """Whether a value has these sequences on a grid."""
    try:
        bound = bind(value, grid)
    except ScanlabError:
        return False
    assert isinstance(bound, CompiledScan)
    own = [path.sequence for path in bound.paths]
    if isinstance(value, Scan) and value.rule.joins and len(sequences) == 1:
        own = [np.concatenate(own)]
    return len(own) == len(sequences) and all(map(np.array_equal, own, sequences))


def _answer(axes: tuple[str, ...], evidence: Evidence, merge: str | None) -> Decompiled:
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
            known[key] = judge_path(axes, evidence, number, own)
        paths.append(known[key])
    return _combined(axes, evidence, tuple(paths), merge, [f for f in faults if f.path is None])


def _combined(
    axes: tuple[str, ...],
    evidence: Evidence,
    paths: tuple[PathFinding, ...],
    merge: str | None,
    uncovered: Sequence[Fault],
) -> Decompiled:
    """All paths together. uncovered: grids on which patches are read by no path."""
    verdict = min((p.verdict for p in paths), key=_WORST.index)
    notes = [f"path {i}: {note}" if len(paths) > 1 else note for i, p in enumerate(paths) for note in p.notes]
    nearest = next((p.nearest for p in paths if p.nearest is not None), None)
    text: str | None = None
    value: Order | Scan | None = None
    proof = name = None
    orders = [p.order for p in paths]
    if uncovered:
        verdict = "not a permutation"
        notes = [*map(str, uncovered[:2]), *notes]
        read = next((order for order in orders if order is not None), None)
        nearest = nearest or (None if read is None else Nearest(str(read), "of the patches that are read"))
    elif all(order is not None for order in orders):
        text = str(_value([o for o in orders if o is not None], evidence, merge))
        value = _read_back(text, axes, evidence)
        if isinstance(value, Scan) and value.merge == "sum" and merge is None:
            notes.append("how the outputs merge is not in the arrays: sum is assumed")
        proof, name = prove(value), _library_name(value)
        if proof.verdict == "refuted":
            verdict = min(verdict, "several lines", key=_WORST.index)
            notes.append(f"it is no order {proof.counterexample or 'everywhere'}, so another line must be meant")
    listed = list(dict.fromkeys(notes))
    left = len(listed) - MOST_NOTES
    shown = (*listed[:MOST_NOTES], f"and {left} more of the kind") if left > 0 else tuple(listed)
    return Decompiled(verdict, text, value, proof, name, nearest, shown, evidence.grids, (), paths)


def _value(orders: Sequence[Order], evidence: Evidence, merge: str | None) -> Order | Scan:
    """The order, or the scan of the orders; a path that is an earlier one backwards is written so."""
    if len(orders) == 1:
        return orders[0]
    parts: list[Order] = []
    for number, order in enumerate(orders):
        mirrored = next((i for i in range(number) if _backwards(evidence, i, number)), None)
        parts.append(order if mirrored is None or order.tokens else -parts[mirrored])
    # Where each patch is read by one path alone, only a scatter puts them together.
    return Scan(merge or ("scatter" if any(order.partial for order in parts) else "sum"), tuple(parts))


def _backwards(evidence: Evidence, one: int, other: int) -> bool:
    return all(np.array_equal(paths[one][::-1], paths[other]) for paths in evidence.sequences.values())


def _read_back(text: str, axes: tuple[str, ...], evidence: Evidence) -> Order | Scan:
    """What the parser makes of a text, bound and compared with every array: the road that a user will take."""
    value = parse_value(Source(text), axes, library_templates)
    if isinstance(value, Plan) or not all(_gives(value, grid, steps) for grid, steps in evidence.sequences.items()):
        raise ScanlabError.at(
            "S308", f"`{text}` was found for these arrays and does not give them", help="report this as a mistake"
        )
    return value


def _library_name(value: Order | Scan) -> str | None:
    """What the library calls it: an entry that is proved the same, as it is, or else reversed or transposed."""
    own = find_equivalences(value, _library(len(value.axes)))
    proved = [match for match in own if match.proof.verdict == "proved"]
    best = min(proved, key=lambda match: (len(match.how), len(match.name)), default=None)
    return None if best is None else str(best)


@cache
def _library(axes: int) -> Mapping[str, Value]:
    return {
        name: definition.value
        for name, definition in library_definitions().items()
        if definition.value is not None and len(definition.axes) == axes
    }


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
