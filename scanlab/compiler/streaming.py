"""Can an order be followed while its grid still grows? For all grid sizes with isl, else on grids.

Along one axis, time as a rule, patches arrive in groups of `latency` coordinates. An order can be followed when no
patch of a later group comes before one of an earlier one, that is, where no pair of patches is in

    p -> q : p's group before q's, and keys(q) before keys(p)

Keys that isl does not know need not matter: where those before them keep the groups apart, ties included, none of the
pairs is left.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scanlab.compiler.bind import bind_order
from scanlab.compiler.decide import Finding, Question, decide, errors_as_findings
from scanlab.compiler.lattice import Lattice
from scanlab.compiler.order_relations import visited_later
from scanlab.compiler.polyhedra import NotAffine, Polyhedra
from scanlab.compiler.probes import Grid, ManyGrids, sequences
from scanlab.compiler.proof import Proof
from scanlab.compiler.trail import note_question
from scanlab.compiler.witnesses import smallest_counterexample
from scanlab.ir.diagnostics import CounterExample
from scanlab.ir.expr import Axis, Binary, Int
from scanlab.ir.text import count_text
from scanlab.ir.values import Key, Order

__all__ = ["prove_streamable", "streams_along"]


def streams_along(axis: str, latency: int = 1) -> str:
    """The claim in words."""
    groups = f"an earlier {axis}" if latency == 1 else f"an earlier {count_text(latency, 'step')} of {axis}"
    return f"no patch comes before one of {groups}"


def prove_streamable(
    order: Order, axis: str, latency: int = 1, grid: Grid | None = None, within: tuple[Order, ...] = ()
) -> Proof:
    """Prove that an order goes through groups of `latency` coordinates of an axis one group after the other.

    within: the orders of the strategy that it belongs to. A counter-example is the pair of patches that follow each
    other from a later group to an earlier one.

    >>> import scanlab
    >>> [prove_streamable(scanlab.parse(line), "h").verdict for line in ("by h, ~w", "by w, h")]
    ['proved', 'refuted']
    """
    place = order.axes.index(axis)

    def on(grid: Grid) -> Finding | None:
        return errors_as_findings(lambda: _on(order, place, latency, grid))

    def on_many(lattice: ManyGrids) -> Finding | None:
        return errors_as_findings(lambda: _on_many(order, place, latency, lattice))

    question = Question(
        streams_along(axis, latency), (order,), on, on_many, lambda p: _out_of_turn(order, axis, latency, p), within
    )
    return decide(question, grid)


def _on(order: Order, place: int, latency: int, grid: Grid) -> Finding | None:
    lattice = Lattice(order.axes, grid)
    visits = bind_order(order, lattice, empty_allowed=True).indices
    groups = np.unravel_index(visits, grid)[place] // latency
    step = _first_fall(groups, np.zeros(len(groups), dtype=np.int64))
    return None if step is None else _finding(lattice.witness(int(visits[step]), int(visits[step + 1])))


def _on_many(order: Order, place: int, latency: int, lattice: ManyGrids) -> Finding | None:
    part = sequences(order, lattice)
    if part.tie is not None:
        return Finding("S300", "two patches have the same keys", part.tie)
    groups = lattice.points[part.patches, place] // latency
    step = _first_fall(groups, lattice.owner[part.patches])
    return None if step is None else _finding(lattice.witness(int(part.patches[step]), int(part.patches[step + 1])))


def _first_fall(groups: np.ndarray, owner: np.ndarray) -> int | None:
    """The first step after which the group [M] falls on the same grid."""
    falls = (np.diff(groups) < 0) & (np.diff(owner) == 0)
    return int(falls.argmax()) if falls.any() else None


def _finding(example: CounterExample) -> Finding:
    return Finding("S315", "the second of these patches comes after the first, and is of an earlier group", example)


def _out_of_turn(order: Order, axis: str, latency: int, polyhedra: Polyhedra) -> CounterExample | None:
    group = polyhedra.affine(Binary("//", Axis(axis), Int(latency)))
    kept = polyhedra.selected(order.where)
    earlier = group.lt_map(group).intersect_domain(kept).intersect_range(kept)
    known, beyond = _known(order, polyhedra)
    later = visited_later(known, polyhedra)
    turned = earlier.intersect(later.reverse())
    if beyond is not None and turned.is_empty() and not earlier.is_subset(later):
        raise beyond
    note_question("pairs of a patch and one of a later group that comes first", turned)
    return smallest_counterexample(turned, len(polyhedra.axes))


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
