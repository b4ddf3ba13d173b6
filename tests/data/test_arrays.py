"""Data sets from .npz files: keys, shapes, scales, parts, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from scanlab import data
from scanlab.data.arrays import load_arrays
from scanlab.ir.diagnostics import ScanlabError

SHARED = Path(__file__).parents[3] / "shared" / "data"
MNIST, NUCLEI = SHARED / "mnist" / "test.npz", SHARED / "dsb2018" / "nuclei_256.npz"
ADRENAL = SHARED / "adrenalmnist3d" / "adrenalmnist3d_64.npz"


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
    dataset = data.load(str(_saved(tmp_path, **arrays)))
    assert (dataset.name, dataset.classes, dataset.extents) == ("things", 7, (5, 7))
    assert dataset.images.shape == (10, 1, 5, 7) and dataset.images.dtype == np.float32
    assert dataset.labels.dtype == np.int64 and not dataset.images.flags.writeable
    np.testing.assert_array_equal(dataset.images[dataset.train, 0], arrays["train_images"] / np.float32(255))
    np.testing.assert_array_equal(dataset.images[dataset.test, 0], arrays["test_images"] / np.float32(255))
    assert dataset.labels[dataset.test].tolist() == arrays["test_labels"][:, 0].tolist()


def test_the_val_part_is_held_out_when_asked_for(tmp_path: Path) -> None:
    arrays = _medical(4, 4)
    dataset = data.load(str(_saved(tmp_path, **arrays)), part="val")
    assert len(dataset.images) == 9 and not len(dataset.val)
    np.testing.assert_array_equal(dataset.images[dataset.test, 0], arrays["val_images"] / np.float32(255))


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
    dataset = data.load(str(_saved(tmp_path, x=x, y=np.array([0, 1] * 3))))
    assert dataset.images.shape == (6, *expected) and dataset.extents == expected[1:]
    there = (2, expected[0] - 1, *(3, 4, 5)[: len(expected) - 1])
    assert dataset.images[there] == np.float32(0.2) and dataset.images.sum() == np.float32(0.2)


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
    dataset = load_arrays(_saved(tmp_path, **{**arrays, "y_test": np.array([2, 0])}))
    assert dataset.images[dataset.train].max() == 0.5 and dataset.images[dataset.test].max() == 0.25
    assert (dataset.classes, dataset.images.dtype) == (3, np.float32)


IMAGES, LABELS = np.zeros((4, 3, 3), np.uint8), np.array([0, 1, 0, 1])
WRONG = {
    "keys": ({"pictures": IMAGES, "labels": LABELS}, "it holds labels, pictures", "expected train_images"),
    "no labels": ({"x": IMAGES}, "it holds x", "x and y"),
    "range": ({"x": IMAGES + 7.0, "y": LABELS}, "values from 7 to 7", "floats from 0 to 1"),
    "nan": ({"x": IMAGES * np.nan, "y": LABELS}, "36 values that are no finite numbers", "repair them"),
    "dtype": ({"x": IMAGES.astype(np.complex64), "y": LABELS}, "are complex64", "uint8"),
    "axes": ({"x": IMAGES[0], "y": LABELS}, "shape [3, 3]", "[M, H, W]"),
    "empty": ({"x": IMAGES[:0], "y": LABELS[:0]}, "shape [0, 3, 3]", "none empty"),
    "several labels": ({"x": IMAGES, "y": np.zeros((4, 14), int)}, "shape [4, 14]", "one whole number"),
    "float labels": ({"x": IMAGES, "y": LABELS / 2}, "float64", "whole number"),
    "negative labels": ({"x": IMAGES, "y": LABELS - 1}, "from -1", "from 0 up"),
    "objects": ({"x": IMAGES, "y": np.array([{}, 1, 2, 3])}, "its y cannot be read", "numbers"),
    "masks of another shape": ({"images": IMAGES, "masks": IMAGES[:, :2]}, "its masks are uint8", "the images' 3x3"),
    "too few masks": ({"images": IMAGES, "masks": IMAGES[:3]}, "4 images and 3 masks", "one mask, per image"),
    "mask values": ({"images": IMAGES, "masks": IMAGES + 64}, "values from 64 to 64", "called instances"),
    "negative masks": ({"images": IMAGES, "masks": IMAGES - np.int64(1)}, "values from -1 to -1", "from 0 to 63"),
    "float masks": ({"images": IMAGES, "masks": IMAGES + 0.5}, "its masks are float64", "whole numbers"),
    "too few labels": ({"x": IMAGES, "y": LABELS[:3]}, "4 x and 3 y", "one label"),
    "infinite": ({"x": IMAGES + np.inf, "y": LABELS}, "36 values that are no finite numbers", "repair them"),
    "groups": ({"x": IMAGES, "y": LABELS, "groups": LABELS[:2]}, "its groups have shape [2]", "per image"),
    "words": ({"x": np.array([["a"]] * 4), "y": LABELS}, "its x are <U1", "uint8"),
    "two shapes": ({"x": IMAGES, "y": LABELS, "x_test": IMAGES[:, :2], "y_test": LABELS}, "differ in shape", "one"),
}  # fmt: skip


@pytest.mark.parametrize("arrays, problem, expected", WRONG.values(), ids=WRONG.keys())
def test_other_files_are_refused_with_what_they_hold(tmp_path: Path, arrays: dict, problem: str, expected: str) -> None:
    path = _saved(tmp_path, **arrays)
    with pytest.raises(ScanlabError, match=f"(?s){re.escape(problem)}.*{re.escape(expected)}") as caught:
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


@pytest.mark.parametrize("name, value", [("masks", 1), ("instances", 900)])
def test_masks_and_numbered_objects(tmp_path: Path, name: str, value: int) -> None:
    marks = np.zeros((8, 4, 6), np.uint16)
    marks[:, 1:3, 2:] = value
    images = np.arange(8, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 6, 3), np.uint8)
    dataset = load_arrays(_saved(tmp_path, images=images, **{name: marks}))
    assert dataset.masks and dataset.classes == 2 and dataset.labels.dtype == np.uint8
    assert np.array_equal(dataset.labels, marks > 0) and dataset.images.shape == (8, 3, 4, 6)
    # Of every quarter by brightness one image is held out.
    assert (dataset.test // 2).tolist() == [0, 1, 2, 3]


def test_masks_under_x_and_y_by_their_shape(tmp_path: Path) -> None:
    dataset = load_arrays(_saved(tmp_path, x=np.zeros((8, 4, 6), np.uint8), y=np.tile(np.arange(6), (8, 4, 1))))
    assert dataset.masks and dataset.classes == 6


def test_masks_are_resized_to_the_class_at_the_middle(tmp_path: Path) -> None:
    masks = np.tile(np.repeat([0, 1, 2], [2, 3, 1]), (8, 6, 1))
    images = np.zeros((8, 6, 6), np.uint8)
    dataset = load_arrays(_saved(tmp_path, images=images, masks=masks), (3, 3))
    assert dataset.labels[0, 0].tolist() == [0, 1, 2] and dataset.images.shape == (8, 1, 3, 3)
    larger = load_arrays(tmp_path / "things.npz", (12, 12))
    assert larger.labels[0, 0].tolist() == np.repeat([0, 1, 2], [4, 6, 2]).tolist()


def test_pixels_are_resized_to_the_mean_of_what_they_cover(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    images = draw.random((4, 6, 4, 2)).astype(np.float32)
    dataset = load_arrays(_saved(tmp_path, x=images, y=np.arange(4) % 2), (3, 2))
    by_hand = images.reshape(4, 3, 2, 2, 2, 2).mean((2, 4))
    np.testing.assert_allclose(dataset.images, np.moveaxis(by_hand, -1, 1), atol=1e-6)
    with pytest.raises(ScanlabError, match=r"S646.*cannot become 3x2x1"):
        load_arrays(tmp_path / "things.npz", (3, 2, 1))


def test_groups_are_never_divided(tmp_path: Path) -> None:
    groups = np.array([f"patient {n // 4}" for n in range(40)])
    dataset = load_arrays(_saved(tmp_path, x=np.zeros((40, 3, 3), np.uint8), y=np.arange(40) % 2, groups=groups))
    assert not set(groups[dataset.train]) & set(groups[dataset.test])
    assert dataset.groups is not None and len(np.unique(dataset.groups)) == 10


def test_groups_in_two_parts_are_refused(tmp_path: Path) -> None:
    arrays = _medical(4, 4)
    for part, names in (("train", "aabbcc"), ("val", "dde"), ("test", "ffgg")):
        arrays[f"{part}_groups"] = np.array(list(names))
    dataset = load_arrays(_saved(tmp_path, **arrays))
    assert dataset.groups is not None and dataset.groups.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 6]
    arrays["test_groups"][0] = "b"
    with pytest.raises(ScanlabError, match=r"S642.*its group b is in train and in test"):
        load_arrays(_saved(tmp_path, **arrays))


def test_a_folder_of_files(tmp_path: Path) -> None:
    for part, count in (("train", 8), ("val", 3), ("test", 4)):
        x = np.full((count, 3, 3), {"train": 10, "val": 20, "test": 30}[part], np.uint8)
        np.savez(tmp_path / f"{part}.npz", x=x, y=np.arange(count) % 2)
    dataset = data.whole(str(tmp_path))
    for part, count, value in (("train", 8, 10), ("val", 3, 20), ("test", 4, 30)):
        chosen = getattr(dataset, part)
        assert len(chosen) == count and (dataset.images[chosen] == np.float32(value / 255)).all()
    (tmp_path / "test.npz").write_bytes(b"PK")
    with pytest.raises(ScanlabError, match=r"S642.*test\.npz.*cannot be read"):
        data.load(str(tmp_path))


UNFIT = {
    "one class": ({"x": IMAGES, "y": LABELS * 0}, "all of one class"),
    "background": (
        {"images": np.tile(IMAGES, (3, 1, 1)), "masks": np.tile(IMAGES, (3, 1, 1))},
        "nothing but background",
    ),
    "no classes": ({"x": IMAGES, "y": LABELS * 10**8}, "go from 0 to 100000000"),
    "too few": ({"x": IMAGES[:2], "y": LABELS[:2]}, "no test samples"),
}


@pytest.mark.parametrize("arrays, words", UNFIT.values(), ids=UNFIT.keys())
def test_data_to_learn_nothing_from(tmp_path: Path, arrays: dict, words: str) -> None:
    with pytest.raises(ScanlabError, match=words) as caught:
        load_arrays(_saved(tmp_path, **arrays))
    assert caught.value.code == "S646"


def test_a_picture_under_the_name_of_an_npz(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    with pytest.raises(ScanlabError, match=r"S642.*cannot be read"):
        load_arrays(tmp_path / "a.npz")


@pytest.mark.skipif(not NUCLEI.is_file(), reason="the nuclei of dsb2018 are not in ../shared/data")
def test_nuclei() -> None:
    dataset = data.load(str(NUCLEI), size=(32, 32))
    assert dataset.images.shape == (334, 3, 32, 32) and dataset.labels.shape == (334, 32, 32)
    assert (dataset.classes, len(dataset.train), len(dataset.test)) == (2, 234, 100)
    assert 0.05 < dataset.labels.mean() < 0.2


@pytest.mark.skipif(not ADRENAL.is_file(), reason="AdrenalMNIST3D is not in ../shared/data")
def test_adrenal_glands() -> None:
    dataset = data.whole(str(ADRENAL), (8, 8, 8))
    assert [len(p) for p in (dataset.train, dataset.val, dataset.test)] == [1188, 98, 298]
    assert dataset.images.shape == (1584, 1, 8, 8, 8) and dataset.classes == 2
    with np.load(ADRENAL) as file:
        assert dataset.labels[dataset.test].tolist() == file["test_labels"][:, 0].tolist()


@pytest.mark.skipif(not MNIST.is_file(), reason="MNIST is not in ../shared/data")
def test_mnist() -> None:
    dataset = data.load(str(MNIST))
    assert dataset.images.shape == (10000, 1, 28, 28) and dataset.classes == 10
    assert len(dataset.train) + len(dataset.test) == 10000
    assert dataset.images.max() == 1.0
