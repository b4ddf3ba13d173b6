"""Mixers as ONNX operators: a row for every kind of `scanlab.nn`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from torch import Tensor, nn

from scanlab.export.basic import conv, gelu, linear, norm, silu, softplus, standardised, to_picture, to_rows
from scanlab.export.context import Context, Kept, expected
from scanlab.export.diagonal import Diagonal, Scanned
from scanlab.export.graph import Graph, Value
from scanlab.export.heads_scan import Heads
from scanlab.export.layout import Layout, layout_of
from scanlab.export.scans import causal_conv1d, collected, scan_channels, scan_heads, skipped, weighted
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import CLASS, MEAN
from scanlab.nn.kinds import CONVOLUTIONS
from scanlab.nn.mixer import CascadeMixer, Mixer, PathConvolution, ScanMixer
from scanlab.nn.peers import AttentionMixer, ConvolutionMixer, NoScanMixer
from scanlab.nn.ssd_mixer import SsdMixer
from scanlab.ops import PathTable

__all__ = ["MIXERS", "Layer", "mixed"]


@dataclass(frozen=True)
class Layer:
    """A mixer where it stands: its name in the model, the layout of its paths, the grid, its state where it has one."""

    context: Context
    name: str
    layout: Layout
    grid: tuple[int, ...]
    kept: Kept | None = None

    @property
    def graph(self) -> Graph:
        """The graph that is written."""
        return self.context.graph

    @property
    def runs(self) -> Layout:
        """The layout as a scan takes it: cut where paths restart, unless a state goes through."""
        return self.layout.apart() if self.kept is None else self.layout

    def state(self, kind: str, *shape: int) -> Value | None:
        """The state [B, T, *shape] that is taken up; None where everything begins here."""
        return None if self.kept is None else self.kept.takes(kind, (self.layout.sequences, *shape))

    def leave(self, kind: str, last: Value | None) -> None:
        """Keep a last state for what comes after."""
        if self.kept is not None and last is not None:
            self.kept.last[kind] = last


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
    layer = Layer(context, name, layout_of(tables), grid, kept)
    with graph.along(str(mixer.paths.value)):
        rows = writer(layer, mixer, _with_tokens(graph, x, tables[0]))
    rows = graph.slice(rows, 1, 0, tables[0].grid_size + tables[0].tokens.count(CLASS))
    # A class token that this layer's paths do not visit passes by.
    return graph.pad(rows, {1: length - rows.shape[1]})


def _with_tokens(graph: Graph, x: Value, table: PathTable) -> Value:
    """The patches, then the virtual tokens in the order of the table's rows."""
    if MEAN not in table.tokens:
        return graph.slice(x, 1, 0, table.length)
    patches = graph.slice(x, 1, 0, table.grid_size)
    rows = {MEAN: graph.reduce("ReduceMean", patches, 1, keep=True)}
    if CLASS in table.tokens:
        rows[CLASS] = graph.slice(x, 1, table.grid_size, x.shape[1])
    return graph.concat([patches, *(rows[name] for name in table.tokens)], 1)


def _array(parameter: Tensor) -> np.ndarray:
    return parameter.detach().float().cpu().numpy()


def _linear(layer: Layer, x: Value, module: object, name: str) -> Value:
    with layer.graph.at(name):
        return linear(layer.graph, x, module, f"{layer.name}.{name}")


def _project(layer: Layer, mixer: Mixer, rows: Value) -> tuple[Value, Value | None]:
    """The input of the scan, and that of the gate where there is one."""
    projected = _linear(layer, rows, mixer.project_in, "project_in")
    if not mixer.config.gate:
        return projected, None
    u, z = layer.graph.split(projected, 2, [mixer.inner, mixer.inner])
    return u, z


def _out(layer: Layer, mixer: Mixer, y: Value, z: Value | None) -> Value:
    """Norm, gate and the last projection."""
    graph, module = layer.graph, mixer.norm
    if module is not None:
        with graph.at("norm"):
            y = norm(graph, y, module, f"{layer.name}.norm")
    y = y if z is None else graph.mul(y, silu(graph, z))
    return _linear(layer, y, mixer.project_out, "project_out")


def _convolved(layer: Layer, mixer: Mixer, u: Value) -> Value:
    """silu of the convolution of [B, L, D]: [B, L, D], or [B, K, L, D] along every path."""
    graph, module, kind = layer.graph, mixer.convolution, CONVOLUTIONS[mixer.config.convolution]
    if module is None:
        return silu(graph, u)
    with graph.at("convolution"):
        if not kind.along_paths:
            return silu(graph, _on_grid(layer, u, module, "convolution"))
        assert isinstance(module, PathConvolution)
        layout = layer.layout if kind.along is None else layer.layout.only(0, kind.along)
        weight = _array(mixer.own(module.weight, layout.paths))
        bias = None if module.bias is None else _array(mixer.own(module.bias, layout.paths))
        initial = None
        if layer.kept is not None:
            initial = layer.kept.takes("convolution", (layout.sequences, weight.shape[2] - 1, u.shape[2]))
        y, last = causal_conv1d(graph, u, weight, bias, layout, initial)
        layer.leave("convolution", last)
        return graph.reshape(y, *y.shape[2:]) if kind.along else y


