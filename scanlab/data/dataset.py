"""The value every data source returns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images with a fixed division into a train and a test part.

    images float32 [M, C, H, W], or [M, C, D, H, W] for volumes, with values in [0, 1]; labels int64 [M] in
    [0, classes); train and test are disjoint int64 index arrays into the images, sorted. Arrays are read-only.
    """

    name: str
    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    classes: int
    credit: str

    def __post_init__(self) -> None:
        for array in (self.images, self.labels, self.train, self.test):
            array.setflags(write=False)

    @property
    def extents(self) -> tuple[int, ...]:
        """Height and width of an image, depth before them for a volume, in pixels."""
        return tuple(self.images.shape[2:])


def stratified_split(labels: NDArray[np.int64], share: float, seed: int) -> tuple[NDArray, NDArray]:
    """Divide samples into train and test so that every class is divided in the same proportion.

    labels int64 [M]; share in (0, 1) is the train part of each class, rounded to whole samples. Returns two sorted,
    disjoint int64 index arrays. The generator is numpy's `RandomState`, whose stream numpy has frozen (NEP 19), so the
    split is the same under every numpy version.
    """
    generator = np.random.RandomState(seed)
    train = []
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        train.append(members[: round(share * len(members))])
    chosen = np.sort(np.concatenate(train)).astype(np.int64)
    rest = np.setdiff1d(np.arange(len(labels), dtype=np.int64), chosen)
    return chosen, rest
