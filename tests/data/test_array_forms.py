"""Arrays as people save them: names, channels, scales, labels, files."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from layouts import noted, refused

from scanlab import data
from scanlab.data import from_arrays
from scanlab.data.layout import Layout

DRAW = np.random.default_rng(0)
X = DRAW.integers(0, 256, (60, 8, 8), dtype=np.uint8)
Y = np.arange(60) % 3


def saved(folder: Path, **arrays: np.ndarray) -> Path:
    np.savez(folder / "a.npz", **arrays)
    return folder / "a.npz"


NAMES = [
    ("X", "y"),
    ("images", "labels"),
    ("data", "target"),
    ("x_train", "y_train"),
    ("train_X", "train_Y"),
    ("Xtrain", "ytrain"),
]


@pytest.mark.parametrize("images, labels", NAMES)
def test_names_of_arrays(tmp_path: Path, images: str, labels: str) -> None:
    dataset = data.whole(str(saved(tmp_path, **{images: X, labels: Y, "ids": Y})))
    assert dataset.labels.tolist() == Y.tolist() and np.array_equal(dataset.images[:, 0], X / np.float32(255))
    noted(dataset, "left out", "ids")


def test_names_that_may_mean_either(tmp_path: Path) -> None:
    masks = (X > 128).astype(np.uint8)
    refused(saved(tmp_path, x=X, y=Y, masks=masks), "S691", "y and masks, and each may be learned")
    assert data.whole(str(tmp_path / "a.npz"), layout="masks").masks
    assert data.whole(str(tmp_path / "a.npz"), layout="classes").labels.ndim == 1
    refused(saved(tmp_path, x=X, data=X, y=Y), "S691", "x and data, and each may be the images")


def test_the_validation_part_is_measured_on_where_there_is_no_test_part(tmp_path: Path) -> None:
    arrays = {"train_images": X[:40], "train_labels": Y[:40], "val_images": X[40:], "val_labels": Y[40:]}
    dataset = data.whole(str(saved(tmp_path, **arrays)))
    assert dataset.train.tolist() == list(range(40)) and dataset.test.tolist() == list(range(40, 60))
    assert not len(dataset.val)
    noted(dataset, "assumed", "the validation part stands for it")


def test_a_part_without_labels_is_left_out(tmp_path: Path) -> None:
    dataset = data.whole(str(saved(tmp_path, x_train=X, y_train=Y, x_test=X[:9])))
    assert len(dataset.train) + len(dataset.test) == 60
    noted(dataset, "left out", "x_test")
    for part in ("train", "test", "more"):
        np.savez(tmp_path / f"{part}.npz", x=X, y=Y)
    noted(data.whole(str(tmp_path)), "left out", "other files: a.npz, more.npz")


CHANNELS = {
    (60, 3, 9, 9): ((3, 9, 9), "the second axis of x, of 3, holds channels"),
    (60, 2, 5, 6, 7): ((2, 5, 6, 7), "the second axis of x, of 2, holds channels"),
    (60, 1, 9, 9): ((1, 9, 9), "the second axis of x, of 1, holds channels"),
    (60, 4, 9, 9): ((1, 4, 9, 9), "layout says channels_first if there are 4"),
    (60, 8, 9, 9): ((1, 8, 9, 9), "volumes of 8x9x9"),
    (60, 9, 8, 3): ((3, 9, 8), ""),
    (60, 8, 8, 8): ((1, 8, 8, 8), ""),
    (60, 4, 4, 3): ((3, 4, 4), ""),
}


@pytest.mark.parametrize("shape, expected, words", [(s, *e) for s, e in CHANNELS.items()], ids=str)
def test_where_channels_are(tmp_path: Path, shape: tuple, expected: tuple, words: str) -> None:
    dataset = data.whole(str(saved(tmp_path, x=DRAW.random(shape), y=Y)))
    assert dataset.images.shape[1:] == expected
    if words:
        noted(dataset, "assumed", words)


def test_layout_says_where_channels_are(tmp_path: Path) -> None:
    x = DRAW.random((60, 9, 9, 12))
    refused(saved(tmp_path, x=x, y=Y), "S691", "may be arrays with channels last, or with no channels")
    for word, shape in {
        "channels_last": (12, 9, 9),
        "no_channels": (1, 9, 9, 12),
        "channels_first": (9, 9, 12),
    }.items():
        assert data.whole(str(tmp_path / "a.npz"), layout=word).images.shape[1:] == shape
    clips = data.whole(str(tmp_path / "a.npz"), layout="video")
    assert clips.video and clips.extents == (9, 9, 12)
    refused(saved(tmp_path, x=DRAW.random((60, 3, 9, 4)), y=Y), "S691", "channels first, or with channels last")
    # Masks have no channels, so that they settle it.
    masks = DRAW.integers(0, 3, (60, 9, 4))
    assert data.whole(str(saved(tmp_path, x=DRAW.random((60, 3, 9, 4)), masks=masks))).images.shape[1:] == (3, 9, 4)
    refused(saved(tmp_path, x=DRAW.random((8, 8, 3, 60)), y=Y), "S642", "samples last")
    refused(saved(tmp_path, x=DRAW.random((60, 64)), y=Y), "S642", "reshape what was flattened")


SCALES = {
    "12 bits": (X.astype(np.uint16) * 16, 4095, "divided by 4095"),
    "16 bits": (X.astype(np.uint16) * 257, 65535, ""),
    "int32 in a byte's range": (X.astype(np.int32), 255, "divided by 255"),
    "16 shades": (X.astype(np.int64) // 16, 16, "divided by 16"),
    "bytes as floats": (X.astype(np.float32), 255, "divided by 255"),
    "z-scored": ((X - 128.0) / 60, 1, "are taken as they are"),
    "truth values": (X > 128, 1, "divided by 1"),
}


@pytest.mark.parametrize("stored, divisor, words", SCALES.values(), ids=SCALES.keys())
def test_scales(tmp_path: Path, stored: np.ndarray, divisor: int, words: str) -> None:
    dataset = data.whole(str(saved(tmp_path, x=stored, y=Y)))
    np.testing.assert_allclose(dataset.images[:, 0], stored.astype(np.float64) / divisor, rtol=1e-6)
    if words:
        noted(dataset, "assumed", words)


@pytest.mark.parametrize("stored", [X * 100.5, X.astype(np.int32) * 1000, X * 10.0 - 1000, X.astype(np.int16) - 900])
def test_values_of_no_known_scale(tmp_path: Path, stored: np.ndarray) -> None:
    refused(saved(tmp_path, x=stored, y=Y), "S642", "its images have values from", "scaled_values")
    raw = data.whole(str(tmp_path / "a.npz"), layout="raw_values")
    np.testing.assert_allclose(raw.images[:, 0], stored, rtol=1e-6)
    scaled = data.whole(str(tmp_path / "a.npz"), layout="scaled_values")
    np.testing.assert_allclose(scaled.images[:, 0], (stored - stored.min()) / (stored.max() - stored.min()), atol=1e-6)


LABELLED = {
    "gaps": (Y * 500, Y, ("0", "500", "1000"), "500 is class 1"),
    "from 1": (Y + 1, Y, ("1", "2", "3"), "1 is class 0"),
    "signs": (Y % 2 * 2 - 1, Y % 2, ("-1", "1"), "-1 is class 0"),
    "names": (np.array(["eel", "cat", "dog"])[Y], np.array([2, 0, 1])[Y], ("cat", "dog", "eel"), "cat is class 0"),
    "bytes": (np.array([b"a", b"b", b"c"])[Y], Y, ("a", "b", "c"), "b is class 1"),
}


@pytest.mark.parametrize("stored, labels, names, words", LABELLED.values(), ids=LABELLED.keys())
def test_labels_are_mapped_and_the_map_is_noted(tmp_path: Path, stored, labels, names, words: str) -> None:
    dataset = data.whole(str(saved(tmp_path, x=X, y=stored)))
    assert dataset.labels.tolist() == labels.tolist() and dataset.class_names == names
    noted(dataset, "mapped", words)


def test_labels_of_other_forms(tmp_path: Path) -> None:
    for stored in (Y.astype(np.float64), np.eye(3, dtype=np.uint8)[Y], np.eye(3)[Y], Y[:, None]):
        assert data.whole(str(saved(tmp_path, x=X, y=stored))).labels.tolist() == Y.tolist()
    # A class that a few samples lack stays: the numbers are counted from 0.
    assert data.whole(str(saved(tmp_path, x=X, y=np.where(Y == 1, 3, Y)))).classes == 4
    refused(saved(tmp_path, x=X, y=np.eye(3)[Y] * 0.9 + 0.03), "S642", "one whole number")
    refused(saved(tmp_path, x=X, y=Y - 1), "S642", "from -1")


def test_several_labels_of_a_sample(tmp_path: Path) -> None:
    marks = np.stack([np.arange(60) % k == 0 for k in (2, 3, 5)], 1).astype(np.uint8)
    dataset = data.whole(str(saved(tmp_path, x=X, y=marks)))
    assert dataset.several and dataset.classes == 3 and np.array_equal(dataset.labels, marks)
    assert dataset.labels[dataset.test].sum(0).min() > 0
    assert data.whole(str(saved(tmp_path, x=X, y=np.eye(3, dtype=int)[Y])), layout="multi_label").several
    given = from_arrays(X[:, None], marks)
    assert given.several and given.fingerprint == from_arrays(X[:, None], marks).fingerprint
    assert given.fingerprint != from_arrays(X[:, None], marks[:, 0]).fingerprint
    refused(saved(tmp_path, x=X, y=np.ones((60, 3), int)), "S646", "on some training samples and not on others")


MASKED = {
    "a channel last": ((X > 99)[..., None], X > 99, ""),
    "a channel first": ((X > 99)[:, None], X > 99, ""),
    "0 and 255": ((X > 99) * np.uint8(255), X > 99, "255 is class 1"),
    "0, 127 and 255": (np.array([0, 127, 255])[X % 3], X % 3, "127 is class 1"),
    "255 for none": (np.array([0, 1, 255])[X % 3], np.array([0, 1, 255])[X % 3], "do not count"),
    "floats": ((X % 3).astype(np.float32), X % 3, ""),
}


@pytest.mark.parametrize("stored, labels, words", MASKED.values(), ids=MASKED.keys())
def test_masks_of_many_forms(tmp_path: Path, stored: np.ndarray, labels: np.ndarray, words: str) -> None:
    dataset = data.whole(str(saved(tmp_path, x=X, masks=stored)))
    assert dataset.masks and np.array_equal(dataset.labels, labels)
    if words:
        noted(dataset, "mapped", words)


def test_values_of_masks_that_are_no_classes(tmp_path: Path) -> None:
    stored = np.array([0, 300, 600], np.uint16)[X % 3]
    refused(saved(tmp_path, x=X, masks=stored), "S642", "values from 0 to 600", "levels")
    assert np.array_equal(data.whole(str(tmp_path / "a.npz"), layout="levels").labels, X % 3)
    assert np.array_equal(data.whole(str(tmp_path / "a.npz"), layout="instances").labels, X % 3 > 0)


def test_a_folder_of_npy_files(tmp_path: Path) -> None:
    for name, array in {"X_train": X[:40], "y_train": Y[:40], "X_test": X[40:], "y_test": Y[40:]}.items():
        np.save(tmp_path / f"{name}.npy", array)
    dataset = data.whole(str(tmp_path))
    assert len(dataset.test) == 20 and dataset.labels.tolist() == Y.tolist()
    refused(tmp_path / "X_train.npy", "S642", "a single array", "into a folder")
    np.save(tmp_path / "y_test.npy", np.array([{}] * 20), allow_pickle=True)
    refused(tmp_path, "S642", "its y_test cannot be read", "dtype=str")


def test_a_folder_with_one_npz(tmp_path: Path) -> None:
    saved(tmp_path, x=X, y=Y)
    assert len(data.whole(str(tmp_path)).images) == 60


def test_a_file_that_is_no_npz_is_named_so_without_unsafe_advice(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"hello")
    refused(tmp_path / "a.npz", "S642", "no .npz file")
    with pytest.raises(Exception, match="S642") as caught:
        data.whole(str(tmp_path / "a.npz"))
    assert "allow_pickle" not in str(caught.value) and "unsafe" not in str(caught.value)


class Stored:
    """As h5py gives data sets: read whole by an empty index."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.shape = array, array.shape

    def __getitem__(self, index: tuple) -> np.ndarray:
        return self.array[index]


