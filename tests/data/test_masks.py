"""Masks in image files: which value is which class, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from layouts import DRAW, colours, grey, masked, noted, refused, save
from PIL import Image

from scanlab import data

THREE = DRAW.integers(0, 3, (6, 6, 8), dtype=np.uint8)
PALETTE = np.array([[0, 0, 0], [0, 0, 128], [200, 10, 0]], np.uint8)


def levels(*values: int, dtype: type = np.uint8):
    return lambda n: np.array(values, dtype)[THREE[n] % len(values)]


@pytest.mark.parametrize(
    "values, expected, kind, words",
    [
        ((0, 255), (0, 1), "mapped", "255 is class 1"),
        ((0, 127, 255), (0, 1, 2), "mapped", "127 is class 1, 255 is class 2"),
        ((0, 128, 255), (0, 1, 2), "mapped", "128 is class 1"),
        ((0, 1, 255), (0, 1, 255), "mapped", "255 in masks marks pixels that do not count"),
        ((0, 65535), (0, 1), "mapped", "65535 is class 1"),
        ((0, 1, 2), (0, 1, 2), "layout", "images in images with masks in masks"),
    ],
)
def test_values_of_masks(tmp_path: Path, values: tuple, expected: tuple, kind: str, words: str) -> None:
    dataset = data.whole(str(masked(tmp_path, levels(*values, dtype=np.uint16 if max(values) > 255 else np.uint8))))
    assert np.array_equal(dataset.labels, np.array(expected, np.uint8)[THREE % len(values)])
    assert dataset.classes == 1 + max(v for v in expected if v != 255)
    noted(dataset, kind, words)


def test_values_that_number_no_classes(tmp_path: Path) -> None:
    folder = masked(tmp_path / "deep", levels(0, 300, 600, dtype=np.uint16))
    refused(folder, "S644", "a mask has the value 600", "levels")
    dataset = data.whole(str(folder), layout="levels")
    assert dataset.classes == 3 and np.array_equal(dataset.labels, THREE)
    noted(dataset, "mapped", "300 is class 1, 600 is class 2")
    assert data.whole(str(folder), layout="instances").labels.max() == 1
    refused(masked(tmp_path / "two", lambda n: levels(0, 255 if n % 2 else 1)(n)), "S691", "255 may be the class 1")
    refused(
        masked(tmp_path / "grey", lambda n: grey(size=(60, 80))[:6, :8]), "S692", "different grey values", "threshold"
    )
    floats = masked(tmp_path / "floats", lambda n: Image.fromarray(THREE[n] / np.float32(2)), masks="masks/{}.tif")
    refused(floats, "S692", "no whole numbers")


def test_colours_are_classes_in_the_order_of_their_values(tmp_path: Path) -> None:
    dataset = data.whole(str(masked(tmp_path, lambda n: PALETTE[THREE[n]])))
    assert dataset.classes == 3 and np.array_equal(dataset.labels, THREE)
    noted(dataset, "mapped", "(0, 0, 128) is class 1", "(200, 10, 0) is class 2")
    small = data.whole(str(tmp_path), (3, 4))
    assert set(np.unique(small.labels)) <= {0, 1, 2} and small.labels.shape == (6, 3, 4)


def test_one_colour_is_one_class(tmp_path: Path) -> None:
    dataset = data.whole(str(masked(tmp_path, lambda n: PALETTE[:2][THREE[n] % 2])))
    assert dataset.classes == 2 and np.array_equal(dataset.labels, THREE % 2)


def test_colours_that_are_no_classes(tmp_path: Path) -> None:
    refused(masked(tmp_path / "many", lambda n: colours()), "S692", "colours, and at most 64")
    refused(masked(tmp_path / "white", lambda n: PALETTE[1:][THREE[n] % 2]), "S691", "without black", "levels")
    dataset = data.whole(str(tmp_path / "white"), layout="levels")
    assert np.array_equal(dataset.labels, THREE % 2)
    refused(
        masked(tmp_path / "mixed", lambda n: PALETTE[THREE[n]] if n % 2 else THREE[n]), "S691", "colours beside masks"
    )
    clear = np.dstack([PALETTE[THREE[0]], np.where(THREE[0] > 0, 255, 0).astype(np.uint8)])
    refused(masked(tmp_path / "clear", lambda n: clear), "S692", "transparent in places")


def indexed(numbers: np.ndarray, palette: np.ndarray) -> Image.Image:
    image = Image.fromarray(numbers, "P")
    image.putpalette(palette.ravel().tolist())
    return image


def test_palettes_number_classes_unless_they_change_from_file_to_file(tmp_path: Path) -> None:
    dataset = data.whole(str(masked(tmp_path / "same", lambda n: indexed(THREE[n], PALETTE))))
    assert np.array_equal(dataset.labels, THREE)
    turned = [0, 2, 1]
    folder = masked(
        tmp_path / "turned",
        lambda n: (
            indexed(np.array(turned, np.uint8)[THREE[n]], PALETTE[turned]) if n % 2 else indexed(THREE[n], PALETTE)
        ),
    )
    dataset = data.whole(str(folder))
    assert np.array_equal(dataset.labels, THREE)
    noted(dataset, "mapped", "colours of the masks")


def test_jpeg_blurs_numbers(tmp_path: Path) -> None:
    folder = masked(tmp_path, lambda n: np.kron(THREE[n] % 2 * 255, np.ones((8, 8), np.uint8)), masks="masks/{}.jpg")
    for n in range(6):
        save(folder / "images" / f"{n}.png", colours((48, 64)))
    refused(folder, "S692", "0.jpg is a JPEG", "as PNG", "threshold")
    dataset = data.whole(str(folder), layout="threshold")
    assert np.array_equal(dataset.labels[:, 4::8, 4::8], THREE % 2)


def test_masks_beside_photographs_that_exif_turns(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for n in range(6):
        save(tmp_path / "images" / f"{n}.jpg", colours(), exif=exif)
        save(tmp_path / "masks" / f"{n}.png", THREE[n])
    refused(tmp_path, "S691", "EXIF turns the image 0.jpg", "as_stored")
    assert np.array_equal(data.whole(str(tmp_path), layout="as_stored").labels, THREE)
    for n in range(6):
        save(tmp_path / "masks" / f"{n}.png", THREE[n], exif=exif)
    # A quarter turn clockwise: what was the left edge is the top, its bottom first.
    assert np.array_equal(data.whole(str(tmp_path)).labels, np.rot90(THREE, -1, (1, 2)))


def test_the_ignored_class_of_dataset_json(tmp_path: Path) -> None:
    masked(tmp_path, levels(0, 1, 2), images="imagesTr/c_{}_0000.png", masks="labelsTr/c_{}.png")
    (tmp_path / "dataset.json").write_text('{"labels": {"background": 0, "cell": 1, "ignore": 2}}')
    dataset = data.whole(str(tmp_path))
    assert dataset.class_names == ("background", "cell")
    assert np.array_equal(dataset.labels, np.array([0, 1, 255], np.uint8)[THREE])
