"""Data sets of torch's form, read whole and as they are needed: the same numbers, labels known beforehand, refusals.

torchvision's own are stood in for by classes of their shape: an image of Pillow's, and `targets` or `samples`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, Dataset, Subset, TensorDataset

from scanlab import data
from scanlab.data import lazy_folders
from scanlab.data.brought import given_data
from scanlab.data.lazy import LazyImages
from scanlab.data.notes import notes_of
from scanlab.data.target_kinds import BOXES, LABELS
from scanlab.ir.diagnostics import ScanlabError

COUNT = 30
DRAWN = np.random.RandomState(0)
PIXELS = DRAWN.randint(0, 256, (COUNT, 9, 11, 3)).astype(np.uint8)
LABELS_OF = np.arange(COUNT) % 3


class Photographs(Dataset):
    """As torchvision's: Pillow's images, whose labels are listed."""

    classes = ["ant", "bee", "cat"]

    def __init__(self, listed: str = "targets", sizes: int = 1, grey: bool = False) -> None:
        self.sizes, self.grey, self.read = sizes, grey, 0
        if listed in ("samples", "imgs"):
            setattr(self, listed, [(f"{n}.png", int(label)) for n, label in enumerate(LABELS_OF)])
        elif listed:
            setattr(self, listed, LABELS_OF.tolist())

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, number: int) -> Any:
        if not 0 <= number < COUNT:
            raise IndexError(number)
        self.read += 1
        image = Image.fromarray(PIXELS[number, : 9 - number % self.sizes])
        return image.convert("L") if self.grey else image, int(LABELS_OF[number])


def both(made: Any, **options: Any) -> tuple[data.Dataset, data.Dataset]:
    return tuple(data.from_dataset(made, lazy=lazy, **options) for lazy in (False, True))  # pyright: ignore


def assert_alike(kept: data.Dataset, lazy: data.Dataset) -> None:
    assert isinstance(lazy.images, LazyImages) and isinstance(kept.images, np.ndarray)
    assert np.array_equal(np.stack(list(lazy.images)), kept.images)
    assert np.array_equal(lazy.labels, kept.labels) and lazy.labels.dtype == kept.labels.dtype
    for part in ("train", "val", "test"):
        assert np.array_equal(getattr(lazy, part), getattr(kept, part))
    assert (lazy.classes, lazy.class_names, lazy.target_kind) == (kept.classes, kept.class_names, kept.target_kind)


@pytest.mark.parametrize("size", [None, "6x4", "12x12"])
@pytest.mark.parametrize("grey", [False, True])
def test_pillow_images_are_alike_in_memory_and_not(size: str | None, grey: bool):
    kept, lazy = both(Photographs(grey=grey), size=size)
    assert_alike(kept, lazy)
    assert kept.channels == (1 if grey else 3) and kept.class_names == ("ant", "bee", "cat")
    if size is None and not grey:
        assert np.allclose(kept.images, np.moveaxis(PIXELS, -1, 1) / 255, atol=1e-6)


FLOATS = DRAWN.randn(COUNT, 2, 8, 6).astype(np.float32)
FORMS = {
    "floats as they are": ([(FLOATS[n], LABELS_OF[n]) for n in range(COUNT)], FLOATS),
    "tensors": (TensorDataset(torch.from_numpy(FLOATS), torch.from_numpy(LABELS_OF)), FLOATS),
    "half": (TensorDataset(torch.from_numpy(FLOATS).bfloat16(), torch.from_numpy(LABELS_OF)), None),
    "channels last": ([(np.moveaxis(FLOATS[n], 0, -1), LABELS_OF[n]) for n in range(COUNT)], FLOATS),
    "grey bytes": ([(PIXELS[n, ..., 0], LABELS_OF[n]) for n in range(COUNT)], PIXELS[:, None, ..., 0] / 255),
    "series": ([(FLOATS[n, 0], LABELS_OF[n]) for n in range(COUNT)], FLOATS[:, 0]),
    "volumes": ([(FLOATS[n, :, None], LABELS_OF[n]) for n in range(COUNT)], FLOATS[:, :, None]),
    "mappings": ([{"image": FLOATS[n], "label": LABELS_OF[n]} for n in range(COUNT)], FLOATS),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_image_gives_its_pixels(form: str):
    made, expected = FORMS[form]
    kept, lazy = both(made)
    assert_alike(kept, lazy)
    if expected is not None:
        assert kept.images.shape == expected.shape and np.allclose(kept.images, expected, atol=1e-6)


def test_what_is_assumed_of_a_form_is_said():
    assert any("last axis" in text for text in notes_of(data.from_dataset(FORMS["channels last"][0]))["assumed"])
    assert any("series with 8 channels" in text for text in notes_of(data.from_dataset(FORMS["series"][0]))["assumed"])


def test_floats_are_those_of_from_arrays():
    made, same = data.from_dataset(FORMS["tensors"][0]), data.from_arrays(FLOATS, LABELS_OF)
    assert made.fingerprint == same.fingerprint


@pytest.mark.parametrize("listed", ["targets", "labels", "samples", "imgs"])
def test_listed_targets_are_known_without_reading_all(listed: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("scanlab.data.item_data.LOOKED_INTO", 5)
    photographs = Photographs(listed)
    lazy = data.from_dataset(photographs, lazy=True)
    # A first look, four of five once more, and the form of the first.
    assert photographs.read < COUNT / 2
    assert np.array_equal(lazy.labels, LABELS_OF)
    unlisted = Photographs("")
    assert np.array_equal(data.from_dataset(unlisted, lazy=True).labels, LABELS_OF) and unlisted.read >= COUNT


def test_targets_that_samples_do_not_have_are_not_believed():
    wrong = Photographs()
    wrong.targets = ((LABELS_OF + 1) % 3).tolist()
    lazy = data.from_dataset(wrong, lazy=True)
    assert np.array_equal(lazy.labels, LABELS_OF)
    assert any("not those that the data set lists" in text for text in notes_of(lazy)["assumed"])


def test_parts_and_joined_sets_list_targets_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("scanlab.data.item_data.LOOKED_INTO", 2)
    photographs = Photographs()
    parts = {"train": Subset(photographs, range(0, 20)), "validation": Subset(photographs, range(20, 30))}
    joined = ConcatDataset([parts["train"], parts["validation"]])
    lazy = data.from_dataset({**parts, "test": joined}, lazy=True)
    assert photographs.read < COUNT
    assert (len(lazy.train), len(lazy.val), len(lazy.test)) == (20, 10, 30)
    assert np.array_equal(lazy.labels, np.concatenate([LABELS_OF, LABELS_OF])) and lazy.class_names[0] == "ant"
    assert np.array_equal(lazy.images[29], data.from_dataset(photographs, lazy=True).images[29])


def test_a_pair_is_to_train_and_to_measure_on():
    photographs = Photographs()
    kept, lazy = both((Subset(photographs, range(18)), Subset(photographs, range(18, 30))))
    assert_alike(kept, lazy)
    assert not lazy.drawn and len(lazy.test) == 12
    assert both(photographs)[1].drawn


def test_masks_labels_and_boxes_are_targets():
    masks = DRAWN.randint(0, 3, (COUNT, 8, 6)).astype(np.uint8)
    masked = [(FLOATS[n], Image.fromarray(masks[n])) for n in range(COUNT)]
    assert_alike(*both(masked))
    assert_alike(*both(masked, size="4x4"))
    assert data.from_dataset(masked, lazy=True).masks
    several = DRAWN.randint(0, 2, (COUNT, 4))
    kept, lazy = both([(FLOATS[n], several[n]) for n in range(COUNT)])
    assert_alike(kept, lazy)
    assert lazy.target_kind is LABELS
    boxes = np.full((COUNT, 2, 5), -1, np.float32)
    boxes[:, 0] = 1, 1, 4, 4, 0
    boxes[::2, 0, 4] = 1
    kept, lazy = both([(FLOATS[n], boxes[n]) for n in range(COUNT)])
    assert_alike(kept, lazy)
    assert lazy.target_kind is BOXES
    with pytest.raises(ScanlabError, match=r"S646.*pixels of their own size"):
        data.from_dataset([(FLOATS[n], boxes[n]) for n in range(COUNT)], size="4x4", lazy=True)


def test_what_fits_is_read_whole(monkeypatch: pytest.MonkeyPatch):
    needed = 2 * COUNT * 3 * 9 * 11 * 4
    monkeypatch.setattr(lazy_folders, "memory", lambda: 2 * needed)
    assert isinstance(data.from_dataset(Photographs()).images, np.ndarray)
    monkeypatch.setattr(lazy_folders, "memory", lambda: 2 * needed - 2)
    assert isinstance(data.from_dataset(Photographs()).images, LazyImages)


@pytest.mark.parametrize("lazy", [False, True])
def test_several_sizes_need_one(lazy: bool):
    with pytest.raises(ScanlabError, match=r"S646.*differ in size"):
        data.from_dataset(Photographs(sizes=3), lazy=lazy)
    assert_alike(*both(Photographs(sizes=3), size="8x8"))


def test_an_odd_size_among_those_not_looked_into_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("scanlab.data.item_data.LOOKED_INTO", 2)
    odd = [(PIXELS[n, : 8 if n == 7 else 9], LABELS_OF[n]) for n in range(COUNT)]
    lazy = data.from_dataset(odd, lazy=True)
    with pytest.raises(ScanlabError, match=r"S646.*sample 7 has 8x11, and the first 9x11"):
        list(lazy.images)


class Broken(Photographs):
    def __getitem__(self, number: int) -> Any:
        if number == 7:
            raise OSError("the disk is elsewhere")
        return super().__getitem__(number)


@pytest.mark.parametrize("lazy", [False, True])
def test_a_sample_that_raises_is_named_with_its_traceback(lazy: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("scanlab.data.item_data.LOOKED_INTO", 2)
    with pytest.raises(ScanlabError, match=r"S699.*sample 7 of mine raised OSError: the disk is elsewhere") as caught:
        list(data.from_dataset(Broken(), lazy=lazy, name="mine").images)
    assert "__getitem__" in str(caught.value)


def test_what_is_no_sample_is_refused():
    def refused(code: str, words: str, made: Any, **options: Any) -> None:
        with pytest.raises(ScanlabError, match=rf"{code}.*{words}"):
            data.from_dataset(made, lazy=True, **options)

    refused("S840", "sample 0 .*an image is 'a.png'", [("a.png", 0), ("b.png", 1)])
    refused("S840", "a target is 'ant'", [(FLOATS[0], "ant"), (FLOATS[1], "bee")])
    refused("S840", "but 3 things", [(FLOATS[0], 0, 1)])
    refused("S840", "targets of .* shapes", [(FLOATS[0], [0, 1]), (FLOATS[1], [0, 1, 1])])
    refused("S840", "the parts are val, test", {"val": Photographs(), "test": Photographs()})
    refused("S843", "no numbers", (pair for pair in [(FLOATS[0], 0)]))
    refused("S646", "no samples", [])
    refused("S646", "mode I", [(Image.fromarray(np.zeros((4, 4), np.int32)), 0)])
    refused("S646", "all of one class", [(FLOATS[n], 0) for n in range(9)])


def test_random_transforms_are_refused():
    class Random(Photographs):
        def __getitem__(self, number: int) -> Any:
            return np.random.rand(3, 8, 8).astype(np.float32), int(LABELS_OF[number])

    for lazy in (False, True):
        with pytest.raises(ScanlabError, match=r"S842.*another each time"):
            data.from_dataset(Random(), lazy=lazy)


def test_a_fingerprint_sees_pixels_targets_and_order():
    def fingerprint(pixels: np.ndarray, labels: np.ndarray) -> str:
        return data.from_dataset(list(zip(pixels, labels, strict=True)), lazy=True).fingerprint

    before = fingerprint(FLOATS, LABELS_OF)
    assert fingerprint(FLOATS.copy(), LABELS_OF.copy()) == before
    changed = FLOATS.copy()
    changed[3] += 1
    others = [(changed, LABELS_OF), (FLOATS, np.roll(LABELS_OF, 1)), (FLOATS[::-1], LABELS_OF)]
    assert len({before, *(fingerprint(*other) for other in others)}) == 4


def test_objects_given_in_python_have_a_name():
    one = given_data(Photographs())
    assert isinstance(data.load(one, lazy=True).images, LazyImages)
    assert data.load(one, size="5x5").extents == (5, 5) and data.load(one).extents == (9, 11)
    assert data.load(one).fingerprint == data.load(one, lazy=False).fingerprint
    several = given_data(Photographs(sizes=2))
    assert data.load(several, size="5x5", limit=10).extents == (5, 5) and several != one
    with pytest.raises(ScanlabError, match=r"S646.*differ in size"):
        data.load(several)
