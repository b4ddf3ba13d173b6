"""Does every step of a sequence go to a neighbouring patch? For all grid sizes with isl, else on grids.

A sequence is continuous where every patch but the last has a neighbour that follows it. Of a patch p and its neighbour
p + e that is so where p comes before p + e and no patch r lies between them:

    p -> p + e   later than p, and no  p -> r -> p + e  with each later than the one before

That needs no "next patch" as a function, which isl would find by a lexicographic minimum, and over two patches at once
instead of three it is cheaper than the next patch as a relation.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import islpy as isl
import numpy as np

from scanlab.compiler.bind import bind_order
from scanlab.compiler.decide import Finding, Question, decide, errors_as_findings
from scanlab.compiler.lattice import Lattice
from scanlab.compiler.mixed_radix import alike
from scanlab.compiler.order_relations import visited_later
from scanlab.compiler.polyhedra import Polyhedra
from scanlab.compiler.probes import Grid, ManyGrids, sequences
from scanlab.compiler.proof import Proof
from scanlab.compiler.trail import note_question
from scanlab.compiler.witnesses import smallest_counterexample
from scanlab.ir.diagnostics import CounterExample
from scanlab.ir.values import Order

__all__ = ["CONTINUOUS", "prove_sequence"]

CONTINUOUS = "every step goes to a neighbouring patch"


def prove_sequence(parts: tuple[Order, ...], grid: Grid | None = None, within: tuple[Order, ...] = ()) -> Proof:
    """Prove that every step changes one coordinate by one; steps over a restart inside a part do not count.

    parts: the orders that follow one another with one state; a step leads from the last patch of one to the first
    of the next, and counts. within: the orders of the strategy that the sequence belongs to.
    """

    def on(grid: Grid) -> Finding | None:
        return errors_as_findings(lambda: _jump_on(parts, grid))

    def on_many(lattice: ManyGrids) -> Finding | None:
        return errors_as_findings(lambda: _jump_on_many(parts, lattice))

    effort = len(parts[0].axes)
    return decide(Question(CONTINUOUS, parts, on, on_many, lambda p: _stranded(parts, p), within, effort), grid)


def _jump_on(parts: tuple[Order, ...], grid: Grid) -> Finding | None:
    lattice = Lattice(parts[0].axes, grid)
    paths = [bind_order(o, lattice, empty_allowed=True) for o in parts]
    resets = [np.isin(np.arange(len(p.indices)), p.restarts[1:]) for p in paths]
    visits = np.concatenate([p.indices for p in paths])
    points = np.stack(np.unravel_index(visits, grid), axis=1)
    step = _first_jump(points, np.concatenate(resets))
    return None if step is None else _finding(lattice.witness(int(visits[step]), int(visits[step + 1])))


def _jump_on_many(parts: tuple[Order, ...], lattice: ManyGrids) -> Finding | None:
    of_parts = [sequences(o, lattice) for o in parts]
    for part in of_parts:
        if part.tie is not None:
            return Finding("S300", "two patches have the same keys", part.tie)
    visits = np.concatenate([part.patches for part in of_parts])
    resets = np.concatenate([part.resets & ~_starts(part.owner) for part in of_parts])
    owner = lattice.owner[visits]
    along = np.argsort(owner, kind="stable")
    visits, resets, owner = visits[along], resets[along], owner[along]
    step = _first_jump(lattice.points[visits], resets | _starts(owner))
    return None if step is None else _finding(lattice.witness(int(visits[step]), int(visits[step + 1])))


def _starts(owner: np.ndarray) -> np.ndarray:
    """bool [M]: whether a step is the first of its grid."""
    return np.concatenate([np.ones(min(1, len(owner)), dtype=bool), owner[1:] != owner[:-1]])


def _first_jump(points: np.ndarray, resets: np.ndarray) -> int | None:
    """The first step from which the next patch [M, axes] is no neighbour; a step to a patch with a reset is none."""
    far = (np.abs(np.diff(points, axis=0)).sum(axis=1) != 1) & ~resets[1:]
    return int(far.argmax()) if far.any() else None


def _finding(example: CounterExample) -> Finding:
    first, second = example.patches
    return Finding("S303", "it stays at this patch" if first == second else "these patches follow each other", example)


def _stranded(parts: tuple[Order, ...], polyhedra: Polyhedra) -> CounterExample | None:
    """A grid on which some step is no unit step, by isl."""
    later = [visited_later(o, polyhedra).coalesce() for o in parts]
    steps = _unit_steps(polyhedra)
    for order, after in zip(parts, later, strict=True):
        stranded = _without_near_successor(order, after, steps, polyhedra)
        note_question(f"patches of `{order}` that something follows, but no neighbour", stranded, q_is_after_p=after)
        if (example := smallest_counterexample(stranded, len(polyhedra.axes))) is not None:
            return example
    for joint in _joints(parts, later, polyhedra):
        far = joint.subtract(_union(steps)).domain()
        note_question("those of them that are no neighbours", far, last_patch_of_a_part_and_first_of_the_next=joint)
        if (example := smallest_counterexample(far, len(polyhedra.axes))) is not None:
            return example
    return None


def _joints(parts: tuple[Order, ...], later: list[isl.Map], polyhedra: Polyhedra) -> Iterator[isl.Map]:
    """``{ last patch of a part -> first patch of the next }``, on the grids where what lies between visits nothing."""
    kept = [polyhedra.selected(o.where) for o in parts]
    for i, j in combinations(range(len(parts)), 2):
        between = polyhedra.domain.params()
        for skipped in kept[i + 1 : j]:
            between = between.subtract(skipped.params())
        if not between.is_empty():
            last, first = kept[i].subtract(later[i].domain()), kept[j].subtract(later[j].range())
            yield isl.Map.from_domain_and_range(last, first).intersect_params(between)


def _without_near_successor(order: Order, later: isl.Map, steps: list[isl.Map], polyhedra: Polyhedra) -> isl.Set:
    """The patches that something follows, but no neighbour of theirs; not those before a restart."""
    stranded = later.domain()
    for step in steps:
        near = later.intersect(step)
        between = later.intersect(near.apply_range(later.reverse()))
        stranded = stranded.subtract(near.domain().subtract(between.domain()))
    if not order.restart or stranded.is_empty():
        return stranded
    after = later.intersect_domain(stranded)
    following = after.subtract(after.apply_range(later))
    for expr in order.restart:
        following = following.intersect(alike(expr, polyhedra))
    return following.domain()


def _unit_steps(polyhedra: Polyhedra) -> list[isl.Map]:
    """``{ p -> p + e }`` for every unit vector e and its opposite."""
    names = polyhedra.axes
    head = f"[{', '.join(a.upper() for a in names)}] -> "
    ends = [", ".join(f"{b} {sign} 1" if b == a else b for b in names) for a in reversed(names) for sign in "+-"]
    texts = [f"{head}{{ [{', '.join(names)}] -> [{end}] }}" for end in ends]
    return [isl.Map.read_from_str(polyhedra.context, text) for text in texts]


def _union(maps: list[isl.Map]) -> isl.Map:
    total = maps[0]
    for other in maps[1:]:
        total = total.union(other)
    return total
