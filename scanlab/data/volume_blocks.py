"""Boxes of voxels, over the canonical axes, from NIfTI files that are not compressed; all else stays unread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scanlab.data.volume_files import unreadable_volume

__all__ = ["BLOCK_BYTES", "StoredVoxels"]

# What a pass over a whole file holds at a time, as float32.
BLOCK_BYTES = 16 << 20
Box = Sequence[slice]


@dataclass(frozen=True, eq=False)
class StoredVoxels:
    """The voxels of a file in RAS+. file: not compressed; named: what errors call it. shape: as it is stored, of three
    axes or four; axes: int64 [3, 2] as nibabel has them, the canonical axis of every stored one and its sign; None for
    a header that does not say."""

    file: Path
    named: Path
    shape: tuple[int, ...]
    axes: NDArray | None

    @property
    def extents(self) -> tuple[int, ...]:
        """Voxels along the canonical axes."""
        if self.axes is None:
            return self.shape[:3]
        return tuple(self.shape[int(axis)] for axis in np.argsort(self.axes[:, 0]))

    @property
    def channels(self) -> int:
        """The length of the fourth axis, 1 without one."""
        return self.shape[3] if len(self.shape) == 4 else 1

    def read(self, box: Box) -> NDArray[np.float32]:
        """The voxels of a box over the canonical axes, float32 [channels, X, Y, Z]. Raises S644."""
        return self._oriented(self._stored(tuple(self._stored_slices(box))))

    def blocks(self) -> Iterator[tuple[tuple[int, int, int], NDArray[np.float32]]]:
        """All voxels in the order of the file, some slices at a time: where a block begins, and float32 [channels, X,
        Y, Z]. Raises S644."""
        each = 4 * self.channels * self.shape[0] * self.shape[1]
        slices = max(1, BLOCK_BYTES // each)
        for first in range(0, self.shape[2], slices):
            last = min(first + slices, self.shape[2])
            stored = (slice(0, self.shape[0]), slice(0, self.shape[1]), slice(first, last))
            yield self._start(stored), self._oriented(self._stored(stored))

    def _stored_slices(self, box: Box) -> Iterator[slice]:
        for stored, extent in enumerate(self.shape[:3]):
            canonical, sign = (stored, 1) if self.axes is None else self.axes[stored]
            own = box[int(canonical)]
            yield own if sign > 0 else slice(extent - own.stop, extent - own.start)

    def _start(self, stored: Box) -> tuple[int, int, int]:
        """Where a box of the file begins along the canonical axes."""
        start = [0, 0, 0]
        for axis, own in enumerate(stored):
            canonical, sign = (axis, 1) if self.axes is None else self.axes[axis]
            start[int(canonical)] = own.start if sign > 0 else self.shape[axis] - own.stop
        return start[0], start[1], start[2]

    def _stored(self, box: tuple[slice, ...]) -> NDArray[np.float32]:
        import nibabel

        try:
            # A slice of the proxy reads its own bytes, and applies the header's slope.
            return np.asarray(nibabel.load(self.file).dataobj[box], np.float32)  # pyright: ignore[reportAttributeAccessIssue]
        except Exception as error:  # nibabel raises errors of many kinds for files that are not whole.
            raise unreadable_volume(self.named, error) from None

    def _oriented(self, array: NDArray[np.float32]) -> NDArray[np.float32]:
        from nibabel.orientations import apply_orientation

        turned = array if self.axes is None else apply_orientation(array, self.axes)
        return turned[None] if turned.ndim == 3 else np.moveaxis(turned, -1, 0)
