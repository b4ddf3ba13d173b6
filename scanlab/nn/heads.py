"""What is made of a backbone's rows: classes, a map of classes, or the next patch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import Extents
from scanlab.nn.backbone import Backbone
from scanlab.nn.classifier_tools import ClassifierTools, head_for
from scanlab.nn.decoders import Decoder
from scanlab.nn.embed import convolution
from scanlab.nn.generation import check_causal, completed, generated
from scanlab.nn.head import Head
from scanlab.nn.kinds import DECODERS
from scanlab.nn.patching import joined_patches, patch_values

__all__ = ["Classifier", "NextPatch", "Segmenter"]


class Classifier(ClassifierTools, Head):
    """Images [B, C, *extents] to logits [B, classes], read out as the backbone's config says.

    classes: 0 for a model without a head, which gives what a head would read, [B, dim]. What timm's tools call
    (forward_features, reset_classifier, group_matcher, feature_info, …) is there: see `scanlab.nn.classifier_tools`.

    >>> import torch
    >>> from scanlab.nn import Backbone, BackboneConfig
    >>> model = Classifier(Backbone("hilbert", BackboneConfig(dim=8), input_size=(8, 8)), classes=5)
    >>> model(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 5])
    """

    def __init__(self, backbone: Backbone, classes: int = 10) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head_for(backbone.dim, classes)

    def options(self) -> dict[str, Any]:
        """The number of classes."""
        return {"classes": self.num_classes}

    def forward(self, images: Tensor) -> Tensor:
        """[B, C, *extents] -> [B, classes]."""
        return self.forward_head(self.forward_features(images))

    def pooled(self, images: Tensor) -> Tensor:
        """What the head reads: [B, C, *extents] -> [B, dim]."""
        return self.forward_head(self.forward_features(images), pre_logits=True)


class Segmenter(Head):
    """Images [B, C, *extents] to logits per pixel [B, classes, *extents], in two or three dimensions.

    decoder: how the stages' rows become a map over pixels of `width` channels: "pyramid", a feature pyramid, which
    costs little; "unet", a U-Net with a skip connection at every stage and resolution, as medical models have it.
    Raises S612 for another decoder, and for patches that overlap under a U-Net.

    >>> import torch
    >>> from scanlab.nn import Backbone, BackboneConfig
    >>> model = Segmenter(Backbone("cross", BackboneConfig(dim=8), input_size=(8, 8)), classes=2, width=4)
    >>> model(torch.zeros(1, 1, 8, 12)).shape
    torch.Size([1, 2, 8, 12])
    >>> config = BackboneConfig(patch=4, dim=8, depth=(1, 1))
    >>> unet = Segmenter(Backbone("cross", config, input_size=(16, 16)), classes=2, width=4, decoder="unet")
    >>> unet(torch.zeros(1, 1, 18, 16)).shape
    torch.Size([1, 2, 18, 16])
    """

    def __init__(self, backbone: Backbone, classes: int, width: int = 32, decoder: str = "pyramid") -> None:
        super().__init__()
        if decoder not in DECODERS:
            raise ScanlabError.at(
                "S612", f"there is no decoder {decoder!r}", help=f"choose one of {', '.join(DECODERS)}"
            )
        self.backbone, self.kind = backbone, decoder
        self.decoder: Decoder = DECODERS[decoder].decoder(backbone, width)
        self.head = convolution(len(backbone.input_size))(width, classes, 1)
        self.register_load_state_dict_pre_hook(_rename_state)

    def options(self) -> dict[str, Any]:
        """The number of classes, the decoder and its width."""
        return {"classes": self.head.out_channels, "width": self.decoder.width, "decoder": self.kind}

    @staticmethod
    def names_now(names: Iterable[str]) -> dict[str, str]:
        """Before there was a choice of decoders, the pyramid's modules were the model's own."""
        return {name: f"{_BEFORE[own]}.{name}" for name in names if (own := name.partition(".")[0]) in _BEFORE}

    def forward(self, images: Tensor) -> Tensor:
        """[B, C, *extents] -> [B, classes, *extents]."""
        return self.head(self.decoder(images, self.backbone.features(images)))


_BEFORE = {"lateral": "decoder.levels", "fuse": "decoder.levels", "pixels": "decoder", "refine": "decoder"}


def _rename_state(model: nn.Module, state: dict[str, Tensor], prefix: str, *_: object) -> None:
    """Let `load_state_dict` read what an earlier version wrote."""
    assert isinstance(model, Head)
    names = model.names_now(name.removeprefix(prefix) for name in state if name.startswith(prefix))
    for old, new in names.items():
        state[prefix + new] = state.pop(prefix + old)


class NextPatch(Head):
    """Predict every patch from those before it on a causal path, given the true ones (teacher forcing).

    Images [B, C, *extents] in [0, 1]. loss "mse": the head gives the mean of each value, and the loss is the mean
    squared error; "bits": it gives mean and scale of a logistic distribution over `levels` values (PixelCNN++, arXiv
    1701.05517), and the loss is the negative log likelihood in bits per dimension. Raises S615 unless all layers follow
    the same single path over all patches with nothing that looks ahead.

    >>> import torch
    >>> from scanlab.nn import Backbone, BackboneConfig
    >>> model = NextPatch(Backbone("snake", BackboneConfig(dim=8), input_size=(8, 8)), loss="bits", levels=16)
    >>> model(torch.zeros(1, 1, 8, 8)).shape
    torch.Size([1, 16, 8])
    """

    def __init__(self, backbone: Backbone, loss: str = "mse", levels: int = 256) -> None:
        super().__init__()
        if loss not in LOSSES:
            raise ScanlabError.at("S615", f"there is no loss {loss!r} for the next patch", help="choose mse or bits")
        self.backbone, self.kind, self.levels = backbone, loss, levels
        self.check_scan()
        self.values = backbone.channels * math.prod(backbone.embed.patch)
        self.head = nn.Linear(backbone.dim, self.values * LOSSES[loss].outputs)
        self.start = nn.Parameter(torch.zeros(backbone.dim))

    def options(self) -> dict[str, Any]:
        """The loss, and the levels of a value."""
        return {"loss": self.kind, "levels": self.levels}

    def check_scan(self) -> None:
        """That no patch sees those after it. Raises S615."""
        check_causal(self.backbone, self.backbone.grid_of(self.backbone.input_size))

    def forward(self, images: Tensor) -> Tensor:
        """[B, C, *extents] -> [B, L, values] or [B, L, 2 values] for "bits": what each patch, in raster order, is
        expected to be after all patches before it on the path."""
        rows = self.backbone(images)
        order = self.order_of(images)
        first = self.start.expand(rows.shape[0], 1, -1)
        before = torch.cat([first, rows[:, order[:-1]]], dim=1)
        return self.head(before[:, order.argsort()])

    def targets(self, images: Tensor) -> Tensor:
        """The patches themselves: [B, C, *extents] -> [B, L, values]."""
        self.backbone.embed.grid_for(images.shape)
        return patch_values(self.backbone, images)

    def loss(self, images: Tensor) -> Tensor:
        """The mean over all values of all patches: squared error, or bits."""
        return LOSSES[self.kind].of(self(images).float(), self.targets(images).float(), self.levels)

    def losses(self, images: Tensor) -> Tensor:
        """`loss` of every image by itself: [B, C, *extents] -> float32 [B]."""
        pairs = zip(self(images).float(), self.targets(images).float(), strict=True)
        return torch.stack([LOSSES[self.kind].of(guess, target, self.levels) for guess, target in pairs])

    def generate(
        self,
        prefix: Tensor,
        steps: int | None = None,
        *,
        size: Extents | None = None,
        greedy: bool = False,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Go on from the first patches of the path, one patch after the other, each drawn after all before it.

        prefix: [B, n, values], n from 0, floating. steps: how many more, by default to the end of the path. size:
        extents of the image, by default the model's; values beyond them, where a patch reaches over the edge, are 0.
        greedy: the likeliest values in place of random ones. Returns [B, n + steps, values] along the path. The state
        has one size whatever the length. Raises S614 for a prefix of another shape, S615 where a model of means is to
        draw or the scan has become one that looks ahead, S716 beyond the grid; nothing is computed then.

        >>> import torch
        >>> from scanlab.nn import Backbone, BackboneConfig
        >>> model = NextPatch(Backbone("snake", BackboneConfig(dim=8), input_size=(8, 8)), loss="bits", levels=16)
        >>> model.generate(torch.zeros(2, 3, 4), steps=5, generator=torch.Generator().manual_seed(0)).shape
        torch.Size([2, 8, 4])
        """
        return generated(self, prefix, steps, size, greedy=greedy, generator=generator)

    def complete(
        self, images: Tensor, known: Tensor, *, greedy: bool = False, generator: torch.Generator | None = None
    ) -> Tensor:
        """Images with their unknown patches drawn, each after all that come before it on the path, known or not.

        images: [B, C, *extents], floating, with anything where nothing is known. known: bool, one per patch of the
        grid, in its shape or flat. What is known later on the path is not seen before: an order that visits the known
        part first uses all of it. Raises S614 for what does not fit, and S615 as `generate`; nothing is computed then.

        >>> import torch
        >>> from scanlab.nn import Backbone, BackboneConfig
        >>> model = NextPatch(Backbone("row", BackboneConfig(dim=8), input_size=(8, 8)), loss="bits", levels=16)
        >>> upper = torch.arange(4)[:, None].expand(4, 4) < 2
        >>> model.complete(torch.zeros(2, 1, 8, 8), upper).shape
        torch.Size([2, 1, 8, 8])
        """
        return completed(self, images, known, greedy=greedy, generator=generator)

    def images_of(self, patches: Tensor, extents: Sequence[int]) -> Tensor:
        """The inverse of `targets`: [B, L, values] -> [B, C, *extents]."""
        return joined_patches(self.backbone, patches, extents, self.backbone.channels)

    def order_of(self, images: Tensor) -> Tensor:
        """The patches in the order of the path, int64 [L]."""
        grid = self.backbone.grid_of(images.shape[2:])
        return self.backbone.blocks[0].mixer.paths(grid).steps[0, 0].long()


