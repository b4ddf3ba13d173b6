"""Folders of TIFF files with bands of their own: every band is read, and the scale of its values is said."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scanlab import data
from scanlab.data.rasters import is_raster
from scanlab.ir.diagnostics import ScanlabError

rasterio = pytest.importorskip("rasterio")
from rasterio.transform import from_origin  # noqa: E402

PLACE = {"crs": "EPSG:32633", "transform": from_origin(500_000, 5_000_000, 10, 10)}
RNG = np.random.default_rng(0)


def write(file: Path, values: np.ndarray, place: bool = True, **more: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = values.shape
    shape = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": values.dtype}
    with rasterio.open(file, "w", **(shape | (PLACE if place else {}) | more)) as out:
        out.write(values)


def tiles(folder: Path, dtype: str, bands: int = 13, high: int = 8000, **more: object) -> np.ndarray:
    """Eight tiles of two classes; the values as they should be read, in order."""
    values = RNG.integers(0, high, (8, bands, 6, 5)).astype(dtype)
    values[0, 0, 0, 0] = high
    for number, tile in enumerate(values):
        write(folder / ("forest" if number < 4 else "sea") / f"{number}.tif", tile, **more)
    return values


def notes(dataset: data.Dataset) -> str:
    return "\n".join(f"{note.kind}: {note.text}" for note in dataset.notes)


@pytest.mark.parametrize(
    "dtype, bands, high, layout, divisor",
    [
        ("uint16", 13, 8000, "reflectance", 10_000),
        ("int16", 6, 8000, "reflectance", 10_000),
        ("uint16", 1, 8000, "reflectance", 10_000),
        ("uint16", 13, 4000, "", 4095),
        ("uint8", 4, 250, "", 255),
        ("uint8", 2, 250, "", 255),
        ("float32", 3, 1, "", 1),
        ("float64", 5, 900, "raw_values", 1),
    ],
)
def test_all_bands_are_read(tmp_path: Path, dtype: str, bands: int, high: int, layout: str, divisor: int) -> None:
    values = tiles(tmp_path, dtype, bands, high)
    dataset = data.whole(str(tmp_path), layout=layout)
    np.testing.assert_allclose(dataset.images, values / divisor, rtol=1e-6)
    assert dataset.class_names == ("forest", "sea")
    assert f"{bands} band" in notes(dataset)
    assert (f"divided by {divisor}" in notes(dataset)) == (divisor in (10_000, 4095))


def test_pictures_of_a_camera_stay_with_pillow(tmp_path: Path) -> None:
    clear = tmp_path / "clear.tif"
    Image.fromarray(RNG.integers(0, 255, (6, 5, 4), dtype=np.uint8), "RGBA").save(clear)
    grey, deep, colours = (tmp_path / f"{name}.tif" for name in ("grey", "deep", "colours"))
    Image.fromarray(RNG.integers(0, 255, (6, 5), dtype=np.uint8)).save(grey)
    Image.fromarray(RNG.integers(0, 60_000, (6, 5)).astype(np.uint16)).save(deep)
    write(colours, RNG.integers(0, 255, (3, 6, 5), dtype=np.uint8))
    assert not any(map(is_raster, (clear, grey, deep, colours)))
    infrared = tmp_path / "infrared.tif"
    write(infrared, RNG.integers(0, 255, (4, 6, 5), dtype=np.uint8))
    assert is_raster(infrared)
    cut = RNG.integers(0, 255, (4, 6, 5), dtype=np.uint8)
    cut[3] = 255 * (cut[3] > 9)
    write(tmp_path / "cut.tif", cut)
    assert not is_raster(tmp_path / "cut.tif")


def test_sizes_and_names_and_missing_pixels(tmp_path: Path) -> None:
    values = tiles(tmp_path, "float32", 5, 1)
    holed = values[0].copy() + np.float32(0.5)
    holed[0, 0, 0], holed[2, 1, 1] = 1, -1
    write(tmp_path / "forest" / "0.tif", holed, nodata=-1.0)
    for file in tmp_path.rglob("*.tif"):
        with rasterio.open(file, "r+") as raster:
            raster.descriptions = ("B02", "B03", "B04", "B08", "B11")
    dataset = data.whole(str(tmp_path))
    assert dataset.images[0, 2, 1, 1] == 0 and dataset.images[0, 1, 1, 1] >= 0.5
    assert "1 file with pixels that have no data" in notes(dataset)
    assert ": B02, B03, B04, B08, B11" in notes(dataset)
    assert data.whole(str(tmp_path), size=(3, 5)).images.shape == (8, 5, 3, 5)


@pytest.mark.parametrize(
    "spoil, code, said",
    [
        (lambda f: f.write_bytes(f.with_name("7.tif").read_bytes()[:600]), "S644", "9.tif cannot be read"),
        (lambda f: write(f, np.ones((12, 6, 5), np.uint16)), "S644", "13 bands, and 9.tif 12"),
        (lambda f: write(f, np.ones((13, 7, 5), np.uint16)), "S646", "2 sizes"),
        (lambda f: write(f, np.ones((13, 6, 5), np.uint8)), "S644", "holds uint16, and 9.tif uint8"),
        (lambda f: write(f, np.ones((13, 6, 5), np.float32)), "S644", "no divisor in common"),
        (lambda f: f.write_bytes(b"II*\0" + b"\0" * 99), "S644", "9.tif cannot be read"),
        (lambda f: f.write_bytes(b"nothing"), "S644", "9.tif cannot be read"),
        (lambda f: Image.new("RGB", (5, 6)).save(f.with_suffix(".png")), "S644", "9.png is no TIFF file"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, spoil: object, code: str, said: str) -> None:
    tiles(tmp_path, "uint16")
    spoil(tmp_path / "sea" / "9.tif")  # pyright: ignore[reportCallIssue]
    with pytest.raises(ScanlabError, match=code) as error:
        data.whole(str(tmp_path))
    assert said in str(error.value)


def test_values_of_no_known_scale(tmp_path: Path) -> None:
    values = tiles(tmp_path / "negative", "int16", 3, 900) - 500
    for number, tile in enumerate(values):
        write(tmp_path / "negative" / ("forest" if number < 4 else "sea") / f"{number}.tif", tile.astype(np.int16))
    with pytest.raises(ScanlabError, match="nothing says what they mean"):
        data.whole(str(tmp_path / "negative"))
    assert data.whole(str(tmp_path / "negative"), layout="scaled_values").images.max() == 1


def test_reflectances_are_bands_or_arrays(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "p" / name).mkdir(parents=True)
        for n in range(4):
            Image.new("L", (5, 6)).save(tmp_path / "p" / name / f"{n}.png")
    with pytest.raises(ScanlabError, match="reflectances are those of TIFF files"):
        data.whole(str(tmp_path / "p"), layout="reflectance")
    values = RNG.integers(0, 9000, (8, 13, 6, 5)).astype(np.uint16)
    np.savez(tmp_path / "s.npz", images=values, labels=np.arange(8) % 2)
    dataset = data.whole(str(tmp_path / "s.npz"), layout="channels_first, reflectance")
    np.testing.assert_allclose(dataset.images, values / 10_000, rtol=1e-6)


def test_without_rasterio_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiles(tmp_path, "uint16")
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(ScanlabError, match=r"S722[^$]*scanlab\[satellite\]"):
        data.whole(str(tmp_path))


def test_masks_beside_bands(tmp_path: Path) -> None:
    for n in range(8):
        write(tmp_path / "images" / f"{n}.tif", RNG.integers(0, 9000, (6, 6, 5)).astype(np.uint16))
        write(tmp_path / "masks" / f"{n}.tif", RNG.integers(0, 3, (1, 6, 5)).astype(np.uint8))
    dataset = data.whole(str(tmp_path), layout="reflectance")
    assert dataset.images.shape == (8, 6, 6, 5) and dataset.labels.shape == (8, 6, 5)


def test_bands_have_the_same_names_in_the_same_order(tmp_path: Path) -> None:
    tiles(tmp_path, "uint16", 2)
    files = sorted(tmp_path.rglob("*.tif"))
    for file in files:
        with rasterio.open(file, "r+") as raster:
            raster.descriptions = ("B02", "B03") if file.name != "5.tif" else ("B03", "B02")
    with pytest.raises(ScanlabError, match=r"S644.*0.tif has the bands B02, B03, and 5.tif B03, B02"):
        data.whole(str(tmp_path), layout="reflectance")
    # A file that names none contradicts nobody.
    write(files[5], np.ones((2, 6, 5), np.uint16))
    data.whole(str(tmp_path), layout="reflectance")


@pytest.mark.parametrize("dtype, high, said", [("uint8", 200, "in bytes"), ("float32", 1, "from 0 to 1")])
def test_reflectances_are_ten_thousandths(tmp_path: Path, dtype: str, high: int, said: str) -> None:
    values = tiles(tmp_path, dtype, 5, high)
    with pytest.raises(ScanlabError, match=f"S644.*{said}.*reflectance"):
        data.whole(str(tmp_path), layout="reflectance")
    np.savez(tmp_path / "s.npz", images=values, labels=np.arange(8) % 2)
    with pytest.raises(ScanlabError, match=f"S644.*{said}.*reflectance"):
        data.whole(str(tmp_path / "s.npz"), layout="channels_first, reflectance")


def test_pixels_that_are_no_numbers_are_noted(tmp_path: Path) -> None:
    values = tiles(tmp_path, "float32", 5, 1)[0]
    values[1, 2, 3] = np.nan
    write(tmp_path / "forest" / "0.tif", values)
    dataset = data.whole(str(tmp_path))
    assert "in 1 file pixels that are NaN or infinite: they count as pixels without data" in notes(dataset)
    assert dataset.images[0, 1, 2, 3] == 0
