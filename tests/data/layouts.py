"""Small folders of pictures, as people have them, for the tests beside this file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scanlab import data
from scanlab.data import Dataset
from scanlab.data.notes import notes_of
from scanlab.ir.diagnostics import ScanlabError

DRAW = np.random.default_rng(0)


def save(path: Path, picture: np.ndarray | Image.Image, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(path, **options)


def grey(high: int = 256, size: tuple[int, int] = (6, 8)) -> np.ndarray:
    return DRAW.integers(0, high, size, dtype=np.uint8)


def colours(size: tuple[int, int] = (6, 8)) -> np.ndarray:
    return DRAW.integers(0, 256, (*size, 3), dtype=np.uint8)


def classes(
    folder: Path, names: tuple[str, ...] = ("cat", "dog"), each: int = 6, suffix: str = ".png", **options
) -> Path:
    for name in names:
        for n in range(each):
            save(folder / name / f"{n}{suffix}", colours(), **options)
    return folder


def masked(
    folder: Path,
    mask: Callable[[int], np.ndarray | Image.Image],
    images: str = "images/{}.png",
    masks: str = "masks/{}.png",
    count: int = 6,
) -> Path:
    for n in range(count):
        save(folder / images.format(n), colours())
        save(folder / masks.format(n), mask(n))
    return folder


def refused(source: Path, code: str, *words: str, **more: Any) -> None:
    with pytest.raises(ScanlabError, match="(?s)" + ".*".join(map(re.escape, words))) as caught:
        data.whole(str(source), **more)
    assert caught.value.code == code and caught.value.diagnostics[0].help


def noted(dataset: Dataset, kind: str, *words: str) -> None:
    """Whether a sentence of a kind says all of these words."""
    sentences = notes_of(dataset).get(kind, [])
    assert any(all(word in sentence for word in words) for sentence in sentences), sentences
