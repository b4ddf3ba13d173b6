"""Mamba's recurrence in blocks of steps side by side, by plain operators alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from scanlab.export.diagonal import FORGET, Diagonal, Move, Scanned, Step, decay_of_all, move, read, read_steps, turned
from scanlab.export.graph import Graph, Value

__all__ = ["blocked"]


def blocked(graph: Graph, scan: Diagonal, domain: str = "") -> Scanned:
    """Blocks of steps: their ends from no state, then the states between them, then all steps again.

    Twice through the steps costs less than once with the product of all decays beside it. States lie [B, 1, T, blocks,
    N, D], so that whatever is repeated is repeated over rows of D numbers.
    """
    layout = scan.layout
    sequences, steps = layout.sequences, layout.steps
    length, blocks = _divided(steps)
    step, sequence, block = np.meshgrid(np.arange(length), np.arange(sequences), np.arange(blocks), indexing="ij")
    which = block * length + step
    at = (sequence * steps + np.minimum(which, steps - 1)).ravel()
    inside = (which < steps).ravel() & layout.inside.ravel()[at]
    whole = read_steps(graph, scan, at, inside, (sequences, blocks))
    parts = (graph.split(value, 1, [1] * length) for value in (whole.delta, whole.x, whole.b, whole.c))
    each = [Step(*values) for values in zip(*parts, strict=True)]
    resets, owners = scan.resets(at).reshape(which.shape), scan.owners(at)
    owners = None if owners is None else owners.reshape(which.shape)
    moves = []
    for c, one in enumerate(each):
        forget = graph.constant(np.where(resets[c], FORGET, 0.0)[..., None, None]) if resets[c].any() else None
        own = None if owners is None else graph.constant(owners[c])
        moves.append(move(graph, scan, one, forget, own, blocks=True))
    h = _before_blocks(graph, scan, moves, blocks)
    outputs = []
    for one, of_step in zip(moves, each, strict=True):
        h = one.after(graph, h)
        outputs.append(read(graph, of_step.c, h))
    y = graph.reshape(graph.concat(outputs, 1), which.size, scan.channels)
    positions = np.zeros((sequences, steps), np.int64)
    kept = which < steps
    positions[sequence[kept], which[kept]] = np.flatnonzero(kept)
    last = None
    if scan.last:
        assert h is not None
        ends = graph.reshape(graph.slice(h, 3, blocks - 1, blocks), sequences, scan.states, scan.channels)
        last = turned(graph, ends)
    return Scanned(y, positions, (length, sequences, blocks), last)


def _divided(steps: int) -> tuple[int, int]:
    """The length of blocks, and their number: near half the root, with as few steps beyond the end as can be.

    Shorter blocks are fewer operators over more numbers each, and more states between blocks, which are small.
    """
    half = max(1, math.isqrt(steps) // 2)
    lengths = range(max(1, half * 2 // 3), half * 3 // 2 + 2)
    length = min(lengths, key=lambda n: (math.ceil(steps / n) * n - steps, abs(n - half)))
    return length, math.ceil(steps / length)


def _before_blocks(graph: Graph, scan: Diagonal, moves: Sequence[Move], blocks: int) -> Value | None:
    """The states before every block [B, 1, T, blocks, N, D]; None for none."""
    shape = (1, scan.layout.sequences, 1, scan.states, scan.channels)
    first = None if scan.initial is None else graph.reshape(turned(graph, scan.initial), *shape)
    if blocks == 1:
        return first
    h = None
    for one in moves:
        h = one.after(graph, h)
    assert h is not None
    ends = graph.split(h, 3, [1] * blocks)
    decays = graph.split(decay_of_all(graph, moves), 3, [1] * blocks)
    between = [first, ends[0] if first is None else graph.add(graph.mul(decays[0], first), ends[0])]
    for decay, end in zip(decays[1:-1], ends[1:-1], strict=True):
        assert between[-1] is not None
        between.append(graph.add(graph.mul(decay, between[-1]), end))
    after = graph.concat([state for state in between if state is not None], 3)
    return graph.pad(after, {}, before={3: 1}) if first is None else after
