"""A backbone for other people's heads: maps of its stages, as detectors and segmentation toolboxes take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text
from scanlab.nn.backbone import Backbone, Stage
from scanlab.nn.embed import Grid, norm_layer, to_picture
from scanlab.nn.feature_info import STAGES, FeatureInfo, feature_places
from scanlab.nn.head import Head

__all__ = ["Features"]

# Of a backbone of one stage as many maps, after equal parts of its blocks, unless asked otherwise.
USUAL_MAPS = 4


class Features(Head):
    """Images [B, C, *extents] to maps [B, channels, *grid], one for each of out_indices, normalized each.

    A place is a stage, or of a backbone of one stage (Vim, VideoMamba) a block, whose maps all have the grid of the
    patches: there is no pyramid in such a model, and a detector makes one of them as it does of a ViT. out_indices:
    places in rising order, from the end where negative, a number for as many of the last; by default all stages, or the
    ends of four equal parts of the blocks. The norm of the last place is the backbone's own, as trained; those before
    it start anew, since classifiers have none there. What comes after the last place is taken from the backbone. Class
    tokens are part of the scan and no part of a map. feature_info: see FeatureInfo. Raises S619 for places that are not
    there.

    >>> import torch
    >>> from scanlab.nn import BackboneConfig
    >>> config = BackboneConfig(patch=4, dim=8, depth=(1, 1, 1))
    >>> model = Features(Backbone("cross", config, input_size=(32, 32), channels=3), out_indices=(1, 2))
    >>> [tuple(each.shape) for each in model(torch.zeros(2, 3, 32, 40))]
    [(2, 16, 4, 5), (2, 32, 2, 3)]
    """

    def __init__(self, backbone: Backbone, out_indices: int | Sequence[int] | None = None) -> None:
        super().__init__()
        info = feature_places(backbone)
        chosen = _chosen(out_indices, len(info), len(backbone.config.depths) == 1)
        self.backbone = backbone
        self.feature_info = FeatureInfo(info, chosen)
        kind, dims = backbone.config.norm_kind, [info[i]["num_chs"] for i in chosen]
        whole = chosen[-1] == len(info) - 1
        self.norms = nn.ModuleList(norm_layer(kind, dim) for dim in (dims[:-1] if whole else dims))
        if not whole:
            _leave_out(backbone, info[chosen[-1]]["module"])

    def options(self) -> dict[str, Any]:
        """The places of the maps."""
        return {"out_indices": list(self.feature_info.out_indices)}

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Trade time for memory in training; see `Backbone`."""
        self.backbone.checkpointing = enable

    def forward(self, images: Tensor) -> list[Tensor]:
        """[B, C, *extents] -> maps, the finest first."""
        names = self.feature_info.module_name()
        rows, grid = self.backbone.embedded(images)
        maps = []
        for number, stage in enumerate(self.backbone.all_stages()):
            for at, block in enumerate(stage.blocks):
                kept = self.backbone.checkpointing and self.training
                rows = checkpoint(block, rows, grid, use_reentrant=False) if kept else block(rows, grid)
                if {f"{STAGES}.{number}.blocks.{at}", _end(number, at, stage)} & set(names):
                    maps.append(self._map(rows, grid, len(maps)))
            rows, grid = stage.onward(rows, grid)
        return maps

    def _map(self, rows: Tensor, grid: Grid, number: int) -> Tensor:
        norm = self.norms[number] if number < len(self.norms) else self.backbone.norm
        return to_picture(norm(rows[:, : rows.shape[1] - self.backbone.tokens]), grid)


def _end(number: int, block: int, stage: Stage) -> str:
    """The name of a stage at its last block."""
    return f"{STAGES}.{number}" if block == len(stage.blocks) - 1 else ""


def _chosen(asked: int | Sequence[int] | None, count: int, plain: bool) -> tuple[int, ...]:
    """Places from 0, in rising order. Raises S619."""
    if asked is None:
        maps = min(USUAL_MAPS, count) if plain else count
        return tuple((k + 1) * count // maps - 1 for k in range(maps))
    listed = tuple(range(count - asked, count)) if isinstance(asked, int) else tuple(asked)
    numbers = all(isinstance(i, int) for i in listed)
    chosen = tuple(i + count if i < 0 else i for i in listed) if numbers else ()
    if not chosen or min(chosen) < 0 or max(chosen) >= count or list(chosen) != sorted(set(chosen)):
        of = "blocks" if plain else "stages"
        raise ScanlabError.at(
            "S619",
            f"out_indices are {asked}, and the backbone has {count_text(count, of[:-1])}",
            help=f"give the numbers of {of} from 0 to {count - 1}, in rising order",
        )
    return chosen


def _leave_out(backbone: Backbone, last: str) -> None:
    """Take away what no map needs: training in several processes refuses parameters without a gradient."""
    stage, *block = last.removeprefix(f"{STAGES}.").split(".")
    backbone.stages = backbone.stages[: int(stage) + 1]
    final = backbone.all_stages()[-1]
    final.downsample = None
    if block:
        final.blocks = cast(nn.ModuleList, final.blocks[: int(block[1]) + 1])
    backbone.norm = nn.Identity()
