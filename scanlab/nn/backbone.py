"""A small image classifier whose blocks scan: patches, blocks, read-out, head."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from scanlab.compiler.bind import CompiledPlan, CompiledScan
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn.mixer import Alteration, MixerSizes, ScanMixer

READOUTS = ("mean", "cls")
# As large as the embedded patches; with the usual 0.02 a short training run ends before positions matter.
POSITION_SPREAD = 0.3


@dataclass(frozen=True)
class BackboneSizes:
    """What a backbone is made of, whatever it scans.

    patch: side of a patch in pixels; dim: width of the tokens; depth: number of blocks; state: N; expand: width of the
    scan over dim; readout: "mean" over the patches or the "cls" token. positions: a learned embedding per patch, as in
    ViT and Vim; without it the scan alone tells where a patch is. convolution, per_path: see MixerSizes.
    """

    patch: int = 2
    dim: int = 32
    depth: int = 2
    state: int = 4
    expand: int = 2
    readout: str = "mean"
    positions: bool = True
    convolution: bool = False
    per_path: bool = False

    @property
    def mixer(self) -> MixerSizes:
        """The sizes of each block's mixer."""
        return MixerSizes(self.dim, self.expand * self.dim, self.state, self.convolution, self.per_path)


class Block(nn.Module):
    """Norm, mixer, and the input added back: [B, L, dim] -> [B, L, dim]."""

    def __init__(self, scan: CompiledScan, sizes: MixerSizes, alter: Alteration | None) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(sizes.dim)
        self.mixer = ScanMixer(scan, sizes, alter)

    def forward(self, x: Tensor) -> Tensor:
        """[B, L, dim] -> [B, L, dim]."""
        return x + self.mixer(self.norm(x))


class Backbone(nn.Module):
    """Classify images [B, channels, height, width] into logits [B, classes], scanning by a plan.

    The plan's grid must be the image's, divided into patches. Initial weights come from torch's global generator in an
    order that does not depend on the scan: gates start at 1 and a class token is drawn last, so that strategies
    with the same sizes start alike. `alter`: see ScanMixer. Raises S603 to S605 for what does not fit.
    """

    def __init__(
        self,
        plan: CompiledScan | CompiledPlan,
        sizes: BackboneSizes,
        *,
        channels: int = 1,
        classes: int = 10,
        alter: Alteration | None = None,
    ) -> None:
        super().__init__()
        scans = scans_of(plan, sizes.depth)
        check_readout(scans, sizes.readout)
        self.readout = sizes.readout
        self.embed = nn.Conv2d(channels, sizes.dim, sizes.patch, stride=sizes.patch)
        self.grid_size = scans[0].grid[0] * scans[0].grid[1]
        self.positions = (
            nn.Parameter(torch.randn(self.grid_size, sizes.dim) * POSITION_SPREAD) if sizes.positions else None
        )
        self.blocks = nn.Sequential(*(Block(scan, sizes.mixer, alter) for scan in scans))
        self.norm = nn.LayerNorm(sizes.dim)
        self.head = nn.Linear(sizes.dim, classes)
        self.class_token = _class_token(sizes.dim) if any(map(_has_class_token, scans)) else None

    def forward(self, images: Tensor) -> Tensor:
        """[B, channels, height, width] -> [B, classes]."""
        x = self.embed(images).flatten(2).transpose(1, 2)
        if self.positions is not None:
            x = x + self.positions
        if self.class_token is not None:
            x = torch.cat([x, self.class_token.expand(len(x), 1, -1)], dim=1)
        x = self.norm(self.blocks(x))
        return self.head(x[:, self.grid_size] if self.readout == "cls" else x[:, : self.grid_size].mean(1))


def scans_of(plan: CompiledScan | CompiledPlan, depth: int) -> list[CompiledScan]:
    """The scan of each of `depth` layers.

    A scan is used in all of them. Raises S603 when a plan lists another number of layers.
    """
    if not isinstance(plan, CompiledPlan):
        return [plan] * depth
    if plan.depth not in (None, depth):
        raise ScanlabError.at(
            "S603",
            f"the plan has {plan.depth} layers and the model {depth}",
            help=f"give the model {plan.depth} layers, or write the plan as a cycle",
        )
    return [plan.layer(i) for i in range(depth)]


def check_readout(scans: list[CompiledScan], readout: str) -> None:
    """Refuse with S605 a read-out that does not exist, or from a class token that some layer lacks."""
    if readout not in READOUTS:
        raise ScanlabError.at("S605", f"there is no read-out {readout!r}", help=f"choose one of {', '.join(READOUTS)}")
    missing = [scan.name or "a scan" for scan in scans if not _has_class_token(scan)]
    if readout == "cls" and missing:
        raise ScanlabError.at(
            "S605",
            f"{missing[0]} has no class token to read the class from",
            help='read out by "mean", or add "with cls at middle" to the scan',
        )


def _class_token(dim: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(dim) * 0.02)


def _has_class_token(scan: CompiledScan) -> bool:
    return any(name == "cls" for path in scan.paths for name, _ in path.token_positions)
