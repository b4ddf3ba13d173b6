"""From the rows of every stage to a map over pixels as ONNX operators: a row for every decoder of `scanlab.nn`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import nn

from scanlab.export.basic import conv, gelu, linear, norm, to_picture
from scanlab.export.context import Context, expected
from scanlab.export.graph import BATCH, Graph, Value
from scanlab.nn.decoders import Decoder, PyramidDecoder, UNetDecoder
from scanlab.nn.pyramid import Pyramid

__all__ = ["DECODERS", "Features", "decoded", "pyramid", "tower"]

# Rows [B, L, dim] of patches alone and their grid, for every stage.
Features = Sequence[tuple[Value, tuple[int, ...]]]


def decoded(context: Context, decoder: Decoder, images: Value, features: Features, name: str) -> Value:
    """[B, width, *extents]. Raises S782 for a decoder that is none of ours."""
    module = expected(decoder, tuple(DECODERS), name)
    return DECODERS[type(module)](context, module, images, features, name)


def pyramid(context: Context, module: Pyramid, features: Features, name: str) -> list[Value]:
    """A map [B, width, *grid] of every stage, the finest first."""
    graph, maps = context.graph, []
    for i in reversed(range(len(features))):
        rows, grid = features[i]
        lateral, fuse = expected(module.lateral[i], nn.Sequential, name), f"{name}.fuse.{i}"
        with graph.at(f"{name}.lateral.{i}"):
            rows = norm(graph, rows, lateral[0], f"{name}.lateral.{i}.0")
            picture = to_picture(graph, linear(graph, rows, lateral[1], f"{name}.lateral.{i}.1"), grid)
            picture = graph.add(picture, enlarged(graph, maps[0], grid)) if maps else picture
        maps.insert(0, _fusion(graph, module.fuse[i], picture, fuse))
    return maps


def _fusion(graph: Graph, module: nn.Module, picture: Value, name: str) -> Value:
    """A convolution, a norm and a GELU."""
    parts = expected(module, nn.Sequential, name)
    with graph.at(name):
        return gelu(graph, norm(graph, conv(graph, picture, parts[0], f"{name}.0"), parts[1], f"{name}.1"))


def tower(graph: Graph, module: nn.Module, picture: Value, name: str) -> Value:
    """Fusions one after the other."""
    for i, part in enumerate(expected(module, nn.Sequential, name)):
        picture = _fusion(graph, part, picture, f"{name}.{i}")
    return picture


def enlarged(graph: Graph, picture: Value, extents: tuple[int, ...]) -> Value:
    """[B, D, *smaller] interpolated to [B, D, *extents], linearly along every axis, axis by axis as matrices.

    The operator Resize would do, but runtimes know it for two axes, or read the edges in ways of their own.
    """
    last = 1 + len(extents)
    for axis, (old, new) in enumerate(zip(picture.shape[2:], extents, strict=True), 2):
        if old == new:
            continue
        matrix = graph.constant(F.interpolate(torch.eye(old)[None], new, mode="linear", align_corners=False)[0])
        others = [place for place in range(last + 1) if place != axis]
        moved = picture if axis == last else graph.transpose(picture, *others, axis)
        moved = graph.matmul(moved, matrix)
        back = [*range(axis), last, *range(axis, last)]
        picture = moved if axis == last else graph.transpose(moved, *back)
    return picture


def _cut(graph: Graph, picture: Value, extents: Sequence[int]) -> Value:
    for axis, n in enumerate(extents, 2):
        picture = graph.slice(picture, axis, 0, n)
    return picture


def _pyramid_decoder(context: Context, module: Decoder, images: Value, features: Features, name: str) -> Value:
    assert isinstance(module, PyramidDecoder)
    graph, extents = context.graph, images.shape[2:]
    finest = pyramid(context, module.levels, features, f"{name}.levels")[0]
    whole = tuple(n * side for n, side in zip(finest.shape[2:], module.patch, strict=True))
    upper = _cut(graph, enlarged(graph, finest, extents if module.overlapping else whole), extents)
    with graph.at(f"{name}.pixels"):
        upper = graph.add(upper, conv(graph, images, module.pixels, f"{name}.pixels"))
    return _fusion(graph, module.refine, upper, f"{name}.refine")


def _unet(context: Context, module: Decoder, images: Value, features: Features, name: str) -> Value:
    assert isinstance(module, UNetDecoder)
    graph, extents = context.graph, images.shape[2:]
    missing = {axis: -n % side for axis, (n, side) in enumerate(zip(extents, module.patch, strict=True), 2)}
    picture, fine = graph.pad(images, missing), []
    for i, encode in enumerate(module.encode):
        picture = _block(graph, encode, picture, f"{name}.encode.{i}")
        fine.append(picture)
    stages = []
    for i, (rows, grid) in enumerate(features):
        with graph.at(f"{name}.norms.{i}"):
            stages.append(to_picture(graph, norm(graph, rows, module.norms[i], f"{name}.norms.{i}"), grid))
    lower = _block(graph, module.bottom, stages[-1], f"{name}.bottom")
    for i, skip in enumerate([*stages[-2::-1], *fine[::-1]]):
        with graph.at(f"{name}.enlarge.{i}"):
            wider = _transposed(graph, lower, module.enlarge[i], f"{name}.enlarge.{i}")
            together = graph.concat([skip, _cut(graph, wider, skip.shape[2:])], 1)
        lower = _block(graph, module.fuse[i], together, f"{name}.fuse.{i}")
    return _cut(graph, lower, extents)


def _block(graph: Graph, module: nn.Module, picture: Value, name: str) -> Value:
    """Two convolutions with norms, and a shortcut."""
    first, second, shortcut = (module.get_submodule(part) for part in ("first", "second", "shortcut"))
    inner = _fusion(graph, first, picture, f"{name}.first")
    parts = expected(second, nn.Sequential, f"{name}.second")
    with graph.at(name):
        inner = norm(graph, conv(graph, inner, parts[0], f"{name}.second.0"), parts[1], f"{name}.second.1")
        beside = picture
        if not isinstance(shortcut, nn.Identity):
            beside = conv(graph, picture, shortcut, f"{name}.shortcut")
        return gelu(graph, graph.add(inner, beside))


def _transposed(graph: Graph, x: Value, module: nn.Module, name: str) -> Value:
    """A transposed convolution whose stride is as wide as its kernel."""
    module = expected(module, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d), name)
    factors = [int(n) for n in module.stride]
    weight = graph.constant(module.weight, f"{name}.weight")
    bias = None if module.bias is None else graph.constant(module.bias, f"{name}.bias")
    sizes = [n * factor for n, factor in zip(x.shape[2:], factors, strict=True)]
    shape = (BATCH, module.out_channels, *sizes)
    return graph.op("ConvTranspose", x, weight, bias, shape=shape, kernel_shape=factors, strides=factors)


DECODERS: Mapping[type[Decoder], Callable[[Context, Decoder, Value, Features, str], Value]] = MappingProxyType(
    {PyramidDecoder: _pyramid_decoder, UNetDecoder: _unet}
)
