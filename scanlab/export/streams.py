"""Causal models as graphs of one call after the other: the state goes in and comes out, in any runtime.

Inputs whose names begin with `state.` are zeros at first; the outputs of the same names with `.next` are what the next
call is given. `state.step` counts the calls; `state.{layer}.{path}` is the state of a path's scan, and
`state.{layer}.{path}.convolution` what its last steps have read; `state.frame` is the frame before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from torch import nn

from scanlab.export.backbones import block, patches
from scanlab.export.basic import linear, norm
from scanlab.export.context import Context, Kept
from scanlab.export.frames import following
from scanlab.export.graph import Graph, Value
from scanlab.export.heads import classified
from scanlab.export.phases import phases_of
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text
from scanlab.nn import Backbone, Classifier, NextFrame, NextPatch, stream
from scanlab.nn.backbone import backbone_of
from scanlab.nn.generation import Steps
from scanlab.ops import PathTable, index_table

__all__ = ["STREAMS", "write_stream"]

STEP = "state.step"


def write_stream(context: Context, model: nn.Module, extents: tuple[int, ...], latency: int) -> str:
    """Write a graph that goes on from a state; what it gives, in words. Raises S716 for a model that keeps none."""
    writer = STREAMS.get(type(model))
    if writer is None:
        known = ", ".join(cls.__name__ for cls in STREAMS)
        raise ScanlabError.at(
            "S716", f"a {type(model).__name__} has no state from one call to the next", help=f"export a {known}"
        )
    return writer(context, model, extents, latency)


class _States:
    """The states of all layers as inputs and outputs of the graph, a value for every path."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.step = graph.input(STEP, 1, dtype="int64", batch=False)

    def kept(self, layer: int, keeps: Value | None) -> Kept:
        """The state of a layer. keeps [T]: 0 where a path begins anew with this call."""

        def takes(kind: str, shape: tuple[int, ...]) -> Value:
            paths = [self.graph.input(name, *shape[1:]) for name in _names(layer, kind, shape[0])]
            whole = self.graph.concat([self.graph.reshape(path, 1, *shape[1:]) for path in paths], 1)
            if keeps is None:
                return whole
            return self.graph.mul(whole, self.graph.reshaped(keeps, shape[0], *[1] * (len(shape) - 1)))

        return Kept(takes)

    def leave(self, layer: int, kept: Kept) -> None:
        """Give out what a layer has left."""
        for kind, last in kept.last.items():
            parts = self.graph.split(last, 1, [1] * last.shape[1])
            for name, part in zip(_names(layer, kind, len(parts)), parts, strict=True):
                self.graph.output(self.graph.reshape(part, *part.shape[2:]), f"{name}.next")

    def counted(self) -> None:
        """Give out the number of the next call."""
        self.graph.output(self.graph.add(self.step, self.graph.constant(np.array([1]))), f"{STEP}.next")


def _names(layer: int, kind: str, paths: int) -> list[str]:
    return [f"state.{layer}.{path}" + ("" if kind == "scan" else f".{kind}") for path in range(paths)]


def _blocks(context: Context, states: _States, backbone: Backbone, rows: Value, grid: tuple[int, ...],
            layers: Sequence[tuple[tuple[PathTable, ...], Value | None]]) -> Value:  # fmt: skip
    """The blocks one after the other, each with its tables and what of its state it keeps; then the norm."""
    graph = context.graph
    for layer, (module, (tables, keeps)) in enumerate(zip(backbone.blocks, layers, strict=True)):
        kept = states.kept(layer, keeps)
        with graph.at(*context.within, "stages.0", f"blocks.{layer}"):
            name = f"{context.prefix}stages.0.blocks.{layer}"
            rows = block(context, module, rows, grid, name, tables=tables, kept=kept)
        states.leave(layer, kept)
    with graph.at(*context.within, "norm"):
        return norm(graph, rows, backbone.norm, f"{context.prefix}norm")


@dataclass(frozen=True)
class _Group:
    """A group of frames as a call reads it: frames [B, C, F, *extents], and the rows that they become."""

    frames: Value
    rows: Value
    states: _States
    extents: tuple[int, ...]

    def ends(self, what: str) -> str:
        """What a call gives, and what it reads, in words; the number of the next call is given out."""
        self.states.counted()
        return f"{what}; a call reads {count_text(self.frames.shape[2], 'frame')} of {grid_text(self.extents)}"


Sees = Callable[[Context, Value, Value], Value]


def _group(context: Context, model: nn.Module, extents: tuple[int, ...], latency: int, channels: int,
           sees: Sees | None = None) -> _Group:  # fmt: skip
    """The next frames of some channels, and their rows. sees: frames and the number of the call to what is embedded."""
    graph, backbone = context.graph, backbone_of(model)
    live = stream(model, latency)
    grid = (live.latency, *backbone.grid_of(extents)[1:])
    phases = phases_of(backbone, grid)
    states = _States(graph)
    frames = graph.input("frames", channels, backbone.embed.patch[0] * live.latency, *extents[1:])
    count = max(len(layer.tables) for layer in phases)
    if count > 1:
        graph.phase = graph.op("Mod", states.step, graph.constant(np.array([count])), shape=(1,), dtype="int64")
    rows = patches(context, backbone.embed, frames if sees is None else sees(context, frames, states.step), grid)
    if backbone.positions is not None:
        rows = graph.add(rows, _positions(context, backbone, grid, states.step))
    layers = []
    for layer in phases:
        tables = tuple(layer.tables[i % len(layer.tables)] for i in range(count if len(layer.tables) > 1 else 1))
        keeps = None
        if layer.keeps is not None:
            keeps = graph.chosen(np.stack([layer.keeps[i % len(layer.keeps)] for i in range(count)]))
        layers.append((tables, keeps))
    return _Group(frames, _blocks(context, states, backbone, rows, grid, layers), states, extents[1:])


