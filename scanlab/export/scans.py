"""The selective scan, the state space dual and the convolution along paths over rows, as `scanlab.ops` has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from scanlab.export.basic import silu
from scanlab.export.blocked import blocked
from scanlab.export.diagonal import Diagonal, Scanned, attention
from scanlab.export.forms import Choice, Form, diagonal_choice, heads_choice
from scanlab.export.graph import Graph, Value
from scanlab.export.heads_scan import Heads, chunked, with_heads
from scanlab.export.layout import Layout
from scanlab.export.stepped import stepped

__all__ = [
    "OF_CHANNELS",
    "OF_HEADS",
    "causal_conv1d",
    "collected",
    "scan_channels",
    "scan_heads",
    "skipped",
    "weighted",
]

OF_CHANNELS: Mapping[str, Callable[[Graph, Diagonal, str], Scanned]] = MappingProxyType(
    {"attention": attention, "blocked": blocked, "stepped": stepped}
)
OF_HEADS: Mapping[str, Callable[[Graph, Heads, str], Scanned]] = MappingProxyType(
    {"attention": with_heads, "chunked": chunked}
)


def scan_channels(graph: Graph, scan: Diagonal, form: Form) -> tuple[Scanned, Choice]:
    """Mamba's scan, by the way that the form has for it."""
    choice = diagonal_choice(form, scan.layout.sequences * scan.states * scan.channels)
    return OF_CHANNELS[choice.way](graph, scan, form.domain), choice


def scan_heads(graph: Graph, scan: Heads, form: Form) -> tuple[Scanned, Choice]:
    """Mamba-2's scan, by the way that the form has for it."""
    choice = heads_choice(form)
    return OF_HEADS[choice.way](graph, scan, form.domain), choice


def weighted(graph: Graph, scanned: Scanned, layout: Layout, weights: np.ndarray) -> Value:
    """y of every sequence times the weights [K, X] of its path. Paths of one sequence have the same weights."""
    own = weights[layout.owners[:, 0]]
    if (own == own[0, 0]).all():
        return graph.mul(scanned.y, float(own[0, 0]))
    apart = graph.reshape(scanned.y, *scanned.axes, own.shape[1])
    return graph.reshape(graph.mul(apart, graph.constant(own[:, None])), *scanned.y.shape[1:])


def collected(graph: Graph, y: Value, positions: np.ndarray, layout: Layout, by_path: bool = False) -> Value:
    """y by position [B, P, X], added up by row: [B, L, X], or by path and row [B, K L, X]; 0 where no step is."""
    visits = layout.visits(positions, blank=y.shape[1], by_path=by_path)
    if (visits == y.shape[1]).any():
        y = graph.pad(y, {1: 1})
    return graph.total([graph.rows(y, graph.chosen(visits[:, m])) for m in range(visits.shape[1])])


def skipped(graph: Graph, u: Value, skip: np.ndarray, layout: Layout) -> Value:
    """What the inputs add to the outputs besides the state, D u at every visit: [B, L, X].

    u: [B, 1 or K, L, X]; skip: D times the weights of the paths, [K, X].
    """
    counts = layout.counts()
    if u.shape[1] == 1:
        rows = graph.reshape(u, layout.length, u.shape[3])
        if (counts == counts[:, :1]).all():
            return graph.mul(rows, graph.constant(counts[:, 0] @ skip))
        if (skip == skip[0]).all():
            return graph.mul(graph.mul(rows, graph.constant(skip[0])), graph.constant(counts.sum(0)[:, None] * 1.0))
        return graph.mul(rows, graph.constant(counts.T @ skip))
    if (counts == counts[:, :1]).all():
        rows = graph.mul(u, graph.constant((counts[:, :1] * skip)[:, None]))
    else:
        rows = graph.mul(graph.mul(u, graph.constant(skip[:, None])), graph.constant(counts[..., None] * 1.0))
    return graph.reduce("ReduceSum", rows, 1)


def causal_conv1d(
    graph: Graph,
    x: Value,
    weight: np.ndarray,
    bias: np.ndarray | None,
    layout: Layout,
    initial: Value | None = None,
) -> tuple[Value, Value]:
    """silu of the convolution along every path: rows [B, L, D] to [B, K, L, D], and what the last steps have read.

    weight: [K or 1, D, W]; bias: [K or 1, D]; initial, last: [B, T, W - 1, D]. Every tap is a table of rows: those
    before the first step are rows of the initial state, or one of zeros.
    """
    taps, channels, sequences, steps = weight.shape[2], x.shape[2], layout.sequences, layout.steps
    tables = _tap_tables(layout, taps, with_state=initial is not None)
    if initial is None:
        source = graph.pad(x, {1: 1})
    else:
        source = graph.concat([x, graph.reshape(initial, sequences * (taps - 1), channels)], 1)
    total = None
    for back in range(taps):
        read = graph.rows(source, graph.chosen(tables[back].reshape(len(tables[back]), -1)))
        own = _own(graph, weight[:, :, taps - 1 - back], layout)
        product = graph.mul(graph.reshape(read, sequences, steps, channels), own)
        total = product if total is None else graph.add(total, product)
    assert total is not None
    if bias is not None:
        total = graph.add(total, _own(graph, bias, layout))
    y = graph.reshape(silu(graph, total), sequences * steps, channels)
    positions = np.arange(sequences * steps).reshape(sequences, steps)
    rows = collected(graph, y, positions, layout, by_path=True)
    lengths = layout.inside.sum(1)
    ends = np.stack([table[:, np.arange(sequences), lengths - 1] for table in tables[taps - 2 :: -1]], axis=2)
    ends = ends.reshape(len(ends), -1)
    last = graph.reshape(graph.rows(source, graph.chosen(ends)), sequences, taps - 1, channels)
    return graph.reshape(rows, layout.paths, layout.length, channels), last


def _tap_tables(layout: Layout, taps: int, with_state: bool) -> list[np.ndarray]:
    """int64 [phases, T, S] for 0, 1, … W - 1 steps back: the row that is read, one of the state's, or that of zeros."""
    steps = np.arange(layout.steps)
    starts = np.maximum.accumulate(np.where(layout.resets, steps, 0), axis=1)
    blank, tables = layout.length, []
    for back in range(taps):
        before = steps - back
        rows = np.take(np.maximum(layout.rows, 0), np.maximum(before, 0), axis=2)
        outside = np.full(starts.shape, blank)
        if with_state:
            state = layout.length + np.arange(layout.sequences)[:, None] * (taps - 1) + taps - 1 + before
            outside = np.where(before < 0, state, blank)
        tables.append(np.where(before >= starts, rows, outside))
    return tables


def _own(graph: Graph, parameter: np.ndarray, layout: Layout) -> Value:
    """A parameter [K or 1, D] for every sequence [T or 1, 1, D], or for every step [T, S, D] where that changes."""
    if len(parameter) == 1:
        return graph.constant(parameter)
    owner = layout.owner()
    if owner is not None:
        return graph.constant(parameter[owner][:, None])
    table = graph.constant(layout.owners)
    shape = (*layout.owners.shape, parameter.shape[1])
    return graph.op("Gather", graph.constant(parameter), table, shape=shape, axis=0)
