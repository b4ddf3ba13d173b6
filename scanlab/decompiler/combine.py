"""Lines of single paths put together: one order or one scan, read back, compared with every array, and proved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import numpy as np

from scanlab.compiler.bind import CompiledScan, bind
from scanlab.compiler.equivalences import Fingerprint, find_equivalences, fingerprint, images
from scanlab.compiler.proof import Proof
from scanlab.compiler.prove import prove
from scanlab.compiler.relations import structure_of
from scanlab.decompiler.evidence import Evidence, Fault
from scanlab.decompiler.frames import difference, frame_of, framed
from scanlab.decompiler.result import Decompiled, Nearest, PathFinding
from scanlab.ir.assumptions import shared_assumptions
from scanlab.ir.diagnostics import ScanlabError, Source
from scanlab.ir.text import grid_text
from scanlab.ir.values import Order, Plan, Scan, Value, map_orders, orders_of
from scanlab.language.library import library_definitions, library_templates
from scanlab.language.module import parse_value

__all__ = ["combined", "gives"]

Grid = tuple[int, ...]
MOST_NOTES = 6
# From the worst: what is said of a scan is what is worst of its paths.
_WORST = ("not a permutation", "padded", "ranks", "no line", "some sizes", "several lines", "line")


class _NoScan(Exception):
    """Why orders make no scan together, in words."""


def combined(
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
    orders = [p.order for p in paths if p.order is not None]
    value: Order | Scan | None = None
    text = proof = name = None
    if uncovered:
        verdict = "not a permutation"
        notes = [*map(str, uncovered[:2]), *notes]
        nearest = nearest or (Nearest(str(orders[0]), "of the patches that are read") if orders else None)
    elif len(orders) == len(paths):
        try:
            text = str(_value(orders, evidence, merge))
            value = _read_back(text, axes, evidence)
        except _NoScan as why:
            text, verdict, notes = None, "no line", [str(why), *notes]
    if value is not None:
        proof, name = prove(value), _library_name(value)
        doubts = list(_doubts(value, proof, evidence))
        verdict = min(verdict, "several lines", key=_WORST.index) if doubts else verdict
        notes += doubts
        if isinstance(value, Scan) and value.merge == "sum" and merge is None and not evidence.scans:
            notes.append("how the outputs merge is not in the arrays: sum is assumed")
    listed = list(dict.fromkeys(notes))
    left = len(listed) - MOST_NOTES
    shown = (*listed[:MOST_NOTES], f"and {left} more of the kind") if left > 0 else tuple(listed)
    return Decompiled(verdict, text, value, proof, name, nearest, shown, evidence.grids, (), paths)


def _doubts(value: Order | Scan, proof: Proof, evidence: Evidence) -> Iterator[str]:
    """Why another line must be meant, although this one gives all that was shown."""
    if proof.verdict == "refuted":
        yield f"it is no order {proof.counterexample or 'everywhere'}, so another line must be meant"
    if len(evidence.scans) == 1 and (apart := difference(value, evidence.scans[0])):
        yield apart


def _value(orders: Sequence[Order], evidence: Evidence, merge: str | None) -> Order | Scan:
    """The order, or the scan of the orders; a path that is an earlier one backwards is written so. Raises _NoScan."""
    parts: list[Order] = []
    for number, order in enumerate(orders):
        mirrored = next((i for i in range(number) if _backwards(evidence, i, number)), None)
        # A token may stand elsewhere then; a compiled scan places its own.
        if mirrored is not None and (evidence.scans or not (order.tokens or parts[mirrored].tokens)):
            order = -parts[mirrored]
        parts.append(order)
    frames = {frame_of(scan, orders[0].axes) for scan in evidence.scans}
    if len(frames) > 1:
        raise _NoScan("the scans that were compiled merge, restart or assume differently, which no one line says")
    if frames:
        frame = frames.pop()
        return framed(frame if merge is None else Scan(merge, tuple(orders_of(frame))), parts)
    if len(parts) == 1:
        return parts[0]
    if merge is None and any(order.partial for order in parts):
        return _shared_out(parts, evidence)
    return Scan(merge or "sum", tuple(parts))


def _shared_out(parts: Sequence[Order], evidence: Evidence) -> Scan:
    """Paths that each read a part of the grid: a scatter, where each patch is read by one of them alone.

    Raises _NoScan where one is read by two.
    """
    both = evidence.overlap()
    if both is not None:
        grid, one, two, patch = both
        raise _NoScan(
            f"on {grid_text(grid)} paths {one} and {two} both read patch {patch}, and some path leaves patches out: "
            'how they make one scan is not in the arrays (merge="chain" would make them one sequence)'
        )
    return Scan("scatter", tuple(parts))


def gives(value: Value, grid: Grid, sequences: Sequence[np.ndarray]) -> bool:
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


def _backwards(evidence: Evidence, one: int, other: int) -> bool:
    return all(np.array_equal(evidence.path(one, g)[::-1], evidence.path(other, g)) for g in evidence.sequences)


def _read_back(text: str, axes: tuple[str, ...], evidence: Evidence) -> Order | Scan:
    """What the parser makes of a text, bound and compared with every array: the road that a user will take.

    Raises _NoScan where the language has no such scan.
    """
    try:
        value = parse_value(Source(text), axes, library_templates)
        for grid in evidence.grids:
            bind(value, grid)
    except ScanlabError as error:
        raise _NoScan(f"`{text}` is no scan: {error.diagnostics[0].message}") from error
    same = all(gives(value, grid, steps) for grid, steps in evidence.sequences.items())
    if evidence.scans and not same:
        raise _NoScan("the arrays are not of the scans beside them: tokens stand elsewhere")
    if isinstance(value, Plan) or not same:
        raise ScanlabError.at(
            "S308", f"`{text}` was found for these arrays and does not give them", help="report this as a mistake"
        )
    return value


def _library_name(value: Order | Scan) -> str | None:
    """What the library calls it: an entry that is proved the same, as it is, or else reversed or transposed."""
    assume = shared_assumptions(value)
    own = fingerprint(value, assume)
    if own is None:
        return None
    entries = _entries(value.axes, own[1]) if assume else _by_fingerprint(value.axes, own[1]).get(own, {})
    proved = [match for match in find_equivalences(value, entries) if match.proof.verdict == "proved"]
    best = min(proved, key=lambda match: (len(match.how), len(match.name)), default=None)
    return None if best is None else str(best)


def _entries(axes: tuple[str, ...], merges: tuple[str, ...]) -> dict[str, Value]:
    """The library's entries over so many axes that merge so."""
    values = {n: d.value for n, d in library_definitions().items() if d.value is not None and len(d.axes) == len(axes)}
    return {name: value for name, value in values.items() if structure_of(value).merges == merges}


@cache
def _by_fingerprint(axes: tuple[str, ...], merges: tuple[str, ...]) -> Mapping[Fingerprint, dict[str, Value]]:
    """Of these, the few of which some image can be the same: to compare each anew would take most of the time."""
    found: dict[Fingerprint, dict[str, Value]] = {}
    for name, value in _entries(axes, merges).items():
        for _, change in images(value.axes, axes):
            if (own := fingerprint(map_orders(value, change))) is not None:
                found.setdefault(own, {})[name] = value
    return found
