"""The head of the next frame as ONNX operators: frames and their differences in, the frames after them out."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from scanlab.export.backbones import rows_of
from scanlab.export.basic import linear
from scanlab.export.context import Context
from scanlab.export.graph import Value
from scanlab.nn import NextFrame

__all__ = ["following", "next_frame", "video"]


def video(context: Context, model: nn.Module, extents: tuple[int, ...]) -> tuple[Context, Value]:
    """The input, [B, C, T, *extents]."""
    assert isinstance(model, NextFrame)
    return context, context.graph.input("images", model.channels, *extents)


def next_frame(context: Context, model: nn.Module, images: Value) -> Mapping[str, Value]:
    """All frames of a video to what is expected after each."""
    assert isinstance(model, NextFrame)
    graph, frames = context.graph, images.shape[2]
    first = graph.slice(images, 2, 0, 1)
    before = graph.concat([first, graph.slice(images, 2, 0, frames - 1)], 2) if frames > 1 else first
    seen = graph.concat([images, graph.binary("Sub", images, before)], 1)
    return {"expected": following(context, model, images, rows_of(context, model.backbone, seen))}


def following(context: Context, model: NextFrame, frames: Value, rows: Value) -> Value:
    """What is expected after each of some frames, of the rows of their patches: as many frames."""
    graph, extents, sides = context.graph, frames.shape[2:], model.backbone.embed.patch
    grid, axes = model.backbone.grid_of(extents), len(sides)
    with graph.at("head"):
        change = linear(graph, rows, model.head, "head")
        cells = graph.reshape(change, *grid, model.channels, *sides)
        places = [0, 1 + axes]
        for axis in range(axes):
            places += [1 + axis, 2 + axes + axis]
        wide = [n * side for n, side in zip(grid, sides, strict=True)]
        whole = graph.reshape(graph.transpose(cells, *places), model.channels, *wide)
        for axis, extent in enumerate(extents):
            whole = graph.slice(whole, 2 + axis, 0, extent)
        return graph.add(frames, whole)
