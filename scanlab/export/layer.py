"""A mixer where it stands, and what mixers have in common: projections, convolutions, the gate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from scanlab.export.basic import conv, linear, norm, silu, to_picture, to_rows
from scanlab.export.context import Context, Kept
from scanlab.export.graph import Graph, Value
from scanlab.export.layout import Layout
from scanlab.export.scans import causal_conv1d
from scanlab.nn.kinds import CONVOLUTIONS
from scanlab.nn.mixer import Mixer, PathConvolution

__all__ = ["Layer", "array_of", "convolved", "gated_out", "linear_of", "on_grid", "scanned_and_gate"]


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


def array_of(parameter: Tensor) -> np.ndarray:
    """A parameter as a float32 array."""
    return parameter.detach().float().cpu().numpy()


def linear_of(layer: Layer, x: Value, module: object, name: str) -> Value:
    """A linear map of the mixer, by its name in it."""
    with layer.graph.at(name):
        return linear(layer.graph, x, module, f"{layer.name}.{name}")


def scanned_and_gate(layer: Layer, mixer: Mixer, rows: Value) -> tuple[Value, Value | None]:
    """The input of the scan, and that of the gate where there is one."""
    projected = linear_of(layer, rows, mixer.project_in, "project_in")
    if not mixer.config.gate:
        return projected, None
    u, z = layer.graph.split(projected, 2, [mixer.inner, mixer.inner])
    return u, z


def gated_out(layer: Layer, mixer: Mixer, y: Value, z: Value | None) -> Value:
    """Norm, gate and the last projection."""
    graph, module = layer.graph, mixer.norm
    if module is not None:
        with graph.at("norm"):
            y = norm(graph, y, module, f"{layer.name}.norm")
    y = y if z is None else graph.mul(y, silu(graph, z))
    return linear_of(layer, y, mixer.project_out, "project_out")


def convolved(layer: Layer, mixer: Mixer, u: Value) -> Value:
    """silu of the convolution of [B, L, D]: [B, L, D], or [B, K, L, D] along every path."""
    graph, module, kind = layer.graph, mixer.convolution, CONVOLUTIONS[mixer.config.convolution]
    if module is None:
        return silu(graph, u)
    with graph.at("convolution"):
        if not kind.along_paths:
            return silu(graph, on_grid(layer, u, module, "convolution"))
        assert isinstance(module, PathConvolution)
        layout = layer.layout if kind.along is None else layer.layout.only(0, kind.along)
        weight = array_of(mixer.own(module.weight, layout.paths))
        bias = None if module.bias is None else array_of(mixer.own(module.bias, layout.paths))
        initial = None
        if layer.kept is not None:
            initial = layer.kept.takes("convolution", (layout.sequences, weight.shape[2] - 1, u.shape[2]))
        y, last = causal_conv1d(graph, u, weight, bias, layout, initial)
        layer.leave("convolution", last)
        return graph.reshape(y, *y.shape[2:]) if kind.along else y


def on_grid(layer: Layer, u: Value, module: object, name: str) -> Value:
    """A convolution on the grid, of the patches of [B, L, D]; tokens pass by."""
    graph, patches = layer.graph, math.prod(layer.grid)
    rows = layer.context.inside(graph.slice(u, 1, 0, patches), layer.grid)
    picture = to_picture(graph, rows, layer.grid)
    rows = to_rows(graph, conv(graph, picture, module, f"{layer.name}.{name}"))
    return rows if u.shape[1] == patches else graph.concat([rows, graph.slice(u, 1, patches, u.shape[1])], 1)
