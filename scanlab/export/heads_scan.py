"""Mamba-2's recurrence, one decay per head, h = exp(g) h + v B^T, y = h C, by LinearAttention or in chunks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scanlab.export.diagonal import NOTHING, Scanned, linear_attention
from scanlab.export.graph import Graph, Value
from scanlab.export.layout import Layout

__all__ = ["Heads", "chunked", "with_heads"]

# The steps of a chunk.
CHUNK = 32
# A decay of exp(-40) = 4e-18 is none beside float32's 6e-8; a smaller one would cost the sums of a chunk their digits.
LEAST = -40.0


@dataclass(frozen=True)
class Heads:
    """What a scan reads, by row: v = dt x [B, Rv, H P], g = dt A [B, Rg, H], and B and C side by side [B, Rb, 2 N].

    Rv, Rg, Rb: K L, or L where all paths share it. initial: states [B, T, H, P, N] before the first steps. last:
    whether those after the last steps are asked for.
    """

    layout: Layout
    v: Value
    decay: Value
    bc: Value
    initial: Value | None = None
    last: bool = False

    @property
    def heads(self) -> int:
        """H."""
        return self.decay.shape[2]

    @property
    def width(self) -> int:
        """P."""
        return self.v.shape[2] // self.heads

    @property
    def states(self) -> int:
        """N."""
        return self.bc.shape[2] // 2


def _read(graph: Graph, scan: Heads, at: np.ndarray, inside: np.ndarray) -> tuple[Value, Value, Value, Value]:
    """v, decay, B and C of steps numbered t S + s; what is no step (inside bool [P]) changes no last state."""
    layout = scan.layout
    index = [graph.chosen(layout.index(v.shape[1] // layout.length, at)) for v in (scan.v, scan.decay, scan.bc)]
    v, decay, bc = (graph.rows(value, i) for value, i in zip((scan.v, scan.decay, scan.bc), index, strict=True))
    resets = layout.resets.ravel()[at]
    if resets.any():
        decay = graph.add(decay, graph.constant(np.where(resets, NOTHING, 0.0)[:, None]))
    if scan.last and not inside.all():
        mask = graph.constant(inside[:, None].astype(np.float32))
        v, decay = graph.mul(v, mask), graph.mul(decay, mask)
    b, c = graph.split(bc, 2, [scan.states, scan.states])
    return v, decay, b, c


def with_heads(graph: Graph, scan: Heads, domain: str) -> Scanned:
    """LinearAttention over the heads, every sequence an element of the batch."""
    layout, heads, width, states = scan.layout, scan.heads, scan.width, scan.states
    sequences, steps = layout.sequences, layout.steps
    at = np.arange(sequences * steps)
    v, decay, b, c = _read(graph, scan, at, layout.inside.ravel())
    repeats = graph.constant(np.array([1, 1, heads]))
    key, query = (
        graph.op("Tile", graph.reshape(rows, steps, states), repeats, shape=(-1, steps, heads * states))
        for rows in (b, c)
    )
    past = None
    if scan.initial is not None:
        past = graph.reshape(graph.transpose(scan.initial, 0, 1, 2, 4, 3), heads, states, width)
    value = graph.reshape(v, steps, heads * width)
    packed = (query, key, value, graph.reshape(decay, steps, heads))
    y, last = linear_attention(graph, packed, past, (heads, states, width), domain)
    kept = None
    if scan.last:
        kept = graph.transpose(graph.reshape(last, sequences, heads, states, width), 0, 1, 2, 4, 3)
    y = graph.reshape(y, sequences * steps, heads * width)
    return Scanned(y, at.reshape(sequences, steps), (1, sequences, steps), kept)


def chunked(graph: Graph, scan: Heads, domain: str = "") -> Scanned:
    """Chunks as products of matrices, the states between them one after the other (arXiv 2405.21060, listing 1).

    All exponents are sums of decays' logarithms over steps that lie between two, so none is above 0.
    """
    layout, heads, width, states = scan.layout, scan.heads, scan.width, scan.states
    sequences, steps = layout.sequences, layout.steps
    size = min(CHUNK, steps)
    chunks = math.ceil(steps / size)
    which = np.broadcast_to(np.arange(chunks * size), (sequences, chunks * size))
    at = (np.arange(sequences)[:, None] * steps + np.minimum(which, steps - 1)).ravel()
    inside = (which < steps).ravel() & layout.inside.ravel()[at]
    v, decay, b, c = _read(graph, scan, at, inside)
    # [B, T, chunks, H, …] throughout; B and C are the same for all heads.
    split = (sequences, chunks, size)
    v = graph.transpose(graph.reshape(v, *split, heads, width), 0, 1, 2, 4, 3, 5)
    b, c = (graph.reshape(rows, sequences, chunks, 1, size, states) for rows in (b, c))
    across = graph.transpose(b, 0, 1, 2, 3, 5, 4)
    decay = graph.transpose(graph.reshape(decay, *split, heads), 0, 1, 2, 4, 3)
    decay = graph.binary("Max", decay, LEAST)
    so_far = graph.op("CumSum", decay, graph.constant(np.array(4)), shape=decay.shape)
    shape = (sequences, chunks, heads, size)
    column, row = graph.reshape(so_far, *shape, 1), graph.reshape(so_far, *shape[:-1], 1, size)
    later = graph.constant(np.triu(np.full((size, size), 2 * size * LEAST), 1) * 4)
    between = graph.binary("Min", graph.add(graph.binary("Sub", column, row), later), 0.0)
    weights = graph.mul(graph.matmul(c, across), graph.unary("Exp", between))
    y = graph.matmul(weights, v)
    whole = graph.slice(so_far, 4, size - 1, size)
    rest = graph.reshape(graph.unary("Exp", graph.binary("Sub", whole, so_far)), *shape[:-1], 1, size)
    ends = graph.matmul(graph.mul(across, rest), v)
    before, last = _between(graph, scan, ends, graph.reshape(graph.unary("Exp", whole), *shape[:-1], 1, 1))
    if before is not None:
        read = graph.mul(c, graph.unary("Exp", column))
        y = graph.add(y, graph.matmul(read, before))
    y = graph.reshape(graph.transpose(y, 0, 1, 2, 4, 3, 5), sequences * chunks * size, heads * width)
    positions = np.arange(steps) + np.arange(sequences)[:, None] * chunks * size
    return Scanned(y, positions, (1, sequences, chunks * size), last)


def _between(graph: Graph, scan: Heads, ends: Value, decays: Value) -> tuple[Value | None, Value | None]:
    """The states before every chunk [B, T, chunks, H, N, P], None for none; the last [B, T, H, P, N] if asked for."""
    layout, chunks = scan.layout, ends.shape[2]
    shape = (layout.sequences, 1, scan.heads, scan.states, scan.width)
    state = None
    if scan.initial is not None:
        state = graph.reshape(graph.transpose(scan.initial, 0, 1, 2, 4, 3), *shape)
    first, between = state, []
    parts = zip(graph.split(ends, 2, [1] * chunks), graph.split(decays, 2, [1] * chunks), strict=True)
    for number, (end, decay) in enumerate(parts):
        if state is not None:
            between.append(state)
        if number == chunks - 1 and not scan.last:
            break
        state = end if state is None else graph.add(graph.mul(decay, state), end)
    before = graph.concat(between, 2) if between else None
    if before is not None and first is None:
        before = graph.pad(before, {}, before={2: 1})
    if not scan.last or state is None:
        return before, None
    last = graph.reshape(state, layout.sequences, scan.heads, scan.states, scan.width)
    return before, graph.transpose(last, 0, 1, 2, 4, 3)
