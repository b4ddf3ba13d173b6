"""What is to be known of a data set: exact copies across parts, labels that contradict, classes that a part lacks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scanlab import data
from scanlab.data import Dataset
from scanlab.data.notes import KINDS, Note, listed, notes_of, suffixes
from scanlab.data.summary import dataset_summary
from scanlab.data.target_kinds import LABELS


def made(images: np.ndarray, labels: list[int] | np.ndarray, train: list[int], test: list[int], **more) -> Dataset:
    pixels = np.asarray(images, np.float32)
    classes = more.pop("classes", 1 + int(np.max(labels)))
    return Dataset("made", pixels, np.asarray(labels), np.array(train), np.array(test), classes, "", **more)


DIFFERENT = np.arange(6, dtype=np.float32)[:, None, None, None] * np.ones((1, 1, 2, 2), np.float32)


def test_copies_across_parts() -> None:
    images = DIFFERENT.copy()
    images[4] = images[1]
    images[5] = images[1]
    dataset = made(images, [0, 1, 0, 1, 1, 1], [0, 1], [3, 4, 5], val=np.array([2]))
    assert notes_of(dataset)["duplicated"] == [
        "2 test samples are exact copies of training samples, such as sample 4 of sample 1"
    ]
    images = images.copy()
    images[2] = images[3]
    found = notes_of(made(images, [0, 1, 0, 1, 0, 1], [0, 1], [3, 4, 5], val=np.array([2])))["duplicated"]
    assert found[1] == "1 test sample is an exact copy of validation samples, such as sample 3 of sample 2"
    assert found[2] == "2 samples with the pixels of another and other labels, such as 4 with those of 1"
    assert "duplicated" not in notes_of(made(DIFFERENT, [0, 1] * 3, [0, 1, 2], [3, 4, 5]))


def test_images_of_equal_sums_are_no_copies() -> None:
    images = np.zeros((4, 1, 2, 2), np.float32)
    for n in range(4):
        images[n, 0, n // 2, n % 2] = 1
    assert "duplicated" not in notes_of(made(images, [0, 1, 0, 1], [0, 1], [2, 3]))


def test_samples_that_no_part_has_do_not_count() -> None:
    images = DIFFERENT.copy()
    images[5] = images[0]
    assert "duplicated" not in notes_of(made(images, [0, 1, 0, 1, 0, 1], [0, 1], [2, 3]))


def test_classes_that_a_part_lacks() -> None:
    names = ("ant", "bee", "cow", "dog")
    dataset = made(DIFFERENT, [0, 1, 1, 0, 2, 0], [0, 1, 2], [3, 4, 5], classes=4, class_names=names)
    assert notes_of(dataset)["unseen"] == [
        "class cow is in the test part and not in the training part: no model can know it",
        "class bee is in no test sample: no result speaks of it",
        "class dog is in no sample at all: nothing is learned of it",
    ]
    masks = np.zeros((6, 2, 2), np.uint8)
    masks[:, 0, 0] = [1, 1, 1, 1, 1, 255]
    assert "unseen" not in notes_of(made(DIFFERENT, masks, [0, 1, 2], [3, 4, 5], classes=2))
    several = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0], [1, 0, 0], [0, 0, 0]], np.uint8)
    found = notes_of(made(DIFFERENT, several, [0, 1, 2], [3, 4, 5], classes=3, targets=LABELS))["unseen"]
    assert found == [
        "class 1 is in no test sample: no result speaks of it",
        "class 2 is in no sample at all: nothing is learned of it",
    ]


def test_notes_are_in_the_summary_and_change_no_fingerprint() -> None:
    digits = data.load("digits")
    noted = replace(digits, notes=(Note("assumed", "that these are digits"),))
    assert dataset_summary(noted)["notes"]["assumed"] == ["that these are digits"]
    assert noted.fingerprint == digits.fingerprint and list(notes_of(noted)) == [
        k for k in KINDS if k in notes_of(noted)
    ]
    assert set(notes_of(noted)) == {*notes_of(digits), "assumed"}


def test_words_for_many() -> None:
    assert listed(range(3)) == "0, 1, 2" and listed(range(7)) == "0, 1, 2, 3, 4 and 2 more"
    assert suffixes(["a.TXT", "b.txt", "c.db", "d"]) == "1 .db and 2 .txt and 1 without a suffix"
