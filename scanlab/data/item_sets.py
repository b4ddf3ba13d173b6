"""Samples that are given one by one, by number."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanlab.data.items import as_image, as_target, guesses, stored
from scanlab.data.notes import Note
from scanlab.imported import RAISED, shown_traceback
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import grid_text

__all__ = ["ItemReader", "ItemSet"]

# What the two are called where a sample names its own.
_IMAGES = ("image", "images", "img", "pixel_values", "x")
_TARGETS = ("label", "labels", "target", "targets", "mask", "class", "y")


@dataclass(frozen=True, eq=False)
class ItemSet:
    """The samples of a part.

    sample(number) gives an image and its target, for numbers from 0 up to count; several threads call it at once.
    targets: of all samples, where they are known without reading these. class_names: one per class, or none. names:
    what a sample is called in a message, None for its number. mark: what else than targets and some samples the part is
    known by, such as the names and sizes of its files. notes: what was assumed or left out.
    """

    count: int
    sample: Callable[[int], Any]
    targets: NDArray | None = None
    class_names: tuple[str, ...] = ()
    names: Callable[[int], str] | None = None
    mark: str = ""
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, eq=False)
class ItemReader:
    """Reads the samples of several parts, numbered one part after the other.

    channels, size: of every image; exact: all have this size as they are, and are not resized.
    """

    name: str
    sets: Sequence[ItemSet]
    channels: int = 0
    size: tuple[int, ...] = ()
    exact: bool = True

    def __call__(self, number: int) -> NDArray[np.float32]:
        """An image, float32 [C, *extents]. Raises S646, S699 or S840 with its number."""
        pixels, _ = self.pair(number)
        if self.exact and pixels.shape[1:] != self.size:
            sizes = f"{self.where(number)} has {grid_text(pixels.shape[1:])}, and the first {grid_text(self.size)}"
            problem = f"the images of {self.name} differ in size: {sizes}"
            raise ScanlabError.at("S646", problem, help="give one size for all, as in --size 64x64")
        return self.image(number, pixels, self.channels, self.size)

    def image(self, number: int, pixels: NDArray, channels: int, size: tuple[int, ...]) -> NDArray[np.float32]:
        """A stored image as `as_image` makes it."""
        try:
            return as_image(pixels, channels, size)
        except ScanlabError as error:
            raise self._at(number, error) from None

    def pair(self, number: int) -> tuple[NDArray, NDArray]:
        """A sample as it is stored: image [C, *extents], and target."""
        try:
            part, own = self._place(number)
            image, target = _two(part.sample(own))
            return stored(image), as_target(target)
        except ScanlabError as error:
            raise self._at(number, error) from None
        except RAISED as error:
            problem = f"{self.where(number)} of {self.name} raised {type(error).__name__}: {error}"
            raise ScanlabError.at("S699", problem, note=shown_traceback(error), help="mend the data set") from error

    def guesses(self, number: int) -> list[Note]:
        """What is assumed of images of the form that this sample has."""
        part, own = self._place(number)
        return guesses(_two(part.sample(own))[0])

    def where(self, number: int) -> str:
        """What a sample is called."""
        part, own = self._place(number)
        return part.names(own) if part.names else f"sample {number}"

    @cached_property
    def _ends(self) -> list[int]:
        return np.cumsum([part.count for part in self.sets]).tolist()

    def _place(self, number: int) -> tuple[ItemSet, int]:
        part = bisect_right(self._ends, number)
        return self.sets[part], number - (self._ends[part - 1] if part else 0)

    def _at(self, number: int, error: ScanlabError) -> ScanlabError:
        first = error.diagnostics[0]
        return ScanlabError.at(first.code, f"{self.where(number)} of {self.name}: {first.message}", help=first.help)


def _two(sample: Any) -> tuple[Any, Any]:
    """Image and target of a sample, a pair or a mapping."""
    if isinstance(sample, Mapping):
        keys = [next((key for key in known if key in sample), None) for known in (_IMAGES, _TARGETS)]
        if None not in keys:
            return sample[keys[0]], sample[keys[1]]
        what = f"the keys {', '.join(map(str, sample))}"
    elif isinstance(sample, tuple | list) and len(sample) == 2:
        return sample[0], sample[1]
    else:
        what = f"{len(sample)} things" if isinstance(sample, tuple | list) else f"a {type(sample).__name__}"
    help = "let it give an image and its target, or a mapping with the keys image and label"
    raise ScanlabError.at("S840", f"it is no pair of an image and a target, but {what}", help=help)
