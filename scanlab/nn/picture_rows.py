"""A picture that is read some rows at a time, so that it need not be in memory as a whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["PictureRows", "as_picture_rows"]


@dataclass(frozen=True, eq=False)
class PictureRows:
    """A picture of some shape [C, H, W], or a volume [C, D, H, W], in parts along its first extent.

    read: from a first row and the last + 1 to float32 [C, last - first, …], on the model's device and scale.

    >>> import torch
    >>> bytes_ = torch.randint(256, (3, 8, 6), dtype=torch.uint8)
    >>> rows = PictureRows((3, 8, 6), lambda first, last: bytes_[:, first:last] / 255)
    >>> rows.read(2, 4).shape
    torch.Size([3, 2, 6])
    """

    shape: tuple[int, ...]
    read: Callable[[int, int], Tensor]

    @property
    def extents(self) -> tuple[int, ...]:
        """Height and width."""
        return self.shape[1:]


def as_picture_rows(picture: Tensor | PictureRows) -> PictureRows:
    """A picture [C, H, W] in memory, or one that is read. Raises S614."""
    if isinstance(picture, PictureRows):
        return picture
    if not isinstance(picture, Tensor) or picture.ndim < 2 or not picture.is_floating_point():
        shown = f"{picture.dtype} of shape {list(picture.shape)}" if isinstance(picture, Tensor) else type(picture)
        raise ScanlabError.at("S614", f"the picture is {shown}", help="give one picture [C, H, W] of floats")
    return PictureRows(tuple(picture.shape), lambda first, last: picture[:, first:last])
