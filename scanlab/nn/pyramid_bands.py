"""The classes of a segmenter band by band: no map of its channels at full size is ever whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from scanlab.nn.decoders import PyramidDecoder
from scanlab.nn.heads import Segmenter
from scanlab.nn.in_parts import row_blocks
from scanlab.nn.picture_rows import PictureRows
from scanlab.nn.pyramid import enlarged

__all__ = ["class_dtype", "classes_by_bands"]

# Rows of patches per band: at least one, and as many as have so many pixels.
BAND_PIXELS = 1 << 18


def classes_by_bands(
    model: Segmenter, features: Sequence[tuple[Tensor, tuple[int, ...]]], source: PictureRows
) -> Tensor:
    """The likeliest class of every pixel [*extents], from what the pyramid reads of every stage, [1, L, width] each.

    The norm behind the last convolution is one over the whole map: its sums are taken in a first round of all bands,
    and each band is computed again in a second.
    """
    decoder = model.decoder
    assert isinstance(decoder, PyramidDecoder)
    lower = decoder.levels.joined(features)[0]
    convolve, norm, activate = decoder.refine
    assert isinstance(norm, nn.GroupNorm)
    height, side = source.extents[0], model.backbone.embed.patch[0]
    step = max(1, BAND_PIXELS // (torch.Size(source.extents[1:]).numel() * side))
    bands = [slice(b.start * side, min(b.stop * side, height)) for b in row_blocks(features[0][1][0], step)]
    sums = torch.zeros(2, norm.num_groups, dtype=torch.float64)
    count = 0
    for _, band in _convolved(decoder, convolve, lower, source, bands):
        each = band[0].unflatten(0, (norm.num_groups, -1)).flatten(1).double()
        sums += torch.stack([each.sum(1), each.square().sum(1)]).cpu()
        count += each.shape[1]
    mean = sums[0] / count
    scale = (sums[1] / count - mean.square() + norm.eps).rsqrt()
    classes = model.options()["classes"]
    guesses = torch.empty(source.extents, dtype=class_dtype(classes))
    for place, band in _convolved(decoder, convolve, lower, source, bands):
        logits = model.head(activate(_normed(band, norm, mean, scale)))
        guesses[place] = logits[0].argmax(0).to(guesses.dtype).cpu()
    return guesses


def class_dtype(classes: int) -> torch.dtype:
    """What numbers of so many classes fit into: uint8, or int64."""
    return torch.uint8 if classes <= 256 else torch.int64


def _normed(band: Tensor, norm: nn.GroupNorm, mean: Tensor, scale: Tensor) -> Tensor:
    axes = (1,) * (band.ndim - 2)
    each = norm.num_channels // norm.num_groups
    mean, scale = (t.to(band).repeat_interleave(each).view(1, -1, *axes) for t in (mean, scale))
    normed = (band - mean) * scale
    if norm.weight is None:
        return normed
    return normed * norm.weight.view(1, -1, *axes) + norm.bias.view(1, -1, *axes)


def _convolved(
    decoder: PyramidDecoder, convolve: nn.Module, lower: Tensor, source: PictureRows, bands: Sequence[slice]
) -> Iterator[tuple[slice, Tensor]]:
    """What the last norm reads, band by band."""
    height = source.extents[0]
    for band in bands:
        # One row on either side belongs to the convolution of `refine`, and one more to that of the pixels.
        first, last = max(0, band.start - 1), min(height, band.stop + 1)
        outer = max(0, band.start - 2), min(height, band.stop + 2)
        pixels = decoder.pixels(source.read(*outer)[None])[:, :, first - outer[0] : last - outer[0]]
        upper = _upper(decoder, lower, first, last, source.extents)
        yield band, convolve(upper + pixels)[:, :, band.start - first : band.stop - first]


def _upper(decoder: PyramidDecoder, lower: Tensor, first: int, last: int, extents: tuple[int, ...]) -> Tensor:
    """Rows of the enlarged map, from those of the patches that they lie between."""
    sides = decoder.patch
    start, stop = max(0, first // sides[0] - 1), min(lower.shape[2], -(-last // sides[0]) + 1)
    part = lower[:, :, start:stop]
    whole = enlarged(part, tuple(n * side for n, side in zip(part.shape[2:], sides, strict=True)))
    rows = slice(first - start * sides[0], last - start * sides[0])
    return whole[(slice(None), slice(None), rows, *(slice(n) for n in extents[1:]))]
