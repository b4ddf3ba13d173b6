"""``scanlab predict`` with a detector: what it prints, draws and writes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from scanlab.data.boxes.coco import coco_files, read_coco
from scanlab.nn import Backbone, BackboneConfig, Detector, PictureRows
from scanlab.predict import detect_picture
from scanlab.predict.picture_files import picture_rows
from scanlab.predict.pictures import How
from scanlab.zoo import load, save

pytest.importorskip("kornia")
Command = Callable[..., tuple[int, str, str]]
USUAL = How()
DRAW = np.random.default_rng(0)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector that finds a lot in anything, and pictures of two sizes."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("finding")
    model = Detector(Backbone("cross", BackboneConfig(patch=4, dim=8), input_size=(24, 32), channels=3), 2, width=8)
    torch.nn.init.normal_(model.scores.weight, std=0.5)
    torch.nn.init.zeros_(model.scores.bias)  # pyright: ignore[reportArgumentType]
    model.class_names = ("cat", "dog")
    save(model, folder / "boxes.safetensors")
    (folder / "pictures/more").mkdir(parents=True)
    for name, size in (("a.png", (24, 32)), ("more/b.png", (40, 30))):
        Image.fromarray(DRAW.integers(0, 256, (*size, 3), np.uint8)).save(folder / "pictures" / name)
    return folder


def expected(place: Path, name: str, how: How = USUAL, least: float = 0.3) -> list[dict]:
    model = load(place / "boxes.safetensors")
    return detect_picture(model, picture_rows(place / "pictures" / name, 3), ("cat", "dog"), how, least).rows


def test_boxes_are_printed_and_written(predict: Command, place: Path, tmp_path: Path) -> None:
    own = {name: expected(place, name) for name in ("a.png", "more/b.png")}
    words = (place / "boxes.safetensors", place / "pictures", "--score", 0.3)
    code, printed, _ = predict(*words, "-o", tmp_path / "boxes.csv")
    rows = list(csv.DictReader((tmp_path / "boxes.csv").open()))
    flat = [
        [name, str(b["class"]), b["name"], str(b["score"]), *map(str, b["box"])] for name, bs in own.items() for b in bs
    ]
    assert code == 0 and [list(row.values()) for row in rows] == flat and len(flat) > 4
    total = len(flat)
    assert f"{total:,} boxes with a score above 0.3 in 2 pictures" in printed
    assert "scaled from 40x30 to 24x18, in its proportions, the rest of 24x32 is filled up with zeros" in printed
    first = own["a.png"][0]
    line = next(line.split() for line in printed.splitlines() if line.startswith("a.png"))
    assert line == ["a.png", first["name"], f"{first['score']:.2f}", *(f"{side:.1f}" for side in first["box"])]
    shown = json.loads(predict(*words, "--json")[1])
    assert {row["file"]: row["boxes"] for row in shown} == own


def test_the_loader_of_training_data_reads_what_is_written(predict: Command, place: Path, tmp_path: Path) -> None:
    out = tmp_path / "boxes.json"
    predict(place / "boxes.safetensors", place / "pictures", "--score", 0.3, "-o", out)
    made = json.loads(out.read_text())
    assert [image["file_name"] for image in made["images"]] == ["a.png", "more/b.png"]
    for name in ("a.png", "more/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((place / "pictures" / name).read_bytes())
    read = read_coco(tmp_path, coco_files(tmp_path))
    assert read.class_names == ("cat", "dog")
    for boxed in read.pictures:
        rows = expected(place, boxed.file.relative_to(tmp_path).as_posix())
        np.testing.assert_allclose(boxed.boxes, [[*row["box"], row["class"]] for row in rows], atol=0.011)


def test_own_size_and_tiles(predict: Command, place: Path) -> None:
    words = (place / "boxes.safetensors", place / "pictures/more/b.png", "--score", 0.3, "--json")
    for more, how in (
        (("--size", "own"), How(())),
        (("--tile", 20), How(window=20)),
        (("--size", "20x15"), How((20, 15))),
    ):
        [row] = json.loads(predict(*words, *more)[1])
        assert row["boxes"] == expected(place, "more/b.png", how)
        assert ("tiles of 20x20" in str(row["notes"])) == (how.window == 20)


def test_drawings_of_one_and_of_all(predict: Command, place: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    words = (place / "boxes.safetensors", "--score", 0.3)
    code, *_ = predict(words[0], place / "pictures", *words[1:], "-o", tmp_path / "drawn")
    made = {p.relative_to(tmp_path / "drawn").as_posix() for p in (tmp_path / "drawn").rglob("*.*")}
    assert code == 0 and made == {"a.png", "more/b.png"}
    code, *_ = predict(words[0], place / "pictures/a.png", *words[1:], "-o", tmp_path / "a.png")
    none = predict(words[0], place / "pictures/a.png", "--score", 1, "-o", tmp_path / "none.png")
    assert code == 0 and "0 boxes with a score above 1 in 1 picture" in none[1]
    with Image.open(tmp_path / "a.png") as drawn, Image.open(tmp_path / "none.png") as bare:
        assert drawn.size == bare.size and drawn.tobytes() != bare.tobytes()


def test_boxes_of_a_geotiff_lie_where_it_does(predict: Command, place: Path, tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    scene, out = tmp_path / "scene.tif", tmp_path / "boxes.geojson"
    about = {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 5e5, 0, -10, 5e6)}
    values = DRAW.integers(0, 256, (3, 40, 30), np.uint8)
    with rasterio.open(scene, "w", driver="GTiff", count=3, height=40, width=30, dtype="uint8", **about) as file:
        file.write(values)
    words = (place / "boxes.safetensors", scene, "--score", 0.3)
    code, _, err = predict(*words, "-o", out)
    assert (code, err) == (0, "")
    made = json.loads(out.read_text())
    assert made["crs"]["properties"]["name"] == "urn:ogc:def:crs:EPSG::32633"
    picture = torch.from_numpy(values).float() / 255
    rows = PictureRows((3, 40, 30), lambda first, last: picture[:, first:last])
    said = detect_picture(load(words[0]), rows, ("cat", "dog"), least_score=0.3)
    assert len(made["features"]) == len(said.boxes) > 2
    for feature, (x0, y0, x1, y1, *_) in zip(made["features"], said.boxes.tolist(), strict=True):
        [ring] = feature["geometry"]["coordinates"]
        corners = [(x0, y0), (x0, y1), (x1, y1), (x1, y0), (x0, y0)]
        np.testing.assert_allclose(ring, [(5e5 + 10 * x, 5e6 - 10 * y) for x, y in corners], rtol=1e-9)
    # A transparency of all or nothing is left out, as in training, and the place is kept.
    with rasterio.open(scene, "w", driver="GTiff", count=4, height=40, width=30, dtype="uint8", **about) as file:
        file.write(np.concatenate([values, np.full((1, 40, 30), 255, np.uint8)]))
    assert predict(*words, "-o", out)[0] == 0 and json.loads(out.read_text()) == made
    code, _, err = predict(place / "boxes.safetensors", place / "pictures", "-o", out)
    assert code == 1 and "S738" in err and "a.png is no GeoTIFF" in err
    code, _, err = predict(*words, "--bands", "1,2", "-o", out)
    assert code == 1 and "S723" in err


def test_no_picture_is_drawn_over(predict: Command, place: Path, tmp_path: Path) -> None:
    before = (place / "pictures/a.png").read_bytes()
    for given, out in (("pictures", "pictures"), ("pictures/a.png", "pictures/a.png")):
        code, _, err = predict(place / "boxes.safetensors", place / given, "-o", place / out)
        assert code == 1 and "S729" in err and "over another file" in err
    assert (place / "pictures/a.png").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("pictures", "-o", "boxes.png"), "S729"),
        (("pictures", "-o", "boxes.txt"), "S729"),
        (("boxes.safetensors",), "S725"),
        (("pictures", "--names", "a"), "S727"),
        (("pictures", "--bands", "1,2,3"), "S659"),
        (("pictures", "--beam", "2"), "S659"),
        (("pictures", "--size", "8"), "S726"),
        (("pictures", "--size", "2x2"), "S614"),
    ],
)
def test_what_cannot_be_is_refused(
    predict: Command, place: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(place)
    code, _, err = predict("boxes.safetensors", *words)
    assert code == 1 and said in err
