"""Layers that every model has: projections, norms, activations, convolutions on a grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from torch import nn

from scanlab.export.context import expected, unexpected
from scanlab.export.graph import BATCH, Graph, Value

__all__ = ["conv", "gelu", "linear", "norm", "silu", "softplus", "standardised", "to_picture", "to_rows"]


def linear(graph: Graph, x: Value, module: object, name: str) -> Value:
    """x W^T + b. Raises S782 for what is no nn.Linear."""
    module = expected(module, nn.Linear, name)
    y = graph.matmul(x, graph.constant(module.weight.detach().mT, f"{name}.weight"))
    return y if module.bias is None else graph.add(y, graph.constant(module.bias, f"{name}.bias"))


def _layer_norm(graph: Graph, x: Value, module: nn.Module, name: str) -> Value:
    assert isinstance(module, nn.LayerNorm)
    weight = graph.constant(module.weight, f"{name}.weight")
    bias = None if module.bias is None else graph.constant(module.bias, f"{name}.bias")
    return graph.op("LayerNormalization", x, weight, bias, shape=x.shape, axis=-1, epsilon=module.eps)


def _rms_norm(graph: Graph, x: Value, module: nn.Module, name: str) -> Value:
    assert isinstance(module, nn.RMSNorm) and module.eps is not None
    mean = graph.reduce("ReduceMean", graph.op("Pow", x, graph.constant(2.0), shape=x.shape), -1, keep=True)
    root = graph.unary("Sqrt", graph.add(mean, module.eps))
    return graph.mul(graph.binary("Div", x, root), graph.constant(module.weight, f"{name}.weight"))


def _group_norm(graph: Graph, x: Value, module: nn.Module, name: str) -> Value:
    """Over groups of channels of [B, C, *grid]: each group is a row of an instance norm."""
    assert isinstance(module, nn.GroupNorm)
    groups, channels, extents = module.num_groups, x.shape[1], x.shape[2:]
    rows = graph.reshape(x, groups, int(np.prod(x.shape[1:])) // groups)
    ones, zeros = graph.constant(np.ones(groups)), graph.constant(np.zeros(groups))
    normed = graph.op("InstanceNormalization", rows, ones, zeros, shape=rows.shape, epsilon=module.eps)
    wide = (channels, *[1] * len(extents))
    y = graph.mul(graph.reshape(normed, channels, *extents), graph.constant(module.weight.reshape(wide)))
    return graph.add(y, graph.constant(module.bias.reshape(wide)))


_NORMS: Mapping[type[nn.Module], Callable[[Graph, Value, nn.Module, str], Value]] = MappingProxyType(
    {nn.LayerNorm: _layer_norm, nn.RMSNorm: _rms_norm, nn.GroupNorm: _group_norm}
)


def norm(graph: Graph, x: Value, module: object, name: str) -> Value:
    """A layer norm or a root-mean-square norm of rows, or a group norm of pictures. Raises S782 for another module."""
    for kind, write in _NORMS.items():
        if isinstance(module, kind):
            return write(graph, x, module, name)
    raise unexpected(name, module)


def standardised(graph: Graph, x: Value) -> Value:
    """A layer norm without weights."""
    ones = graph.constant(np.ones(x.shape[-1], np.float32))
    return graph.op("LayerNormalization", x, ones, shape=x.shape, axis=-1, epsilon=1e-5)


def gelu(graph: Graph, x: Value) -> Value:
    """torch's usual one, by the error function."""
    return graph.op("Gelu", x, shape=x.shape)


def silu(graph: Graph, x: Value) -> Value:
    """x sigmoid(x)."""
    return graph.mul(x, graph.unary("Sigmoid", x))


# log(1 + e) = z q(z^2) with z = e / (2 + e), which is twice the series of atanh; q fitted for e up to 1, where its
# largest error is 1.7e-7 of the value.
LOGARITHM = (1.99999966, 0.66676109, 0.39586919, 0.34241299)


def softplus(graph: Graph, x: Value) -> Value:
    """max(x, 0) + log(1 + exp(-|x|)), to 5e-7 of the value.

    onnxruntime computes the operators Softplus and Log number by number; the fitted polynomial takes two thirds of the
    latter's time, and is exact where exp(-|x|) is small beside 1.
    """
    small = graph.unary("Exp", graph.unary("Neg", graph.unary("Abs", x)))
    z = graph.binary("Div", small, graph.add(small, 2.0))
    square = graph.mul(z, z)
    series = graph.add(graph.mul(square, LOGARITHM[3]), LOGARITHM[2])
    for coefficient in LOGARITHM[1::-1]:
        series = graph.add(graph.mul(series, square), coefficient)
    return graph.add(graph.unary("Relu", x), graph.mul(series, z))


def conv(graph: Graph, x: Value, module: object, name: str) -> Value:
    """A convolution of [B, C, *extents], with its stride, padding and groups. Raises S782 for another module."""
    module = expected(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d), name)
    sides, strides = module.kernel_size, module.stride
    padding = [int(p) for p in module.padding]
    sizes = [(n + 2 * p - k) // s + 1 for n, p, k, s in zip(x.shape[2:], padding, sides, strides, strict=True)]
    weight = graph.constant(module.weight, f"{name}.weight")
    bias = None if module.bias is None else graph.constant(module.bias, f"{name}.bias")
    return graph.op(
        "Conv",
        x,
        weight,
        bias,
        shape=(BATCH, module.out_channels, *sizes),
        kernel_shape=list(sides),
        strides=list(strides),
        pads=padding * 2,
        group=module.groups,
    )


def to_rows(graph: Graph, picture: Value) -> Value:
    """[B, D, *grid] -> [B, L, D], in raster order."""
    channels, grid = picture.shape[1], picture.shape[2:]
    flat = graph.reshape(picture, channels, int(np.prod(grid)))
    return graph.transpose(flat, 0, 2, 1)


def to_picture(graph: Graph, rows: Value, grid: tuple[int, ...]) -> Value:
    """[B, L, D] -> [B, D, *grid]."""
    return graph.reshape(graph.transpose(rows, 0, 2, 1), rows.shape[2], *grid)
