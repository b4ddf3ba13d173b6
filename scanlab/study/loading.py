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
from scanlab.data.lazy_masks import LazyMasks
from scanlab.data.unreadable import Unreadable
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["LoadedImages", "LoadedMasks"]

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

    def batches(
        self,
        order: Sequence[Tensor],
        needed: Callable[[int], Iterable[int]] = range,
        draws: Sequence[Tensor] | None = None,
    ) -> Iterator[Tensor]:
        """The images of each batch of numbers, in this order.

        needed: of a batch of so many images the places that are read, by default all; the others are zeros. draws: for
        each batch the numbers [B, DRAWS] by which windows of volumes are placed; None for those in their midst. Threads
        read ahead, for Pillow and numpy let others run while they decode, resize and copy: on two cores, photographs of
        500 x 375 resized to 224 x 224, two threads read 1.24 times as many as two processes of torch's DataLoader (770
        and 620 a second, medians of four runs side by side), which the workers of a study could not start either.
        Pixels and their order do not depend on how many there are. Raises what reading raises, in its place, but for
        as many images as may be left out.
        """
        source = _Source(self.images.numbers, self.images.sample_shape, np.float32, self._reader(draws is not None))
        for batch, errors in _ahead(source, self.images.loaders, order, needed, draws):
            for number, error in errors:
                self.left.note(number, error)
            some = torch.from_numpy(batch).to(self.device)
            yield some if self.change is None else self.change(some)

    def windows_at(self, number: int, starts: Sequence[Sequence[int]], batch: int) -> Iterator[Tensor]:
        """Windows of a volume of the source that begin at these places, so many at a time. Raises what
        reading raises."""
        windows = self.images.windows
        assert windows is not None

        def read(number: int, start: Sequence[float]) -> NDArray:
            return windows.image(number, [int(at) for at in start])

        source = _Source(np.full(len(starts), number), self.images.sample_shape, np.float32, read)
        order, places = torch.arange(len(starts)).split(batch), torch.tensor(starts).split(batch)
        for some, errors in _ahead(source, self.images.loaders, order, range, places):
            for _, error in errors:
                raise error
            yield torch.from_numpy(some).to(self.device)

    def _reader(self, drawn: bool) -> _Reader:
        windows = self.images.windows
        if drawn and windows is not None:
            return lambda number, draws: windows.image(number, windows.start(number, draws))
        return lambda number, _: self.images.read(number)


@dataclass(frozen=True, eq=False)
class LoadedMasks:
    """The masks of images on disk as a trial asks for them. Indexed by an int64 tensor or a slice it reads these masks,
    int64 [B, *extents], on the device. images: theirs; what cannot be read of a mask counts as an image that cannot
    be."""

    masks: LazyMasks
    images: LoadedImages
    change: Callable[[Tensor], Tensor] | None = None

    def __len__(self) -> int:
        return len(self.masks)

    def __getitem__(self, chosen: Tensor | slice) -> Tensor:
        numbers = chosen.cpu() if isinstance(chosen, Tensor) else torch.arange(len(self))[chosen]
        [some] = self.batches([numbers])
        return some

    @property
    def shape(self) -> tuple[int, ...]:
        """M and the extents, as they are read."""
        return self.masks.shape

    @property
    def device(self) -> str:
        """Where they are read to."""
        return self.images.device

    def of(self, chosen: Tensor, images: LoadedImages) -> LoadedMasks:
        """Some of them, still unread, with their images."""
        return replace(self, masks=self.masks[chosen.cpu().numpy()], images=images)

    def changed(self, change: Callable[[Tensor], Tensor]) -> LoadedMasks:
        """These masks with a change of every batch [B, *extents]."""
        return replace(self, change=change)

    def split(self, count: int) -> Iterator[Tensor]:
        """So many masks at a time, in their order."""
        return self.batches(torch.arange(len(self)).split(count))

    def batches(
        self,
        order: Sequence[Tensor],
        needed: Callable[[int], Iterable[int]] = range,
        draws: Sequence[Tensor] | None = None,
    ) -> Iterator[Tensor]:
        """The masks of each batch of numbers, as `LoadedImages.batches` gives their images."""
        source = _Source(self.masks.numbers, self.masks.mask_shape, np.uint8, self._reader(draws is not None))
        for batch, errors in _ahead(source, self.images.images.loaders, order, needed, draws):
            for number, error in errors:
                self.images.left.note(number, error)
            some = torch.from_numpy(batch).to(self.device).long()
            yield some if self.change is None else self.change(some)

    def _reader(self, drawn: bool) -> _Reader:
        windows = self.images.images.windows
        if drawn and windows is not None:
            return lambda number, draws: windows.mask(number, windows.start(number, draws))
        return lambda number, _: self.masks.read(number)


# An array by its number in the source, and the numbers that place a window.
_Reader = Callable[[int, Sequence[float]], NDArray]
_Missed = tuple[int, ScanlabError] | None
# A batch [B, …], and of what in it could not be read the number in the source, and why.
_Batch = tuple[NDArray, list[tuple[int, ScanlabError]]]


@dataclass(frozen=True, eq=False)
class _Source:
    """What batches are read of: arrays of one shape by their numbers."""

    numbers: NDArray[np.int64]
    shape: tuple[int, ...]
    dtype: type
    read: _Reader


def _ahead(
    source: _Source,
    loaders: int,
    order: Sequence[Tensor],
    needed: Callable[[int], Iterable[int]],
    draws: Sequence[Tensor] | None,
) -> Iterator[_Batch]:
    """Batches, each whole when it is given; without threads each is read when it is asked for."""
    placed = [None] * len(order) if draws is None else draws
    begun = (_begun(source, chosen, needed, own) for chosen, own in zip(order, placed, strict=True))
    if not loaders:
        for batch, reads in begun:
            yield batch, [error for read in reads if (error := read()) is not None]
        return
    pool = ThreadPoolExecutor(loaders, thread_name_prefix="loader")
    waiting: deque[tuple[NDArray, list[Future[_Missed]]]] = deque()
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
    source: _Source, chosen: Tensor, needed: Callable[[int], Iterable[int]], draws: Tensor | None
) -> tuple[NDArray, list[Callable[[], _Missed]]]:
    """A batch of zeros, and what fills it, one by one."""
    numbers = source.numbers[chosen.numpy()].tolist()
    batch = np.zeros((len(numbers), *source.shape), source.dtype)
    placed = [()] * len(numbers) if draws is None else draws.tolist()
    return batch, [
        partial(_read_into, batch, place, source.read, numbers[place], placed[place]) for place in needed(len(numbers))
    ]


def _read_into(batch: NDArray, place: int, read: _Reader, number: int, draws: Sequence[float]) -> _Missed:
    """Read one into its place; what is wrong with it is counted in the order of the batches, whoever reads."""
    try:
        batch[place] = read(number, draws)
    except ScanlabError as error:
        return number, error
    return None
