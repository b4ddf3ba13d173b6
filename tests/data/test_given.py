"""Data from arrays in memory: parts, groups, and what is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest

from scanlab.data import from_arrays
from scanlab.ir.diagnostics import ScanlabError

DRAW = np.random.default_rng(0)
IMAGES = DRAW.normal(size=(40, 2, 3, 4))
LABELS = np.arange(40) % 4


def test_images_are_taken_as_they_are() -> None:
    dataset = from_arrays(IMAGES, LABELS, name="waves")
    assert (dataset.name, dataset.classes, dataset.channels, dataset.extents) == ("waves", 4, 2, (3, 4))
    np.testing.assert_array_equal(dataset.images, IMAGES.astype(np.float32))
    assert np.bincount(dataset.labels[dataset.test]).tolist() == [3, 3, 3, 3]
    assert not dataset.video and dataset.groups is None and not len(dataset.val)
    assert from_arrays(IMAGES, LABELS).fingerprint == from_arrays(IMAGES, LABELS).fingerprint


def test_the_callers_arrays_stay_writable() -> None:
    images, labels = IMAGES.astype(np.float32), LABELS.copy()
    dataset = from_arrays(images, labels)
    images[0, 0, 0, 0] = 1
    labels[0] = 1
    assert not dataset.images.flags.writeable and not dataset.labels.flags.writeable


@pytest.mark.parametrize("extents", [(9,), (3, 4), (3, 4, 5)])
def test_one_to_three_axes(extents: tuple[int, ...]) -> None:
    images = DRAW.normal(size=(8, 1, *extents))
    assert from_arrays(images, LABELS[:8] % 2, video=len(extents) == 3).extents == extents
    masks = (images[:, 0] > 0).astype(int)
    dataset = from_arrays(images, masks)
    assert dataset.masks and dataset.labels.dtype == np.uint8 and np.array_equal(dataset.labels, masks)


def test_test_arrays_are_the_test_part() -> None:
    dataset = from_arrays(IMAGES[:30], LABELS[:30], test_images=IMAGES[30:], test_targets=LABELS[30:])
    assert dataset.train.tolist() == list(range(30)) and dataset.test.tolist() == list(range(30, 40))
    np.testing.assert_array_equal(dataset.images[dataset.test], IMAGES[30:].astype(np.float32))


def test_no_group_is_divided() -> None:
    groups = np.array([f"patient {n // 3}" for n in range(40)])
    dataset = from_arrays(IMAGES, LABELS, groups=groups)
    assert dataset.groups is not None and len(np.unique(dataset.groups)) == 14
    assert not set(groups[dataset.train]) & set(groups[dataset.test])
    assert abs(len(dataset.train) - 28) <= 3


WRONG = {
    "ragged": ((([[1.0]], [[1.0, 2.0]]), [0, 1]), {}, "are no arrays"),
    "words": (([["a"]], [0]), {}, "are no arrays"),
    "no channels": ((IMAGES[:, 0, 0], LABELS), {}, "images of shape [40, 4]"),
    "lengths": ((IMAGES, LABELS[:9]), {}, "targets of shape [9]"),
    "masks of another shape": ((IMAGES, np.zeros((40, 4, 3), int)), {}, "targets of shape [40, 4, 3]"),
    "float targets": ((IMAGES, LABELS / 2), {}, "float64 targets"),
    "negative labels": ((IMAGES, LABELS - 1), {}, "from -1 to 2"),
    "mask values": ((IMAGES, np.full((40, 3, 4), 256)), {}, "from 256 to 256"),
    "empty": ((IMAGES[:0], LABELS[:0]), {}, "shape [0, 2, 3, 4]"),
    "labels that are no classes": ((IMAGES, LABELS * 10**6), {}, "go from 0 to 3000000"),
    "one class": ((IMAGES, LABELS * 0), {}, "all of one class"),
    "background": ((IMAGES, np.zeros((40, 3, 4), int)), {}, "nothing but background"),
    "one class of mask": ((IMAGES, np.ones((40, 3, 4), int)), {}, "a single class"),
    "NaN": ((np.where(IMAGES > 2, np.nan, IMAGES), LABELS), {}, "NaN or infinite"),
    "infinite": ((np.where(IMAGES > 2, np.inf, IMAGES), LABELS), {}, "NaN or infinite"),
    "no test targets": ((IMAGES, LABELS), {"test_images": IMAGES}, "need test targets"),
    "test shape": ((IMAGES, LABELS), {"test_images": IMAGES[:, :1], "test_targets": LABELS}, "[40, 1, 3, 4]"),
    "group count": ((IMAGES, LABELS), {"groups": [1, 2]}, "there are 40 images"),
    "one group": ((IMAGES, LABELS), {"groups": [1] * 40}, "one group"),
    "groups and test": (
        (IMAGES, LABELS),
        {"groups": LABELS, "test_images": IMAGES, "test_targets": LABELS},
        "test images are given",
    ),
}


@pytest.mark.parametrize("given, more, words", WRONG.values(), ids=WRONG.keys())
def test_what_is_refused(given: tuple, more: dict, words: str) -> None:
    with pytest.raises(ScanlabError, match=re.escape(words)) as caught:
        from_arrays(*given, **more)
    assert caught.value.code == "S646"


def test_the_first_bad_sample_is_named() -> None:
    images = IMAGES.copy()
    images[[7, 9], 1, 2, 3] = np.nan
    with pytest.raises(ScanlabError, match="in 2 samples, the first of them 7"):
        from_arrays(images, LABELS)
