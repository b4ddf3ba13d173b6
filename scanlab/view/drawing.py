"""A picture of paths that is not written yet: a notebook shows it, and any medium can be made of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scanlab.ir.diagnostics import ScanlabError
from scanlab.view.export import FIGURES, check_target, write, write_whole
from scanlab.view.figures import figure_of, png
from scanlab.view.scene import PathScene
from scanlab.view.svg import svg

__all__ = ["Drawing", "pixels_of"]


@dataclass(frozen=True, eq=False)
class Drawing:
    """Paths to draw. image: uint8 [H, W, 3] below paths over two axes, None for none. colour: "step", from first to
    last, or "path", one for each.

    >>> import scanlab
    >>> drawing = scanlab.draw("snake", (4, 4))
    >>> drawing
    <Drawing of snake>
    >>> drawing.save("snake.svg").name, drawing.svg[:4]
    ('snake.svg', '<svg')
    """

    scenes: tuple[PathScene, ...]
    image: NDArray[np.uint8] | None = field(default=None, repr=False)
    colour: str = "step"

    @property
    def svg(self) -> str:
        """As SVG text. Raises S504 for too many patches."""
        return svg(self.scenes, image=self.image, colour=self.colour)

    def figure(self) -> Any:
        """As a matplotlib Figure, to draw into or to save. Raises S500 without matplotlib."""
        return figure_of(self.scenes, image=self.image, colour=self.colour)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it; the suffix, .svg, .png, .gif, .mp4 or .html, names the medium. Image and colour are in the first
        two alone. Raises what `scanlab show --out` raises: S500 to S505."""
        file, medium = Path(path), Path(path).suffix.lower()
        if medium not in FIGURES or (self.image is None and self.colour == "step"):
            write(self.scenes, file)
            return file
        check_target(file)
        how: dict[str, Any] = {"image": self.image, "colour": self.colour}
        write_whole(file, self.svg.encode("utf-8") if medium == ".svg" else png(self.scenes, **how))
        return file

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<Drawing of {', '.join(scene.title for scene in self.scenes)}>"


def pixels_of(image: ArrayLike, grid: tuple[int, ...]) -> NDArray[np.uint8]:
    """An image to lie below paths over a grid of two axes, as uint8 [H, W, 3].

    image: [H, W], [H, W, 3] or [3, H, W], uint8 or numbers from 0 to 1; a Pillow image or a tensor will do. Raises S506
    for what is no such image, and for another grid.
    """
    if len(grid) != 2:
        problem = f"an image lies below paths over two axes, and these are over {len(grid)}"
        raise ScanlabError.at("S506", problem, help="leave the image out")
    array = np.asarray(image)
    if array.ndim == 3 and array.shape[0] in (1, 3) and array.shape[2] not in (1, 3):
        array = np.moveaxis(array, 0, 2)
    array = array[..., None] if array.ndim == 2 else array
    if array.ndim != 3 or array.shape[2] not in (1, 3) or not np.isfinite(array).all():
        problem = f"this is no image: {array.dtype} {list(array.shape)}"
        raise ScanlabError.at("S506", problem, help="give [H, W] or [H, W, 3], uint8 or numbers from 0 to 1")
    if array.dtype != np.uint8:
        low, high = float(array.min()), float(array.max())
        if low < 0 or high > 1:
            problem = f"the numbers of this image go from {low:g} to {high:g}"
            raise ScanlabError.at("S506", problem, help="give uint8, or numbers from 0 to 1")
        array = np.rint(255 * array.astype(float)).astype(np.uint8)
    return np.repeat(array, 3, axis=2) if array.shape[2] == 1 else array
