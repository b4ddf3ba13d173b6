"""Dividing samples into parts, and choosing among them; always the same for the same data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scanlab.data.dataset import Dataset, stratified_split
from scanlab.data.notes import Note
from scanlab.data.strata import brightness_quarters, strata_of
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text
from scanlab.renamed import renamed_names

__all__ = [
    "PARTS",
    "brightness_quarters",
    "divided",
    "grouped_split",
    "held_out",
    "limited",
    "measured_on",
    "split",
    "subset",
    "validation_split",
    "with_validation",
]

__getattr__ = renamed_names(__name__, {"looks": "brightness_quarters"})

PARTS = ("train", "val", "test")
SPLIT_SEED = 0
TRAIN_SHARE = 0.7
VALIDATION_SHARE = 0.2


def split(strata: NDArray, groups: NDArray[np.int64] | None, share: float, seed: int) -> tuple[NDArray, NDArray]:
    """Divide samples in two, about `share` of them first; no group is divided, else every stratum alike.

    strata int64 [M]: a class, or a quarter by brightness; groups int64 [M] or None. Returns two sorted, disjoint
    int64 index arrays.
    """
    return stratified_split(strata, share, seed) if groups is None else grouped_split(groups, share, seed)


def grouped_split(groups: NDArray[np.int64], share: float, seed: int) -> tuple[NDArray, NDArray]:
    """Divide samples in two so that no group (one patient, one slide) is in both; groups in random order fill the first
    part until it has `share` of the samples, and both parts get at least one group. Raises S646 for a single group."""
    names, members = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        raise ScanlabError.at("S646", "all samples belong to one group, which cannot be divided")
    order = np.random.RandomState(seed).permutation(len(names))
    sizes = np.bincount(members)[order]
    # Where the running count is closest to the share.
    count = int(np.abs(np.cumsum(sizes)[:-1] - share * len(groups)).argmin()) + 1
    chosen = np.isin(members, order[:count])
    return np.flatnonzero(chosen).astype(np.int64), np.flatnonzero(~chosen).astype(np.int64)


def measured_on(dataset: Dataset, part: str) -> Dataset:
    """The data with one part to train on and one to measure on, as `test`.

    "test": the validation part, if there is any, is left out. "val": measured on the validation part, a fifth of the
    training part where there is none; no sample of the test part is in the result. Raises S642 for another part.
    """
    if part == "test":
        return subset(dataset, dataset.train, dataset.test) if len(dataset.val) else dataset
    if part != "val":
        raise ScanlabError.at("S642", f"{part!r} cannot be measured on", help='choose "val" or "test"')
    if len(dataset.val):
        return subset(dataset, dataset.train, dataset.val)
    first, second = validation_split(dataset)
    counts = f"{len(second):,} of the {len(dataset.train):,} training samples"
    note = Note("assumed", f"there is no validation part: {counts} are measured on, and not trained on")
    return subset(replace(dataset, notes=(*dataset.notes, note)), dataset.train[first], dataset.train[second])


def validation_split(dataset: Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The training part without a fifth of it, and that fifth, always the same: int64 indices into `dataset.train`."""
    groups = None if dataset.groups is None else dataset.groups[dataset.train]
    return split(strata(dataset)[dataset.train], groups, 1 - VALIDATION_SHARE, SPLIT_SEED)


def limited(dataset: Dataset, limit: int | None, test_limit: int | None, training_seed: int | None = None) -> Dataset:
    """At most `limit` training and `test_limit` test samples (None for all), every class (or quarter by
    brightness) in its proportion, by a fixed seed, or those to train on by one of their own: more of them have all that
    fewer have. Raises S646."""
    kinds, seed = strata(dataset), SPLIT_SEED if training_seed is None else training_seed
    chosen = [_some(dataset.train, kinds, limit, seed), _some(dataset.test, kinds, test_limit, SPLIT_SEED)]
    whole = len(chosen[0]) == len(dataset.train) and len(chosen[1]) == len(dataset.test)
    return dataset if whole else subset(dataset, chosen[0], chosen[1], dataset.val)