def _logistic_bits(x: Tensor, mean: Tensor, log_scale: Tensor, levels: int) -> Tensor:
    """-log2 of the mass that a logistic distribution gives to the bin of x; the outer bins reach to infinity."""
    half = 0.5 / (levels - 1)
    above = torch.where(x > 1 - half, math.inf, (x - mean + half) / log_scale.exp())
    below = torch.where(x < half, -math.inf, (x - mean - half) / log_scale.exp())
    # log(sigmoid(a) - sigmoid(b)) without a difference of near-equal numbers.
    inside = F.logsigmoid(above) + F.logsigmoid(-below) + torch.log(-torch.expm1((below - above).clamp(max=-1e-6)))
    edge = torch.where(x < half, F.logsigmoid(above), F.logsigmoid(-below))
    return -torch.where((x < half) | (x > 1 - half), edge, inside) / math.log(2)


def _squared_error(predicted: Tensor, target: Tensor, levels: int) -> Tensor:
    return F.mse_loss(predicted, target)


def _bits(predicted: Tensor, target: Tensor, levels: int) -> Tensor:
    mean, log_scale = predicted.chunk(2, dim=-1)
    return _logistic_bits(target, mean.sigmoid(), log_scale.clamp(min=-7), levels).mean()


@dataclass(frozen=True)
class Loss:
    """Of the next patch. outputs: numbers that the head gives for each value. of: these outputs [B, L, outputs values],
    the values [B, L, values] and their levels to the mean loss."""

    outputs: int
    of: Callable[[Tensor, Tensor, int], Tensor]


LOSSES: Mapping[str, Loss] = MappingProxyType({"mse": Loss(1, _squared_error), "bits": Loss(2, _bits)})
