"""Mamba's recurrence step by step in the operator Scan: the fewest passes over a state."""

from __future__ import annotations

import numpy as np

from scanlab.export.diagonal import FORGET, Diagonal, Scanned, Step, move, read, read_steps, turned
from scanlab.export.graph import BATCH, Body, Graph, Value

__all__ = ["stepped"]


class _Rounds:
    """What every round of the operator Scan reads: a step of values [B, S, …], or of tables [S, …]."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.outer: list[Value] = []
        self.inner: list[Value] = []
        self.axes: list[int] = []

    def step_of(self, outer: Value) -> Value:
        """A round's part."""
        axis = 1 if outer.shape[0] == BATCH else 0
        shape = (*outer.shape[:axis], *outer.shape[axis + 1 :])
        self.outer.append(outer)
        self.axes.append(axis)
        self.inner.append(Value(self.graph.named("step"), shape, outer.dtype))
        return self.inner[-1]


def stepped(graph: Graph, scan: Diagonal, domain: str = "") -> Scanned:
    """One step after the other, of all sequences side by side; states lie [B, T, N, D]."""
    layout = scan.layout
    sequences, steps = layout.sequences, layout.steps
    at = (np.arange(sequences) * steps + np.arange(steps)[:, None]).ravel()
    whole = read_steps(graph, scan, at, layout.inside.ravel()[at], (sequences,))
    rounds = _Rounds(graph)
    one = Step(*(rounds.step_of(value) for value in (whole.delta, whole.x, whole.b, whole.c)))
    forget = own = None
    if layout.resets.any():
        resets = scan.resets(at).reshape(steps, sequences, 1, 1)
        forget = rounds.step_of(graph.constant(np.where(resets, FORGET, 0.0)))
    owners = scan.owners(at)
    if owners is not None:
        own = rounds.step_of(graph.constant(owners.reshape(steps, sequences)))
    shape = (sequences, scan.states, scan.channels)
    first = graph.zeros(scan.x, *shape) if scan.initial is None else turned(graph, scan.initial)
    state = Value(graph.named("state"), first.shape)
    with graph.within() as nodes:
        after = move(graph, scan, one, forget, own).after(graph, state)
        y = read(graph, one.c, after)
    last, y = graph.op(
        "Scan",
        first,
        *rounds.outer,
        shape=[first.shape, (BATCH, steps, *y.shape[1:])],
        body=Body(tuple(nodes), (state, *rounds.inner), (after, y)),
        num_scan_inputs=len(rounds.outer),
        scan_input_axes=rounds.axes,
        scan_output_axes=[1],
    )
    positions = np.arange(steps) * sequences + np.arange(sequences)[:, None]
    y = graph.reshape(y, steps * sequences, scan.channels)
    return Scanned(y, positions, (steps, sequences, 1), turned(graph, last) if scan.last else None)
