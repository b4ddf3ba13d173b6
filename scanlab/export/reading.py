"""The head that reads lines and pages of text as ONNX operators; lines of any width where their paths allow it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from torch import nn

from scanlab.export.backbones import rows_of
from scanlab.export.basic import linear, norm
from scanlab.export.context import Context
from scanlab.export.graph import WIDTH, Value
from scanlab.export.layout import layout_of
from scanlab.export.widths import Fixed, Widths, filled, grids_of, in_widths, number_of_columns
from scanlab.nn import TextReader
from scanlab.nn.mixer import Mixer

__all__ = ["lines", "said_of_text", "text_reader"]

DECODING = (
    "The number of the largest logit of every step; numbers that follow each other and are alike become one, and then "
    "the blank's are left out. The others are numbers in the alphabet, from 0."
)


def said_of_text(model: nn.Module) -> Mapping[str, str]:
    """What another runtime needs to make a text of logits."""
    assert isinstance(model, TextReader)
    return {
        "scanlab.alphabet": json.dumps(list(model.alphabet)),
        "scanlab.blank": str(model.blank),
        "scanlab.steps": model.steps,
        "scanlab.decoding": DECODING,
    }


def lines(context: Context, model: nn.Module, extents: tuple[int, ...]) -> tuple[Context, Value]:
    """The input, [B, C, H, W] with W up to the file's width, and what is known of it; filled up to that width."""
    assert isinstance(model, TextReader)
    backbone, graph = model.backbone, context.graph
    model.steps_of(extents)
    columns, side = backbone.grid_of(extents)[1], backbone.embed.patch[1]
    try:
        layouts = in_widths(backbone, extents)
    except Fixed as why:
        context.about["scanlab.widths"] = f"{extents[1]} pixels, no others: {why}; name other sizes for a file of each"
        return context, graph.input("images", backbone.channels, *extents)
    context.about["scanlab.widths"] = (
        f"{side} to {columns * side} pixels, those of a call alike; all take the time of the widest"
    )
    images = graph.input("images", backbone.channels, extents[0], WIDTH)
    with graph.at("widths"):
        count = number_of_columns(graph, images, side)
        graph.phase = graph.op("Sub", graph.constant(np.array([columns])), count, shape=(1,), dtype="int64")
        whole = filled(graph, images, columns * side)
        widths = Widths(graph, columns, count, grids_of(backbone, extents), layouts)
    return replace(context, widths=widths), whole


def text_reader(context: Context, model: nn.Module, images: Value) -> Mapping[str, Value]:
    """Lines or pages to the logits of every step."""
    assert isinstance(model, TextReader)
    graph, backbone, widths = context.graph, model.backbone, context.widths
    rows = rows_of(context, backbone, images)
    *_, (last, grid) = backbone.block_grids(images.shape[2:])
    if model.steps == "path":
        paths = _first_path(context, last.mixer, grid)
        counts = (paths >= 0).sum(1)
        with graph.along(str(last.mixer.paths.value)):
            read = graph.rows(rows, graph.chosen(np.maximum(paths, 0)))
    else:
        patches = graph.slice(rows, 1, 0, math.prod(grid))
        cells = graph.reshape(patches, *grid, rows.shape[2])
        read = graph.reshape(graph.transpose(cells, 0, 2, 1, 3), grid[1], grid[0] * rows.shape[2])
        counts = np.array([grid[1]]) if widths is None else np.array([grids[-1][1] for grids in widths.grids])
    with graph.at("norm"):
        read = norm(graph, read, model.norm, "norm")
    with graph.at("head"):
        logits = linear(graph, read, model.head, "head")
    return {"logits": logits if widths is None else widths.cut(logits, counts)}


def _first_path(context: Context, mixer: Mixer, grid: tuple[int, ...]) -> np.ndarray:
    """int64 [phases, S]: the patches in the order of the first path, without tokens; -1 after the last of them."""
    layout = layout_of([mixer.paths(grid)]) if context.widths is None else context.widths.layouts[mixer]
    paths = [rows[(rows >= 0) & (rows < math.prod(grid))] for rows in layout.rows[:, 0]]
    most = max(map(len, paths))
    return np.stack([np.pad(path, (0, most - len(path)), constant_values=-1) for path in paths])
