"""Can an order be followed while its grid still grows? For all grid sizes with isl, else on grids.

Along one axis, time as a rule, patches arrive in groups of `latency` coordinates. An order can be followed when no
patch of a later group comes before one of an earlier one, that is, where no pair of patches is in

    p -> q : p's group before q's, and keys(q) before keys(p)

Keys that isl does not know need not matter: where those before them keep the groups apart, ties included, none of the
pairs is left.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np

from scanlab.compiler.bind import bind_order
from scanlab.compiler.decide import Finding, Question, decide, each_sequence, errors_as_findings
from scanlab.compiler.lattice import Lattice
from scanlab.compiler.order_relations import visited_later
from scanlab.compiler.polyhedra import NotAffine, Polyhedra
from scanlab.compiler.probes import Grid, ManyGrids, sequences
from scanlab.compiler.proof import Proof
from scanlab.compiler.trail import note_question
from scanlab.compiler.witnesses import smallest_counterexample
from scanlab.ir.diagnostics import CounterExample
from scanlab.ir.expr import Axis, Binary, Int
from scanlab.ir.values import Key, Order, Value

__all__ = ["prove_streamable", "streams_along"]


def streams_along(axis: str, latency: int = 1) -> str:
    """The claim in words."""
    group = f"an earlier {axis}" if latency == 1 else f"an earlier group of {latency} along {axis}"
    return f"no patch comes before one of {group}"


def prove_streamable(value: Value, axis: str, latency: int = 1, grid: Grid | None = None) -> Proof:
    """Prove that every path goes through groups of `latency` coordinates of an axis one group after the other.

    A ``chain`` is one path. A counter-example is two patches of which the one of the later group comes first. Virtual
    tokens are no patches, and do not count.

    >>> import scanlab
    >>> [prove_streamable(scanlab.parse(line), "h").verdict for line in ("by h, ~w", "by w, h")]
    ['proved', 'refuted']
    """
    claim = streams_along(axis, latency)
    return each_sequence(value, claim, lambda parts, within: _of_sequence(parts, axis, latency, grid, within))


def _of_sequence(
    parts: tuple[Order, ...], axis: str, latency: int, grid: Grid | None, within: tuple[Order, ...]
) -> Proof:
    place = parts[0].axes.index(axis)

    def on(grid: Grid) -> Finding | None:
        return errors_as_findings(lambda: _on(parts, place, latency, grid))

    def on_many(lattice: ManyGrids) -> Finding | None:
        return errors_as_findings(lambda: _on_many(parts, place, latency, lattice))

    def symbolic(polyhedra: Polyhedra) -> CounterExample | None:
        return _out_of_turn(parts, axis, latency, polyhedra)

    return decide(Question(streams_along(axis, latency), parts, on, on_many, symbolic, within), grid)


def _on(parts: tuple[Order, ...], place: int, latency: int, grid: Grid) -> Finding | None:
    lattice = Lattice(parts[0].axes, grid)
    visits = np.concatenate([bind_order(o, lattice, empty_allowed=True).indices for o in parts])
    groups = np.unravel_index(visits, grid)[place] // latency
    step = _first_fall(groups, np.zeros(len(groups), dtype=np.int64))
    return None if step is None else _finding(lattice.witness(int(visits[step]), int(visits[step + 1])))


def _on_many(parts: tuple[Order, ...], place: int, latency: int, lattice: ManyGrids) -> Finding | None:
    of_parts = [sequences(o, lattice) for o in parts]
    for part in of_parts:
        if part.tie is not None:
            return Finding("S300", "two patches have the same keys", part.tie)
    visits = np.concatenate([part.patches for part in of_parts])
    visits = visits[np.argsort(lattice.owner[visits], kind="stable")]
    step = _first_fall(lattice.points[visits, place] // latency, lattice.owner[visits])
    return None if step is None else _finding(lattice.witness(int(visits[step]), int(visits[step + 1])))


def _first_fall(groups: np.ndarray, owner: np.ndarray) -> int | None:
    """The first step after which the group [M] falls on the same grid."""
    falls = (np.diff(groups) < 0) & (np.diff(owner) == 0)
    return int(falls.argmax()) if falls.any() else None


def _finding(example: CounterExample) -> Finding:
    return Finding("S315", "the second of these patches comes after the first, and is of an earlier group", example)


def _out_of_turn(parts: tuple[Order, ...], axis: str, latency: int, polyhedra: Polyhedra) -> CounterExample | None:
    group = polyhedra.affine(Binary("//", Axis(axis), Int(latency)))
    earlier, kept = group.lt_map(group), [polyhedra.selected(o.where) for o in parts]
    for first, second in combinations(range(len(parts)), 2):
        # All of a part comes before all of a later one.
        turned = earlier.intersect_domain(kept[second]).intersect_range(kept[first])
        note_question("pairs of a patch and one of a later group in a path before", turned)
        if (example := smallest_counterexample(turned, len(polyhedra.axes))) is not None:
            return example
    for order, patches in zip(parts, kept, strict=True):
        pairs = earlier.intersect_domain(patches).intersect_range(patches)
        known, beyond = _known(order, polyhedra)
        later = visited_later(known, polyhedra)
        turned = pairs.intersect(later.reverse())
        if beyond is not None and turned.is_empty() and not pairs.is_subset(later):
            raise beyond
        note_question("pairs of a patch and one of a later group that comes first", turned)
        if (example := smallest_counterexample(turned, len(polyhedra.axes))) is not None:
            return example
    return None


def _known(order: Order, polyhedra: Polyhedra) -> tuple[Order, NotAffine | None]:
    """The order by its first keys, as far as isl knows them, and why it does not know the next."""
    for count, key in enumerate(order.keys):
        try:
            polyhedra.ties((key.expr,))
            visited_later(replace(order, keys=(Key(key.expr),)), polyhedra)
        except NotAffine as why:
            if not count:
                raise
            return replace(order, keys=order.keys[:count]), why
    return order, None
