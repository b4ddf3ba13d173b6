"""A time series of one place with its land cover: satellite images as a video, a class per pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scanlab.data.array_files import ARRAY_FILES, Arrays, opened_arrays, wrong
from scanlab.data.checks import checked
from scanlab.data.dataset import IGNORED, Dataset
from scanlab.data.layout import NOTHING, Layout
from scanlab.data.notes import Note, listed
from scanlab.data.resize import check_size, resized, resized_masks
from scanlab.ir.text import count_text

__all__ = ["LAND_COVER", "is_land_cover", "load_land_cover"]

# The arrays that make a file one of these, and what `labels` stand for (Slovenia's register RABA, as eo-learn has it).
_NEEDED = ("ndvi", "cloud", "labels", "split")
LAND_COVER = {1: "cultivated land", 2: "forest", 3: "grassland", 4: "shrubland", 8: "artificial surface"}
UNLABELLED = 0
_PARTS = {"train": 0, "val": 1, "test": 2}


def is_land_cover(path: Path) -> bool:
    """Whether a file holds such a series."""
    if not path.name.lower().endswith(ARRAY_FILES) or not path.is_file():
        return False
    with opened_arrays(path) as files:
        return set(_NEEDED) <= set(files[""].names)


def load_land_cover(path: Path, size: tuple[int, ...] | None = None, layout: Layout = NOTHING) -> Dataset:
    """Read NDVI (`ndvi`, uint16 [T, H, W], value / 10000 - 1) and cloud probability (`cloud`, uint8 [T, H, W]) at T
    dates, the land cover of every pixel (`labels`, uint8 [H, W], 0 where nobody labelled it), and which part each pixel
    belongs to (`split`, uint8 [H, W]: 0 train, 1 val, 2 test, 255 none).

    One place cannot be divided into samples. So there are three: the same video for each part, whose masks have the
    classes of that part's pixels alone and IGNORED elsewhere, at all dates alike. A model in training sees the pixels
    of all parts, and the classes of its own: a demonstration, no benchmark, as the notes say. images float32 [3, 2, T,
    H, W], NDVI brought from [-1, 1] into [0, 1], and clouds; class 0, the background of other masks, stays empty.
    Raises S642 for arrays that do not go together.

    >>> dates, labels = np.zeros((4, 6, 6)), np.tile(np.array([2, 3, 0], np.uint8), (6, 2))
    >>> split = np.repeat(np.array([0, 1, 2], np.uint8), 12).reshape(6, 6)
    >>> arrays = {"ndvi": dates.astype(np.uint16), "cloud": dates.astype(np.uint8), "labels": labels, "split": split}
    >>> np.savez("series.npz", **arrays)
    >>> series = load_land_cover(Path("series.npz"))
    >>> series.images.shape, series.class_names[2], int((series.labels[0] == 2).sum())
    ((3, 2, 4, 6, 6), 'forest', 16)
    """
    layout.check((), "a series with land cover")
    with opened_arrays(path) as files:
        arrays = files[""]
        video, labels, split = _checked(path, arrays)
        left = sorted(set(arrays.names) - set(_NEEDED))
    extents = size or video.shape[1:]
    check_size(extents, video.shape[1:], path.name)
    numbers = sorted({*np.unique(labels).tolist(), *LAND_COVER} - {UNLABELLED})
    classes = np.full(256, IGNORED, np.uint8)
    for position, number in enumerate(numbers, start=1):
        classes[number] = position
    masks = np.stack([np.where(split == code, classes[labels], IGNORED) for code in _PARTS.values()])
    over_time = np.broadcast_to(masks[:, None], (len(masks), *video.shape[1:]))
    clip = resized(video[None], extents)
    names = tuple(LAND_COVER.get(number, f"class {number}") for number in numbers)
    made = Dataset(
        name=path.stem,
        images=np.repeat(clip, len(_PARTS), 0),
        labels=resized_masks(over_time, extents),
        train=np.array([0]),
        val=np.array([1]),
        test=np.array([2]),
        classes=1 + len(names),
        credit=f"read from {path.name}",
        class_names=("background", *names),
        video=True,
        notes=_notes(labels, numbers, left),
    )
    return checked(made)


def _notes(labels: NDArray, numbers: list[int], left: list[str]) -> tuple[Note, ...]:
    unlabelled = int((labels == UNLABELLED).sum())
    notes = [
        Note(
            "layout",
            "one place, whose pixels are divided: the three samples are the same video, each with the classes of one "
            "part's pixels; a demonstration, no benchmark",
        ),
        Note("assumed", "the land cover is the same at every date, under clouds too"),
        Note(
            "mapped",
            ", ".join(f"{number} is class {position}" for position, number in enumerate(numbers, start=1))
            + "; class 0 stays empty",
        ),
        Note("left out", f"{count_text(unlabelled, 'pixel')} that nobody labelled, in every part"),
    ]
    if left:
        notes.append(Note("left out", f"arrays beside the series: {listed(left)}"))
    return tuple(notes)


def _checked(path: Path, arrays: Arrays) -> tuple[NDArray[np.float32], NDArray, NDArray]:
    """The video [2, T, H, W], classes [H, W] and parts [H, W]. Raises S642."""
    ndvi, cloud, labels, split = (arrays[name] for name in _NEEDED)
    shapes = {name: list(arrays[name].shape) for name in _NEEDED}
    places = {ndvi.shape[1:], cloud.shape[1:], labels.shape, split.shape}
    if ndvi.ndim != 3 or ndvi.shape != cloud.shape or len(places) > 1 or len(ndvi) < 2:
        raise wrong(
            path, f"its arrays have shapes {shapes}", "expected dates [T, H, W] of two or more, and pixels [H, W]"
        )
    if ndvi.dtype != np.uint16 or cloud.dtype != np.uint8 or labels.dtype != np.uint8 or split.dtype != np.uint8:
        kinds = {name: str(arrays[name].dtype) for name in _NEEDED}
        raise wrong(path, f"its arrays are {kinds}", "expected ndvi as uint16, and uint8 otherwise")
    for part, code in _PARTS.items():
        if not ((split == code) & (labels != UNLABELLED)).any():
            raise wrong(path, f"no labelled pixel is of the {part} part", "expected 0 train, 1 val, 2 test in split")
    # 0 stands for an NDVI of -1, and 20,000 for 1.
    video = np.stack([ndvi / np.float32(20_000), cloud / np.float32(255)]).astype(np.float32)
    return video, labels, split
