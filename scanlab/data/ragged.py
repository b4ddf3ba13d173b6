"""Images of one height and different widths, side by side in one array: nothing is filled up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanlab.data.lazy import LazyImages
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["BRIGHTEST", "RaggedImages", "arrays_of", "brightness_of", "require_one_size", "values_of"]

# Of bytes; an image's values are their share of it.
BRIGHTEST = 255


@dataclass(frozen=True, eq=False)
class RaggedImages:
    """M images of one height and different widths.

    pixels [C, H, sum of widths]: float32, or uint8 that stand for 255ths and take a quarter of the memory; an image is
    float32 in either case. offsets int64 [M + 1]: where each begins, and the last one ends. Indexed by a number it
    gives an image [C, H, W]; by an array of numbers, a mask or a slice, these images, copied. Raises S670 for arrays
    that do not have this form.

    >>> two = RaggedImages.of([np.zeros((1, 4, 3)), np.ones((1, 4, 6))])
    >>> len(two), two.widths.tolist(), two[1].shape, two[[1, 1, 0]].widths.tolist()
    (2, [3, 6], (1, 4, 6), [6, 6, 3])
    """

    pixels: NDArray
    offsets: NDArray[np.int64]

    def __post_init__(self) -> None:
        ends = self.offsets
        kinds = self.pixels.dtype in (np.dtype(np.float32), np.dtype(np.uint8))
        if self.pixels.ndim != 3 or not kinds or ends.ndim != 1 or not len(ends):
            shown = f"{self.pixels.dtype} {list(self.pixels.shape)} and {ends.dtype} {list(ends.shape)}"
            raise ScanlabError.at(
                "S670",
                f"images of different widths are given as {shown}",
                help="give float32 or uint8 [C, H, sum of widths], and int64 [M + 1]",
            )
        if ends[0] or ends[-1] != self.pixels.shape[2] or (np.diff(ends) < 1).any():
            raise ScanlabError.at(
                "S670",
                f"offsets go from {ends[0]} to {ends[-1]} over {self.pixels.shape[2]} columns of pixels",
                help="let them rise from 0 to the number of columns, by the width of each image",
            )

    @classmethod
    def of(cls, images: Sequence[NDArray]) -> RaggedImages:
        """Images [C, H, W] put side by side; uint8 stay bytes. Raises S670 for different heights or channels."""
        if len({image.shape[:2] for image in images}) != 1:
            shapes = sorted({tuple(image.shape[:2]) for image in images})
            help = "give at least one image, and scale all to one height"
            raise ScanlabError.at("S670", f"channels and heights of the images are {shapes}", help=help)
        ends = np.cumsum([0, *(image.shape[2] for image in images)], dtype=np.int64)
        whole = np.concatenate(images, axis=2)
        return cls(whole if whole.dtype == np.uint8 else whole.astype(np.float32), ends)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, chosen: Any) -> Any:
        if isinstance(chosen, int | np.integer):
            number = range(len(self))[int(chosen)]
            return as_values(self.pixels[:, :, self.offsets[number] : self.offsets[number + 1]])
        numbers = np.arange(len(self))[chosen]
        columns = [np.arange(int(self.offsets[n]), int(self.offsets[n + 1])) for n in numbers]
        taken = self.pixels[:, :, np.concatenate(columns)] if columns else self.pixels[:, :, :0]
        return RaggedImages(taken, np.cumsum([0, *map(len, columns)], dtype=np.int64))

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        return (self[number] for number in range(len(self)))

    @property
    def widths(self) -> NDArray[np.int64]:
        """int64 [M], in pixels."""
        return np.diff(self.offsets)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """M, C, H and the usual width, the median: a model of such data is built for it, and takes all others too."""
        return (len(self), *self.pixels.shape[:2], int(np.median(self.widths)) if len(self) else 0)

    @property
    def nbytes(self) -> int:
        """Bytes that the pixels take."""
        return self.pixels.nbytes

    def setflags(self, *, write: bool) -> None:
        """Whether the arrays can be written to."""
        for array in (self.pixels, self.offsets):
            array.setflags(write=write)


def as_values(pixels: NDArray) -> NDArray[np.float32]:
    """Bytes as shares of 255; floats as they are."""
    return pixels if pixels.dtype == np.float32 else pixels.astype(np.float32) / np.float32(BRIGHTEST)


def arrays_of(images: NDArray[np.float32] | RaggedImages | LazyImages) -> tuple[NDArray, ...]:
    """The arrays that images consist of; of images on disk what stands for them in a fingerprint."""
    if isinstance(images, LazyImages):
        return (images.key(),)
    return (images.pixels, images.offsets) if isinstance(images, RaggedImages) else (images,)


def values_of(images: NDArray[np.float32] | RaggedImages) -> tuple[float, float, float]:
    """The darkest value, the mean, and the brightest."""
    pixels = images.pixels if isinstance(images, RaggedImages) else images
    scale = BRIGHTEST if pixels.dtype == np.uint8 else 1
    mean = pixels.mean(dtype=np.float64) if pixels.dtype == np.uint8 else pixels.mean()
    return float(pixels.min()) / scale, float(mean) / scale, float(pixels.max()) / scale


def brightness_of(images: NDArray[np.float32] | RaggedImages | LazyImages) -> NDArray:
    """The mean value of each image, [M], or what is known of it in that place."""
    if isinstance(images, LazyImages):
        if images.level is not None:
            return images.level[images.numbers]
        return np.array([image.mean() for image in images])
    if isinstance(images, RaggedImages):
        scale = BRIGHTEST if images.pixels.dtype == np.uint8 else 1
        columns = images.pixels.mean((0, 1), dtype=np.float64) / scale
        return np.add.reduceat(columns, images.offsets[:-1]) / images.widths
    return images.reshape(len(images), -1).mean(1)


def require_one_size(
    images: NDArray[np.float32] | RaggedImages | LazyImages, name: str, what: str
) -> NDArray[np.float32]:
    """The images as one array. Raises S670 where they have different widths, and S833 where they are on disk; what:
    that needs one, as in "resizing"."""
    if isinstance(images, LazyImages):
        problem = f"the images of {name} are read when they are needed, and {what} needs them all"
        raise ScanlabError.at("S833", problem, help="load them with lazy = false")
    if isinstance(images, RaggedImages):
        widths = images.widths
        raise ScanlabError.at(
            "S670",
            f"the images of {name} are {widths.min()} to {widths.max()} pixels wide, and {what} needs one size",
            help="give data whose images have one size",
        )
    return images
