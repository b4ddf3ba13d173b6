"""Boxes lie in the picture's own pixels, however it was read; what is written of them can be read by others."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from scanlab.data.geotiff import Georeference
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, Detector, PictureRows
from scanlab.predict import BoxesOfPicture, detect_picture
from scanlab.predict.box_files import Place, boxes_in_coco, boxes_in_geojson, boxes_in_rows, place_of
from scanlab.predict.drawn import boxed_picture, draw_boxes
from scanlab.predict.pictures import How

pytest.importorskip("kornia")


def detector(size: tuple[int, int] = (32, 32), channels: int = 1) -> Detector:
    """One that finds a lot in anything."""
    torch.manual_seed(0)
    model = Detector(Backbone("cross", BackboneConfig(patch=4, dim=8), input_size=size, channels=channels), 2, width=8)
    torch.nn.init.normal_(model.scores.weight, std=0.5)
    torch.nn.init.zeros_(model.scores.bias)  # pyright: ignore[reportArgumentType]
    return model.eval()


def rows_of(picture: torch.Tensor) -> PictureRows:
    return PictureRows(tuple(picture.shape), lambda first, last: picture[:, first:last])


def seen(extents: tuple[int, int], channels: int = 1) -> torch.Tensor:
    return torch.rand(channels, *extents, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("extents", [(64, 64), (40, 24), (24, 40), (16, 16), (32, 32)])
def test_boxes_are_those_of_the_picture_as_the_model_reads_it(extents: tuple[int, int]) -> None:
    model, picture = detector(), seen(extents)
    said = detect_picture(model, rows_of(picture), least_score=0.3)
    share = min(32 / n for n in extents)
    inner = tuple(round(share * n) for n in extents)
    shown = F.interpolate(picture[None], inner, mode="bilinear", antialias=True) if inner != extents else picture[None]
    [raw] = model.detect(F.pad(shown, (0, 32 - inner[1], 0, 32 - inner[0])), least_score=0.3)
    down, right = (own / new for own, new in zip(extents, inner, strict=True))
    expected = raw.double().numpy() * [right, down, right, down, 1, 1]
    limits = [extents[1], extents[0]] * 2
    expected[:, :4] = expected[:, :4].clip(0, limits)
    expected = expected[(expected[:, 2] > expected[:, 0]) & (expected[:, 3] > expected[:, 1])]
    assert len(said.boxes) > 3 and said.extents == extents
    np.testing.assert_allclose(said.boxes, expected, rtol=1e-12)
    assert (said.boxes[:, 2:4] <= limits[:2]).all()


def test_a_box_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a model of 16x16 the left half is the picture of 64x32, and each of its pixels there four of its own."""
    shapes = []

    def detect(model: Detector, images: torch.Tensor, **options: float) -> list[torch.Tensor]:
        shapes.append((tuple(images.shape), bool((images[..., 8:] == 0).all()), options))
        return [torch.tensor([[2.0, 3, 5, 10, 0.9, 1], [7, 0, 16, 4, 0.5, 0], [9, 9, 16, 16, 0.4, 0]])]

    monkeypatch.setattr(Detector, "detect", detect)
    said = detect_picture(detector((16, 16)), rows_of(torch.ones(1, 64, 32)), ("cat", "dog"), least_score=0.25)
    assert shapes == [((1, 1, 16, 16), True, {"least_score": 0.25})]
    # What lies in the part that was filled up is cut, or left out.
    assert said.rows == [
        {"class": 1, "name": "dog", "score": 0.9, "box": [8.0, 12.0, 20.0, 40.0]},
        {"class": 0, "name": "cat", "score": 0.5, "box": [28.0, 0.0, 32.0, 16.0]},
    ]
    own = detect_picture(detector((16, 16)), rows_of(torch.ones(1, 64, 32)), how=How(()))
    assert shapes[-1][0] == (1, 1, 64, 32) and own.boxes[0, :4].tolist() == [2, 3, 5, 10]
    assert own.notes == ("of 64x32 pixels as it is read; the model was built for 16x16",)


