"""TIFF files: a model sees of each what it would have seen in training, and a place on the earth is kept."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scanlab import data
from scanlab.ir.diagnostics import ScanlabError
from scanlab.predict.inputs import Bands, kind_of

rasterio = pytest.importorskip("rasterio")
from rasterio.transform import from_origin  # noqa: E402

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (9, 7, 3), dtype=np.uint8)


def pictures() -> dict[str, Image.Image]:
    """Pictures of a camera or a scanner, each with the mode that Pillow gives it."""
    colours = Image.fromarray(COLOURS)
    clear = colours.convert("RGBA")
    clear.putalpha(Image.fromarray(np.where(COLOURS[..., 0] > 99, 255, 0).astype(np.uint8)))
    return {
        "RGB": colours,
        "L": colours.convert("L"),
        "P": colours.quantize(16),
        "1": colours.convert("1"),
        "CMYK": colours.convert("CMYK"),
        "RGBA": clear,
        "LA": clear.convert("LA"),
    }


def place(file: Path) -> None:
    """Give a TIFF a place on the earth, its pixels as they are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(file, "r+") as raster:
            raster.crs, raster.transform = "EPSG:32633", from_origin(5e5, 5e6, 10, 10)


def read(file: Path, channels: int, bands: Bands = Bands()) -> tuple[np.ndarray, tuple[str, ...], bool]:  # noqa: B008
    with kind_of(file).opened(file, channels, bands) as opened:
        rows = opened.rows
        parts = [rows.read(first, min(first + 4, 9)).numpy() for first in range(0, 9, 4)]
        return np.concatenate(parts, 1), opened.notes, opened.raster is not None


@pytest.mark.parametrize("mode", sorted(pictures()))
@pytest.mark.parametrize("placed", [False, True])
def test_prediction_sees_what_training_sees(tmp_path: Path, mode: str, placed: bool) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(4):
            file = tmp_path / name / f"{number}.tif"
            pictures()[mode].save(file)
            if placed:
                place(file)
    dataset = data.whole(str(tmp_path))
    for channels in (dataset.images.shape[1], 3):
        seen, notes, has_place = read(tmp_path / "a" / "0.tif", channels)
        expected = np.broadcast_to(dataset.images[0], seen.shape)
        assert np.array_equal(seen, expected) and seen.dtype == np.float32
        assert has_place == placed
        assert any("transparency is left out" in note for note in notes) == mode.endswith("A")


@pytest.mark.parametrize("mode, channels", [("RGB", 3), ("L", 1), ("RGBA", 3), ("P", 3), ("1", 1)])
def test_a_place_changes_no_pixel(tmp_path: Path, mode: str, channels: int) -> None:
    plain, placed = tmp_path / "plain.tif", tmp_path / "placed.tif"
    for file in (plain, placed):
        pictures()[mode].save(file)
    place(placed)
    assert np.array_equal(read(plain, channels)[0], read(placed, channels)[0])
    with kind_of(placed).opened(placed, channels, Bands()) as opened:
        assert opened.raster is not None and opened.raster.georeference.crs.to_epsg() == 32633
        clear = np.asarray(pictures()["RGBA"])[..., 3] == 0
        assert np.array_equal(opened.raster.valid(0, 9), ~clear if mode == "RGBA" else np.ones((9, 7), bool))


def test_bands_of_a_satellite_are_read_by_rasterio(tmp_path: Path) -> None:
    file = tmp_path / "a.tif"
    values = RNG.integers(0, 256, (4, 9, 7), dtype=np.uint8)
    about = {"driver": "GTiff", "count": 4, "height": 9, "width": 7, "dtype": "uint8"}
    with rasterio.open(file, "w", **about, crs="EPSG:32633", transform=from_origin(5e5, 5e6, 10, 10)) as out:
        out.write(values)
    np.testing.assert_allclose(read(file, 4)[0], values / 255, rtol=1e-6)
    with pytest.raises(ScanlabError, match="S723"):
        read(file, 3)
    # Bands that are named are those of any TIFF file.
    Image.fromarray(COLOURS).save(tmp_path / "b.tif")
    np.testing.assert_allclose(read(tmp_path / "b.tif", 1, Bands((2,)))[0][0], COLOURS[..., 1] / 255, rtol=1e-6)


def test_what_has_no_data_keeps_its_value_where_training_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "a.tif"
    with rasterio.open(file, "w", driver="GTiff", count=3, height=9, width=7, dtype="uint8", nodata=255) as out:
        out.write(np.full((3, 9, 7), 255, np.uint8))
    seen, notes, _ = read(file, 3)
    assert (seen == 1).all() and "a.tif has no data in any of its 63 pixels" in notes


@pytest.mark.parametrize("placed", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_deep_grey_needs_a_scale(tmp_path: Path, placed: bool, channels: int) -> None:
    values = RNG.integers(0, 4096, (9, 7)).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "a.tif")
    if placed:
        place(tmp_path / "a.tif")
    with pytest.raises(ScanlabError, match="S724"):
        read(tmp_path / "a.tif", channels)
    seen, _, _ = read(tmp_path / "a.tif", channels, Bands(scale=4095))
    assert np.array_equal(seen, np.broadcast_to(values.astype(np.float32) / np.float32(4095), (channels, 9, 7)))


def test_colours_of_sixteen_bits_need_a_scale(tmp_path: Path) -> None:
    file = tmp_path / "a.tif"
    values = RNG.integers(0, 9000, (3, 9, 7)).astype(np.uint16)
    with rasterio.open(file, "w", driver="GTiff", count=3, height=9, width=7, dtype="uint16") as out:
        out.write(values)
    with pytest.raises(ScanlabError, match="S724"):
        read(file, 3)
    np.testing.assert_allclose(read(file, 3, Bands(scale=10_000))[0], values / 10_000, rtol=1e-6)


def test_pages_and_turned_files_are_refused(tmp_path: Path) -> None:
    pages = [Image.fromarray(COLOURS[..., n]) for n in range(3)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(ScanlabError, match=r"S694.*pages.tif has 3 frames"):
        read(tmp_path / "pages.tif", 1)
    with pytest.raises(ScanlabError, match=r"S694.*pages.tif has 3 pages"):
        read(tmp_path / "pages.tif", 1, Bands((1,)))
    exif = Image.Exif()
    exif[0x0112] = 6
    pages[0].save(tmp_path / "turned.tif", exif=exif)
    for file in ("plain", "placed"):
        (tmp_path / f"{file}.tif").write_bytes((tmp_path / "turned.tif").read_bytes())
    place(tmp_path / "placed.tif")
    for name in ("plain.tif", "placed.tif"):
        with pytest.raises(ScanlabError, match=r"S644.*to be turned"):
            read(tmp_path / name, 1)


def test_overviews_are_no_pages(tmp_path: Path) -> None:
    pictures()["P"].resize((70, 90)).save(tmp_path / "a.tif")
    place(tmp_path / "a.tif")
    with rasterio.open(tmp_path / "a.tif", "r+") as raster:
        raster.build_overviews([2, 4])
    with kind_of(tmp_path / "a.tif").opened(tmp_path / "a.tif", 3, Bands()) as opened:
        assert opened.rows.shape == (3, 90, 70)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("most", [40, 20])
def test_scenes_of_very_many_pixels_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    pictures()["RGB"].save(tmp_path / "a.tif")
    place(tmp_path / "a.tif")
    # Beyond so many Pillow warns, and refuses twice as many.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
    assert np.array_equal(
        read(tmp_path / "a.tif", 3)[0], np.moveaxis(COLOURS, -1, 0).astype(np.float32) / np.float32(255)
    )
