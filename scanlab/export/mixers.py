"""Mixers as ONNX operators: a row for every kind of `scanlab.nn`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from torch import Tensor, nn

from scanlab.export.basic import norm, silu, softplus, standardised
from scanlab.export.context import Context, Kept, expected
from scanlab.export.diagonal import Diagonal, Scanned
from scanlab.export.graph import Graph, Value
from scanlab.export.heads_scan import Heads
from scanlab.export.layer import Layer, array_of, convolved, gated_out, linear_of, scanned_and_gate
from scanlab.export.layout import Layout, layout_of
from scanlab.export.peers import attention, both_ways, convolution, without_scan
from scanlab.export.scans import collected, scan_channels, scan_heads, skipped, weighted
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import CLASS, MEAN
from scanlab.nn.cascade import CascadeMixer
from scanlab.nn.lstm import LstmMixer
from scanlab.nn.mixer import Mixer, ScanMixer
from scanlab.nn.peers import AttentionMixer, ConvolutionMixer, NoScanMixer
from scanlab.nn.ssd_mixer import SsdMixer
from scanlab.ops import PathTable

__all__ = ["MIXERS", "mixed"]


def mixed(
    context: Context, mixer: Mixer, x: Value, grid: tuple[int, ...], name: str,
    tables: tuple[PathTable, ...] = (), kept: Kept | None = None,
) -> Value:  # fmt: skip
    """What a mixer makes of patches and class tokens [B, L, dim]. tables: of its paths, for each phase of a stream."""
    writer = MIXERS.get(type(mixer))
    if writer is None:
        raise ScanlabError.at("S782", f"{name} is a {type(mixer).__name__}, whose ONNX operators are not known")
    graph, length = context.graph, x.shape[1]
    tables = tables or (mixer.paths(grid),)
    layout = layout_of(tables) if context.widths is None else context.widths.layouts[mixer]
    layer = Layer(context, name, layout, grid, kept)
    with graph.along(str(mixer.paths.value)):
        rows = writer(layer, mixer, _with_tokens(layer, x, tables[0]))
    rows = graph.slice(rows, 1, 0, tables[0].grid_size + tables[0].tokens.count(CLASS))
    # A class token that this layer's paths do not visit passes by.
    return graph.pad(rows, {1: length - rows.shape[1]})


def _with_tokens(layer: Layer, x: Value, table: PathTable) -> Value:
    """The patches, then the virtual tokens in the order of the table's rows."""
    graph, widths = layer.graph, layer.context.widths
    if MEAN not in table.tokens:
        return graph.slice(x, 1, 0, table.length)
    patches = graph.slice(x, 1, 0, table.grid_size)
    rows = {MEAN: graph.reduce("ReduceMean", layer.context.inside(patches, layer.grid), 1, keep=True)}
    if widths is not None:
        share = graph.reduce("ReduceMean", widths.inside_rows(layer.grid), 0, keep=True)
        rows[MEAN] = graph.binary("Div", rows[MEAN], share)
    if CLASS in table.tokens:
        rows[CLASS] = graph.slice(x, 1, table.grid_size, x.shape[1])
    return graph.concat([patches, *(rows[name] for name in table.tokens)], 1)


def _per_path(graph: Graph, u: Value) -> Value:
    """[B, L, D] -> [B, 1, L, D]; another stays."""
    return u if len(u.shape) == 4 else graph.reshape(u, 1, *u.shape[1:])


def _flat(graph: Graph, x: Value) -> Value:
    """[B, K, L, X] -> [B, K L, X]."""
    return graph.reshape(x, x.shape[1] * x.shape[2], x.shape[3])


def _selective(layer: Layer, mixer: ScanMixer, u: Value, layout: Layout, part: slice) -> tuple[Diagonal, np.ndarray]:
    """What the scan of u [B, 1 or K, L, inner] reads, with a part of the parameters; and the skip D [K, inner]."""
    graph, paths, state = layer.graph, layout.paths, mixer.config.state
    project = expected(mixer.project_scan, nn.Linear, f"{layer.name}.project_scan")

    def own(parameter: Tensor) -> np.ndarray:
        return array_of(mixer.own(parameter, paths, part))

    with graph.at("project_scan"):
        weight = own(project.weight.unflatten(0, (mixer.sets, -1))).transpose(0, 2, 1)
        projected = graph.matmul(u, graph.constant(weight, f"{layer.name}.project_scan.weight"))
        low, bc = graph.split(projected, 3, [mixer.rank, 2 * state])
    with graph.at("delta"):
        delta = graph.matmul(low, graph.constant(own(mixer.delta_weight), f"{layer.name}.delta_weight"))
        bias = graph.constant(own(mixer.delta_bias)[:, None], f"{layer.name}.delta_bias")
        delta = softplus(graph, graph.add(delta, bias))
    x = graph.mul(delta, u)
    decay = -np.exp(own(mixer.decay_log))
    initial = layer.state("scan", mixer.inner, state)
    values = (_flat(graph, delta), _flat(graph, x), _flat(graph, bc))
    skip = np.broadcast_to(own(mixer.skip), (paths, mixer.inner))
    return Diagonal(layout, *values, decay, initial, layer.kept is not None), skip


