"""Boxes in files of arrays, and in memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scanlab.data.boxes.fitting import fitted_boxes
from scanlab.data.boxes.instances import boxes_of_instances
from scanlab.data.boxes.values import packed, unpacked, usable
from scanlab.data.notes import Note
from scanlab.data.targets import Refuse, as_masks

__all__ = ["boxes_of_arrays", "joined_boxes", "looks_like_boxes"]

_EXPECTED = "expected [M, most, 5] of x0, y0, x1, y1 in pixels and the class, -1 where there is no box"


def looks_like_boxes(array: NDArray) -> bool:
    """Whether an array is floats of five columns: x0, y0, x1, y1 and the class."""
    return array.ndim == 3 and array.shape[2] == 5 and array.dtype.kind == "f"


def boxes_of_arrays(
    kind: str, name: str, array: NDArray, extents: tuple[int, ...], notes: list[Note], refuse: Refuse
) -> NDArray:
    """Boxes [M, most, 5] as they were stored, or those around the objects that masks number."""
    if len(extents) != 2:
        raise refuse(f"its images have {len(extents)} axes", "boxes lie on images of two")
    if kind != "boxes":
        notes.append(Note("mapped", f"numbered objects of {name}: the box around each is taken, of one class"))
        return boxes_of_instances(as_masks("masks", name, array, extents, refuse))
    whole = array.dtype.kind in "iuf" and array.ndim == 3 and array.shape[2] == 5 and np.isfinite(array).all()
    if not whole or (array[..., 4] != np.round(array[..., 4])).any() or (array[..., 4] < -1).any():
        raise refuse(f"its {name} are {array.dtype} of shape {list(array.shape)}", _EXPECTED)
    return array.astype(np.float64)


def joined_boxes(
    parts: Sequence[NDArray], extents: tuple[int, ...], size: tuple[int, ...], notes: list[Note]
) -> NDArray[np.float32]:
    """The boxes of all parts that can be used, on images that were resized: float32 [M, most, 5]."""
    each = [some for part in parts for some in unpacked(part)]
    return packed([fitted_boxes(some, extents, size) for some in usable(each, [extents] * len(each), notes)])