SQUARES = ((3, 5, 6), (12, 14, 8), (30, 2, 7), (0, 50, 5), (34, 51, 5), (20, 30, 6), (15, 23, 5))


@pytest.mark.parametrize("side", [16, 17, 100])
def test_tiles_give_every_object_once_where_it_lies(monkeypatch: pytest.MonkeyPatch, side: int) -> None:
    """A detector that knows exactly what it sees, and cuts what a tile cuts."""
    picture = torch.zeros(1, 40, 57)
    for number, (top, left, size) in enumerate(SQUARES, start=1):
        picture[0, top : top + size, left : left + size] = number

    def detect(model: Detector, images: torch.Tensor, **options: float) -> list[torch.Tensor]:
        rows = []
        for number in images.unique().tolist():
            if number:
                y, x = (images[0, 0] == number).nonzero().T
                low, high = (x.min(), y.min()), (x.max() + 1, y.max() + 1)
                rows.append([float(v) for v in (*low, *high)] + [0.5 + number / 100, 0.0])
        return [torch.tensor(rows).reshape(-1, 6)]

    monkeypatch.setattr(Detector, "detect", detect)
    said = detect_picture(detector(), rows_of(picture), how=How(window=side))
    boxes = sorted(tuple(box) for box in said.boxes[:, :4].tolist())
    assert boxes == sorted((float(x), float(y), float(x + n), float(y + n)) for y, x, n in SQUARES)
    assert (np.diff(said.boxes[:, 4]) <= 0).all()
    assert said.notes[0].startswith("one tile of 100x100 covers the picture" if side == 100 else "by ")


def test_models_and_sizes_that_find_nothing() -> None:
    other = Classifier(Backbone("row", BackboneConfig(dim=8), input_size=(8, 8)), 2)
    with pytest.raises(ScanlabError, match=r"S726.*Classifier"):
        detect_picture(other, rows_of(seen((8, 8))))
    with pytest.raises(ScanlabError, match=r"S726.*no size of a picture"):
        detect_picture(detector(), rows_of(seen((8, 8))), how=How((4,)))
    none = detect_picture(detector(), rows_of(seen((32, 32))), least_score=1.0)
    assert none.boxes.shape == (0, 6) and none.rows == []
    tiled = detect_picture(detector(), rows_of(seen((40, 40))), how=How(window=16), least_score=1.0)
    assert tiled.boxes.shape == (0, 6)


RESULTS = {
    "a.png": BoxesOfPicture((20, 30), np.array([[1.5, 2, 11.5, 12, 0.9, 1], [3, 3, 9, 20, 0.4, 0]]), ("cat", "dog")),
    "none.png": BoxesOfPicture((8, 8), np.empty((0, 6)), ("cat", "dog")),
    "b.png": BoxesOfPicture((20, 30), np.array([[0.0, 0, 30, 20, 0.75, 0]]), ("cat", "dog")),
}


