"""``scanlab predict``: what it prints and writes, its exit codes, and its JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from scanlab.nn import Backbone, BackboneConfig, Classifier, NextFrame, Segmenter
from scanlab.zoo import create_model, load, preprocessing, save, save_pretrained, to_official

Command = Callable[..., tuple[int, str, str]]
DRAW = np.random.default_rng(0)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models, and pictures to predict from."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("place")
    flat = BackboneConfig(patch=4, dim=8, positions="none")
    video = BackboneConfig(patch=(1, 4, 4), dim=8, positions="none")
    classes = Classifier(Backbone("row", flat, input_size=(8, 8), channels=3), 3)
    classes.class_names = ("cat", "dog", "hen")
    save(classes, folder / "classes.safetensors")
    save(Segmenter(Backbone("snake", flat, input_size=(8, 8), channels=3), 3, 4), folder / "masks.safetensors")
    motion = Classifier(Backbone("by t, h, w", video, input_size=(4, 8, 8)), 2)
    save(motion, folder / "motion.safetensors")
    both = Classifier(Backbone("sum((by t, h, w), -(by t, h, w))", video, input_size=(4, 8, 8)), 2)
    save(both, folder / "both.safetensors")
    following = NextFrame(Backbone("by t, h, w", video, input_size=(4, 8, 8), channels=2))
    save(following, folder / "next.safetensors")
    (folder / "pictures/more").mkdir(parents=True)
    for name in ("a.png", "b.png", "more/c.png"):
        Image.fromarray(DRAW.integers(0, 256, (12, 9, 3), np.uint8)).save(folder / "pictures" / name)
    (folder / "frames").mkdir()
    for number in range(5):
        Image.fromarray(DRAW.integers(0, 256, (8, 8), np.uint8)).save(folder / f"frames/{number}.png")
    return folder


def test_classes_have_the_names_that_the_model_was_trained_with(predict: Command, place: Path, tmp_path: Path) -> None:
    out = tmp_path / "classes.csv"
    code, printed, _ = predict(place / "classes.safetensors", place / "pictures", "--out", out)
    rows = list(csv.DictReader(out.open()))
    assert code == 0 and [row["file"] for row in rows] == ["a.png", "b.png", "more/c.png"]
    assert all(row["name"] == ("cat", "dog", "hen")[int(row["class"])] for row in rows)
    assert all(0 < float(row["share"]) <= 1 for row in rows)
    assert "resized from 12x9 to 8x8, the size that the model was built for (3 files)" in printed
    code, printed, _ = predict(place / "classes.safetensors", place / "pictures/a.png", "--json", "--size", "own")
    [row] = json.loads(printed)
    assert row["notes"][0] == "of 12x9 pixels; the model was built for 8x8"


def test_masks_have_the_size_of_their_pictures(predict: Command, place: Path, tmp_path: Path) -> None:
    words = (place / "masks.safetensors", place / "pictures", "-o", tmp_path, "--names", "sea,land,ice")
    code, printed, _ = predict(*words)
    assert code == 0 and "land" in printed and "written to" in printed
    with Image.open(tmp_path / "more/c.png") as mask:
        values = np.array(mask)
        assert mask.mode == "P" and values.shape == (12, 9) and values.max() < 3
    legend = json.loads((tmp_path / "classes.json").read_text())
    assert [row["name"] for row in legend["classes"]] == ["sea", "land", "ice"] and legend["no class"] == 255
    small = tmp_path / "small.png"
    code, printed, _ = predict(place / "masks.safetensors", place / "pictures/a.png", "-o", small, "--size", "8x8")
    assert code == 0 and "enlarged again, to the nearest class, from 8x8" in printed
    with Image.open(small) as mask:
        assert mask.size == (9, 12)
    words = (place / "masks.safetensors", place / "pictures/a.png", "-o", small, "--tile", 8)
    assert "not what one pass says" in predict(*words)[1]


def test_a_geotiff_keeps_its_place(predict: Command, place: Path, tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    scene, made = tmp_path / "scene.tif", tmp_path / "made.tif"
    about = {"crs": "EPSG:32633", "transform": rasterio.transform.from_origin(5e5, 5e6, 10, 10), "nodata": 0}
    values = DRAW.integers(1, 256, (4, 20, 12), np.uint8)
    values[:, :4] = 0
    with rasterio.open(scene, "w", driver="GTiff", count=4, height=20, width=12, dtype="uint8", **about) as file:
        file.write(values)
    words = (place / "masks.safetensors", scene, "-o", made)
    code, _, err = predict(*words)
    assert code == 1 and "S723" in err and "--bands 4,3,2" in err
    code, _, err = predict(*words, "--bands", "3,2,1", "--names", "sea,land,ice")
    assert (code, err) == (0, "")
    with rasterio.open(made) as file:
        assert file.crs.to_epsg() == 32633 and file.transform == about["transform"] and file.nodata == 255
        mask = file.read(1)
        assert (mask[:4] == 255).all() and mask[4:].max() < 3
        assert file.tags(1)["class_1"] == "land"


def test_no_file_is_written_over(predict: Command, place: Path, tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg"):
        Image.fromarray(DRAW.integers(0, 256, (8, 8, 3), np.uint8)).save(tmp_path / name)
    before = (tmp_path / "a.png").read_bytes()
    for out in (tmp_path, tmp_path / "masks"):
        code, _, err = predict(place / "masks.safetensors", tmp_path, "-o", out)
        assert code == 1 and "S729" in err and "over another file" in err
    code, _, err = predict(place / "masks.safetensors", tmp_path / "a.png", "-o", tmp_path / "a.png")
    assert code == 1 and "over another file" in err
    assert (tmp_path / "a.png").read_bytes() == before


def test_a_stream_answers_after_every_frame(predict: Command, place: Path, tmp_path: Path) -> None:
    out = tmp_path / "frames.csv"
    code, printed, _ = predict(place / "motion.safetensors", place / "frames", "--stream", "-o", out)
    rows = list(csv.DictReader(out.open()))
    assert code == 0 and [row["frame"] for row in rows] == [f"{n}.png" for n in range(5)]
    assert printed.count("class ") == 5 and "5 frames" in printed
    code, printed, _ = predict(place / "motion.safetensors", place / "frames", "--stream", "--json", "--follow", 0.1)
    assert [json.loads(line)["number"] for line in printed.splitlines()] == list(range(5))


def test_expected_frames_are_written_and_compared(predict: Command, place: Path, tmp_path: Path) -> None:
    code, printed, _ = predict(place / "next.safetensors", place / "frames", "--stream", "-o", tmp_path / "expected")
    names = sorted(file.name for file in (tmp_path / "expected").iterdir())
    assert code == 0 and names == [f"expected-{n:06}.png" for n in range(1, 6)]
    # A model that has learned nothing expects what it has seen.
    with Image.open(tmp_path / "expected/expected-000001.png") as first, Image.open(place / "frames/0.png") as seen:
        assert np.array_equal(np.array(first), np.array(seen))
    assert "mean absolute error of the next frame" in printed and "of repeating the last one" in printed


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("classes", "nothing"), 1, "S725"),
        (("classes", "classes.safetensors"), 1, "S725"),
        (("masks", "pictures"), 1, "S729"),
        (("classes", "pictures", "-o", "a.png"), 1, "S729"),
        (("masks", "pictures/a.png", "-o", "a.tif"), 1, "S729"),
        (("classes", "pictures", "--names", "a,b"), 1, "S727"),
        (("classes", "pictures", "--bands", "1,2,3"), 1, "S659"),
        (("motion", "pictures"), 1, "S726"),
        (("classes", "frames", "--stream"), 1, "S726"),
        (("both", "frames", "--stream"), 1, "S716"),
        (("motion", "frames", "--stream", "-o", "folder"), 1, "S729"),
        (("motion", "nowhere", "--stream"), 1, "S725"),
        (("classes", "pictures", "--follow", "1"), 2, "go with --stream"),
        (("classes", "pictures", "--clip", "0"), 2, "go with --stream"),
        (("motion", "frames", "--stream", "--clip", "1"), 1, "S659"),
        (("classes", "pictures", "--scale", "0"), 1, "S724"),
        (("classes", "pictures", "--scale", "-2"), 1, "S724"),
        (("classes", "pictures", "--scale", "nan"), 1, "S724"),
    ],
)
def test_what_cannot_be_is_refused(
    predict: Command, place: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int, said: str
) -> None:
    monkeypatch.chdir(place)
    got, _, err = predict(f"{words[0]}.safetensors", *words[1:])
    assert got == code and said in err


def test_a_legend_is_written_over_no_other_file(predict: Command, place: Path, tmp_path: Path) -> None:
    single, folder = (
        (place / "masks.safetensors", place / "pictures/a.png"),
        (place / "masks.safetensors", place / "pictures"),
    )
    for words, out, legend in ((single, "s.png", "s.json"), (folder, "masks", "masks/classes.json")):
        code, printed, _ = predict(*words, "-o", tmp_path / out)
        assert code == 0 and f"which number is which class is written to {tmp_path / legend}" in printed.replace(
            "\n", " "
        )
        # A legend of ours may be replaced.
        assert predict(*words, "-o", tmp_path / out, "--names", "a,b,c")[0] == 0
        for content in ("{}", "[1, 2]", "no JSON", '{"classes": [], "mine": 1}'):
            (tmp_path / legend).write_text(content)
            (tmp_path / out / "a.png" if words is folder else tmp_path / out).unlink(missing_ok=True)
            code, _, err = predict(*words, "-o", tmp_path / out)
            assert code == 1 and "S729" in err and (tmp_path / legend).read_text() == content
            assert not (tmp_path / out / "a.png" if words is folder else tmp_path / out).exists()


def test_what_lacks_a_place_is_said_where_something_is_written(predict: Command, place: Path, tmp_path: Path) -> None:
    pytest.importorskip("rasterio")
    with Image.open(place / "pictures/a.png") as image:
        image.save(tmp_path / "a.tif")
    code, printed, _ = predict(place / "classes.safetensors", tmp_path / "a.tif")
    assert code == 0 and "lacks" not in printed
    code, printed, _ = predict(place / "masks.safetensors", tmp_path / "a.tif", "-o", tmp_path / "m.tif")
    assert code == 0 and "a.tif lacks a coordinate reference system and a transform: so does what is" in printed
    # The pixels are those of the picture, and so is the mask.
    predict(place / "masks.safetensors", place / "pictures/a.png", "-o", tmp_path / "m.png")
    with Image.open(tmp_path / "m.tif") as one, Image.open(tmp_path / "m.png") as other:
        assert np.array_equal(np.array(one), np.array(other))


def test_a_raster_without_data_says_so(predict: Command, place: Path, tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    about = {"driver": "GTiff", "count": 3, "height": 20, "width": 12, "dtype": "float32"}
    about |= {"crs": "EPSG:32633", "transform": rasterio.transform.from_origin(5e5, 5e6, 10, 10)}
    values = np.full((3, 20, 12), np.nan, np.float32)
    for name in ("none", "some"):
        with rasterio.open(tmp_path / f"{name}.tif", "w", **about) as file:
            file.write(values)
        values[:, 5:] = 0.5
    words = (place / "masks.safetensors", tmp_path / "none.tif", "-o", tmp_path / "m.tif")
    printed = predict(*words)[1]
    assert "none.tif: no pixel has data; written to" in printed
    assert "none.tif has no data in any of its 240 pixels" in printed.replace("\n", " ")
    printed = predict(place / "masks.safetensors", tmp_path / "some.tif", "-o", tmp_path / "m.tif")[1]
    assert "60 of 240 pixels of some.tif are NaN or infinite in some band: no data there" in printed.replace("\n", " ")
    with rasterio.open(tmp_path / "m.tif") as file:
        mask = file.read(1)
        assert (mask[:5] == 255).all() and mask[5:].max() < 3


def test_a_folder_of_photographs_as_tiff_is_read(predict: Command, place: Path, tmp_path: Path) -> None:
    pytest.importorskip("rasterio")
    (tmp_path / "in").mkdir()
    with Image.open(place / "pictures/a.png") as image:
        for mode in ("RGB", "RGBA", "L", "1", "P", "CMYK"):
            image.convert(mode).save(tmp_path / f"in/{mode}.tif")
    code, _, _ = predict(place / "masks.safetensors", tmp_path / "in", "-o", tmp_path / "out")
    assert code == 0 and len(list((tmp_path / "out").glob("*.tif"))) == 6


def test_a_published_model_sees_pictures_as_its_authors_prepare_them(predict: Command, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = create_model("vim_tiny", classes=3, input_size=(32, 32)).eval()
    torch.save({"model": to_official(model)}, tmp_path / "vim.pth")
    save(model, tmp_path / "kept.safetensors")
    photo = Image.fromarray(DRAW.integers(0, 256, (40, 61, 3), np.uint8))
    photo.save(tmp_path / "photo.png")
    with torch.no_grad():
        shares = model(preprocessing(model)(photo)[None]).double().softmax(1)[0]
    kept = json.loads(predict(tmp_path / "kept.safetensors", tmp_path / "photo.png", "--json")[1])
    assert kept[0]["class"] == int(shares.argmax()) and kept[0]["share"] == pytest.approx(float(shares.max()), abs=1e-4)
    assert any("prepared as the model's authors do: the shorter side to 36" in note for note in kept[0]["notes"])
    own = json.loads(predict(tmp_path / "kept.safetensors", tmp_path / "photo.png", "--size", "own", "--json")[1])
    whole = torch.from_numpy(np.asarray(photo)).movedim(-1, 0).float() / 255
    with torch.no_grad():
        shares = model(preprocessing(model).normalised(whole)[None]).double().softmax(1)[0]
    assert own[0]["share"] == pytest.approx(float(shares.max()), abs=1e-4)


def test_a_folder_in_hugging_faces_form_is_a_model(predict: Command, place: Path, tmp_path: Path) -> None:
    save_pretrained(load(place / "classes.safetensors"), tmp_path / "held")
    picture = place / "pictures" / "a.png"
    assert predict(tmp_path / "held", picture)[1] == predict(place / "classes.safetensors", picture)[1]


def test_a_file_among_the_inputs_is_not_written_over(predict: Command, place: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Image.fromarray(DRAW.integers(0, 256, (12, 9, 3), np.uint8)).save(tmp_path / "in" / "a.png")
    labels = tmp_path / "in" / "labels.csv"
    labels.write_text("file,class")
    code, _, err = predict(place / "classes.safetensors", tmp_path / "in", "--out", labels)
    assert code == 1 and "error[S729]" in err and labels.read_text() == "file,class"
    assert predict(place / "classes.safetensors", tmp_path / "in", "--out", tmp_path / "in" / "new.csv")[0] == 0
