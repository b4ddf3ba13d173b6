"""Volumes larger than memory: windows of NIfTI files, read from disk as they are needed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scanlab.data.classes import MOST_CLASSES, classes_of_values
from scanlab.data.dataset import IGNORED
from scanlab.data.layout import Layout, settled_by
from scanlab.data.lazy import LazyImages
from scanlab.data.lazy_masks import LazyMasks
from scanlab.data.notes import Note, listed
from scanlab.data.volume_blocks import StoredVoxels
from scanlab.data.volume_copies import check_room, plain_file
from scanlab.data.volume_files import VolumeFacts, check_place, facts_of, opened_volume
from scanlab.data.volume_places import Case
from scanlab.data.volume_space import body_axes
from scanlab.data.volume_survey import surveyed
from scanlab.data.volume_windows import StoredCase, VolumeWindows, Windows
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text

__all__ = ["class_table", "lazy_volumes"]

# Of a volume or mask that cannot be read, or has voxels that are no numbers.
_DAMAGED = ("S644", "S646")


def lazy_volumes(
    folder: Path, cases: Sequence[Case], windows: Windows, layout: Layout, ignored: int | None, notes: list[Note]
) -> tuple[LazyImages, LazyMasks, list[VolumeFacts]]:
    """Windows of volumes and of their masks, and what the headers say.

    Compressed files are unpacked once (`volume_copies`), and every voxel is looked at once for means, deviations and
    the classes (`volume_survey`). A volume that cannot be read is noted, and its error raised when a window of it is
    read. ignored: the value that marks voxels of no class. Raises S644 where none can be read, S645 without nibabel,
    S692 for values that number no classes, S693 for masks that lie elsewhere, S835 for a disk without room.
    """
    check_room([room for case in cases for room in _rooms(case)])
    made, facts = [], []
    for case in cases:
        try:
            stored, said = _opened(case, layout)
            made.append(stored)
            facts.append(said)
        except ScanlabError as error:
            if error.diagnostics[0].code not in _DAMAGED:
                raise
            made.append(error)
    good = [case for case in made if isinstance(case, StoredCase)]
    if not good:
        raise next(case for case in made if isinstance(case, ScanlabError))
    channels = _channels(folder, good)
    seen = {case.mask.named.name: frozenset(case.survey.values.tolist()) for case in good}
    table = class_table(seen, ignored, layout, folder, notes)
    known = tuple(_with_classes(case, table) if isinstance(case, StoredCase) else case for case in made)
    read = VolumeWindows(known, windows, channels)
    counts = np.stack([_counts(case) for case in known])
    _say(read, notes)
    mark, numbers = _mark(read, cases), np.arange(len(cases))
    level = counts[:, 1:IGNORED].sum(1) / np.maximum(counts.sum(1), 1)
    images = LazyImages(read.middle_image, (channels, *windows.size), numbers, mark, level=level, windows=read)
    return images, LazyMasks(read.middle_mask, windows.size, numbers, counts, mark), facts


def class_table(
    seen: Mapping[str, frozenset[int]], ignored: int | None, layout: Layout, folder: Path, notes: list[Note]
) -> dict[int, int]:
    """The class of every value of masks; seen: the values of each, by its name. Raises S644 for values that are no
    classes."""
    table = classes_of_values([*seen.values()], layout, folder.name, notes, ignored)
    if table is None:
        odd = next(name for name, values in seen.items() if any(not 0 <= v < MOST_CLASSES for v in values))
        raise ScanlabError.at(
            "S644",
            f"the mask {odd} has other values than classes from 0 to {MOST_CLASSES - 1}: {listed(sorted(seen[odd]))}",
            help=f"renumber it; or {settled_by('levels', 'instances')}",
        )
    return table


def _rooms(case: Case) -> list[tuple[Path, int]]:
    """The files of a case with their bytes when they are unpacked; none of one that cannot be read."""
    import nibabel

    files = [*case.images, *([case.mask] if case.mask else [])]
    try:
        images = [opened_volume(nibabel, file) for file in files]
    except ScanlabError:
        return []
    return [(f, prod(image.shape) * image.get_data_dtype().itemsize) for f, image in zip(files, images, strict=True)]


def _opened(case: Case, layout: Layout) -> tuple[StoredCase, VolumeFacts]:
    """A case whose voxels can be read anywhere, and what its header says. Raises S644, S646, S693 and S835."""
    import nibabel

    assert case.mask is not None, "`load_windows` refuses volumes without masks"
    images = [opened_volume(nibabel, file) for file in case.images]
    first, file = images[0], case.images[0]
    for other, path in zip(images[1:], case.images[1:], strict=True):
        check_place(first, other, (file, path), "modality", layout)
    mask, axes = opened_volume(nibabel, case.mask), body_axes(first)
    if "same_grid" not in layout or mask.shape[:3] != first.shape[:3]:
        check_place(first, mask, (file, case.mask), "mask", layout)
        axes = body_axes(mask)
    stored = [
        StoredVoxels(plain_file(path), path, tuple(image.shape), body_axes(image))
        for image, path in zip(images, case.images, strict=True)
    ]
    truth = StoredVoxels(plain_file(case.mask), case.mask, tuple(mask.shape), axes)
    return StoredCase(tuple(stored), truth, surveyed(stored, truth)), facts_of(first)


def _channels(folder: Path, cases: Sequence[StoredCase]) -> int:
    channels = {sum(image.channels for image in case.images) for case in cases}
    if len(channels) > 1:
        raise ScanlabError.at("S644", f"the volumes of {folder} differ in their modalities", help="give all the same")
    return channels.pop()


def _with_classes(case: StoredCase, table: Mapping[int, int]) -> StoredCase:
    """A case that knows what the values of its mask mean, with the voxels of each class."""
    ends = np.cumsum(case.survey.held)
    by_class: dict[int, list[NDArray[np.int32]]] = {}
    for value, first, last in zip(case.survey.values.tolist(), [0, *ends[:-1].tolist()], ends.tolist(), strict=True):
        if table[value] not in (0, IGNORED) and last > first:
            by_class.setdefault(table[value], []).append(case.survey.voxels[first:last])
    voxels = tuple(np.concatenate(by_class[number]) for number in sorted(by_class))
    return replace(case, table=table, voxels=voxels)


def _counts(case: StoredCase | ScanlabError) -> NDArray[np.int64]:
    """How many voxels of a mask have each class, int64 [256]; none of one that cannot be read."""
    counts = np.zeros(IGNORED + 1, np.int64)
    if isinstance(case, StoredCase):
        classes = [case.table[value] for value in case.survey.values.tolist()]
        np.add.at(counts, classes, case.survey.counts)
    return counts


def _say(read: VolumeWindows, notes: list[Note]) -> None:
    good = [case.extents for case in read.cases if isinstance(case, StoredCase)]
    least, most = (grid_text(tuple(f(axis).item() for axis in np.array(good).T)) for f in (np.min, np.max))
    size, share = grid_text(read.windows.size), read.windows.labelled
    notes += [
        Note(
            "assumed",
            f"volumes of {least} to {most} voxels stay on disk, and windows of {size} are read of them, "
            f"{share:.0%} on labelled voxels",
        ),
        Note("left out", "exact copies across the parts are not looked for: that needs all voxels"),
    ]
    if small := sum(any(n < side for n, side in zip(each, read.windows.size, strict=True)) for each in good):
        notes.append(
            Note("assumed", f"{count_text(small, 'volume')} smaller than a window, around which nothing is learned")
        )
    if read.damaged:
        first = next(iter(read.damaged.values())).diagnostics[0].message
        notes.append(Note("left out", f"{count_text(len(read.damaged), 'volume')} cannot be read: {first}"))


def _mark(read: VolumeWindows, cases: Sequence[Case]) -> str:
    """What windows are known by: names, extents, means, deviations and classes of all volumes, and how they are
    taken."""
    digest = hashlib.sha256(f"{read.windows} {read.channels}".encode())
    for case, known in zip(cases, read.cases, strict=True):
        digest.update(case.images[0].name.encode())
        if isinstance(known, StoredCase):
            digest.update(repr(known.extents).encode())
            for array in (known.survey.mean, known.survey.deviation, known.survey.counts, *known.voxels):
                digest.update(np.ascontiguousarray(array).data)
            digest.update(repr(sorted(known.table.items())).encode())
    return digest.hexdigest()
