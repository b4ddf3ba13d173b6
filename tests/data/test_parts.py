"""Parts of data: seeded, by class, by brightness, by group; limits; the validation part never sees the test part."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanlab import data
from scanlab.data import Dataset, from_arrays
from scanlab.data.parts import brightness_quarters, grouped_split, limited, measured_on, split
from scanlab.ir.diagnostics import ScanlabError

groupings = st.lists(st.integers(-5, 12), min_size=2, max_size=60).filter(lambda g: len(set(g)) > 1)


def made(count: int = 60, classes: int = 3, groups: Iterable | None = None, masks: bool = False) -> Dataset:
    """Every image is one value of its own, so that it can be recognized anywhere."""
    images = np.linspace(0, 1, count, dtype=np.float32)[:, None, None, None] * np.ones((1, 1, 4, 4), np.float32)
    targets = np.arange(count) % classes
    if masks:
        targets = np.arange(16).reshape(4, 4) % classes + np.zeros((count, 1, 1), int)
    return from_arrays(images, targets, groups=None if groups is None else np.array(list(groups)))


def shown(dataset: Dataset, part: str) -> set[float]:
    """The images of a part, as values."""
    return set(dataset.images[getattr(dataset, part)][:, 0, 0, 0].tolist())


@given(groupings, st.floats(0.1, 0.9), st.integers(0, 9))
def test_a_group_is_never_divided(groups: list[int], share: float, seed: int) -> None:
    names = np.array(groups)
    first, second = grouped_split(names, share, seed)
    assert len(first) and len(second)
    assert np.array_equal(np.sort(np.concatenate([first, second])), np.arange(len(names)))
    assert not set(names[first]) & set(names[second])
    # As close to the share as whole groups in this order allow.
    assert abs(len(first) - share * len(names)) <= max(np.unique(names, return_counts=True)[1])
    again = grouped_split(names, share, seed)
    assert np.array_equal(first, again[0]) and np.array_equal(second, again[1])


@given(st.lists(st.integers(0, 4), min_size=2, max_size=80), st.floats(0.2, 0.8))
def test_without_groups_every_class_is_divided_alike(labels: list[int], share: float) -> None:
    kinds = np.array(labels)
    first, second = split(kinds, None, share, 0)
    assert np.array_equal(np.sort(np.concatenate([first, second])), np.arange(len(kinds)))
    for kind in np.unique(kinds):
        assert (kinds[first] == kind).sum() == round(share * (kinds == kind).sum())


def test_one_group_cannot_be_divided() -> None:
    with pytest.raises(ScanlabError, match=r"S646.*one group"):
        grouped_split(np.zeros(5, np.int64), 0.5, 0)


def test_looks_are_quarters_by_brightness() -> None:
    images = np.array([5, 1, 7, 3, 2, 8, 6, 4], np.float32)[:, None, None, None]
    assert brightness_quarters(images).tolist() == [2, 0, 3, 1, 0, 3, 2, 1]


@pytest.mark.parametrize("name", ["digits", "moving-digits"])
def test_a_validation_part_is_taken_from_the_training_part_alone(name: str) -> None:
    whole, val = data.load(name), data.load(name, part="val")
    rows = {part: {image.tobytes() for image in whole.images[getattr(whole, part)]} for part in ("train", "test")}
    seen = {image.tobytes() for image in val.images}
    assert seen == rows["train"] and not seen & rows["test"]
    assert len(val.test) == pytest.approx(0.2 * len(whole.train), abs=10)
    shares = [np.bincount(val.labels[p], minlength=val.classes) / len(p) for p in (val.train, val.test)]
    assert np.abs(shares[0] - shares[1]).max() < 0.02


def test_a_validation_part_that_is_there_is_used() -> None:
    whole = made()
    given = Dataset("given", whole.images, whole.labels, np.arange(30), np.arange(40, 60), 3, "", val=np.arange(30, 40))
    on_test, on_val = measured_on(given, "test"), measured_on(given, "val")
    assert shown(on_test, "test") == shown(given, "test") and shown(on_val, "test") == shown(given, "val")
    assert shown(on_test, "train") == shown(on_val, "train") == shown(given, "train")
    assert len(on_test.images) == 50 and len(on_val.images) == 40


@pytest.mark.parametrize("part", ["test", "val"])
def test_groups_stay_whole_whatever_is_measured_on(part: str) -> None:
    dataset = measured_on(made(groups=np.arange(60) // 4), part)
    assert dataset.groups is not None and len(dataset.groups) == len(dataset.images)
    # Image n is of group n // 4, and has the value n / 59.
    first, second = ({round(59 * value) // 4 for value in shown(dataset, p)} for p in ("train", "test"))
    assert first and second and not first & second


@pytest.mark.parametrize("masks", [False, True])
@pytest.mark.parametrize("limit", [4, 12, 21, 40, 41])
def test_limits_keep_every_class_in_its_proportion(masks: bool, limit: int) -> None:
    whole = made(masks=masks)
    some = limited(whole, limit, 9)
    assert len(some.train) == min(limit, len(whole.train)) and len(some.test) == 9
    assert shown(some, "train") <= shown(whole, "train") and shown(some, "test") <= shown(whole, "test")
    kinds = brightness_quarters(whole.images) if masks else whole.labels
    by_value = dict(zip(whole.images[:, 0, 0, 0].tolist(), kinds.tolist(), strict=True))
    counts = np.bincount([by_value[v] for v in shown(some, "train")], minlength=3 + masks)
    assert counts.max() - counts.min() <= 1 + masks


def test_limits_are_always_the_same_and_grow() -> None:
    whole = made()
    sets = [shown(limited(whole, limit, None), "train") for limit in (6, 12, 24)]
    assert sets[0] < sets[1] < sets[2]
    assert sets[1] == shown(limited(made(), 12, None), "train")
    assert limited(whole, 1000, None) is whole


def test_unequal_classes_keep_their_shares() -> None:
    labels = np.repeat([0, 1], [300, 30])
    some = limited(from_arrays(np.zeros((330, 1, 2, 2)), labels), 110, None)
    assert np.bincount(some.labels[some.train]).tolist() == [100, 10]


@pytest.mark.parametrize("limit, words", [(0, "limit of samples is 0"), (-3, "is -3"), (1, "all of one class")])
def test_limits_that_leave_nothing_to_learn(limit: int, words: str) -> None:
    with pytest.raises(ScanlabError, match=f"S646.*{words}"):
        data.load("digits", limit=limit)