def test_pycocotools_reads_what_is_written(tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    file = tmp_path / "boxes.json"
    made = boxes_in_coco(RESULTS, ("cat", "dog"), 2)
    file.write_text(json.dumps(made))
    with redirect_stdout(io.StringIO()):
        held = coco.COCO(str(file))
        again = held.loadRes(made["annotations"])
    assert [image["file_name"] for image in held.loadImgs(held.getImgIds())] == list(RESULTS)
    assert {row["id"]: row["name"] for row in held.loadCats(held.getCatIds())} == {1: "cat", 2: "dog"}
    [first, second] = again.loadAnns(again.getAnnIds(imgIds=[1]))
    assert first["bbox"] == [1.5, 2, 10, 10] and first["category_id"] == 2 and first["score"] == 0.9
    assert second["bbox"] == [3, 3, 6, 17] and second["area"] == 102
    assert held.getAnnIds(imgIds=[2]) == [] and len(held.getAnnIds(imgIds=[3])) == 1
    assert boxes_in_rows(RESULTS)[2] == {
        **{"file": "b.png", "class": 0, "name": "cat", "score": 0.75},
        **{"x0": 0.0, "y0": 0.0, "x1": 30.0, "y1": 20.0},
    }


def test_corners_go_through_the_transform() -> None:
    # Ten metres a pixel to the east, five to the south, and each row a metre further to the east.
    turned = SimpleNamespace(a=10.0, b=1.0, c=500000.0, d=0.0, e=-5.0, f=6000000.0)
    made = boxes_in_geojson({"b.png": RESULTS["b.png"]}, {"b.png": Place("urn:ogc:def:crs:EPSG::32633", turned)})
    [feature] = made["features"]
    assert made["crs"]["properties"]["name"] == "urn:ogc:def:crs:EPSG::32633"
    assert feature["properties"] == {"file": "b.png", "class": 0, "name": "cat", "score": 0.75}
    ring = [[500000, 6000000], [500020, 5999900], [500320, 5999900], [500300, 6000000], [500000, 6000000]]
    assert feature["geometry"] == {"type": "Polygon", "coordinates": [ring]}


def test_a_file_without_a_place_is_refused() -> None:
    rasterio = pytest.importorskip("rasterio")
    north = rasterio.Affine(1, 0, 0, 0, -1, 0)
    utm, degrees = (rasterio.crs.CRS.from_epsg(code) for code in (32633, 4326))
    unnamed = rasterio.crs.CRS.from_proj4("+proj=laea +lat_0=12.3 +lon_0=4.5 +datum=WGS84")
    cases = [
        (None, "x is no GeoTIFF"),
        (Georeference(), "no coordinate reference system and no transform"),
        (Georeference(crs=utm), "has no transform"),
        (Georeference(transform=north, gcps=([], None)), "has no coordinate reference system"),
        (Georeference(unnamed, north), "no code"),
    ]
    for where, said in cases:
        with pytest.raises(ScanlabError, match=f"(?s)S738.*{said}.*json or .csv"):
            place_of(where, "x")
    one = place_of(Georeference(utm, north), "x")
    other = place_of(Georeference(degrees, north), "y")
    # GeoJSON has longitude first.
    assert (one.crs, other.crs) == ("urn:ogc:def:crs:EPSG::32633", "urn:ogc:def:crs:OGC:1.3:CRS84")
    with pytest.raises(ScanlabError, match=r"S738.*one reference system"):
        boxes_in_geojson({}, {"x": one, "y": other})


def test_drawings_show_boxes_where_they_are(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from PIL import Image

    shown = boxed_picture(torch.zeros(3, 40, 60), np.array([[10.0, 10, 30, 30, 0.5, 0]]))
    draw_boxes(tmp_path / "a.png", [(None, [shown])], ("cat", "dog"), 2)
    pixels = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).astype(int)
    black = (pixels.sum(-1) == 0).nonzero()
    (top, left), (bottom, right) = (b.min() for b in black), (b.max() + 1 for b in black)
    colour = (pixels[top:bottom, left:right].max(-1) - pixels[top:bottom, left:right].min(-1)) > 60
    rows, columns = (axis / size for axis, size in zip(colour.nonzero(), colour.shape, strict=True))
    assert rows.min() == pytest.approx(10 / 40, abs=0.02) and rows.max() == pytest.approx(30 / 40, abs=0.02)
    assert columns.min() == pytest.approx(10 / 60, abs=0.02) and columns.max() == pytest.approx(30 / 60, abs=0.02)


def test_long_pictures_and_many_bands_are_drawn_smaller_and_grey() -> None:
    drawn = boxed_picture(torch.ones(5, 10, 4000), np.array([[1000.0, 2, 3000, 8, 0.5, 1]]), scores=True)
    assert drawn.values.shape == (5, 2000) and drawn.marks == ["0.50"]
    assert drawn.boxes is not None and drawn.boxes.tolist() == [[500, 1, 1500, 4, 1]]
