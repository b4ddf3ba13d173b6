"""What the authors of a published model do to a picture before they measure it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import grid_text
from scanlab.zoo.presets import evaluation_of

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Preprocessing", "preprocessing"]


@dataclass(frozen=True)
class Preprocessing:
    """Pictures as a published model is measured on them.

    The shorter side becomes `shorter` pixels by Pillow's filter `interpolation`, the longer one in proportion, rounded
    down; of that the middle square of `side` pixels is taken, divided by 255, less `mean`, over `std`, by channel.
    What EXIF says of a photograph's orientation is left aside, as the official evaluations do.

    >>> preprocessing("vim_tiny")
    Preprocessing(side=224, shorter=256, interpolation='bicubic', mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    """

    side: int
    shorter: int
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, image: Image) -> Tensor:
        """A Pillow image of any mode as float32 [3, side, side]. Raises S871 for anything else."""
        from PIL import Image as pillow

        if not isinstance(image, pillow.Image):
            help = "give one of Pillow's, as PIL.Image.open(path) or PIL.Image.fromarray(pixels)"
            raise ScanlabError.at("S871", f"a {type(image).__name__} is no picture of Pillow's", help=help)
        image = image.convert("RGB")
        width, height = image.size
        short, long = sorted((width, height))
        if short != self.shorter:
            scaled = int(self.shorter * long / short)
            size = (self.shorter, scaled) if width <= height else (scaled, self.shorter)
            image = image.resize(size, pillow.Resampling[self.interpolation.upper()])
        # As Python rounds: a half to the even number.
        left, top = (round((extent - self.side) / 2) for extent in image.size)
        pixels = np.array(image.crop((left, top, left + self.side, top + self.side)))
        return self.normalised(torch.from_numpy(pixels).permute(2, 0, 1).contiguous().float().div_(255))

    def normalised(self, pixels: Tensor) -> Tensor:
        """Pixels [..., 3, H, W] in [0, 1] less the mean, over the deviation, of their dtype."""
        mean, std = (torch.tensor(numbers, dtype=pixels.dtype)[:, None, None] for numbers in (self.mean, self.std))
        return (pixels - mean) / std

    @property
    def shift(self) -> str:
        """What `normalised` does, in words."""
        mean, std = (", ".join(map(str, numbers)) for numbers in (self.mean, self.std))
        return f"less ({mean}), over ({std})"

    def __str__(self) -> str:
        square = f"{self.side}x{self.side}"
        return f"the shorter side to {self.shorter} ({self.interpolation}), the middle {square}, {self.shift}"


def preprocessing(model: str | nn.Module, size: int | None = None) -> Preprocessing:
    """What a published model's authors do to a picture to measure it, by its name or of a model of that name.

    size: side of the square that the model is given, if not its own; the share of the picture that is kept stays.
    Raises S617 for a name that is none, for one whose authors' way we do not know, and for inputs that are no squares.

    >>> from PIL import Image
    >>> preprocessing("vmamba_tiny")(Image.new("L", (500, 375))).shape
    torch.Size([3, 224, 224])
    """
    name, evaluated, own = evaluation_of(model)
    if not evaluated:
        raise ScanlabError.at(
            "S617",
            f"how the authors of {name} prepare pictures is not known to us"
            if name
            else "the model is no published one, and nothing says how its pictures are prepared",
            help="give pixels in [0, 1], or as they were in training",
        )
    if size is None and (len(own) != 2 or own[0] != own[1]):
        problem = f"{name} is built for {grid_text(own)}, and its authors' preparation makes squares"
        raise ScanlabError.at("S617", problem, help="give the side of a square as size")
    side = own[0] if size is None else size
    if side < 1:
        raise ScanlabError.at("S617", f"a picture has no side of {side} pixels", help="give a size of 1 at least")
    shorter = int(side / evaluated["crop_pct"])
    return Preprocessing(side, shorter, evaluated["interpolation"], evaluated["mean"], evaluated["std"])
