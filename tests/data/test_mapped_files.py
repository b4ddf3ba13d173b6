"""Arrays that stay in their files until images are needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scanlab import data
from scanlab.data import arrays
from scanlab.data.lazy import LazyImages
from scanlab.data.mapped_files import MappedPixels, elements_of, is_mappable, mapped_member
from scanlab.data.notes import notes_of
from scanlab.ir.diagnostics import ScanlabError

DRAW = np.random.RandomState(0)
PIXELS = {
    "bytes": DRAW.randint(0, 256, (130, 9, 7, 3), np.uint8),
    "dark bytes": DRAW.randint(0, 20, (130, 9, 7), np.uint8),
    "sixteen bits": DRAW.randint(0, 4000, (130, 9, 7), np.uint16),
    "floats": DRAW.rand(130, 9, 7, 3).astype(np.float32),
    "channels first": DRAW.randint(0, 256, (130, 3, 9, 7), np.uint8),
    "fortran": np.asfortranarray(DRAW.randint(0, 256, (130, 9, 7, 3), np.uint8)),
    "volumes": DRAW.randint(0, 256, (70, 6, 9, 7), np.uint8),
}


def written(folder: Path, form: str, images: np.ndarray) -> Path:
    """The first two thirds to train on, the rest to measure on."""
    labels, cut = np.arange(len(images)) % 3, 2 * len(images) // 3
    held = {"x_train": images[:cut], "y_train": labels[:cut], "x_test": images[cut:], "y_test": labels[cut:]}
    if np.isfortran(images):
        held = {name: np.asfortranarray(array) for name, array in held.items()}
    if form == "npy":
        (folder / "set").mkdir()
        for name, array in held.items():
            np.save(folder / "set" / f"{name}.npy", array)
        return folder / "set"
    (np.savez_compressed if form == "compressed" else np.savez)(folder / "set.npz", **held)
    return folder / "set.npz"


@pytest.mark.parametrize("form", ["npz", "npy"])
@pytest.mark.parametrize("kind", PIXELS)
@pytest.mark.parametrize("size", [None, "smaller"])
def test_pixels_are_those_in_memory(tmp_path: Path, form: str, kind: str, size: str | None):
    path = written(tmp_path, form, PIXELS[kind])
    extents = None if size is None else (4,) * (3 if kind == "volumes" else 2)
    kept, lazy = (data.load(str(path), size=extents, lazy=lazy) for lazy in (False, True))
    assert isinstance(lazy.images, LazyImages) and isinstance(lazy.images.read, MappedPixels)
    assert np.array_equal(np.stack(list(lazy.images)), kept.images)
    assert np.array_equal(lazy.labels, kept.labels) and np.array_equal(lazy.test, kept.test)
    assert lazy.images.shape == kept.images.shape
    # Nothing was copied: what is held is the file's own pages.
    assert all(isinstance(_base(array), np.memmap) for array in lazy.images.read.arrays)


def _base(array: np.ndarray) -> object:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def test_what_is_compressed_says_how_to_save_it(tmp_path: Path):
    path = written(tmp_path, "compressed", PIXELS["bytes"])
    with pytest.raises(ScanlabError, match=r"(?s)S830.*is compressed.*numpy\.savez"):
        data.load(str(path), lazy=True)
    assert not is_mappable(path) and elements_of(path) == 86 * 9 * 7 * 3
    assert not isinstance(data.load(str(path)).images, LazyImages)


def test_arrays_that_do_not_fit_stay_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = written(tmp_path, "npz", PIXELS["bytes"])
    monkeypatch.setattr(arrays, "memory", lambda: 2 * 2 * 4 * elements_of(path))
    assert not isinstance(data.load(str(path)).images, LazyImages)
    monkeypatch.setattr(arrays, "memory", lambda: 2 * 2 * 4 * elements_of(path) - 1)
    lazy = data.load(str(path))
    assert isinstance(lazy.images, LazyImages)
    assert any("read when they are needed" in text for text in notes_of(lazy)["assumed"])


def test_a_fingerprint_sees_pixels_and_labels(tmp_path: Path):
    images = PIXELS["bytes"][:30].copy()
    first = data.load(str(written(tmp_path, "npz", images)), lazy=True).fingerprint
    assert data.load(str(tmp_path / "set.npz"), lazy=True).fingerprint == first
    images[3] = 0
    assert data.load(str(written(tmp_path, "npz", images)), lazy=True).fingerprint != first


def test_masks_of_mapped_images_are_read(tmp_path: Path):
    masks = (PIXELS["bytes"][..., 0] > 128).astype(np.uint8)
    np.savez(tmp_path / "set.npz", images=PIXELS["bytes"], masks=masks)
    kept, lazy = (data.load(str(tmp_path / "set.npz"), lazy=lazy) for lazy in (False, True))
    assert isinstance(lazy.images, LazyImages) and np.array_equal(lazy.labels, kept.labels)
    assert np.array_equal(lazy.train, kept.train)


def test_what_cannot_be_mapped_is_refused(tmp_path: Path):
    np.savez(tmp_path / "set.npz", x=PIXELS["floats"] * 7000 - 3, y=np.arange(130) % 3)
    with pytest.raises(ScanlabError, match=r"S830.*scaled_values"):
        data.load(str(tmp_path / "set.npz"), layout="scaled_values", lazy=True)
    np.savez(tmp_path / "words.npz", words=np.array(["a", None], object))
    with pytest.raises(ValueError, match="Object arrays"):
        mapped_member(tmp_path / "words.npz", "words")
