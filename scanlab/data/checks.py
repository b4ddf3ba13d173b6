"""Refuse data that nothing can be learned from."""

from __future__ import annotations

import numpy as np

from scanlab.data.dataset import Dataset
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["checked"]


def checked(dataset: Dataset) -> Dataset:
    """The data as they are. Raises S646 for pixels that are no numbers, a part without samples, a single class."""
    if not np.isfinite(dataset.images).all():
        bad = np.flatnonzero(~np.isfinite(dataset.images.reshape(len(dataset.images), -1)).all(1))
        raise ScanlabError.at(
            "S646",
            f"{dataset.name} has pixels that are NaN or infinite, in {len(bad)} samples, the first of them {bad[0]}",
            help="repair these samples, or leave them out",
        )
    for part in ("train", "test"):
        if not len(getattr(dataset, part)):
            raise ScanlabError.at("S646", f"{dataset.name} has no {part} samples", help="give more samples")
    if dataset.classes < 2 or len(np.unique(dataset.labels[dataset.train])) < 2:
        what = "masks hold nothing but background" if dataset.masks else "samples are all of one class"
        raise ScanlabError.at("S646", f"the {what} in the training part of {dataset.name}", help="give two classes")
    return dataset
