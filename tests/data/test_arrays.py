"""Data sets from .npz files: keys, shapes, scales, parts, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from scanlab import data
from scanlab.data.arrays import load_arrays
from scanlab.ir.diagnostics import ScanlabError

MNIST = Path(__file__).parents[3] / "shared" / "data" / "mnist" / "test.npz"


def _saved(folder: Path, **arrays: np.ndarray) -> Path:
    path = folder / "things.npz"
    np.savez_compressed(path, **arrays)
    return path


def _medical(*extents: int, counts: tuple[int, int, int] = (6, 3, 4)) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {}
    for part, count in zip(("train", "val", "test"), counts, strict=True):
        arrays[f"{part}_images"] = random.integers(0, 256, (count, *extents), dtype=np.uint8)
        arrays[f"{part}_labels"] = random.integers(0, 2, (count, 1), dtype=np.uint8)
    return arrays


def test_medmnist_keys(tmp_path: Path) -> None:
    arrays = _medical(5, 7)
    arrays["val_labels"][0] = 6
    found = data.load(str(_saved(tmp_path, **arrays)))
    assert (found.name, found.classes, found.extents) == ("things", 7, (5, 7))
    assert found.images.shape == (10, 1, 5, 7) and found.images.dtype == np.float32
    assert found.labels.dtype == np.int64 and not found.images.flags.writeable
    np.testing.assert_array_equal(found.images[found.train, 0], arrays["train_images"] / np.float32(255))
    np.testing.assert_array_equal(found.images[found.test, 0], arrays["test_images"] / np.float32(255))
    assert found.labels[found.test].tolist() == arrays["test_labels"][:, 0].tolist()


def test_the_val_part_is_held_out_when_asked_for(tmp_path: Path) -> None:
    arrays = _medical(4, 4)
    found = data.load(str(_saved(tmp_path, **arrays)), part="val")
    assert len(found.images) == 9 and not len(found.val)
    np.testing.assert_array_equal(found.images[found.test, 0], arrays["val_images"] / np.float32(255))


# The shape in the file; that of an image; where the file has a value of image 2, last channel, at (3, 4) or (3, 4, 5).
SHAPES = {
    (6, 5, 7): ((1, 5, 7), (2, 3, 4)),
    (6, 5, 7, 3): ((3, 5, 7), (2, 3, 4, 2)),
    (6, 5, 7, 1): ((1, 5, 7), (2, 3, 4, 0)),
    (6, 5, 7, 9): ((1, 5, 7, 9), (2, 3, 4, 5)),
    (6, 5, 7, 9, 2): ((2, 5, 7, 9), (2, 3, 4, 5, 1)),
}


@pytest.mark.parametrize("shape, expected, place", [(s, *e) for s, e in SHAPES.items()], ids=str)
def test_images_colours_and_volumes(
    tmp_path: Path, shape: tuple[int, ...], expected: tuple[int, ...], place: tuple[int, ...]
) -> None:
    x = np.zeros(shape, np.uint8)
    x[place] = 51
    found = data.load(str(_saved(tmp_path, x=x, y=np.array([0, 1] * 3))))
    assert found.images.shape == (6, *expected) and found.extents == expected[1:]
    there = (2, expected[0] - 1, *(3, 4, 5)[: len(expected) - 1])
    assert found.images[there] == np.float32(0.2) and found.images.sum() == np.float32(0.2)


def test_x_and_y_alone_are_divided_by_class_and_always_alike(tmp_path: Path) -> None:
    y = np.repeat(np.arange(4), 10)
    path = _saved(tmp_path, x=np.zeros((40, 3, 3), np.uint8), y=y)
    first, second = load_arrays(path), load_arrays(path)
    assert np.bincount(first.labels[first.train]).tolist() == [7] * 4
    assert np.array_equal(np.union1d(first.train, first.test), np.arange(40))
    assert np.array_equal(first.train, second.train)


@pytest.mark.parametrize("train", ["", "_train"])
def test_x_and_y_with_a_test_part(tmp_path: Path, train: str) -> None:
    half = np.full((2, 3, 3), 0.5)
    arrays = {f"x{train}": half, f"y{train}": np.array([0, 1]), "x_test": half / 2, "y_test": np.array([2])}
    with pytest.raises(ScanlabError, match="2 x_test and 1 y_test"):
        load_arrays(_saved(tmp_path, **arrays))
    found = load_arrays(_saved(tmp_path, **{**arrays, "y_test": np.array([2, 0])}))
    assert found.images[found.train].max() == 0.5 and found.images[found.test].max() == 0.25
    assert (found.classes, found.images.dtype) == (3, np.float32)


IMAGES, LABELS = np.zeros((4, 3, 3), np.uint8), np.array([0, 1, 0, 1])
WRONG = {
    "keys": ({"pictures": IMAGES, "labels": LABELS}, "it holds labels, pictures", "expected train_images"),
    "no labels": ({"x": IMAGES}, "it holds x", "x and y"),
    "no test part": ({"train_images": IMAGES, "train_labels": LABELS, "val_images": IMAGES, "val_labels": LABELS},
                     "so no test part", "test_images"),
    "range": ({"x": IMAGES + 7.0, "y": LABELS}, "values from 7 to 7", "floats from 0 to 1"),
    "nan": ({"x": IMAGES * np.nan, "y": LABELS}, "values from nan", "floats from 0 to 1"),
    "dtype": ({"x": IMAGES.astype(np.uint16), "y": LABELS}, "are uint16", "uint8"),
    "axes": ({"x": IMAGES[0], "y": LABELS}, "shape [3, 3]", "[M, H, W]"),
    "empty": ({"x": IMAGES[:0], "y": LABELS[:0]}, "shape [0, 3, 3]", "none empty"),
    "several labels": ({"x": IMAGES, "y": np.zeros((4, 14), int)}, "shape [4, 14]", "one whole number"),
    "float labels": ({"x": IMAGES, "y": LABELS / 2}, "float64", "whole number"),
    "negative labels": ({"x": IMAGES, "y": LABELS - 1}, "from -1", "from 0 up"),
    "objects": ({"x": IMAGES, "y": np.array([{}, 1, 2, 3])}, "its y cannot be read", "numbers"),
    "two shapes": ({"x": IMAGES, "y": LABELS, "x_test": IMAGES[:, :2], "y_test": LABELS}, "differ in shape", "one"),
}  # fmt: skip


@pytest.mark.parametrize("arrays, found, expected", WRONG.values(), ids=WRONG.keys())
def test_other_files_are_refused_with_what_they_hold(tmp_path: Path, arrays: dict, found: str, expected: str) -> None:
    path = _saved(tmp_path, **arrays)
    with pytest.raises(ScanlabError, match=f"(?s){re.escape(found)}.*{re.escape(expected)}") as caught:
        load_arrays(path)
    assert caught.value.code == "S642" and str(path) in str(caught.value)


@pytest.mark.parametrize("kept", [0, 10, 200, -30])
def test_cut_off_files(tmp_path: Path, kept: int) -> None:
    path = _saved(tmp_path, **_medical(9, 9))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ScanlabError, match="S642"):
        load_arrays(path)


def test_a_damaged_array(tmp_path: Path) -> None:
    path = _saved(tmp_path, **_medical(30, 30))
    whole = bytearray(path.read_bytes())
    whole[1000:1400] = bytes(400)
    path.write_bytes(whole)
    with pytest.raises(ScanlabError, match=r"S642.*train_images cannot be read"):
        load_arrays(path)


def test_files_that_are_no_npz(tmp_path: Path) -> None:
    with pytest.raises(ScanlabError, match=r"S642.*no such file"):
        data.load(str(tmp_path / "a.npz"))
    np.save(tmp_path / "a.npy", IMAGES)
    with pytest.raises(ScanlabError, match=r"S642.*a single array"):
        load_arrays(tmp_path / "a.npy")
    with pytest.raises(ScanlabError, match=r"S642.*'train' cannot be measured on"):
        data.load("digits", part="train")


@pytest.mark.skipif(not MNIST.is_file(), reason="MNIST is not in ../shared/data")
def test_mnist() -> None:
    found = data.load(str(MNIST))
    assert found.images.shape == (10000, 1, 28, 28) and found.classes == 10
    assert len(found.train) + len(found.test) == 10000
    assert found.images.max() == 1.0
