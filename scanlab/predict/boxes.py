"""What a detector finds in single pictures, however large: boxes in the picture's own pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from scanlab.data.boxes.fitting import fitted_boxes, fitted_size
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text
from scanlab.nn import Detector, PictureRows
from scanlab.nn.backbone import backbone_of
from scanlab.nn.boxes import separated
from scanlab.nn.detector import LEAST_SCORE, MOST, OVERLAP
from scanlab.nn.sliding import window_starts
from scanlab.predict.names import name_of
from scanlab.predict.pictures import How

__all__ = ["BoxesOfPicture", "detect_picture"]

# Of tiles, the share of a side by which each overlaps the next.
SHARED = 0.5
USUAL = How()


@dataclass(frozen=True, eq=False)
class BoxesOfPicture:
    """The objects in a picture. extents: its height and width. boxes: float64 [n, 6], x0, y0, x1, y1 in its own pixels
    (0 is the edge of the first one), score in [0, 1], class; best first. notes: what was done to the picture.

    >>> boxes = BoxesOfPicture((8, 8), np.array([[1.0, 2, 5, 6, 0.75, 1]]), ("cat", "dog"))
    >>> boxes.rows
    [{'class': 1, 'name': 'dog', 'score': 0.75, 'box': [1.0, 2.0, 5.0, 6.0]}]
    """

    extents: tuple[int, ...]
    boxes: NDArray[np.float64]
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> list[dict]:
        """One per box: class, name, score, box; scores to four digits, boxes to hundredths of a pixel."""
        return [
            {
                "class": int(label),
                "name": name_of(self.names, int(label)),
                "score": round(score, 4),
                "box": [round(side, 2) for side in box],
            }
            for *box, score, label in self.boxes.tolist()
        ]


def detect_picture(
    model: nn.Module,
    picture: PictureRows,
    names: Sequence[str] = (),
    how: How = USUAL,
    least_score: float = LEAST_SCORE,
) -> BoxesOfPicture:
    """The boxes that a Detector finds in a picture. Raises S726 for other models and for sizes that are none of a
    picture, S614 for pictures that do not fit, S676 without kornia.

    A picture is scaled in its proportions until it fits into how.size, by default the size that the model was built
    for, and filled up with zeros to the right or below, as training data are; () leaves it as it is. With how.window
    tiles of that side, which overlap by half, are looked at one by one: of a tile those boxes count whose middle is
    nearer to its middle than to that of any other, and of all of them together the better one of two that overlap
    stays.

    >>> from scanlab.nn import Backbone, BackboneConfig
    >>> backbone = Backbone("row", BackboneConfig(patch=4, dim=8), input_size=(32, 32))
    >>> model = Detector(backbone, classes=2, width=8).eval()
    >>> picture = torch.zeros(1, 40, 24)
    >>> said = detect_picture(model, PictureRows((1, 40, 24), lambda first, last: picture[:, first:last]))
    >>> said.notes[0]
    'scaled from 40x24 to 32x19, in its proportions, the rest of 32x32 is filled up with zeros'
    """
    if not isinstance(model, Detector):
        name = type(model).__name__
        raise ScanlabError.at("S726", f"a {name} finds no boxes in pictures", help="give a Detector")
    usual, notes = tuple(backbone_of(model).input_size), list[str]()
    size = (() if how.window else usual) if how.size is None else how.size
    if len(size) not in (0, 2):
        raise ScanlabError.at("S726", f"{grid_text(size)} is no size of a picture", help="give height and width")
    shown, inner = _fitted(picture, size, notes) if size else (picture, picture.extents)
    if shown.extents != usual and not how.window:
        notes.append(f"of {grid_text(shown.extents)} pixels as it is read; the model was built for {grid_text(usual)}")
    if how.window:
        looked = _by_tiles(model, shown, how.window, least_score, notes)
    else:
        [looked] = model.detect(shown.read(0, shown.extents[0])[None], least_score=least_score)
    boxes = _own(looked, inner, picture.extents)
    if not how.window and len(looked) == MOST:
        beyond = len(looked) - len(boxes)
        room = f", {beyond:,} of them in what is filled up" if beyond else ""
        notes.append(f"{MOST} boxes, the most of one picture{room}: there may be others, which --tile looks for")
    return BoxesOfPicture(picture.extents, boxes, tuple(names), tuple(notes))


def _by_tiles(model: Detector, picture: PictureRows, side: int, least: float, notes: list[str]) -> Tensor:
    sides = [min(side, n) for n in picture.extents]
    down, across = (list(_tiles(n, own)) for n, own in zip(picture.extents, sides, strict=True))
    kept, full = [], 0
    for top, first, last in down:
        band = picture.read(top, top + sides[0])
        for left, leftmost, rightmost in across:
            [said] = model.detect(band[None, :, :, left : left + sides[1]], least_score=least)
            full += len(said) == MOST
            said = said + said.new_tensor([left, top, left, top, 0, 0])
            x, y = ((said[:, :2] + said[:, 2:4]) / 2).unbind(1)
            kept.append(said[(x >= leftmost) & (x < rightmost) & (y >= first) & (y < last)])
    rows = torch.cat(kept)
    stays = separated(rows[:, :4], rows[:, 4], rows[:, 5].long(), OVERLAP)
    number = len(down) * len(across)
    notes.append(
        f"one tile of {grid_text((side, side))} covers the picture: it is looked at in one pass"
        if number == 1
        else f"by {count_text(number, 'tile')} of {grid_text(sides)} that overlap by half or more, each of which sees "
        f"nothing beyond itself: objects larger than half a tile may be cut"
    )
    if full:
        notes.append(f"{count_text(full, 'tile')} had {MOST} boxes, the most of one tile: there may be others")
    return rows[stays]


def _tiles(extent: int, side: int) -> Iterator[tuple[int, float, float]]:
    """Along one axis, where each tile begins, and from where to where a box's middle is nearest to that tile's."""
    starts = [start for (start,) in window_starts((extent,), (side,), SHARED)]
    between = [(one + other + side) / 2 for one, other in pairwise(starts)]
    yield from zip(starts, [-np.inf, *between], [*between, np.inf], strict=True)


def _fitted(picture: PictureRows, size: Sequence[int], notes: list[str]) -> tuple[PictureRows, tuple[int, int]]:
    """A picture that fits into a size, filled up; and its own height and width there."""
    inner = fitted_size(picture.extents, size)
    if tuple(picture.extents) == tuple(size):
        return picture, inner
    whole = picture.read(0, picture.extents[0])[None]
    if tuple(picture.extents) != inner:
        whole = F.interpolate(whole, inner, mode="bilinear", align_corners=False, antialias=True)
    down, right = (want - have for want, have in zip(size, inner, strict=True))
    filled = F.pad(whole, (0, right, 0, down))[0]
    room = f", the rest of {grid_text(size)} is filled up with zeros" if down or right else ""
    notes.append(f"scaled from {grid_text(picture.extents)} to {grid_text(inner)}, in its proportions{room}")
    return PictureRows(tuple(filled.shape), lambda first, last: filled[:, first:last]), inner


def _own(said: Tensor, inner: Sequence[int], extents: Sequence[int]) -> NDArray[np.float64]:
    """Boxes where they lie in the picture itself; what lies beyond it, in what was filled up, is left out."""
    rows = said.double().cpu().numpy()
    boxes = fitted_boxes(rows[:, [0, 1, 2, 3, 5]], inner, extents)[:, :4]
    height, width = extents
    boxes = boxes.clip(0, [width, height, width, height])
    rows = np.concatenate([boxes, rows[:, 4:]], 1)
    return rows[(boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])]
