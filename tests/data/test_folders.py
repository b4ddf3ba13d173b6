"""Image folders: layouts, kinds of images, masks, parts, and what is refused."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scanlab import data
from scanlab.data.notes import notes_of
from scanlab.ir.diagnostics import ScanlabError

# What Pillow says of damaged files; the tests ask what we say.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore::PIL.Image.DecompressionBombWarning")

CLASSES = ("cat", "dog", "emu")


def save(path: Path, array: np.ndarray, mode: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path)


def classes(folder: Path, each: int = 4, names: tuple[str, ...] = CLASSES, suffix: str = ".png") -> Path:
    """A folder per class; image n of class c is all 10 c + n."""
    for c, name in enumerate(names):
        for n in range(each):
            save(folder / name / f"{n}{suffix}", np.full((5, 7), 10 * c + n, np.uint8))
    return folder


def with_masks(folder: Path, count: int = 5, value: int = 1) -> Path:
    for n in range(count):
        mask = np.zeros((6, 8), np.uint8)
        mask[: n + 1] = value
        save(folder / "images" / f"{n}.png", np.full((6, 8), 20 * n, np.uint8))
        save(folder / "masks" / f"{n}.png", mask)
    return folder


def refused(folder: Path, code: str, *words: str, **more) -> None:
    with pytest.raises(ScanlabError, match="(?s)" + ".*".join(map(re.escape, words))) as caught:
        data.load(str(folder), **more)
    assert caught.value.code == code and caught.value.diagnostics[0].help


def test_a_folder_per_class(tmp_path: Path) -> None:
    dataset = data.load(str(classes(tmp_path / "pets", each=10)))
    assert (dataset.name, dataset.classes, dataset.class_names) == ("pets", 3, CLASSES)
    assert dataset.images.shape == (30, 1, 5, 7) and dataset.images.dtype == np.float32
    # By name, then by file: what is in an image says which one it is.
    for number in (0, 9, 10, 29):
        value = 10 * (number // 10) + number % 10
        assert (dataset.images[number] == np.float32(value / 255)).all() and dataset.labels[number] == number // 10
    assert np.bincount(dataset.labels[dataset.train]).tolist() == [7, 7, 7]
    assert np.array_equal(np.union1d(dataset.train, dataset.test), np.arange(30))
    again = data.load(str(tmp_path / "pets"))
    assert again.fingerprint == dataset.fingerprint


@pytest.mark.parametrize("val", ["val", "valid", "validation"])
def test_parts(tmp_path: Path, val: str) -> None:
    for part, each in (("train", 3), (val, 2), ("test", 1)):
        classes(tmp_path / part, each)
    dataset = data.whole(str(tmp_path))
    assert [len(p) for p in (dataset.train, dataset.val, dataset.test)] == [9, 6, 3]
    assert dataset.labels.tolist() == [*np.repeat(range(3), 3), *np.repeat(range(3), 2), 0, 1, 2]
    on_test, on_val = data.load(str(tmp_path)), data.load(str(tmp_path), part="val")
    assert (len(on_test.images), len(on_test.test), len(on_val.images), len(on_val.test)) == (12, 3, 15, 6)


def test_a_train_folder_alone_is_divided(tmp_path: Path) -> None:
    classes(tmp_path / "train", each=10)
    dataset = data.load(str(tmp_path))
    assert (dataset.class_names, len(dataset.train), len(dataset.test)) == (CLASSES, 21, 9)


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    dataset = data.load(str(classes(tmp_path, names=("bus", "train"))))
    assert dataset.class_names == ("bus", "train")


def test_a_class_that_only_one_part_has_keeps_its_number(tmp_path: Path) -> None:
    classes(tmp_path / "train", names=("cat", "emu"))
    classes(tmp_path / "test", names=("cat", "dog", "emu"))
    dataset = data.load(str(tmp_path))
    assert dataset.class_names == CLASSES
    assert np.unique(dataset.labels[dataset.train]).tolist() == [0, 2]


def test_other_files_and_hidden_folders_do_not_count(tmp_path: Path) -> None:
    classes(tmp_path)
    (tmp_path / "README.md").write_text("pets")
    (tmp_path / "cat" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "cat" / "._0.png").write_bytes(b"x")
    (tmp_path / ".cache").mkdir()
    assert len(data.load(str(tmp_path)).images) == 12


BLUE = np.full((4, 4, 3), (51, 102, 255), np.uint8)
SHARES = np.ones((3, 4, 4)) * [[[0.2]], [[0.4]], [[1]]]
FIFTH = np.full((1, 4, 4), 0.2)
KINDS = {
    "1 bit": (np.eye(4, dtype=bool), None, "png", np.eye(4)[None]),
    "grey": (np.full((4, 4), 51, np.uint8), None, "png", FIFTH),
    "grey with alpha": (np.full((4, 4), 51, np.uint8), "LA", "png", FIFTH),
    "16 bits": (np.full((4, 4), 13107, np.uint16), None, "png", FIFTH),
    "16 bits, most significant first": (np.full((4, 4), 13107, ">u2"), None, "tif", FIFTH),
    "floats": (np.full((4, 4), 0.25, np.float32), None, "tif", np.full((1, 4, 4), 0.25)),
    "colours": (BLUE, None, "png", SHARES),
    "colours with alpha": (np.dstack([BLUE, np.full((4, 4), 9, np.uint8)]), None, "png", SHARES),
    "a palette": (BLUE, "P", "gif", SHARES),
}


@pytest.mark.parametrize("array, mode, suffix, expected", KINDS.values(), ids=KINDS.keys())
def test_kinds_of_images(tmp_path: Path, array: np.ndarray, mode: str | None, suffix: str, expected) -> None:
    for name in ("a", "b"):
        for n in range(2):
            save(tmp_path / name / f"{n}.{suffix}", array, mode)
    images = data.load(str(tmp_path)).images
    # Colours of a palette are those nearest among 256.
    np.testing.assert_allclose(images[0], expected, atol=0.2 if mode == "P" else 1e-6)


def test_grey_beside_colours_becomes_grey_colours(tmp_path: Path) -> None:
    classes(tmp_path)
    save(tmp_path / "cat" / "3.png", np.full((5, 7, 3), (255, 0, 0), np.uint8))
    save(tmp_path / "dog" / "3.png", np.full((5, 7), 65535, np.uint16))
    images = data.load(str(tmp_path)).images
    assert images.shape == (12, 3, 5, 7)
    assert images[3].mean((1, 2)).tolist() == [1, 0, 0] and (images[7] == 1).all()
    assert (images[1] == np.float32(1 / 255)).all()


def test_one_size_for_all(tmp_path: Path) -> None:
    classes(tmp_path)
    save(tmp_path / "cat" / "0.png", np.full((50, 70), 200, np.uint8))
    refused(tmp_path, "S646", "2 sizes, such as 5x7 and 50x70", "--size")
    dataset = data.load(str(tmp_path), size=(8, 8))
    assert dataset.extents == (8, 8) and np.allclose(dataset.images[0], 200 / 255, atol=1e-6)


@pytest.mark.parametrize("value", [1, 255])
def test_masks(tmp_path: Path, value: int) -> None:
    dataset = data.load(str(with_masks(tmp_path / "cells", 10, value)))
    assert dataset.masks and dataset.classes == 2 and dataset.labels.dtype == np.uint8
    assert [int((mask > 0).any(1).sum()) for mask in dataset.labels] == [1, 2, 3, 4, 5, 6, 6, 6, 6, 6]
    assert dataset.labels.max() == 1
    # Every quarter by brightness is divided in the same proportion.
    quarters = np.arange(10) * 4 // 10
    assert np.bincount(quarters[dataset.test], minlength=4).tolist() == [1, 1, 1, 1]


def test_masks_of_several_classes_by_palette(tmp_path: Path) -> None:
    with_masks(tmp_path)
    numbers = np.zeros((6, 8), np.uint8)
    numbers[0, :3] = [1, 2, 3]
    image = Image.fromarray(numbers).convert("P")
    image.putdata(numbers.ravel().tolist())
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.save(tmp_path / "masks" / "0.png")
    dataset = data.load(str(tmp_path))
    assert dataset.classes == 4 and np.array_equal(dataset.labels[0], numbers)


def test_masks_in_parts_and_of_another_size(tmp_path: Path) -> None:
    for part, count in (("train", 4), ("val", 2), ("test", 3)):
        with_masks(tmp_path / part, count)
    dataset = data.whole(str(tmp_path), (3, 4))
    assert [len(p) for p in (dataset.train, dataset.val, dataset.test)] == [4, 2, 3]
    assert dataset.labels.shape == (9, 3, 4)
    # The class at the middle of each pixel: of rows 0, 1, 2, … those with numbers 1, 3 and 5.
    assert dataset.labels[1].any(1).tolist() == [True, False, False]
    assert dataset.labels[3].any(1).tolist() == [True, True, False]


def truncated(path: Path, share: float = 0.5) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


def encoded(array: np.ndarray, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind)
    return buffer.getvalue()


FORMATS: Mapping[str, str] = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".tif": "TIFF",
    ".webp": "WEBP",
}


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("kept", [0, 0.02, 0.3, 0.7])
def test_truncated_images(tmp_path: Path, suffix: str, kept: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    for name in ("a", "b"):
        for n in range(2):
            save(tmp_path / name / f"{n}{suffix}", noise)
    truncated(tmp_path / "a" / f"1{suffix}", kept)
    refused(tmp_path, "S644", f"1{suffix} cannot be read as an image")


@pytest.mark.parametrize("suffix", FORMATS)
def test_damaged_images_never_end_in_anything_but_an_error_of_ours(tmp_path: Path, suffix: str) -> None:
    draw = np.random.default_rng(1)
    whole = encoded(draw.integers(0, 256, (12, 12, 3), dtype=np.uint8), FORMATS[suffix])
    for name in ("a", "b"):
        for n in range(2):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / f"{n}{suffix}").write_bytes(whole)
    for _ in range(25):
        bad = bytearray(whole)
        for place in draw.integers(0, len(bad), 4):
            bad[place] = draw.integers(256)
        (tmp_path / "b" / f"1{suffix}").write_bytes(bad)
        try:
            assert len(data.load(str(tmp_path)).images) == 4
        except ScanlabError as error:
            assert error.code in ("S644", "S646")


def test_a_head_that_claims_too_many_pixels(tmp_path: Path) -> None:
    classes(tmp_path, suffix=".bmp")
    path = tmp_path / "dog" / "0.bmp"
    bad = bytearray(path.read_bytes())
    bad[18:26] = (200_000).to_bytes(4, "little") * 2
    path.write_bytes(bad)
    refused(tmp_path, "S644", "0.bmp cannot be read as an image", "pixels")


def test_files_that_are_no_images(tmp_path: Path) -> None:
    classes(tmp_path)
    (tmp_path / "dog" / "0.png").write_text("a picture of a dog")
    refused(tmp_path, "S644", "0.png cannot be read as an image", "replace the file")


def test_a_file_under_another_formats_name_is_read_as_what_it_is(tmp_path: Path) -> None:
    classes(tmp_path)
    (tmp_path / "dog" / "0.png").write_bytes(encoded(np.full((5, 7), 255, np.uint8), "TIFF"))
    assert (data.load(str(tmp_path)).images[4] == 1).all()


@pytest.mark.parametrize(
    "value, code, words",
    [
        (3.0, "S644", "values from 3 to 3"),
        (np.nan, "S646", "NaN"),
        (-1.0, "S644", "from 0 to 1"),
        (np.inf, "S644", "to inf"),
    ],
)
def test_floats_out_of_range(tmp_path: Path, value: float, code: str, words: str) -> None:
    classes(tmp_path, suffix=".tif")
    save(tmp_path / "dog" / "0.tif", np.full((5, 7), value, np.float32))
    refused(tmp_path, code, words)


def test_folders_without_what_is_needed(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "S644", "holds no images in folders", "a folder per class")
    save(tmp_path / "flat" / "0.png", np.zeros((4, 4), np.uint8))
    refused(tmp_path / "flat", "S644", "holds no images in folders")
    (classes(tmp_path / "hole") / "fox").mkdir()
    refused(tmp_path / "hole", "S644", "folder fox holds no images")
    refused(classes(tmp_path / "one", names=("cat",)), "S646", "all of one class", "two classes")
    refused(classes(tmp_path / "few", each=1), "S646", "no test samples")
    classes(tmp_path / "imagenet" / "train"), classes(tmp_path / "imagenet" / "val")
    dataset = data.whole(str(tmp_path / "imagenet"))
    assert [len(part) for part in (dataset.train, dataset.val, dataset.test)] == [12, 0, 12]
    assert "the validation part stands for it" in notes_of(dataset)["assumed"][-1]
    refused(tmp_path / "missing", "S600", "no data set named")


def test_masks_that_do_not_match(tmp_path: Path) -> None:
    folder = with_masks(tmp_path / "lonely")
    (folder / "masks" / "3.png").unlink()
    refused(folder, "S644", "3.png has no partner, one of 1", "same name")
    folder = with_masks(tmp_path / "other")
    (folder / "images" / "2.png").unlink()
    refused(folder, "S644", "2 has no partner")
    folder = with_masks(tmp_path / "shape")
    save(folder / "masks" / "4.png", np.zeros((6, 9), np.uint8))
    refused(folder, "S644", "mask 4.png has 6x9 pixels, and its image 6x8")
    folder = with_masks(tmp_path / "values", value=77)
    refused(folder, "S644", "a mask has the value 77", "0 to 63")
    folder = with_masks(tmp_path / "mixed", value=255)
    save(folder / "masks" / "0.png", np.full((6, 8), 2, np.uint8))
    refused(folder, "S644", "the value 255")
    refused(with_masks(tmp_path / "nothing", value=0), "S646", "nothing but background")
    folder = with_masks(tmp_path / "broken")
    truncated(folder / "masks" / "0.png")
    refused(folder, "S644", "0.png cannot be read as an image")
    (tmp_path / "hollow" / "images").mkdir(parents=True), (tmp_path / "hollow" / "masks").mkdir()
    refused(tmp_path / "hollow", "S644", "images is empty")
    with_masks(tmp_path / "half" / "train"), classes(tmp_path / "half" / "test")
    refused(tmp_path / "half", "S644", "only some of its parts have images and masks")


def test_sizes_of_other_axes(tmp_path: Path) -> None:
    refused(classes(tmp_path), "S646", "images of 5x7, which cannot become 4x4x4", "2 extents", size=(4, 4, 4))
    refused(tmp_path, "S646", "cannot become 0x4", size=(0, 4))


def test_without_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classes(tmp_path)
    monkeypatch.setitem(sys.modules, "PIL", None)
    refused(tmp_path, "S645", "need Pillow", 'pip install "scanlab[data]"')


def test_a_path_is_a_name_and_what_is_neither_is_refused(tmp_path: Path) -> None:
    for name in ("train/a", "train/b", "test/a", "test/b"):
        (tmp_path / name).mkdir(parents=True)
        Image.new("L", (8, 8), 255 * name.endswith("a")).save(tmp_path / name / "1.png")
    assert data.load(tmp_path).fingerprint == data.load(str(tmp_path)).fingerprint
    for given in (None, 3, [1, 2]):
        with pytest.raises(ScanlabError, match=r"S871.*names no data"):
            data.load(given)  # pyright: ignore
