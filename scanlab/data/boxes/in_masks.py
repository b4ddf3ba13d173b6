"""Boxes around the objects that image files of masks number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scanlab.data.boxes.fitting import fitted_boxes
from scanlab.data.boxes.instances import boxes_of_instances
from scanlab.data.boxes.values import packed, unpacked
from scanlab.data.layout import Layout
from scanlab.data.mask_files import read_numbers
from scanlab.data.notes import Note
from scanlab.data.pairs import Pair

__all__ = ["boxes_of_masks"]


def boxes_of_masks(
    pairs: Sequence[Pair], extents: tuple[int, ...], layout: Layout, notes: list[Note]
) -> NDArray[np.float32]:
    """The boxes around the objects of masks, whose images were resized to these extents: float32 [M, most, 5]. An
    object is a grey value, a number of a palette or a colour; 0 and black are the background. Raises what `read_masks`
    raises of a mask."""
    made = []
    for numbers in read_numbers(pairs, layout):
        [boxes] = unpacked(boxes_of_instances(numbers[None]))
        made.append(fitted_boxes(boxes, numbers.shape, extents))
    notes.append(Note("mapped", "numbered objects of masks: the box around each is taken, of one class"))
    return packed(made)
