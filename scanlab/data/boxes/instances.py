"""Boxes around the objects that a mask numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scanlab.data.boxes.values import packed

__all__ = ["boxes_of_instances"]


def boxes_of_instances(instances: NDArray) -> NDArray[np.float32]:
    """The boxes around numbered objects: whole numbers [M, H, W], 0 the background, to float32 [M, most, 5].

    Of every number the smallest box around all its pixels, in the order of the numbers, of class 0; filled with class
    -1. By scipy's find_objects.

    >>> mask = np.array([[0, 1, 1, 0], [0, 1, 0, 0], [2, 0, 0, 0]])
    >>> boxes_of_instances(mask[None]).tolist()
    [[[1.0, 0.0, 3.0, 2.0, 0.0], [0.0, 2.0, 1.0, 3.0, 0.0]]]
    """
    from scipy.ndimage import find_objects

    made = []
    for mask in instances:
        # Numbers may be large and few; renumbered, no list is longer than the objects.
        numbers = np.unique(mask, return_inverse=True)
        ranks = numbers[1].reshape(mask.shape) + (0 if (numbers[0] == 0).any() else 1)
        slices = [place for place in find_objects(ranks) if place is not None]
        rows = [[s.start if k < 2 else s.stop for k, s in ((0, x), (1, y), (2, x), (3, y))] + [0] for y, x in slices]
        made.append(np.array(rows, np.float64).reshape(-1, 5))
    return packed(made)
