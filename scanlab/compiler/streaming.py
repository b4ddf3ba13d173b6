"""Can an order be followed while its grid still grows? For all grid sizes with isl, else on grids.

Along one axis, time as a rule, patches arrive in groups of `latency` coordinates. An order can be followed when no
patch of a later group comes before one of an earlier one, that is, where no pair of patches is in

    p -> q : p's group before q's, and keys(q) before keys(p)

Keys that isl does not know need not matter: where those before them keep the groups apart, ties included, none of the
pairs is left.
"""

from __future__ import annotations

import numpy as np

from scanlab.compiler.bind import bind_order
from scanlab.compiler.decide import Finding, Question, decide, errors_as_findings
from scanlab.compiler.lattice import Lattice
from scanlab.compiler.polyhedra import NotAffine, Polyhedra, smallest_counterexample
from scanlab.compiler.probes import Grid, ManyGrids, sequences
from scanlab.compiler.proof import Proof
from scanlab.ir.diagnostics import CounterExample
from scanlab.ir.expr import Axis, Binary, Int
from scanlab.ir.text import count_text
from scanlab.ir.values import Order, signed_keys

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
    earlier = group.lt_map(group)
    known, beyond = [], None
    for key in signed_keys(order):
        try:
            polyhedra.affine(key)
        except NotAffine as why:
            beyond = why
            break
        known.append(key)
    if not known:
        assert beyond is not None
        raise beyond
    keys = polyhedra.key_map(tuple(known), order.where)
    pairs = earlier.intersect(keys.lex_gt_map(keys) if beyond is None else keys.lex_ge_map(keys))
    if beyond is not None and not pairs.is_empty():
        certain = earlier.intersect(keys.lex_gt_map(keys))
        if certain.is_empty():
            raise beyond
        pairs = certain
    return smallest_counterexample(pairs, len(polyhedra.axes))