class File:
    """An HDF5 file with groups, as far as it is read."""

    def __init__(self, path: Path, mode: str) -> None:
        kept = json.loads(Path(path).read_text())
        self.held = {
            name: Stored(np.array(v, object if isinstance(v[0], str) else np.uint8)) for name, v in kept.items()
        }

    def visititems(self, visit) -> None:
        for name, item in [("train", object()), *self.held.items()]:
            visit(name, item)

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None: ...


def test_hdf5(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("h5py")
    module.File = File
    kept = {"train/images": X.tolist(), "train/labels": np.array(["eel", "cat", "dog"])[Y].tolist()}
    (tmp_path / "a.h5").write_text(json.dumps(kept))
    monkeypatch.setitem(__import__("sys").modules, "h5py", module)
    dataset = data.whole(str(tmp_path / "a.h5"))
    assert dataset.class_names == ("cat", "dog", "eel") and np.array_equal(dataset.images[:, 0], X / np.float32(255))
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    refused(tmp_path / "a.h5", "S645", "need h5py", 'pip install "scanlab[hdf5]"')


def test_words_of_layout() -> None:
    layout = Layout.read("masks=SegmentationClass, ignore_255")
    assert "ignore_255" in layout and layout.named("masks") == ("SegmentationClass",) and layout
    assert not Layout.read("")


@pytest.mark.parametrize("train, test", [(255.0, 1.0), (1.0, 255.0)])
def test_parts_of_different_scales_are_not_read_as_one(tmp_path: Path, train: float, test: float) -> None:
    draw = np.random.default_rng(0)
    parts = {
        f"x_{name}": (draw.random((8, 6, 6)) * top).astype(np.float32)
        for name, top in (("train", train), ("test", test))
    }
    np.savez(tmp_path / "a.npz", **parts, y_train=np.arange(8) % 2, y_test=np.arange(8) % 2)
    refused(tmp_path / "a.npz", "S642", "different scales")
