"""Drawings of what is said of pictures: boxes on them, texts below them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from scanlab.predict.names import name_of
from scanlab.view.samples import Picture, Row, write

__all__ = ["boxed_picture", "draw_boxes"]

# In pixels of a drawing: its longest picture, and dots to the inch; in inches its narrowest.
LONGEST, DOTS, NARROWEST = 2000, 150, 3.0


def boxed_picture(image: Tensor, boxes: NDArray[Any] | Tensor, scores: bool = False) -> Picture:
    """A picture [C, H, W] in [0, 1] with boxes [n, 5] (x0, y0, x1, y1, class) or, with scores before the class, [n, 6].

    One of other channels than one or three is drawn in grey by the first. scores: whether they stand at the boxes. What
    is longer than 2,000 pixels is drawn smaller.

    >>> import torch
    >>> picture = boxed_picture(torch.zeros(3, 8, 6), torch.tensor([[1.0, 2, 4, 6, 0.75, 1]]), scores=True)
    >>> picture.values.shape, picture.boxes.tolist(), picture.marks
    ((8, 6, 3), [[1.0, 2.0, 4.0, 6.0, 1.0]], ['0.75'])
    """
    rows = np.asarray(boxes, np.float64)
    marks = [f"{score:.2f}" for score in rows[:, 4]] if scores and rows.shape[1] == 6 else []
    rows = rows[:, [0, 1, 2, 3, -1]]
    shown = image if len(image) in (1, 3) else image[:1]
    share = LONGEST / max(shown.shape[1:])
    if share < 1:
        own = shown.shape[1:]
        size = tuple(max(1, round(share * n)) for n in own)
        shown = F.interpolate(shown[None], size, mode="bilinear", align_corners=False, antialias=True)[0]
        down, right = (new / old for new, old in zip(size, own, strict=True))
        rows = rows * np.array([right, down, right, down, 1])
    values = shown.clamp(0, 1).movedim(0, -1).numpy()
    return Picture(values[..., 0] if values.shape[-1] == 1 else values, boxes=rows, marks=marks)


def draw_boxes(
    target: Path,
    rows: Sequence[tuple[str | None, Sequence[Picture]]],
    names: Sequence[str],
    classes: int,
    title: str = "",
) -> None:
    """Draw pictures of `boxed_picture` in rows, each after a word or None, as .png or .svg; a legend names the classes.

    A picture alone is drawn pixel by pixel. Raises S500 without matplotlib, S501 for another suffix, S502 where the
    file cannot be written.
    """
    legend = ["", *(name_of(names, number) for number in range(classes))]
    sheet = [Row(word, pictures) for word, pictures in rows]
    alone = len(rows) == 1 and len(rows[0][1]) == 1
    if alone:
        side = max(NARROWEST, rows[0][1][0].values.shape[1] / DOTS)
        write(sheet, target, title, legend, side)
    else:
        write(sheet, target, title, legend)
