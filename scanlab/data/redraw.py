"""Dividing the same samples anew for every seed, and the samples that a learning rate is chosen on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scanlab.data.dataset import Dataset
from scanlab.data.parts import measured_on, split, strata, validation_split
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["Redraw", "redrawable", "redrawn", "tuning_parts"]


@dataclass(frozen=True)
class Redraw:
    """Parts drawn by a seed of their own, in place of those that the data came with.

    pooled: also where the data came with parts of their own, which are thrown together first. apart: a learning rate
    was chosen on some of the training samples, and these stay in the training part. training: the parts are as they
    came, and the seed draws which training samples are used where their number is limited.

    >>> Redraw(seed=3).pooled
    False
    """

    seed: int
    pooled: bool = False
    apart: bool = False
    training: bool = False


def redrawn(whole: Dataset, part: str, redraw: Redraw) -> Dataset:
    """The data as `measured_on(whole, part)` has them, with samples to train and to measure on drawn anew by a seed.

    About as many samples in each as before, no group divided, every class (or quarter by brightness) in its
    proportion. With "test" the validation part of the data, and with "val" their test part, are left out as ever.
    Nothing is copied. Raises S770 for parts that the data came with, unless they are pooled.

    >>> from scanlab import data
    >>> digits = data.load_digits()
    >>> parts = redrawn(digits, "test", Redraw(seed=1))
    >>> len(parts.train), len(parts.test), len(np.intersect1d(parts.test, digits.test))
    (1258, 539, 150)
    """
    dataset = measured_on(whole, part)
    given = not whole.drawn if part == "test" else bool(len(whole.val))
    if given and not redraw.pooled:
        what = "test part" if part == "test" else "validation part"
        raise ScanlabError.at(
            "S770",
            f"{whole.name} came with a {what}, and drawing it anew gives results that compare with no one else's",
            note="who made it may have kept patients, writers or machines apart that no file names",
            help='leave resample out, or throw the parts together all the same: resample = "pooled" in a study file, '
            "--resample-pooled on the command line",
        )
    pool, kept = redrawable(whole, part, redraw.apart)
    groups = None if dataset.groups is None else dataset.groups[pool]
    share = (len(pool) - len(dataset.test)) / len(pool)
    first, second = split(strata(dataset)[pool], groups, share, redraw.seed)
    return replace(
        dataset, train=np.sort(np.concatenate([pool[first], kept])), test=pool[second], val=np.empty(0, np.int64)
    )


def redrawable(whole: Dataset, part: str, apart: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which samples of `measured_on(whole, part)` are divided anew, and which stay to train on: int64 indices."""
    dataset = measured_on(whole, part)
    kept = np.empty(0, np.int64)
    if apart and not (part == "test" and len(whole.val)):
        kept = dataset.train[validation_split(dataset)[1]]
    return np.setdiff1d(np.concatenate([dataset.train, dataset.test]), kept), kept


def tuning_parts(whole: Dataset, part: str) -> Dataset:
    """The data to choose a learning rate on, for a study that measures on `part`: no sample of that part is in them.

    The validation part of the data, as `test`; where there is none, or it is what the study measures on, a fifth of
    the training part.

    >>> from scanlab import data
    >>> parts = tuning_parts(data.load_digits(), "test")
    >>> len(parts.train), len(parts.test)
    (1008, 250)
    """
    return measured_on(whole if part == "test" else measured_on(whole, part), "val")
