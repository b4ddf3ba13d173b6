"""GeoTIFF: bands and places are read, and what is written lies where the input does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scanlab.data.geotiff import NO_CLASS, Gaps, opened_raster, write_classes
from scanlab.ir.diagnostics import ScanlabError

rasterio = pytest.importorskip("rasterio")
from rasterio.control import GroundControlPoint  # noqa: E402
from rasterio.transform import from_origin  # noqa: E402

PLACE = {"crs": "EPSG:32633", "transform": from_origin(500_000, 5_000_000, 10, 20)}
VALUES = np.random.default_rng(0).integers(1, 200, (4, 9, 7))


def raster(file: Path, values: np.ndarray = VALUES, dtype: str = "uint8", **more: object) -> Path:
    count, height, width = values.shape
    settings = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": dtype}
    with rasterio.open(file, "w", **(settings | PLACE | more)) as out:
        out.write(values.astype(dtype))
    return file


def test_bands_are_read_in_the_order_that_is_asked_for(tmp_path: Path) -> None:
    with opened_raster(raster(tmp_path / "a.tif"), 3, (4, 1, 2)) as read:
        assert read.shape == (3, 9, 7) and read.notes == ()
        np.testing.assert_allclose(read.read(2, 5), VALUES[[3, 0, 1], 2:5] / 255, rtol=1e-6)
        assert read.valid(0, 9).all()


def test_what_has_no_data_is_zero_and_of_no_class(tmp_path: Path) -> None:
    values = VALUES.astype(np.float32)
    values[:, 0], values[0, 1, 1], values[:, 2, 2] = -99, np.nan, -99
    with opened_raster(raster(tmp_path / "a.tif", values, "float32", nodata=-99), 4) as read:
        got = read.read(0, 3)
        assert (got[:, 0] == 0).all() and got[0, 1, 1] == 0 and np.isfinite(got).all()
        valid = read.valid(0, 3)
        # A pixel with some band is a pixel.
        assert not valid[0].any() and valid[1].all() and not valid[2, 2]
        assert "floats, and are taken as they are" in read.notes[0]
        # The pixel that is NaN is counted; those that the file marks are not.
        assert read.gaps() == Gaps(63, some=9, none=8, odd=1)


def test_what_is_no_number_is_no_data(tmp_path: Path) -> None:
    values = VALUES.astype(np.float32)
    values[:, 3], values[1, 5, 5], values[:, 8, 0] = np.nan, np.inf, -np.inf
    for more in ({}, {"nodata": np.nan}):
        with opened_raster(raster(tmp_path / "a.tif", values, "float32", **more), 4) as read:
            valid = read.valid(0, 9)
            assert not valid[3].any() and not valid[8, 0] and valid[5, 5] and valid.sum() == 63 - 8
            assert np.isfinite(read.read(0, 9)).all()
            # What the nodata value marks is as it should be.
            assert read.gaps() == Gaps(63, some=9, none=8, odd=9 if not more else 2)
    gaps = Gaps(63, some=9, none=8, odd=9)
    assert gaps.notes("a.tif") == ("9 of 63 pixels of a.tif are NaN or infinite in some band: no data there",)
    with opened_raster(raster(tmp_path / "b.tif", 0 * VALUES, nodata=0), 4) as read:
        assert read.gaps().notes("b.tif") == ("b.tif has no data in any of its 63 pixels",)


def test_a_band_that_is_called_transparency_has_data_where_it_is_a_number(tmp_path: Path) -> None:
    alpha = rasterio.enums.ColorInterp.alpha
    values = VALUES.astype(np.float32)
    values[:, 0, 0], values[:, 0, 1] = np.nan, 7
    for nodata, count in ((None, 1), (np.nan, 0), (7, 1)):
        source = raster(tmp_path / "a.tif", values, "float32", nodata=nodata)
        with rasterio.open(source, "r+") as file:
            file.colorinterp = [*file.colorinterp[:3], alpha]
        with opened_raster(source, 4) as read:
            assert read.reads_alpha and read.gaps().odd == count
            assert list(read.valid(0, 1)[0][:3]) == [False, nodata != 7, True]


def test_a_damaged_file_says_what_is_wrong(tmp_path: Path) -> None:
    source = raster(tmp_path / "a.tif", np.repeat(VALUES, 40, 2), compress="deflate")
    source.write_bytes(source.read_bytes()[:-200])
    with opened_raster(source, 4) as read, pytest.raises(ScanlabError, match="S644") as error:
        read.read(0, 9)
    assert "See previous exception" not in str(error.value) and "a.tif" in str(error.value)
    assert "read error" in str(error.value).lower()


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_values_are_divided_by_positive_numbers(tmp_path: Path, scale: float) -> None:
    with (
        pytest.raises(ScanlabError, match=r"S724.*cannot be divided"),
        opened_raster(raster(tmp_path / "a.tif"), 4, (), scale),
    ):
        pass


def test_classes_lie_where_the_input_does(tmp_path: Path) -> None:
    classes = np.arange(63, dtype=np.uint8).reshape(9, 7) % 3
    classes[0, 0] = NO_CLASS
    source = raster(tmp_path / "a.tif")
    with opened_raster(source, 4) as read:
        write_classes(tmp_path / "m.tif", classes, read.georeference, ("sea", "land", "ice"), {1: (9, 8, 7)})
    with rasterio.open(tmp_path / "m.tif") as made, rasterio.open(source) as given:
        assert (made.crs, made.transform, made.bounds) == (given.crs, given.transform, given.bounds)
        assert (made.nodata, made.dtypes, made.count) == (NO_CLASS, ("uint8",), 1)
        assert np.array_equal(made.read(1), classes)
        assert made.colormap(1)[1] == (9, 8, 7, 255)
        assert made.tags(1)["class_2"] == "ice"
    assert [file.name for file in tmp_path.iterdir()] == ["a.tif", "m.tif"] or len(list(tmp_path.iterdir())) == 2


def test_control_points_are_kept(tmp_path: Path) -> None:
    points = [GroundControlPoint(row, col, 10.0 + col, 50.0 - row) for row, col in ((0, 0), (0, 7), (9, 0))]
    source = raster(tmp_path / "a.tif", transform=None, crs=None)
    with rasterio.open(source, "r+") as file:
        file.gcps = (points, rasterio.crs.CRS.from_epsg(4326))
    with opened_raster(source, 4) as read:
        assert read.georeference.missing == "" and read.notes == ()
        write_classes(tmp_path / "m.tif", np.zeros((9, 7), np.uint8), read.georeference, (), {})
    with rasterio.open(tmp_path / "m.tif") as made:
        again, crs = made.gcps
        assert [(p.row, p.col, p.x, p.y) for p in again] == [(p.row, p.col, p.x, p.y) for p in points]
        assert crs.to_epsg() == 4326


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ({"crs": None}, "lacks a coordinate reference system"),
        ({"transform": None}, "lacks a transform"),
        ({"crs": None, "transform": None}, "lacks a coordinate reference system and a transform"),
    ],
)
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_missing_georeference_is_said(tmp_path: Path, lacking: dict[str, None], said: str) -> None:
    with opened_raster(raster(tmp_path / "a.tif", **lacking), 4) as read:
        assert f"lacks {read.georeference.missing}" == said and read.notes == ()
        write_classes(tmp_path / "m.tif", np.zeros((9, 7), np.uint8), read.georeference, (), {})
    with rasterio.open(tmp_path / "m.tif") as made:
        assert (made.crs is None) == ("crs" in lacking) and made.transform.is_identity == ("transform" in lacking)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    source = raster(tmp_path / "a.tif", dtype="uint16")
    for bands in ((), (1, 2), (1, 2, 5), (0, 1, 2)):
        with pytest.raises(ScanlabError, match=r"S723.*4 bands.*3 channels"), opened_raster(source, 3, bands):
            pass
    with pytest.raises(ScanlabError, match=r"S724.*uint16"), opened_raster(source, 4):
        pass
    with opened_raster(source, 4, scale=10_000) as read:
        np.testing.assert_allclose(read.read(0, 9), VALUES / 10_000, rtol=1e-6)
    (tmp_path / "b.tif").write_bytes(source.read_bytes()[:60])
    with pytest.raises(ScanlabError, match="S644"), opened_raster(tmp_path / "b.tif", 4):
        pass
    with opened_raster(source, 4, scale=1) as read, pytest.raises(ScanlabError, match="S502"):
        write_classes(tmp_path / "no" / "m.tif", np.zeros((9, 7), np.uint8), read.georeference, (), {})


def test_without_rasterio_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "rasterio", None)
    with pytest.raises(ScanlabError, match=r"S722.*\n.*scanlab\[satellite\]"), opened_raster(tmp_path / "a.tif", 3):
        pass
