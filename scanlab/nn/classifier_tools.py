"""What timm's training scripts, optimizers and toolboxes call on a classifier, under timm's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn.backbone import Backbone
from scanlab.nn.feature_info import feature_places
from scanlab.nn.kinds import READOUTS, STEMS

__all__ = ["ClassifierTools", "head_for", "readout_named"]

# A pattern's group of this number joins the layer before it: timm.models' MATCH_PREV_GROUP.
_WITH_THE_LAYER_BEFORE = (99999,)


class ClassifierTools(nn.Module):
    """A backbone and a linear head, with timm's calls; `forward` is `forward_head(forward_features(images))`."""

    backbone: Backbone
    head: nn.Linear | nn.Identity
    # Of a published model: how its images were prepared, and what it is called; a dict there, which can be copied.
    published: Mapping[str, Any] = MappingProxyType({})

    @property
    def num_classes(self) -> int:
        """Classes of the head, 0 where there is none."""
        return self.head.out_features if isinstance(self.head, nn.Linear) else 0

    @property
    def num_features(self) -> int:
        """The width of the rows that `forward_features` gives."""
        return self.backbone.dim

    @property
    def head_hidden_size(self) -> int:
        """The width of what the head reads."""
        return self.backbone.dim

    @property
    def feature_info(self) -> list[dict[str, Any]]:
        """The maps that `features_only=True` could give: num_chs, reduction, module and index of each."""
        return list(feature_places(self.backbone))

    @property
    def pretrained_cfg(self) -> dict[str, Any]:
        """Input, head and first layer of the model; of a published one its name and how its images are prepared."""
        first = "first" if STEMS[self.backbone.config.stem].overlapping else "project"
        return {
            "url": "",
            "num_classes": self.num_classes,
            "input_size": (self.backbone.channels, *self.backbone.input_size),
            "pool_size": None,
            "fixed_input_size": False,
            "first_conv": f"backbone.embed.{first}",
            "classifier": "head",
            **self.published,
        }

    default_cfg = pretrained_cfg

    def forward_features(self, images: Tensor) -> Tensor:
        """[B, C, *extents] -> rows [B, L + T, dim] after the last norm: patches in raster order, then class tokens."""
        return self.backbone(images)

    def forward_head(self, rows: Tensor, pre_logits: bool = False) -> Tensor:
        """Rows as `forward_features` gives them -> [B, classes], or with pre_logits what the head reads, [B, dim]."""
        patches = rows.shape[1] - self.backbone.tokens
        readout = READOUTS[self.backbone.config.readout]
        pooled = readout.pool(rows[:, patches:] if readout.of_tokens else rows[:, :patches])
        return pooled if pre_logits else self.head(pooled)

    def get_classifier(self) -> nn.Module:
        """The head."""
        return self.head

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """A new, untrained head of so many classes, none for 0, where the old one was.

        global_pool: another read-out, by our name or timm's ("avg", "max", "token"). Raises S605 for one that is not
        there, and where the scan has no class token for it.
        """
        if global_pool is not None:
            self.reset_pooling(global_pool)
        old = next(self.parameters())
        self.head = head_for(self.backbone.dim, num_classes).to(old.device, old.dtype)

    def reset_pooling(self, name: str) -> None:
        """Another read-out for the head that is there: see `reset_classifier`. Raises S605."""
        self.backbone.config = replace(self.backbone.config, readout=self._readout(name))

    def _readout(self, name: str) -> str:
        chosen, now = readout_named(name), self.backbone.config.readout
        tokens = 2 if READOUTS[chosen].ends else 1
        if READOUTS[chosen].of_tokens and self.backbone.tokens != tokens:
            raise ScanlabError.at(
                "S605",
                f"the read-out {name!r} reads {tokens} class token{'s' * (tokens > 1)}, and the model has "
                f"{self.backbone.tokens}",
                help="choose mean or max, or build the model with such a read-out",
            )
        if READOUTS[now].ends and not READOUTS[chosen].ends:
            raise ScanlabError.at(
                "S605",
                f"the read-out {now!r} is part of the scan, which has a class token at each end",
                help=f"keep it, or build the model with the read-out {chosen!r}",
            )
        return chosen

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:
        """Patterns that put parameters into layers, for rates that fall with depth; those of the head match none.

        As timm reads them: the embedding first, then block after block, or stage after stage where `coarse`. Of a
        backbone of one stage always by blocks. The way to the next stage belongs to the block before it, the last norm
        to the last block.
        """
        stage = r"^backbone\.stages\.(\d+)"
        within = stage if coarse and len(self.backbone.stages) > 1 else rf"{stage}\.blocks\.(\d+)"
        following = [(rf"{stage}\.downsample", _WITH_THE_LAYER_BEFORE), (r"^backbone\.norm", _WITH_THE_LAYER_BEFORE)]
        return {"stem": r"^backbone\.(?:embed|positions|class_tokens)", "blocks": [(within, None), *following]}

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Trade time for memory in training: of every block only the input is kept."""
        self.backbone.checkpointing = enable


def head_for(dim: int, classes: int) -> nn.Linear | nn.Identity:
    """A linear head, or none for 0 classes."""
    return nn.Linear(dim, classes) if classes else nn.Identity()


def readout_named(name: str) -> str:
    """Our name of a read-out, which may be given as timm calls it. Raises S605."""
    names = {kind.timm: own for own, kind in READOUTS.items() if kind.timm} | {own: own for own in READOUTS}
    if name not in names:
        help = f"choose one of {', '.join(names)}; forward_features gives the rows as they are"
        raise ScanlabError.at("S605", f"there is no read-out {name!r}", help=help)
    return names[name]