def strata(dataset: Dataset) -> NDArray[np.int64]:
    """What every part should have alike of this data."""
    return strata_of(dataset.target_kind, dataset.images, dataset.labels)


def _some(part: NDArray[np.int64], strata: NDArray[np.int64], most: int | None, seed: int) -> NDArray[np.int64]:
    if most is not None and most < 1:
        raise ScanlabError.at("S646", f"the limit of samples is {most}", help="it must be at least 1")
    if most is None or most >= len(part):
        return part
    kinds = strata[part]
    order = np.random.RandomState(seed).permutation(len(kinds))
    # Samples in turns of all kinds in their proportion: the k-th of n of a kind comes at (k + 1/2) / n.
    place = np.empty(len(kinds))
    for kind in np.unique(kinds):
        members = order[kinds[order] == kind]
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.sort(part[np.argsort(place, kind="stable")[:most]])


def with_validation(dataset: Dataset) -> Dataset:
    """The data with a validation part beside the other two: their own, or a fifth of the training part, which is then
    not in that. A note says which."""
    if len(dataset.val):
        text = f"the validation part, {count_text(len(dataset.val), 'sample')}, is measured after every epoch"
        return replace(dataset, notes=(*dataset.notes, Note("assumed", text)))
    first, second = validation_split(dataset)
    counts = f"{len(second):,} of the {len(dataset.train):,} training samples"
    note = Note("assumed", f"{counts} are the validation part that is measured after every epoch, and not trained on")
    train, val = dataset.train[first], dataset.train[second]
    return replace(dataset, train=train, val=val, notes=(*dataset.notes, note))


def subset(
    dataset: Dataset, train: NDArray[np.int64], test: NDArray[np.int64], val: NDArray[np.int64] | None = None
) -> Dataset:
    """The data with these samples alone, first those to train on."""
    val = np.empty(0, np.int64) if val is None else val
    kept = np.concatenate([train, test, val])
    first, second, third = from_parts([len(train), len(test), len(val)])
    return replace(
        dataset,
        images=dataset.images[kept],
        labels=dataset.labels[kept],
        groups=None if dataset.groups is None else dataset.groups[kept],
        train=first,
        val=third,
        test=second,
    )


def divided(
    counts: Mapping[str, int],
    strata: NDArray,
    groups: NDArray[np.int64] | None,
    notes: list[Note],
    val_stands: bool = True,
) -> dict[str, NDArray[np.int64]]:
    """The samples of every part, which follow one another, so many of each.

    Without a test part the validation part is measured on, if it stands for one; else TRAIN_SHARE of the samples to
    train on are kept, by group or alike in every stratum. Raises S646.
    """
    parts = dict(zip(counts, from_parts(list(counts.values())), strict=True))
    if "test" in parts:
        return parts
    if "val" in parts and val_stands:
        notes.append(Note("assumed", "there is no test part: the validation part stands for it"))
        return {"train": parts["train"], "test": parts["val"]}
    own = parts["train"]
    together = None if groups is None else groups[own]
    parts["train"], parts["test"] = split(strata[own], together, TRAIN_SHARE, SPLIT_SEED)
    notes.append(held_out(len(parts["test"]), len(own), "by group" if groups is not None else "by a fixed seed"))
    return parts


def held_out(tested: int, samples: int, how: str) -> Note:
    """That a test part was drawn, of how many samples: classes and groups are whole, so the share is seldom round."""
    counts = f"{tested:,} of {count_text(samples, 'sample')} ({100 * tested / samples:.3g} %)"
    return Note("assumed", f"there is no test part: {counts} are held out as one, {how}")


def from_parts(sizes: Sequence[int]) -> list[NDArray[np.int64]]:
    """Index arrays of parts that follow one another."""
    ends = np.cumsum(sizes)
    return [np.arange(end - size, end, dtype=np.int64) for size, end in zip(sizes, ends, strict=True)]
