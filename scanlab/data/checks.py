"""Refuse data that nothing can be learned from."""

from __future__ import annotations

import numpy as np

from scanlab.data.dataset import Dataset
from scanlab.data.ragged import arrays_of
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = ["MOST_CLASSES", "check_parts", "checked"]

# A model has an output per class: labels beyond this are numbers of something else, such as of patients.
MOST_CLASSES = 1 << 16


def checked(dataset: Dataset) -> Dataset:
    """The data as they are. Raises S646 for pixels that are no numbers, labels that number no classes, and what
    `check_parts` refuses."""
    if not all(np.isfinite(array).all() for array in arrays_of(dataset.images)):
        bad = np.flatnonzero([not np.isfinite(image).all() for image in dataset.images])
        raise ScanlabError.at(
            "S646",
            f"{dataset.name} has pixels that are NaN or infinite, in {count_text(len(bad), 'sample')}, "
            f"the first of them {bad[0]}",
            help="repair what is there, or leave it out",
        )
    counted = dataset.class_numbers()
    low, high = int(counted.min(initial=0)), int(counted.max(initial=0))
    if low < 0 or high >= min(dataset.classes, MOST_CLASSES):
        raise ScanlabError.at(
            "S646",
            f"the labels of {dataset.name} go from {low} to {high}",
            help=f"number the classes from 0 up, at most {MOST_CLASSES:,} of them",
        )
    check_parts(dataset)
    return dataset


def check_parts(dataset: Dataset) -> None:
    """Raise S646 for a part without samples, or samples to train on that are all of one class."""
    for part in ("train", "test"):
        if not len(getattr(dataset, part)):
            raise ScanlabError.at("S646", f"{dataset.name} has no {part} samples", help="give more samples")
    if dataset.target_kind.unlabelled:
        return
    if dataset.several:
        seen = dataset.labels[dataset.train]
        if (seen.min(0) == seen.max(0)).all():
            problem = f"no label of {dataset.name} is on some training samples and not on others"
            raise ScanlabError.at("S646", problem, help="give samples with and without a label")
        return
    seen = dataset.class_numbers(dataset.train)
    if dataset.target_kind.filled:
        if not seen.size:
            problem = f"no training sample of {dataset.name} has {dataset.target_kind.one}"
            raise ScanlabError.at("S646", problem, help="give some that have")
        return
    if not seen.size or seen.min() == seen.max():
        background = "nothing but background" if seen.max(initial=0) == 0 else "a single class"
        what = f"masks hold {background}" if dataset.masks else "samples are all of one class"
        raise ScanlabError.at("S646", f"the {what} in the training part of {dataset.name}", help="give two classes")