def _frames(context: Context, model: nn.Module, extents: tuple[int, ...], latency: int) -> str:
    """Frames to their rows."""
    group = _group(context, model, extents, latency, backbone_of(model).channels)
    context.graph.output(group.rows, "rows")
    return group.ends("rows [B, L, dim] of the patches of these frames")


def _frames_to_logits(context: Context, model: nn.Module, extents: tuple[int, ...], latency: int) -> str:
    """Frames to the logits of all that has been read."""
    assert isinstance(model, Classifier)
    group = _group(context, model, extents, latency, model.backbone.channels)
    for name, value in classified(context, model, _read_so_far(context, model, group.rows, group.states)).items():
        context.graph.output(value, name)
    return group.ends("logits [B, classes] after all frames so far")


def _next_frame(context: Context, model: nn.Module, extents: tuple[int, ...], latency: int) -> str:
    """A frame to what is expected after it."""
    assert isinstance(model, NextFrame)
    group = _group(context, model, extents, latency, model.channels, _with_change)
    context.graph.output(following(context, model, group.frames, group.rows), "expected")
    return group.ends("what is expected after this frame [B, C, 1, *extents]")


def _with_change(context: Context, frames: Value, step: Value) -> Value:
    """A frame and its difference from the one before, which is a state like those of the layers; 0 for the first."""
    graph = context.graph
    before = graph.input("state.frame", *frames.shape[1:])
    graph.output(frames, "state.frame.next")
    first = graph.op("Equal", step, graph.constant(np.array([0])), shape=(1,), dtype="bool")
    change = graph.binary("Sub", frames, before)
    change = graph.op("Where", first, graph.constant(0.0), change, shape=change.shape)
    return graph.concat([frames, change], 1)


def _positions(context: Context, backbone: Backbone, grid: tuple[int, ...], step: Value) -> Value:
    """The positions of a group's patches [1, L, dim], those of the first groups as trained; there are none after."""
    graph, positions = context.graph, backbone.positions
    assert positions is not None
    trained = backbone.grid_of(backbone.input_size)[0]
    whole = positions(torch.zeros((), device=positions.patches.device), (trained, *grid[1:]))
    groups = trained // grid[0]
    table = graph.constant(whole.unflatten(0, (trained, -1))[: groups * grid[0]].reshape(groups, -1, whole.shape[-1]))
    return graph.op("Gather", table, step, shape=(1, *table.shape[1:]), axis=0)


def _read_so_far(context: Context, model: Classifier, rows: Value, states: _States) -> Value:
    """The mean, or the greatest, of all rows of all groups so far [B, dim]: a state like those of the layers."""
    graph, greatest = context.graph, model.backbone.config.readout == "max"
    before = graph.input("state.read", rows.shape[2])
    new = graph.reduce("ReduceMax" if greatest else "ReduceMean", rows, 1)
    if greatest:
        first = graph.op("Equal", states.step, graph.constant(np.array([0])), shape=(1,), dtype="bool")
        larger = graph.binary("Max", before, new)
        now = graph.op("Where", first, new, larger, shape=new.shape)
    else:
        done = graph.cast(states.step, "float32")
        # The mean moves by its share of the difference, so that it stays exact however long the video is.
        now = graph.add(before, graph.binary("Div", graph.binary("Sub", new, before), graph.add(done, 1.0)))
    graph.output(now, "state.read.next")
    return now


def _next_patch(context: Context, model: nn.Module, extents: tuple[int, ...], latency: int) -> str:
    """A patch [B, 1, values] to what is expected of the one that follows it on the path [B, outputs]."""
    assert isinstance(model, NextPatch)
    graph, backbone = context.graph, model.backbone
    grid = backbone.grid_of(extents)
    # Raises S716 and S615 for what keeps no state, and for layers that follow different paths.
    order = Steps(model, grid, batch=1).order.cpu().numpy()
    states, length = _States(graph), math.prod(grid)
    given = graph.input("patch", 1, model.values)
    sides = backbone.embed.patch
    rows = patches(context, backbone.embed, graph.reshape(given, backbone.channels, *sides), (1,) * len(sides))
    if backbone.positions is not None:
        zero = torch.zeros((), device=model.start.device)
        table = graph.constant(backbone.positions(zero, grid)[order])
        rows = graph.add(rows, graph.op("Gather", table, states.step, shape=(1, rows.shape[2]), axis=0))
    one = index_table(torch.zeros(1, 1, dtype=torch.long), 1)
    layers = []
    for module in backbone.blocks:
        anew = [first for *_, first, _, carry in module.mixer.paths(grid).segments.tolist() if not carry and first]
        keeps = None
        if anew:
            table = graph.constant(np.where(np.isin(np.arange(length), anew), 0.0, 1.0))
            keeps = graph.op("Gather", table, states.step, shape=(1,), axis=0)
        layers.append(((one,), keeps))
    rows = _blocks(context, states, backbone, rows, (1,) * len(sides), layers)
    with graph.at("head"):
        expected = linear(graph, graph.reshape(rows, rows.shape[2]), model.head, "head")
        graph.output(expected, "expected")
        first = model.head(model.start).detach()
        graph.output(graph.op("Identity", graph.constant(first), shape=tuple(first.shape)), "expected_first")
    states.counted()
    return (
        "what is expected of the patch after this one [B, outputs], and of the first of all [outputs]; patches come in "
        "the order of the path"
    )


STREAMS: Mapping[type[nn.Module], Callable[[Context, nn.Module, tuple[int, ...], int], str]] = MappingProxyType(
    {Backbone: _frames, Classifier: _frames_to_logits, NextFrame: _next_frame, NextPatch: _next_patch}
)
