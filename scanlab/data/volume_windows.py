"""Windows of volumes that stay on disk: where they lie, by draws of a seed, and their voxels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scanlab.data.classes import mapped_values
from scanlab.data.dataset import IGNORED
from scanlab.data.volume_blocks import StoredVoxels
from scanlab.data.volume_survey import Survey
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["DRAWS", "LABELLED", "StoredCase", "VolumeWindows", "Windows"]

# nnU-Net's share of the windows that a class other than the background is sure to be in: a third (arXiv 1809.10486),
# `oversample_foreground_percent` = 0.33 in its code.
LABELLED = 0.33
# Numbers from 0 to below 1 that place a window: whether on a labelled voxel, of which class, on which; else where along
# each axis.
DRAWS = 6
Start = Sequence[int]


@dataclass(frozen=True)
class Windows:
    """What a person declares. size: voxels along each axis of what a training takes of a volume at a time. labelled:
    the share of these windows that are centred on a labelled voxel.

    >>> Windows((64, 64, 64)).labelled
    0.33
    """

    size: tuple[int, ...]
    labelled: float = LABELLED

    def __post_init__(self) -> None:
        if len(self.size) != 3 or min(self.size) < 1:
            shown = "x".join(map(str, self.size))
            help = "give voxels along three axes, as 64x64x64"
            raise ScanlabError.at("S834", f"the window of volumes is {shown}", help=help)
        if not 0 <= self.labelled <= 1:
            problem = f"the share of windows on labelled voxels is {self.labelled:g}"
            raise ScanlabError.at("S834", problem, help="give a share from 0 to 1")


@dataclass(frozen=True, eq=False)
class StoredCase:
    """A volume on disk with its mask. table: the class of every value of the mask; voxels: by class from 1 up those
    that are held, int32 [n, 3], of classes that the mask has."""

    images: tuple[StoredVoxels, ...]
    mask: StoredVoxels
    survey: Survey
    table: Mapping[int, int] = field(default_factory=dict)
    voxels: tuple[NDArray[np.int32], ...] = ()

    @property
    def extents(self) -> tuple[int, ...]:
        """Voxels along each axis."""
        return self.images[0].extents

    def image(self, box: Sequence[slice]) -> NDArray[np.float32]:
        """The z-scored voxels of a box within the volume, float32 [C, X, Y, Z]."""
        voxels = np.concatenate([image.read(box) for image in self.images])
        shape = (-1, 1, 1, 1)
        deviation = np.maximum(self.survey.deviation, 1e-6).reshape(shape)
        return ((voxels - self.survey.mean.reshape(shape)) / deviation).astype(np.float32)

    def classes(self, box: Sequence[slice]) -> NDArray[np.uint8]:
        """The class of every voxel of a box, uint8 [X, Y, Z]."""
        stored = self.mask.read(box)[0]
        low, high = stored.min(), stored.max()
        whole = stored.astype(np.uint8 if low >= 0 and high <= 255 else np.int32)
        return mapped_values(whole, self.table)


@dataclass(frozen=True, eq=False)
class VolumeWindows:
    """Volumes by number, and the windows that are taken of them. cases: the volumes, or why one cannot be read.
    channels: of each."""

    cases: tuple[StoredCase | ScanlabError, ...]
    windows: Windows
    channels: int

    @property
    def damaged(self) -> dict[int, ScanlabError]:
        """The volumes that cannot be read, by number."""
        return {number: case for number, case in enumerate(self.cases) if isinstance(case, ScanlabError)}

    def case(self, number: int) -> StoredCase:
        """A volume. Raises what is wrong with it."""
        case = self.cases[number]
        if isinstance(case, ScanlabError):
            raise case
        return case

    def start(self, number: int, draws: Sequence[float]) -> Start:
        """Where a window begins, by DRAWS numbers from 0 to below 1.

        With probability `labelled` it is centred on a voxel of a class that the volume has, every class as likely, as
        nnU-Net does; else it lies anywhere within the volume. A volume without labelled voxels is taken anywhere. A
        window never reaches out of the volume but where that is smaller, which then lies in its middle.
        """
        case = self.cases[number]
        if isinstance(case, ScanlabError):
            return (0,) * len(self.windows.size)
        on, which, place, *along = draws
        if on < self.windows.labelled and case.voxels:
            voxels = case.voxels[int(which * len(case.voxels))]
            return self._around(case, voxels[int(place * len(voxels))])
        rooms = [max(0, n - side) for n, side in zip(case.extents, self.windows.size, strict=True)]
        return self._within(case, [int(u * (room + 1)) for u, room in zip(along, rooms, strict=True)])

    def middle(self, number: int) -> Start:
        """Where the window begins that stands for a volume: around a labelled voxel in the midst of those that are
        held, or around the volume's middle."""
        case = self.case(number)
        if not case.voxels:
            return self._around(case, np.array(case.extents) // 2)
        voxels = np.concatenate(case.voxels)
        away = np.abs(voxels - np.median(voxels, axis=0)).sum(1)
        return self._around(case, voxels[int(away.argmin())])

    def image(self, number: int, start: Start) -> NDArray[np.float32]:
        """The voxels of a window, z-scored as the whole volume, float32 [C, *size]; beyond the volume 0, its mean."""
        made = np.zeros((self.channels, *self.windows.size), np.float32)
        box, inside = self._parts(number, start)
        made[(slice(None), *inside)] = self.case(number).image(box)
        return made

    def mask(self, number: int, start: Start) -> NDArray[np.uint8]:
        """The classes of a window, uint8 [*size]; beyond the volume IGNORED, which is neither learned nor measured."""
        made = np.full(self.windows.size, IGNORED, np.uint8)
        box, inside = self._parts(number, start)
        made[inside] = self.case(number).classes(box)
        return made

    def middle_image(self, number: int) -> NDArray[np.float32]:
        """The image that stands for a volume."""
        return self.image(number, self.middle(number))

    def middle_mask(self, number: int) -> NDArray[np.uint8]:
        """Its mask."""
        return self.mask(number, self.middle(number))

    def _around(self, case: StoredCase, voxel: NDArray) -> Start:
        pairs = zip(voxel.tolist(), self.windows.size, case.extents, strict=True)
        return self._within(case, [min(max(0, v - side // 2), max(0, n - side)) for v, side, n in pairs])

    def _within(self, case: StoredCase, start: Sequence[int]) -> Start:
        """A start, where a volume that is smaller than the window lies in its middle."""
        pairs = zip(start, self.windows.size, case.extents, strict=True)
        return tuple(at if n >= side else -((side - n) // 2) for at, side, n in pairs)

    def _parts(self, number: int, start: Start) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """The box of the volume that a window has, and where in the window it lies."""
        box, inside = [], []
        for at, side, extent in zip(start, self.windows.size, self.case(number).extents, strict=True):
            first, last = max(0, at), min(at + side, extent)
            box.append(slice(first, last))
            inside.append(slice(first - at, last - at))
        return tuple(box), tuple(inside)
