"""Patches, blocks and stages as ONNX operators."""

from __future__ import annotations

import math
from itertools import product

import torch
from torch import nn

from scanlab.export.basic import conv, gelu, linear, norm, to_picture, to_rows
from scanlab.export.context import Context, expected
from scanlab.export.graph import Value
from scanlab.export.mixers import mixed
from scanlab.export.widths import positions_of
from scanlab.nn import Backbone, Block
from scanlab.nn.embed import Downsample, PatchEmbed, halved

__all__ = ["Grid", "block", "embedded", "features", "patches", "rows_of"]

Grid = tuple[int, ...]


def patches(context: Context, embed: PatchEmbed, images: Value, grid: Grid) -> Value:
    """Images [B, C, *extents] to rows [B, L, dim], without positions."""
    graph, name = context.graph, f"{context.prefix}embed"
    with graph.at(*context.within, "embed"):
        if not embed.stride:
            missing = [side * n - have for side, n, have in zip(embed.patch, grid, images.shape[2:], strict=True)]
            images = graph.pad(images, {2 + axis: more for axis, more in enumerate(missing)})
        if embed.inputs.mean:
            shape = (-1, *(1,) * len(embed.patch))
            mean, std = (torch.tensor(each).view(shape) for each in (embed.inputs.mean, embed.inputs.std))
            images = graph.add(images, graph.constant(-mean, f"{name}.mean"))
            images = graph.mul(images, graph.constant(1 / std, f"{name}.std"))
        if embed.first is not None and embed.first_norm is None:
            for i, part in enumerate(expected(embed.first, nn.Sequential, f"{name}.first")):
                layers, at = expected(part, nn.Sequential, f"{name}.first.{i}"), f"{name}.first.{i}"
                picture = conv(graph, images, layers[0], f"{at}.0")
                rows = gelu(graph, norm(graph, to_rows(graph, picture), layers[1], f"{at}.1"))
                images = context.inside_picture(to_picture(graph, rows, picture.shape[2:]))
        elif embed.first is not None and embed.first_norm is not None:
            picture = conv(graph, images, embed.first, f"{name}.first")
            rows = gelu(graph, norm(graph, to_rows(graph, picture), embed.first_norm, f"{name}.first_norm"))
            images = context.inside_picture(to_picture(graph, rows, picture.shape[2:]))
        rows = to_rows(graph, conv(graph, images, embed.project, f"{name}.project"))
        return rows if embed.norm is None else norm(graph, rows, embed.norm, f"{name}.norm")


@torch.no_grad()
def embedded(context: Context, backbone: Backbone, images: Value, grid: Grid) -> Value:
    """What the first block reads, [B, L + T, dim]: positions are those of this grid, as the model resizes them."""
    graph = context.graph
    rows = patches(context, backbone.embed, images, grid)
    with graph.at(*context.within, "positions"):
        if backbone.positions is not None and context.widths is not None:
            grids = [each[0] for each in context.widths.grids]
            rows = graph.add(rows, positions_of(backbone.positions, graph, grids))
        elif backbone.positions is not None:
            zero = torch.zeros((), device=backbone.positions.patches.device)
            rows = graph.add(rows, graph.constant(backbone.positions(zero, grid), f"{context.prefix}positions"))
        tokens = backbone.class_tokens
        if tokens is None:
            return rows
        if backbone.positions is not None and backbone.positions.tokens is not None:
            tokens = tokens + backbone.positions.tokens
        spread = graph.spread(graph.constant(tokens, f"{context.prefix}class_tokens"), rows, *tokens.shape)
        return graph.concat([rows, spread], 1)


def block(context: Context, module: Block, rows: Value, grid: Grid, name: str, **how: object) -> Value:
    """x + mixer(norm(x)), then x + mlp(norm2(x)) where there is one. how: tables and state, as `mixed` takes them."""
    graph = context.graph
    with graph.at("norm"):
        normed = norm(graph, rows, module.norm, f"{name}.norm")
    with graph.at("mixer"):
        rows = graph.add(rows, mixed(context, module.mixer, normed, grid, f"{name}.mixer", **how))  # pyright: ignore[reportArgumentType]
    if module.norm2 is None or module.mlp is None:
        return rows
    first, last = module.mlp[0], module.mlp[2]
    with graph.at("norm2"):
        normed = norm(graph, rows, module.norm2, f"{name}.norm2")
    with graph.at("mlp"):
        wide = gelu(graph, linear(graph, normed, first, f"{name}.mlp.0"))
        return graph.add(rows, linear(graph, wide, last, f"{name}.mlp.2"))


def _onward(context: Context, module: Downsample, rows: Value, grid: Grid, name: str) -> tuple[Value, Grid]:
    graph = context.graph
    rows = context.inside(rows, grid)
    if module.overlapping:
        picture = conv(graph, to_picture(graph, rows, grid), module.reduce, f"{name}.reduce")
        return norm(graph, to_rows(graph, picture), module.norm, f"{name}.norm"), halved(grid)
    cells = graph.reshape(rows, *grid, rows.shape[2])
    cells = graph.pad(cells, {1 + axis: n % 2 for axis, n in enumerate(grid)})
    corners = []
    # The first axis changes fastest, as in Swin's code.
    for starts in product((0, 1), repeat=len(grid)):
        corner = cells
        for axis, start in enumerate(reversed(starts)):
            corner = graph.slice(corner, 1 + axis, start, corner.shape[1 + axis], 2)
        corners.append(corner)
    whole = graph.concat(corners, len(grid) + 1)
    new = halved(grid)
    normed = norm(graph, graph.reshape(whole, math.prod(new), whole.shape[-1]), module.norm, f"{name}.norm")
    return linear(graph, normed, module.reduce, f"{name}.reduce"), new


def features(
    context: Context, backbone: Backbone, images: Value, after: dict[str, tuple[Value, Grid]] | None = None
) -> list[tuple[Value, Grid]]:
    """The rows after the blocks of every stage, class tokens at the end, and their grid; without the last norm.

    after: takes the same of every block and stage, by its name in the model.
    """
    after = {} if after is None else after
    graph, grid = context.graph, backbone.grid_of(images.shape[2:])
    rows = embedded(context, backbone, images, grid)
    stages = []
    for i, stage in enumerate(backbone.all_stages()):
        with graph.at(*context.within, f"stages.{i}"):
            for j, module in enumerate(stage.blocks):
                assert isinstance(module, Block)
                with graph.at(f"blocks.{j}"):
                    rows = block(context, module, rows, grid, f"{context.prefix}stages.{i}.blocks.{j}")
                after[f"{context.prefix}stages.{i}.blocks.{j}"] = rows, grid
            stages.append((rows, grid))
            after[f"{context.prefix}stages.{i}"] = rows, grid
            if stage.downsample is not None:
                with graph.at("downsample"):
                    name = f"{context.prefix}stages.{i}.downsample"
                    rows, grid = _onward(context, stage.downsample, rows, grid, name)
    return stages


def rows_of(context: Context, backbone: Backbone, images: Value) -> Value:
    """What a backbone gives: [B, L + T, dim] of the last stage, normalized."""
    rows, _ = features(context, backbone, images)[-1]
    with context.graph.at(*context.within, "norm"):
        return norm(context.graph, rows, backbone.norm, f"{context.prefix}norm")
