"""Images of different sizes through a backbone at once: their rows side by side in one batch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn.mixer_state import Pack

if TYPE_CHECKING:
    from scanlab.nn.backbone import Backbone, Block

__all__ = ["packed_rows"]


def packed_rows(backbone: Backbone, images: Iterable[Tensor]) -> list[Tensor]:
    """See `Backbone.packed`."""
    images = _listed(images)
    for image in images:
        backbone.embed.grid_for((1, *image.shape))
    embedded = [backbone.embedded(image[None]) for image in images]
    parts, grids = [rows for rows, _ in embedded], tuple(grid for _, grid in embedded)
    for stage in backbone.all_stages():
        pack = Pack(grids, tuple(rows.shape[1] for rows in parts))
        rows = torch.cat(parts, dim=1)
        for block in cast("list[Block]", list(stage.blocks)):
            rows = block.onward(rows, block.mixer.packed(block.norm(rows), pack), pack.lengths)
        onward = [stage.onward(r, g) for r, g in zip(rows.split(list(pack.lengths), dim=1), grids, strict=True)]
        parts, grids = [r for r, _ in onward], tuple(g for _, g in onward)
    return [backbone.norm(rows)[0] for rows in parts]


def _listed(images: Iterable[Tensor]) -> list[Tensor]:
    help = "give at least one, [C, *extents]"
    try:
        listed = list(images)
    except TypeError:
        listed = [images]
    if not listed:
        raise ScanlabError.at("S717", "there are no images", help=help)
    for image in listed:
        if not isinstance(image, Tensor):
            raise ScanlabError.at("S717", f"a {type(image).__name__} stands where images are listed", help=help)
    return cast("list[Tensor]", listed)
