"""Segmentation measured on volumes larger than memory: by windows that slide over them, slab by slab."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scanlab.data import Dataset
from scanlab.data.dataset import IGNORED
from scanlab.data.lazy import LazyImages
from scanlab.data.target_kinds import MASKS
from scanlab.data.volume_windows import VolumeWindows
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn.sliding import window_starts, window_weights
from scanlab.study.line_images import Images
from scanlab.study.loading import LoadedImages
from scanlab.study.tasks import TASKS, task_named
from scanlab.study.trial import Problem

__all__ = ["OVERLAP", "check_windows", "in_windows", "measured_inputs", "window_overlaps"]

# Of a window's side with the next one's, as nnU-Net predicts (arXiv 1809.10486).
OVERLAP = 0.5


def in_windows(images: Images) -> bool:
    """Whether images are windows of volumes."""
    return isinstance(images, LoadedImages) and images.images.windows is not None


def check_windows(problem: Problem, dataset: Dataset) -> None:
    """Raise S834 for windows of volumes where something else than segmentation is learned of them, or measured on
    changed inputs."""
    if not isinstance(dataset.images, LazyImages) or dataset.images.windows is None:
        return
    if problem.task not in TASKS or task_named(problem.task).targets is not MASKS:
        known = ", ".join(name for name, task in TASKS.items() if task.targets is MASKS)
        what = f"{dataset.name} is read in windows, which {problem.task} does not measure whole volumes by"
        raise ScanlabError.at("S834", what, help=f"choose from {known}; or leave window out")
    if problem.transfer:
        what = f"{dataset.name} is read in windows, and transfer changes whole inputs"
        raise ScanlabError.at("S834", what, help="leave transfer out, or window")


def measured_inputs(dataset: Dataset) -> int:
    """How many inputs a model reads to be measured: the samples, or all windows of the volumes.

    >>> from scanlab import data
    >>> measured_inputs(data.load("digits"))
    539
    """
    images = dataset.images
    if not isinstance(images, LazyImages) or images.windows is None:
        return len(dataset.test)
    windows, damaged = images.windows, images.windows.damaged
    numbers = [n for n in images.numbers[dataset.test].tolist() if n not in damaged]
    return sum(len(list(_starts(windows, number))) for number in numbers)


def window_overlaps(model: nn.Module, images: Images, batch: int) -> tuple[Tensor, Tensor]:
    """Dice and IoU of every class in every whole volume, as `metrics.overlaps` has them: float64 [M, classes] twice.

    Windows of the size that is trained on overlap by half, and their outputs are averaged with Gaussian weights, as
    `nn.predict_map` does it. They go along a volume's longest axis: held are the sums of one window's depth, and
    neither the volume nor its mask. batch: windows at a time.
    """
    assert isinstance(images, LoadedImages) and images.images.windows is not None
    windows = images.images.windows
    counted = [_counted(model, images, windows, number, batch) for number in images.images.numbers.tolist()]
    both, guessed, true = (torch.from_numpy(np.stack(each)).double() for each in zip(*counted, strict=True))
    total = guessed + true
    return 2 * both / total, both / (total - both)


Counts = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def _counted(model: nn.Module, images: LoadedImages, windows: VolumeWindows, number: int, batch: int) -> Counts:
    """Of a volume how many voxels of each class are guessed rightly, guessed, and true."""
    case, size = windows.case(number), windows.windows.size
    extents = case.extents
    along = int(np.argmax(extents))
    weights = window_weights(size).to(images.device)
    sums: Tensor | None = None
    first, counts = 0, [np.zeros(0, np.int64)] * 3
    for start, group in groupby(sorted(_starts(windows, number), key=lambda at: at[along]), key=lambda at: at[along]):
        places = list(group)
        for some, parts in zip(_batched(places, batch), images.windows_at(number, places, batch), strict=True):
            maps = model(parts).float()
            if sums is None:
                counts = [np.zeros(maps.shape[1], np.int64) for _ in counts]
                held = [*extents[:along], min(size[along], extents[along]), *extents[along + 1 :]]
                sums = torch.zeros(maps.shape[1], *held, device=maps.device)
            if max(0, start) > first:
                counts = _with(counts, sums.narrow(1 + along, 0, start - first), windows, number, along, first)
                sums = _moved(sums, 1 + along, start - first)
                first = start
            for at, own in zip(some, maps, strict=True):
                inside, there = _places(at, size, extents, along, first)
                sums[(slice(None), *there)] += own[(slice(None), *inside)] * weights[inside]
    assert sums is not None
    both, guessed, true = _with(counts, sums, windows, number, along, first)
    return both, guessed, true


def _with(
    counts: Sequence[NDArray[np.int64]], sums: Tensor, windows: VolumeWindows, number: int, along: int, first: int
) -> list[NDArray[np.int64]]:
    """Counts with those of slices that no further window reaches."""
    case, classes = windows.case(number), len(sums)
    depth = sums.shape[1 + along]
    box = [slice(first, first + depth) if axis == along else slice(0, n) for axis, n in enumerate(case.extents)]
    guesses, masks = sums.argmax(0).cpu().numpy().ravel(), case.classes(box).ravel()
    known = masks != IGNORED if classes <= IGNORED else np.ones(len(masks), bool)
    guesses, masks = guesses[known], masks[known]
    own = [np.bincount(each, minlength=classes) for each in (guesses[guesses == masks], guesses, masks)]
    return [held + new[:classes] for held, new in zip(counts, own, strict=True)]


def _moved(sums: Tensor, axis: int, by: int) -> Tensor:
    """Sums from so many slices further on, with zeros behind."""
    kept = sums.narrow(axis, by, sums.shape[axis] - by) if by < sums.shape[axis] else sums.narrow(axis, 0, 0)
    shape = list(sums.shape)
    shape[axis] -= kept.shape[axis]
    return torch.cat([kept, sums.new_zeros(shape)], axis)


def _starts(windows: VolumeWindows, number: int) -> Iterator[tuple[int, ...]]:
    """Where windows begin that cover a volume; one that is smaller along an axis lies in the middle of it."""
    size, extents = windows.windows.size, windows.case(number).extents
    sides = tuple(map(min, size, extents))
    lead = [(side - n) // 2 if side > n else 0 for side, n in zip(size, extents, strict=True)]
    for at in window_starts(extents, sides, OVERLAP):
        yield tuple(a - b for a, b in zip(at, lead, strict=True))


def _places(
    at: Sequence[int], size: Sequence[int], extents: Sequence[int], along: int, first: int
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """What of a window lies in the volume, and where that is in the sums."""
    inside, there = [], []
    for axis, (a, side, n) in enumerate(zip(at, size, extents, strict=True)):
        low, high = max(0, a), min(a + side, n)
        shift = first if axis == along else 0
        inside.append(slice(low - a, high - a))
        there.append(slice(low - shift, high - shift))
    return tuple(inside), tuple(there)


def _batched(places: Sequence[tuple[int, ...]], batch: int) -> Iterator[Sequence[tuple[int, ...]]]:
    return (places[first : first + batch] for first in range(0, len(places), batch))
