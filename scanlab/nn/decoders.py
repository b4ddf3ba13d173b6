"""From the rows of every stage back to a map over pixels: a feature pyramid, or a U-Net."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn.backbone import Backbone
from scanlab.nn.embed import Grid, convolution, to_picture
from scanlab.nn.pyramid import Pyramid, enlarged, fusion, group_norm, stage_dims

__all__ = ["Decoder", "PyramidDecoder", "UNetDecoder"]

Features = Sequence[tuple[Tensor, Grid]]


class Decoder(nn.Module):
    """What makes a map over pixels of an image and the rows of every stage. width: its channels."""

    width: int

    @abstractmethod
    def forward(self, images: Tensor, features: Features) -> Tensor:
        """[B, C, *extents], and rows [B, L, dim] with their grid for every stage -> [B, width, *extents]."""


class PyramidDecoder(Decoder):
    """The finest map of a feature pyramid (`nn.pyramid`), which costs little beside the backbone, enlarged; at last the
    pixels themselves join, for sharp borders."""

    def __init__(self, backbone: Backbone, width: int) -> None:
        super().__init__()
        conv = convolution(len(backbone.input_size))
        self.width, self.patch, self.overlapping = width, backbone.embed.patch, backbone.embed.stride is not None
        self.levels = Pyramid(backbone, width)
        self.pixels = conv(backbone.channels, width, 3, padding=1)
        self.refine = fusion(conv, width)

    def forward(self, images: Tensor, features: Features) -> Tensor:
        """[B, C, *extents] and the stages' rows -> [B, width, *extents]."""
        finest, extents = self.levels(features)[0], tuple(images.shape[2:])
        # Patches that reach beyond the image are cut off after the enlargement; overlapping ones end within it.
        whole = tuple(n * side for n, side in zip(finest.shape[2:], self.patch, strict=True))
        upper = _cut(enlarged(finest, extents if self.overlapping else whole), extents)
        return self.refine(upper + self.pixels(images))


class UNetDecoder(Decoder):
    """A U-Net (arXiv 1505.04597) around the backbone, as U-Mamba (2401.04722), SegMamba (2401.13560) and VM-UNet
    (2402.02491) have it: a skip connection at every stage, and at every resolution between patches and pixels.

    The way up from a stage is a transposed convolution of stride 2 to the width of the stage above, whose normalized
    rows join as further channels, then a block of two convolutions with a shortcut. Above the patches, `width` channels
    at the pixels and twice as many with every halving; there the skips come from convolutions of the image itself, as
    the patches have lost it. Norms are over groups of channels within one image, whatever the batch. Raises S612 for
    patches that overlap: no step of the way up would meet them.
    """

    def __init__(self, backbone: Backbone, width: int) -> None:
        super().__init__()
        if backbone.embed.stride is not None:
            raise ScanlabError.at(
                "S612",
                f"a U-Net takes patches side by side, and these stand {backbone.embed.stride} pixels apart",
                help='leave stride out, or use decoder="pyramid"',
            )
        axes, dims = len(backbone.input_size), stage_dims(backbone)
        conv, up = convolution(axes), transposed_convolution(axes)
        self.width, self.patch = width, backbone.embed.patch
        steps = _steps(self.patch)
        # Of the resolutions finer than the patches, the pixels first.
        widths = [width * 2**level for level in range(len(steps))] or [width]
        channels = [backbone.channels, *widths]
        alone = (1,) * axes
        sides = [alone, *steps[:-1]]
        self.encode = nn.ModuleList(
            _Block(conv, before, after, side) for before, after, side in zip(channels, widths, sides, strict=False)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for dim in dims)
        self.bottom = _Block(conv, dims[-1], dims[-1], alone)
        lower, upper = [*dims[:0:-1], dims[0], *widths[:0:-1]], [*dims[-2::-1], *widths[::-1]]
        factors = [(2,) * axes] * (len(dims) - 1) + (steps[::-1] or [alone])
        self.enlarge = nn.ModuleList(
            up(below, above, factor, stride=factor) for below, above, factor in zip(lower, upper, factors, strict=True)
        )
        self.fuse = nn.ModuleList(_Block(conv, 2 * above, above, alone) for above in upper)

    def forward(self, images: Tensor, features: Features) -> Tensor:
        """[B, C, *extents] and the stages' rows -> [B, width, *extents]."""
        missing = [-n % side for n, side in zip(images.shape[2:], self.patch, strict=True)]
        picture, fine = F.pad(images, [pad for n in reversed(missing) for pad in (0, n)]), []
        for encode in self.encode:
            picture = encode(picture)
            fine.append(picture)
        stages = [to_picture(norm(rows), grid) for (rows, grid), norm in zip(features, self.norms, strict=True)]
        lower = self.bottom(stages[-1])
        for skip, enlarge, fuse in zip([*stages[-2::-1], *fine[::-1]], self.enlarge, self.fuse, strict=True):
            # Odd grids were rounded up on the way down.
            lower = fuse(torch.cat([skip, _cut(enlarge(lower), skip.shape[2:])], dim=1))
        return _cut(lower, images.shape[2:])


class _Block(nn.Module):
    """Two convolutions with norms, and a shortcut; the first may have strides, of 1 or prime numbers."""

    def __init__(self, conv: Callable[..., nn.Module], before: int, after: int, stride: tuple[int, ...]) -> None:
        super().__init__()
        # Wide enough that no pixel is skipped.
        taps = tuple(max(3, side) for side in stride)
        first = conv(before, after, taps, stride=stride, padding=tuple(n // 2 for n in taps))
        self.first = nn.Sequential(first, group_norm(after), nn.GELU())
        self.second = nn.Sequential(conv(after, after, 3, padding=1), group_norm(after))
        plain = before == after and max(stride) == 1
        self.shortcut = nn.Identity() if plain else conv(before, after, 1, stride=stride)

    def forward(self, picture: Tensor) -> Tensor:
        """[B, before, *grid] -> [B, after, *grid], the grid divided by the stride."""
        return F.gelu(self.second(self.first(picture)) + self.shortcut(picture))


def transposed_convolution(axes: int) -> Callable[..., nn.Module]:
    """The transposed convolution over so many axes."""
    return {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}[axes]


def _steps(patch: Sequence[int]) -> list[tuple[int, ...]]:
    """The strides from pixels to patches, finest first: prime factors along every axis, the smallest ones first, those
    of the axes with fewer factors last: (2, 4) is (1, 2), (2, 2)."""
    factors = [_primes(side) for side in patch]
    longest = max(map(len, factors))
    return list(zip(*([1] * (longest - len(own)) + own for own in factors), strict=True))


def _primes(number: int) -> list[int]:
    factors, prime = [], 2
    while number > 1:
        while number % prime == 0:
            factors.append(prime)
            number //= prime
        prime += 1
    return factors


def _cut(picture: Tensor, extents: Sequence[int]) -> Tensor:
    return picture[(..., *(slice(n) for n in extents))]
