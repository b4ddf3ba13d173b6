"""Images that a trial reads as it needs them, batch by batch, ahead of its steps."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scanlab.data.lazy import LazyImages
from scanlab.data.unreadable import Unreadable
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["LoadedImages"]

# Batches that are read while another is computed on: one that is nearly there, and one behind it.
AHEAD = 2


@dataclass(frozen=True, eq=False)
class LoadedImages:
    """Images on disk as a trial asks for them. Indexed by an int64 tensor or a slice it reads these images, float32
    [B, C, *extents], on the device. left: those that could not be read, by their numbers in the source; zeros stand for
    them. change: what becomes of every batch after it was read."""

    images: LazyImages
    device: str
    left: Unreadable = field(default_factory=Unreadable)
    change: Callable[[Tensor], Tensor] | None = None

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, chosen: Tensor | slice) -> Tensor:
        numbers = chosen.cpu() if isinstance(chosen, Tensor) else torch.arange(len(self))[chosen]
        [some] = self.batches([numbers])
        return some

    @property
    def shape(self) -> tuple[int, ...]:
        """M, C and the extents, as they are read."""
        return self.images.shape

    def missing(self, chosen: Tensor) -> Tensor:
        """Which of these images, of those that were read, could not be: bool [B]."""
        numbers = self.images.numbers[chosen.cpu().numpy()]
        return torch.from_numpy(np.isin(numbers, list(self.left.why)))

    def readable(self) -> Tensor:
        """The places of all images but those that cannot be read, int64; reads all of them for it."""
        for _ in self.split(1 + 2 * self.images.loaders):
            pass
        every = torch.arange(len(self))
        return every[~self.missing(every)]

    def of(self, chosen: Tensor) -> LoadedImages:
        """Some of them, still unread."""
        return replace(self, images=self.images[chosen.cpu().numpy()])

    def changed(self, change: Callable[[Tensor], Tensor]) -> LoadedImages:
        """These images with a change of every batch [B, C, *extents]."""
        return replace(self, change=change)

    def split(self, count: int) -> Iterator[Tensor]:
        """So many images at a time, in their order."""
        return self.batches(torch.arange(len(self)).split(count))

    def batches(self, order: Sequence[Tensor], needed: Callable[[int], Iterable[int]] = range) -> Iterator[Tensor]:
        """The images of each batch of numbers, in this order.

        needed: of a batch of so many images the places that are read, by default all; the others are zeros. Threads
        read ahead, for Pillow and numpy let others run while they decode, resize and copy: on two cores, photographs of
        500 x 375 resized to 224 x 224, two threads read 1.24 times as many as two processes of torch's DataLoader (770
        and 620 a second, medians of four runs side by side), which the workers of a study could not start either.
        Pixels and their order do not depend on how many there are. Raises what reading raises, in its place, but for
        as many images as may be left out.
        """
        for batch, errors in _ahead(self.images, order, needed):
            for number, error in errors:
                self.left.note(number, error)
            some = torch.from_numpy(batch).to(self.device)
            yield some if self.change is None else self.change(some)


_Missed = tuple[int, ScanlabError] | None
# A batch [B, C, *extents], and of what in it could not be read the number in the source, and why.
_Batch = tuple[NDArray[np.float32], list[tuple[int, ScanlabError]]]


def _ahead(images: LazyImages, order: Sequence[Tensor], needed: Callable[[int], Iterable[int]]) -> Iterator[_Batch]:
    """Batches, each whole when it is given; without threads each is read when it is asked for."""
    begun = (_begun(images, chosen, needed) for chosen in order)
    if not images.loaders:
        for batch, reads in begun:
            yield batch, [error for read in reads if (error := read()) is not None]
        return
    pool = ThreadPoolExecutor(images.loaders, thread_name_prefix="loader")
    waiting: deque[tuple[NDArray[np.float32], list[Future[_Missed]]]] = deque()
    try:
        while True:
            for batch, reads in islice(begun, 1 + AHEAD - len(waiting)):
                waiting.append((batch, [pool.submit(read) for read in reads]))
            if not waiting:
                return
            batch, futures = waiting.popleft()
            yield batch, [error for future in futures if (error := future.result()) is not None]
    finally:
        pool.shutdown(cancel_futures=True)


def _begun(
    images: LazyImages, chosen: Tensor, needed: Callable[[int], Iterable[int]]
) -> tuple[NDArray[np.float32], list[Callable[[], _Missed]]]:
    """A batch of zeros, and what fills it, image by image."""
    numbers = images.numbers[chosen.numpy()].tolist()
    batch = np.zeros((len(numbers), *images.sample_shape), np.float32)
    return batch, [partial(_read_into, batch, place, images, numbers[place]) for place in needed(len(numbers))]


def _read_into(batch: NDArray[np.float32], place: int, images: LazyImages, number: int) -> _Missed:
    """Read an image into its place; what is wrong with it is counted in the order of the batches, whoever reads."""
    try:
        batch[place] = images.read(number)
    except ScanlabError as error:
        return number, error
    return None
