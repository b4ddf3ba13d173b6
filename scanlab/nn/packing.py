"""Images of different sizes through a backbone at once: their rows side by side in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn.mixer_state import Pack

if TYPE_CHECKING:
    from scanlab.nn.backbone import Backbone, Block

__all__ = ["packed_rows"]


def packed_rows(backbone: Backbone, images: Sequence[Tensor]) -> list[Tensor]:
    """See `Backbone.packed`."""
    if not len(images):
        raise ScanlabError.at("S717", "there are no images", help="give at least one, [C, *extents]")
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
