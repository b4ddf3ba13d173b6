"""Mamba's recurrence, h = exp(delta A) h + x B, y = C . h, and the operators that take its steps.

No decay is ever divided by, and no exponent is above 0, so that nothing overflows whatever the decays are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scanlab.export.graph import BATCH, Graph, Value
from scanlab.export.layout import Layout

__all__ = [
    "FORGET",
    "Diagonal",
    "Scanned",
    "Step",
    "attention",
    "decay_of_all",
    "linear_attention",
    "move",
    "read",
    "read_steps",
    "turned",
]

# What is added to a delta before which the state is zeroed: its decay is 0 then, however slow.
FORGET = 1e30
# The logarithm of a decay that is exactly 0 in float32.
NOTHING = -1e4


@dataclass(frozen=True)
class Diagonal:
    """What a scan reads, by row: delta [B, Rd, D], x = delta u [B, Rx, D], and B and C side by side [B, Rb, 2 N].

    Rd, Rx, Rb: K L, or L where all paths share it. decay: A [K or 1, D, N]. initial: states [B, T, D, N] before the
    first steps. last: whether those after the last steps are asked for.
    """

    layout: Layout
    delta: Value
    x: Value
    bc: Value
    decay: np.ndarray
    initial: Value | None = None
    last: bool = False

    @property
    def channels(self) -> int:
        """D."""
        return self.decay.shape[1]

    @property
    def states(self) -> int:
        """N."""
        return self.decay.shape[2]

    def index(self, value: Value, at: np.ndarray) -> np.ndarray:
        """int64 [phases, P]: the row of a value that each step reads, steps being numbered t S + s."""
        return self.layout.index(value.shape[1] // self.layout.length, at)

    def resets(self, at: np.ndarray) -> np.ndarray:
        """bool [P]: whether the state is zeroed before a step."""
        return self.layout.resets.ravel()[at]

    def owners(self, at: np.ndarray) -> np.ndarray | None:
        """int64 [P]: the set of A of each step; None where each sequence has one set throughout."""
        varies = len(self.decay) > 1 and self.layout.owner() is None
        return self.layout.owners.ravel()[at] if varies else None

    def sequence_decay(self) -> np.ndarray:
        """A of each sequence [T or 1, N, D], where none has several."""
        owner = self.layout.owner()
        chosen = self.decay if len(self.decay) == 1 or owner is None else self.decay[owner]
        return chosen.transpose(0, 2, 1)


@dataclass(frozen=True)
class Scanned:
    """What a scan gives: y by position [B, P, X]. positions int64 [T, S]: where the steps lie. axes: P as so many
    before the sequences, T, and so many after. last: the last states, if asked for."""

    y: Value
    positions: np.ndarray
    axes: tuple[int, int, int]
    last: Value | None = None


@dataclass(frozen=True)
class Step:
    """What steps read, of all that are side by side: delta and x [B, …, 1, D], b [B, …, N, 1], c [B, …, 1, N]."""

    delta: Value
    x: Value
    b: Value
    c: Value


@dataclass(frozen=True)
class Move:
    """What one step does to a state [B, …, N, D]: it is multiplied by decay = exp(delta rates), and drive is added."""

    delta: Value
    rates: Value
    decay: Value
    drive: Value

    def after(self, graph: Graph, h: Value | None) -> Value:
        """The state after it; None is no state."""
        return self.drive if h is None else graph.add(graph.mul(self.decay, h), self.drive)


def read_steps(graph: Graph, scan: Diagonal, at: np.ndarray, inside: np.ndarray, beside: tuple[int, ...]) -> Step:
    """What all steps read, in the order of `at` [P], as [B, P / beside, *beside, …]; inside bool [P]: which are steps.

    Where last states are asked for, what is no step does nothing.
    """
    values = (scan.delta, scan.x, scan.bc)
    delta, x, bc = (graph.rows(value, graph.chosen(scan.index(value, at))) for value in values)
    if scan.last and not inside.all():
        mask = graph.constant(inside[:, None].astype(np.float32))
        delta, x = graph.mul(delta, mask), graph.mul(x, mask)
    channels, states = scan.channels, scan.states
    b, c = graph.split(bc, 2, [states, states])
    rows = len(at) // math.prod(beside)
    shapes = ((delta, (1, channels)), (x, (1, channels)), (b, (states, 1)), (c, (1, states)))
    return Step(*(graph.reshape(value, rows, *beside, *shape) for value, shape in shapes))


def move(
    graph: Graph, scan: Diagonal, step: Step, forget: Value | None, owners: Value | None, blocks: bool = False
) -> Move:
    """What a step does. forget: added to delta, FORGET where the state is zeroed. owners: which A each step has, where
    that changes within a sequence. blocks: whether there is an axis of them after that of the sequences."""
    delta = step.delta if forget is None else graph.add(step.delta, forget)
    if owners is None:
        rates = scan.sequence_decay()
        rates = graph.constant(rates[:, None] if blocks else rates)
    else:
        sets = graph.constant(scan.decay.transpose(0, 2, 1))
        rates = graph.op("Gather", sets, owners, shape=(*owners.shape, *sets.shape[1:]), axis=0)
    decay = graph.unary("Exp", graph.mul(delta, rates))
    return Move(delta, rates, decay, graph.mul(step.x, step.b))


def decay_of_all(graph: Graph, moves: Sequence[Move]) -> Value:
    """The decay over several steps, one after the other."""
    if all(one.rates == moves[0].rates for one in moves):
        exponent = graph.mul(graph.total([one.delta for one in moves]), moves[0].rates)
    else:
        exponent = graph.total([graph.mul(one.delta, one.rates) for one in moves])
    return graph.unary("Exp", exponent)


def read(graph: Graph, c: Value, h: Value) -> Value:
    """C . h: [B, …, 1, N] and [B, …, N, D] -> [B, …, 1, D]."""
    return graph.mul(c, h) if h.shape[-2] == 1 else graph.matmul(c, h)


def turned(graph: Graph, states: Value) -> Value:
    """[B, T, D, N] -> [B, T, N, D], or back."""
    return graph.transpose(states, 0, 1, 3, 2)


def attention(graph: Graph, scan: Diagonal, domain: str) -> Scanned:
    """Every channel is a head of LinearAttention with N keys and one value, every sequence an element of the batch."""
    layout, channels, states = scan.layout, scan.channels, scan.states
    sequences, steps = layout.sequences, layout.steps
    at = np.arange(sequences * steps)
    delta, x, bc = (graph.rows(v, graph.chosen(scan.index(v, at))) for v in (scan.delta, scan.x, scan.bc))
    if scan.last and not layout.inside.all():
        mask = graph.constant(layout.inside.ravel()[:, None].astype(np.float32))
        delta, x = graph.mul(delta, mask), graph.mul(x, mask)
    owners = scan.owners(at)
    if owners is None:
        rates = scan.sequence_decay().transpose(0, 2, 1)[:, None]
    else:
        rates = scan.decay[owners].reshape(sequences, steps, channels, states)
    decay = graph.mul(graph.reshape(delta, sequences, steps, channels, 1), graph.constant(rates))
    if layout.resets.any():
        decay = graph.add(decay, graph.constant(np.where(layout.resets, NOTHING, 0.0)[..., None, None]))
    key, query = graph.split(graph.reshape(bc, steps, 2 * states), 2, [states, states])
    repeats = graph.constant(np.array([1, 1, channels]))
    query, key = (graph.op("Tile", v, repeats, shape=(BATCH, steps, channels * states)) for v in (query, key))
    y, last = linear_attention(
        graph,
        (query, key, graph.reshape(x, steps, channels), graph.reshape(decay, steps, channels * states)),
        None if scan.initial is None else graph.reshape(scan.initial, channels, states, 1),
        (channels, states, 1),
        domain,
    )
    y = graph.reshape(y, sequences * steps, channels)
    kept = graph.reshape(last, sequences, channels, states) if scan.last else None
    return Scanned(y, at.reshape(sequences, steps), (1, sequences, steps), kept)


def linear_attention(
    graph: Graph,
    values: tuple[Value, Value, Value, Value],
    past: Value | None,
    heads: tuple[int, int, int],
    domain: str,
) -> tuple[Value, Value]:
    """LinearAttention of query, key, value and decay's logarithm, packed by heads: outputs and last states.

    heads: their number, and how many keys and values each has. scale is set, since 0 means 1 / sqrt(keys).
    """
    query, key, value, decay = values
    count, keys, width = heads
    return graph.op(
        "LinearAttention",
        query,
        key,
        value,
        past,
        decay,
        shape=[(BATCH, value.shape[1], count * width), (BATCH, count, keys, width)],
        domain=domain,
        update_rule="gated",
        q_num_heads=count,
        kv_num_heads=count,
        scale=1.0,
    )
