"""The scan's peers as ONNX operators: mixers that attend, remember, convolve, or leave the scan out."""

from __future__ import annotations

import math

import numpy as np
from torch import nn

from scanlab.export.basic import gelu
from scanlab.export.context import expected
from scanlab.export.graph import Value
from scanlab.export.layer import Layer, array_of, convolved, gated_out, linear_of, on_grid, scanned_and_gate
from scanlab.export.layout import Layout
from scanlab.export.recurrent import BACKWARDS, FORWARDS, lstm
from scanlab.export.scans import collected
from scanlab.nn.lstm import LstmMixer, whole_path
from scanlab.nn.mixer import Mixer
from scanlab.nn.peers import AttentionMixer, ConvolutionMixer, NoScanMixer

__all__ = ["attention", "both_ways", "convolution", "without_scan"]

# Added to the scores of what attention is not to look at: its share of the weights is 0 in float32.
UNSEEN = 1e9


def attention(layer: Layer, mixer: Mixer, rows: Value) -> Value:
    """Between all patches and tokens, but for what only fills a line up."""
    assert isinstance(mixer, AttentionMixer)
    graph, length, heads = layer.graph, rows.shape[1], mixer.heads
    width = mixer.dim // heads
    projected = graph.reshape(linear_of(layer, rows, mixer.project_in, "project_in"), length, 3, heads, width)
    together = graph.transpose(projected, 0, 2, 3, 1, 4)
    queries, keys, values = (graph.reshape(part, heads, length, width) for part in graph.split(together, 1, [1, 1, 1]))
    scores = graph.mul(graph.matmul(queries, graph.transpose(keys, 0, 1, 3, 2)), width**-0.5)
    widths = layer.context.widths
    if widths is not None:
        inside = graph.reshaped(widths.inside_rows(layer.grid, length - math.prod(layer.grid)), length)
        scores = graph.add(scores, graph.mul(graph.add(inside, -1.0), UNSEEN))
    weights = graph.op("Softmax", scores, shape=scores.shape, axis=-1)
    y = graph.reshape(graph.transpose(graph.matmul(weights, values), 0, 2, 1, 3), length, mixer.dim)
    return linear_of(layer, y, mixer.project_out, "project_out")


def both_ways(layer: Layer, mixer: Mixer, rows: Value) -> Value:
    """An LSTM along the first path and back; restarts are passed over, as `nn` has it.

    Each direction reads the rows in its own order: where a line is filled up, both read it first, and then the rest.
    """
    assert isinstance(mixer, LstmMixer)
    graph, length = layer.graph, rows.shape[1]
    module = expected(mixer.lstm, nn.LSTM, f"{layer.name}.lstm")
    whole_path(mixer.paths(layer.grid), length)
    along = layer.layout.rows[:, 0, :length]
    lengths = (along >= 0).sum(1)
    back = np.stack([np.append(path[:n][::-1], path[n:]) for path, n in zip(along, lengths, strict=True)])
    none, parts = np.zeros((1, length), np.int64), []
    for direction, steps in ((FORWARDS, along), (BACKWARDS, back)):
        path = Layout(steps[:, None], none, none.astype(bool), none[0, :1], 1, length)
        with graph.at("lstm"):
            read = lstm(graph, graph.rows(rows, graph.chosen(path.index(1))), module, direction)
        parts.append(collected(graph, read, np.arange(length)[None], path))
    return linear_of(layer, graph.concat(parts, 2), mixer.project_out, "project_out")


def convolution(layer: Layer, mixer: Mixer, rows: Value) -> Value:
    """On the grid; tokens pass by."""
    assert isinstance(mixer, ConvolutionMixer)
    u = gelu(layer.graph, linear_of(layer, rows, mixer.project_in, "project_in"))
    with layer.graph.at("spatial"):
        y = on_grid(layer, u, mixer.spatial, "spatial")
    return linear_of(layer, y, mixer.project_out, "project_out")


def without_scan(layer: Layer, mixer: Mixer, rows: Value) -> Value:
    """What is left of a scan without its state: the skip."""
    assert isinstance(mixer, NoScanMixer)
    graph, paths = layer.graph, layer.layout.paths
    u, z = scanned_and_gate(layer, mixer, rows)
    u = convolved(layer, mixer, u)
    skip = np.broadcast_to(array_of(mixer.own(mixer.skip, paths)), (paths, mixer.inner))
    skip = skip / paths if mixer.config.average else skip
    if len(u.shape) == 4:
        y = graph.reduce("ReduceSum", graph.mul(u, graph.constant(skip[:, None])), 1)
    else:
        y = graph.mul(u, graph.constant(skip.sum(0)))
    return gated_out(layer, mixer, y, z)