def _on_grid(layer: Layer, u: Value, module: object, name: str) -> Value:
    """A convolution on the grid, of the patches of [B, L, D]; tokens pass by."""
    graph, patches = layer.graph, math.prod(layer.grid)
    picture = to_picture(graph, graph.slice(u, 1, 0, patches), layer.grid)
    rows = to_rows(graph, conv(graph, picture, module, f"{layer.name}.{name}"))
    return rows if u.shape[1] == patches else graph.concat([rows, graph.slice(u, 1, patches, u.shape[1])], 1)


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
        return _array(mixer.own(parameter, paths, part))

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
    weights = weights if learned is None else weights * _array(learned)
    layer.leave("scan", scanned.last)
    alike = bool((weights == weights[0, 0]).all())
    y = scanned.y if alike else weighted(graph, scanned, layer.runs, weights)
    y = collected(graph, y, scanned.positions, layer.runs)
    y = graph.mul(y, float(weights[0, 0])) if alike and weights[0, 0] != 1 else y
    return graph.add(y, skipped(graph, u, skip * weights, layer.layout))


def _scan(layer: Layer, mixer: Mixer, rows: Value) -> Value:
    assert isinstance(mixer, ScanMixer)
    graph, context = layer.graph, layer.context
    u, z = _project(layer, mixer, rows)
    u = _per_path(graph, _convolved(layer, mixer, u))
    with graph.at("scan"):
        problem, skip = _selective(layer, mixer, u, layer.runs, slice(None))
        scanned, context.choices[layer.name] = scan_channels(graph, problem, context.form)
        y = _combined(layer, mixer, scanned, u, skip)
    return _out(layer, mixer, y, z)


def _cascade(layer: Layer, mixer: Mixer, rows: Value) -> Value:
    """Rows both ways, then columns both ways; what is read backwards is added at mirrored places, as `nn` has it."""
    assert isinstance(mixer, CascadeMixer)
    graph, context = layer.graph, layer.context
    u, z = _project(layer, mixer, rows)
    u = _convolved(layer, mixer, u)
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
    return _out(layer, mixer, u, z)


def _ssd(layer: Layer, mixer: Mixer, rows: Value) -> Value:
    assert isinstance(mixer, SsdMixer)
    graph, context, layout = layer.graph, layer.context, layer.runs
    inner, state, heads, paths = mixer.inner, mixer.config.state, mixer.heads, layout.paths
    projected = _linear(layer, rows, mixer.project_in, "project_in")
    z, together, dt = graph.split(projected, 2, [inner, inner + 2 * state, heads])
    together = _per_path(graph, _convolved(layer, mixer, together))
    x, bc = graph.split(together, 3, [inner, 2 * state])
    bias, decay, skip = (_array(mixer.own(p, paths)) for p in (mixer.delta_bias, mixer.decay_log, mixer.skip))
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
    return _linear(layer, y, mixer.project_out, "project_out")


def _attention(layer: Layer, mixer: Mixer, rows: Value) -> Value:
    assert isinstance(mixer, AttentionMixer)
    graph, length, heads = layer.graph, rows.shape[1], mixer.heads
    width = mixer.dim // heads
    projected = graph.reshape(_linear(layer, rows, mixer.project_in, "project_in"), length, 3, heads, width)
    together = graph.transpose(projected, 0, 2, 3, 1, 4)
    queries, keys, values = (graph.reshape(part, heads, length, width) for part in graph.split(together, 1, [1, 1, 1]))
    scores = graph.mul(graph.matmul(queries, graph.transpose(keys, 0, 1, 3, 2)), width**-0.5)
    weights = graph.op("Softmax", scores, shape=scores.shape, axis=-1)
    y = graph.reshape(graph.transpose(graph.matmul(weights, values), 0, 2, 1, 3), length, mixer.dim)
    return _linear(layer, y, mixer.project_out, "project_out")


def _convolution(layer: Layer, mixer: Mixer, rows: Value) -> Value:
    assert isinstance(mixer, ConvolutionMixer)
    u = gelu(layer.graph, _linear(layer, rows, mixer.project_in, "project_in"))
    with layer.graph.at("spatial"):
        y = _on_grid(layer, u, mixer.spatial, "spatial")
    return _linear(layer, y, mixer.project_out, "project_out")


def _no_scan(layer: Layer, mixer: Mixer, rows: Value) -> Value:
    assert isinstance(mixer, NoScanMixer)
    graph, paths = layer.graph, layer.layout.paths
    u, z = _project(layer, mixer, rows)
    u = _convolved(layer, mixer, u)
    skip = np.broadcast_to(_array(mixer.own(mixer.skip, paths)), (paths, mixer.inner))
    skip = skip / paths if mixer.config.average else skip
    if len(u.shape) == 4:
        y = graph.reduce("ReduceSum", graph.mul(u, graph.constant(skip[:, None])), 1)
    else:
        y = graph.mul(u, graph.constant(skip.sum(0)))
    return _out(layer, mixer, y, z)


MIXERS: Mapping[type[Mixer], Callable[[Layer, Mixer, Value], Value]] = MappingProxyType(
    {
        ScanMixer: _scan,
        SsdMixer: _ssd,
        CascadeMixer: _cascade,
        AttentionMixer: _attention,
        ConvolutionMixer: _convolution,
        NoScanMixer: _no_scan,
    }
)
