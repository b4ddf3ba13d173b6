"""What the maps of a backbone are: channels, strides, and where they are taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scanlab.nn.backbone import Backbone

__all__ = ["STAGES", "FeatureInfo", "feature_places"]

# The stages of a model that has a backbone, by name.
STAGES = "backbone.stages"


@dataclass(frozen=True)
class FeatureInfo:
    """What the maps of a backbone are, in timm's words: for every place where one can be taken num_chs, reduction
    (pixels from one value to the next; one number, or one per axis where they differ) and module, its name.

    out_indices: the places that were asked for, to which the calls without an index keep.

    >>> from scanlab.nn import Backbone, BackboneConfig, Features
    >>> backbone = Backbone("cross", BackboneConfig(patch=4, dim=8, depth=(1, 1)), input_size=(16, 16), channels=3)
    >>> info = Features(backbone).feature_info
    >>> info.channels(), info.reduction(), info.module_name()
    ([8, 16], [4, 8], ['backbone.stages.0', 'backbone.stages.1'])
    """

    info: tuple[Mapping[str, Any], ...]
    out_indices: tuple[int, ...]

    def get(self, key: str, idx: int | Sequence[int] | None = None) -> Any:
        """A value of every map that is given, or of the places asked for."""
        if isinstance(idx, int):
            return self.info[idx][key]
        return [self.info[i][key] for i in (self.out_indices if idx is None else idx)]

    def channels(self, idx: int | Sequence[int] | None = None) -> Any:
        """Channels of the maps."""
        return self.get("num_chs", idx)

    def reduction(self, idx: int | Sequence[int] | None = None) -> Any:
        """Pixels from one value of a map to the next."""
        return self.get("reduction", idx)

    def module_name(self, idx: int | Sequence[int] | None = None) -> Any:
        """The modules after which the maps are taken."""
        return self.get("module", idx)

    def get_dicts(self, keys: Sequence[str] | None = None, idx: Sequence[int] | None = None) -> list[dict[str, Any]]:
        """All that is known of the maps, or some of it."""
        chosen = [self.info[i] for i in (self.out_indices if idx is None else idx)]
        return [{key: one[key] for key in (one if keys is None else keys)} for one in chosen]

    def __len__(self) -> int:
        return len(self.info)

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        return self.info[index]


def feature_places(backbone: Backbone) -> tuple[dict[str, Any], ...]:
    """What can be had of a backbone, in timm's words: of every stage, or of every block where there is one stage."""
    config, sides = backbone.config, backbone.embed.patch
    steps = (config.stride,) * len(sides) if config.stride else sides
    if len(config.depths) == 1:
        rows = [(config.dim, 1, f"{STAGES}.0.blocks.{i}") for i in range(config.depths[0])]
    else:
        rows = [(config.dim * 2**i, 2**i, f"{STAGES}.{i}") for i in range(len(config.depths))]
    return tuple(
        {"num_chs": dim, "reduction": _plain([n * times for n in steps]), "module": module, "index": index}
        for index, (dim, times, module) in enumerate(rows)
    )


def _plain(steps: Sequence[int]) -> int | tuple[int, ...]:
    return steps[0] if len(set(steps)) == 1 else tuple(steps)
