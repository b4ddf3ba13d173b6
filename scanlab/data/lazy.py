"""Images that stay where they are until they are needed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from scanlab.ir.diagnostics import ScanlabError

if TYPE_CHECKING:
    from scanlab.data.volume_windows import VolumeWindows

__all__ = ["LOADERS", "SHARE", "Lazy", "LazyImages", "Numbered", "as_declared", "loaded_by", "memory", "refuse_lazy"]

# True, False, or "auto": where they are too large for memory.
Lazy = bool | str

# Threads that read ahead where nobody says how many: one while another decodes.
LOADERS = 2


# Held twice, as a data set and as its parts, images may take this share of the machine's memory.
SHARE = 0.5


class Numbered:
    """What images and masks that are read by their numbers in a source have in common."""

    read: Callable[[int], NDArray[Any]]
    numbers: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, chosen: Any) -> Any:
        if isinstance(chosen, int | np.integer):
            return self.read(int(self.numbers[chosen]))
        return replace(cast(Any, self), numbers=self.numbers[chosen])

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self[number] for number in range(len(self)))

    def setflags(self, *, write: bool) -> None:
        """Whether the numbers can be written to."""
        self.numbers.setflags(write=write)


@dataclass(frozen=True, eq=False)
class LazyImages(Numbered):
    """M images that are read when they are asked for, each float32 [C, *extents].

    A source of such images is a count, a label for each (`Dataset.labels`), and this function read, which gives the
    image of a number from 0 up to the count. Several threads call it at once, in any order; the same number always
    gives the same pixels; what cannot be read is a ScanlabError that says where it is. sample_shape: C and the extents
    of every image. numbers int64 [M]: of the source, in this order. mark: what the source is known by in a
    fingerprint; it changes when an image or their order does. loaders: threads that read ahead of a training, 0 for
    none. unreadable: how many images may be damaged, which a training then leaves out. level: of every image of the
    source, float64 [source], what parts shall have alike, in place of its mean value, which has to be read; None for
    that. windows: of images that are parts of volumes, what reads any other part of them. damaged: why some could not
    be read of those that were looked into before; `loaded_by` refuses them where there are more than may be.

    Indexed by a number it reads an image; by an array of numbers, a mask or a slice, it gives these images, still
    unread.

    >>> squares = LazyImages(lambda number: np.full((1, 2, 2), number, np.float32), (1, 2, 2), np.arange(9), "squares")
    >>> squares.shape, squares[[4, 2]].shape, float(squares[[4, 2]][1].max())
    ((9, 1, 2, 2), (2, 1, 2, 2), 2.0)
    """

    read: Callable[[int], NDArray[np.float32]]
    sample_shape: tuple[int, ...]
    numbers: NDArray[np.int64]
    mark: str
    loaders: int = LOADERS
    unreadable: int = 0
    level: NDArray[np.float64] | None = None
    windows: VolumeWindows | None = None
    damaged: tuple[ScanlabError, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """M, C and the extents."""
        return (len(self), *self.sample_shape)

    @property
    def nbytes(self) -> int:
        """Bytes that are held: those of the numbers alone."""
        return self.numbers.nbytes

    def key(self) -> NDArray[np.uint8]:
        """What stands for the pixels in a fingerprint, uint8 [32]: the mark of the source, and the numbers."""
        digest = hashlib.sha256(f"lazy {self.mark} {self.sample_shape}".encode())
        digest.update(np.ascontiguousarray(self.numbers).data)
        return np.frombuffer(digest.digest(), np.uint8)


def loaded_by(images: Any, loaders: int, unreadable: int) -> Any:
    """Images that so many threads read ahead, of which so many may be damaged; those in memory as they are. Raises S608
    for fewer than none, and what is wrong with the first of more volumes, or images that were looked into, that are
    known to be damaged."""
    for name, value in (("loaders", loaders), ("unreadable", unreadable)):
        if value < 0:
            raise ScanlabError.at("S608", f"{name} is {value}", help="give a number from 0 up")
    if not isinstance(images, LazyImages):
        return images
    damaged = images.damaged if images.windows is None else tuple(images.windows.damaged.values())
    if len(damaged) > unreadable:
        raise damaged[0]
    return replace(images, loaders=loaders, unreadable=unreadable)


def as_declared(lazy: Lazy, unreadable: int) -> Lazy:
    """How images are read of which some may be damaged: only as they are needed can these be left out. Raises S608 for
    a contradiction, and for a setting that is none."""
    if lazy not in (True, False, "auto"):
        raise ScanlabError.at("S608", f"lazy is {lazy!r}", help='choose true, false or "auto"')
    if unreadable and lazy is False:
        help = "leave lazy = false out, or unreadable"
        raise ScanlabError.at("S608", "of images that are all read at first none may be unreadable", help=help)
    return True if unreadable else lazy


def memory() -> int:
    """The machine's memory in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def refuse_lazy(lazy: Lazy, name: str) -> None:
    """Raise S830 where data that are read whole are to be read lazily."""
    if lazy is True:
        help = "leave lazy and unreadable out; a folder per class and arrays that are not compressed can be read lazily"
        raise ScanlabError.at("S830", f"{name} is read whole, and not as it is needed", help=help)
