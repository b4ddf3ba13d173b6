"""Image files as they were meant: EXIF, depth, frames, transparency, suffixes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from layouts import classes, colours, grey, noted, refused, save
from PIL import Image

from scanlab import data

TURNS = {1: 0, 3: 2, 6: 3, 8: 1}


@pytest.mark.parametrize("turn", TURNS)
def test_photographs_are_turned_as_exif_says(tmp_path: Path, turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    pixels = np.kron(grey(4) * 80, np.ones((8, 8), np.uint8))
    for name in ("a", "b"):
        for n in range(3):
            save(tmp_path / name / f"{n}.jpg", pixels, exif=exif, quality=100)
    images = data.whole(str(tmp_path))
    np.testing.assert_allclose(images.images[0, 0], np.rot90(pixels, TURNS[turn]) / 255, atol=0.02)
    stored = data.whole(str(tmp_path), layout="as_stored")
    np.testing.assert_allclose(stored.images[0, 0], pixels / 255, atol=0.02)
    if turn > 1:
        noted(images, "assumed", "6 photographs turned upright")


def test_a_tiff_that_is_to_be_turned(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for n in range(3):
            save(tmp_path / name / f"{n}.tif", grey(), tiffinfo={274: 1 if n else 6})
    refused(tmp_path, "S644", "0.tif is a TIFF that says it is to be turned", "upright")


@pytest.mark.parametrize("top, divisor", [(4095, 4095), (900, 1023), (65535, 65535), (200, 255)])
def test_grey_values_of_several_depths_are_scaled_alike(tmp_path: Path, top: int, divisor: int) -> None:
    for name in ("a", "b"):
        for n in range(4):
            ramp = np.linspace(0, top if n == 3 else top // 3, 48).round().reshape(6, 8)
            save(tmp_path / name / f"{n}.png", ramp.astype(np.uint16))
    dataset = data.whole(str(tmp_path))
    assert dataset.images[3].max() == pytest.approx(top / divisor) and dataset.images[0].max() == pytest.approx(
        (top // 3) / divisor
    )
    if divisor < 65535:
        noted(dataset, "assumed", f"divided by {divisor}")


def test_whole_numbers_of_32_bits(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for n in range(4):
            save(tmp_path / name / f"{n}.tif", np.full((4, 4), 1000 * (n + 1), np.int32))
    dataset = data.whole(str(tmp_path))
    np.testing.assert_allclose(dataset.images[:4, 0, 0, 0], np.array([1000, 2000, 3000, 4000]) / 4095, rtol=1e-6)
    save(tmp_path / "a" / "0.tif", np.full((4, 4), 100_000, np.int32))
    refused(tmp_path, "S644", "values from 100000 to 100000", "scaled_values")
    scaled = data.whole(str(tmp_path), layout="scaled_values")
    assert (scaled.images.min(), scaled.images.max()) == (0, 1)
    raw = data.whole(str(tmp_path), layout="raw_values")
    assert raw.images[0, 0, 0, 0] == 100_000


def clips(folder: Path, suffix: str, frames: int = 3) -> np.ndarray:
    shades = np.arange(2 * 4 * frames).reshape(2, 4, frames) * 10
    for c, name in enumerate(("a", "b")):
        for n in range(4):
            pictures = [Image.fromarray(np.full((4, 5), shade, np.uint8)) for shade in shades[c, n]]
            save(folder / name / f"{n}{suffix}", pictures[0], save_all=True, append_images=pictures[1:])
    return shades.reshape(8, frames)


@pytest.mark.parametrize("suffix, video", [(".gif", True), (".tif", False)])
def test_files_of_several_frames(tmp_path: Path, suffix: str, video: bool) -> None:
    shades = clips(tmp_path, suffix)
    refused(tmp_path, "S694", f"0{suffix} has 3 frames, one of 8 such files", "first_frame")
    clip = data.whole(str(tmp_path), layout="frames")
    assert clip.extents == (3, 4, 5) and clip.video == video
    np.testing.assert_allclose(clip.images[:, 0, :, 0, 0], shades / 255, atol=1e-6)
    first = data.whole(str(tmp_path), layout="first_frame")
    np.testing.assert_allclose(first.images[:, 0, 0, 0], shades[:, 0] / 255, atol=1e-6)
    noted(first, "left out", "all frames but the first")
    save(tmp_path / "a" / f"0{suffix}", np.full((4, 5), 10, np.uint8))
    refused(tmp_path, "S694", "from 1 to 3 frames", layout="frames")


def test_transparency_and_suffixes_are_noted(tmp_path: Path) -> None:
    clear = np.dstack([colours(), np.zeros((6, 8), np.uint8)])
    classes(tmp_path)
    save(tmp_path / "cat" / "0.png", clear)
    save(tmp_path / "cat" / "9.jfif", colours(), format="JPEG")
    (tmp_path / "dog" / "9.heic").write_bytes(b"x")
    dataset = data.whole(str(tmp_path))
    assert len(dataset.images) == 13
    noted(dataset, "left out", "1 picture with transparent pixels")
    noted(dataset, "left out", "1 .heic")


def test_dark_pictures_are_noted(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for n in range(4):
            save(tmp_path / name / f"{n}.png", grey(2))
    dataset = data.whole(str(tmp_path))
    assert dataset.images.max() == np.float32(1 / 255)
    noted(dataset, "assumed", "values from 0 to 1", "scaled_values")
    assert data.whole(str(tmp_path), layout="scaled_values").images.max() == 1
