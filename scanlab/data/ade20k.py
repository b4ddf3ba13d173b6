"""ADE20K's scene parsing as it is downloaded (ADEChallengeData2016): 0 in its masks is no class but everything else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scanlab.data.dataset import IGNORED
from scanlab.data.notes import Note

__all__ = ["WITHOUT_OTHERS", "object_names", "without_others"]

_LIST = "objectInfo150.txt"
WITHOUT_OTHERS = Note("mapped", f"0 in masks is everything else, by {_LIST}: it is neither learned nor measured")


def object_names(folder: Path) -> dict[int, str]:
    """The names of the classes from 1 up, from the benchmark's own list in the folder; empty where there is none. Class
    0 is called "other"."""
    file = folder / _LIST
    if not file.is_file():
        return {}
    rows = [line.split("\t") for line in file.read_text("utf-8").splitlines()[1:] if line.strip()]
    return {0: "other"} | {int(row[0]): row[-1].split(",")[0].strip() for row in rows}


def without_others(masks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Masks whose 0 counts nowhere, as the benchmark counts (Zhou et al. 2017, doi 10.1109/CVPR.2017.544)."""
    return np.where(masks == 0, np.uint8(IGNORED), masks)