def _combined(layer: Layer, mixer: Mixer, scanned: Scanned, u: Value, skip: np.ndarray) -> Value:
    """What the paths put out as the merge has it, with the skip [K, inner] of u: [B, L, inner]."""
    graph, learned = layer.graph, mixer.merge()
    weights = np.full(skip.shape, mixer.scale, np.float32)
    weights = weights if learned is None else weights * array_of(learned)
    layer.leave("scan", scanned.last)
    alike = bool((weights == weights[0, 0]).all())
    y = scanned.y if alike else weighted(graph, scanned, layer.runs, weights)
    y = collected(graph, y, scanned.positions, layer.runs)
    y = graph.mul(y, float(weights[0, 0])) if alike and weights[0, 0] != 1 else y
    return graph.add(y, skipped(graph, u, skip * weights, layer.layout))


def _scan(layer: Layer, mixer: Mixer, rows: Value) -> Value:
    assert isinstance(mixer, ScanMixer)
    graph, context = layer.graph, layer.context
    u, z = scanned_and_gate(layer, mixer, rows)
    u = _per_path(graph, convolved(layer, mixer, u))
    with graph.at("scan"):
        problem, skip = _selective(layer, mixer, u, layer.runs, slice(None))
        scanned, context.choices[layer.name] = scan_channels(graph, problem, context.form)
        y = _combined(layer, mixer, scanned, u, skip)
    return gated_out(layer, mixer, y, z)


def _cascade(layer: Layer, mixer: Mixer, rows: Value) -> Value:
    """Rows both ways, then columns both ways; what is read backwards is added at mirrored places, as `nn` has it."""
    assert isinstance(mixer, CascadeMixer)
    graph, context = layer.graph, layer.context
    u, z = scanned_and_gate(layer, mixer, rows)
    u = convolved(layer, mixer, u)
    places = np.arange(math.prod(layer.grid)).reshape(layer.grid)
    for first, axis in ((0, 1), (2, 0)):
        with graph.at("scan"):
            u = _per_path(graph, standardised(graph, u))
            layout, mirror = layer.layout.only(first, first + 2).apart(), np.flip(places, axis).ravel()
            problem, skip = _selective(layer, mixer, u, layout, slice(first, first + 2))
            scanned, context.choices[layer.name] = scan_channels(graph, problem, context.form)
            mirrored = np.where(layout.members[:, None] == 1, mirror[layout.rows], layout.rows)
            y = collected(
                graph, scanned.y, scanned.positions, replace(layout, rows=np.where(layout.inside, mirrored, -1))
            )
            once = graph.reshape(u, *u.shape[2:])
            back = graph.mul(graph.rows(once, graph.constant(mirror)), graph.constant(skip[1]))
            u = graph.total([y, graph.mul(once, graph.constant(skip[0])), back])
    return gated_out(layer, mixer, u, z)


def _ssd(layer: Layer, mixer: Mixer, rows: Value) -> Value:
    assert isinstance(mixer, SsdMixer)
    graph, context, layout = layer.graph, layer.context, layer.runs
    inner, state, heads, paths = mixer.inner, mixer.config.state, mixer.heads, layout.paths
    projected = linear_of(layer, rows, mixer.project_in, "project_in")
    z, together, dt = graph.split(projected, 2, [inner, inner + 2 * state, heads])
    together = _per_path(graph, convolved(layer, mixer, together))
    x, bc = graph.split(together, 3, [inner, 2 * state])
    bias, decay, skip = (array_of(mixer.own(p, paths)) for p in (mixer.delta_bias, mixer.decay_log, mixer.skip))
    with graph.at("scan"):
        dt = softplus(graph, graph.add(_per_path(graph, dt), graph.constant(bias[:, None], f"{layer.name}.delta_bias")))
        width = inner // heads
        wide = graph.reshape(x, *x.shape[1:3], heads, width)
        v = graph.mul(wide, graph.reshape(dt, *dt.shape[1:], 1))
        v = graph.reshape(v, v.shape[1] * v.shape[2], inner)
        g = graph.mul(dt, graph.constant(-np.exp(decay)[:, None]))
        initial = layer.state("scan", heads, width, state)
        problem = Heads(layout, v, _flat(graph, g), _flat(graph, bc), initial, layer.kept is not None)
        scanned, context.choices[layer.name] = scan_heads(graph, problem, context.form)
        skip = np.broadcast_to(np.repeat(skip, width, 1), (paths, inner))
        y = _combined(layer, mixer, scanned, x, skip)
    y = graph.mul(y, silu(graph, z)) if mixer.config.gate else y
    if mixer.norm is not None:
        with graph.at("norm"):
            y = norm(graph, y, mixer.norm, f"{layer.name}.norm")
    return linear_of(layer, y, mixer.project_out, "project_out")


MIXERS: Mapping[type[Mixer], Callable[[Layer, Mixer, Value], Value]] = MappingProxyType(
    {
        ScanMixer: _scan,
        SsdMixer: _ssd,
        CascadeMixer: _cascade,
        AttentionMixer: attention,
        LstmMixer: both_ways,
        ConvolutionMixer: convolution,
        NoScanMixer: without_scan,
    }
)
