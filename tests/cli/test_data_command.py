"""scanlab data: facts, shares, samples in the terminal, and sheets."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from scanlab.cli.app import app
from scanlab.cli.data import MARKS, _marked, _shaded
from scanlab.data.placed import PLACED
from scanlab.view.ramp import rgb

SHARED = Path(__file__).parents[3] / "shared" / "data"


def invoke(*words):
    return CliRunner().invoke(app, ["data", *map(str, words)], env={"COLUMNS": "120", "NO_COLOR": "1"})


def run(*words):
    done = invoke(*words)
    assert done.exit_code == 0, done.output
    return done.output


def masked_file(folder: Path, **more) -> Path:
    """Six images of 8x10 pixels, half of them test images, with masks of three classes: known shares."""
    masks = np.zeros((6, 8, 10), np.uint8)
    masks[:, :4, :5] = 1
    masks[0, 6:, 8:] = 2
    images = np.where(masks > 0, 200, 30).astype(np.uint8)
    path = folder / "cells.npz"
    parts = {"train_images": images[:3], "train_masks": masks[:3], "test_images": images[3:], "test_masks": masks[3:]}
    np.savez(path, **parts, **more)
    return path


def test_the_names():
    names = [line.split(":")[0] for line in run().splitlines()]
    assert names == ["digits", "moving-digits", "permuted-digits", "digit-lines", "digit-pages", *PLACED]


def test_names_say_what_is_not_here(monkeypatch, tmp_path):
    monkeypatch.setenv("SCANLAB_DATA", str(tmp_path))
    known = json.loads(run("--json"))
    assert "github.com/Shenggan/BCCD_Dataset" in known["blood_cells"] and "Not in a folder" not in known["digits"]
    (tmp_path / "blood_cells").mkdir()
    assert json.loads(run("--json"))["blood_cells"] == PLACED["blood_cells"].about


def test_boxes_are_counted_and_drawn(tmp_path):
    images, boxes = np.zeros((10, 16, 24), np.uint8), np.zeros((10, 2, 5))
    boxes[:] = [[2, 3, 9, 12, 0], [12, 4, 22, 9, 2]]
    boxes[4, 1, 4] = -1
    np.savez(tmp_path / "made.npz", images=images, boxes=boxes)
    text = run(str(tmp_path / "made.npz"))
    assert "any number of boxes per image, 3 classes" in text and "train boxes" in text
    facts = json.loads(run(str(tmp_path / "made.npz"), "--json"))
    assert facts["train per class"][0] == facts["train"] and facts["train per class"][1] == 0
    # The outlines, side by side with the picture: of class 0 and of class 2.
    assert "····00000000000000······" in text.replace(" ", "") and "22" in text
    run(str(tmp_path / "made.npz"), "--out", str(tmp_path / "sheet.svg"))
    assert (tmp_path / "sheet.svg").read_text().count("<path") > 20


def test_facts_of_the_digits_and_a_picture():
    text = run("digits")
    assert "1,797: 1,258 train, 539 test" in text and "8x8 pixels, 1 channel" in text and "CC BY 4.0" in text
    assert "a class per image, 10 classes" in text and "0 to 1, 0.305 on average" in text
    # 125 of 1,258 are zeros.
    assert "class 0 │          125 │  9.9 " in text and "@@" in text


def test_videos_show_frames_side_by_side():
    facts = json.loads(run("moving-digits", "--json"))
    assert facts["extents"] == [8, 16, 16] and facts["classes"] == 8 and facts["channels"] == 1
    assert facts["kind"] == "videos" and facts["class names"][2] == "+1 down, +0 right"
    assert sum(facts["train per class"]) == facts["train"] == 1258
    text = run("moving-digits")
    assert "frames 0, 2, 5, 7 of 8" in text
    assert 2 * 16 < max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("shape", [(6, 5, 7), (6, 5, 7, 3), (6, 40, 50)])
def test_files(shape, tmp_path):
    np.savez(tmp_path / "mine.npz", x=np.random.default_rng(0).random(shape), y=np.arange(6) % 3)
    text = run(tmp_path / "mine.npz")
    assert "mine" in text and "class 2" in text


def test_masks_are_counted_by_pixel_and_by_image(tmp_path):
    facts = json.loads(run(masked_file(tmp_path), "--json"))
    assert facts["targets"] == "a class per pixel"
    assert facts["train per class"] == [3, 3, 1] and facts["test per class"] == [3, 3, 0]
    # Of 3 x 80 pixels 60 are class 1 and 4 are class 2.
    assert facts["train share of pixels"] == [round(176 / 240, 5), 0.25, round(4 / 240, 5)]
    assert facts["test share of pixels"] == [0.75, 0.25, 0.0]
    text = run(tmp_path / "cells.npz")
    assert "25.0" in text and "1.7" in text
    rows = text[text.index("class 2\n") :].splitlines()[1:9]
    # The image of class 2, and beside it the mask.
    assert rows[0].endswith("1111111111··········") and rows[7].endswith("················2222")
    assert rows[0].startswith("@@@@@@@@@@")


def test_groups_and_all_parts_are_told(tmp_path):
    draw = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 8), ("val", 4), ("test", 4)):
        arrays[f"{part}_images"] = draw.random((count, 4, 4))
        arrays[f"{part}_labels"] = np.arange(count) % 2
        arrays[f"{part}_groups"] = np.array([f"{part} {n // 2}" for n in range(count)])
    np.savez(tmp_path / "patients.npz", **arrays)
    text = run(tmp_path / "patients.npz")
    assert "16: 8 train, 4 val, 4 test" in text and "8, none of them in two parts" in text
    seen = json.loads(run(tmp_path / "patients.npz", "--part", "val", "--json"))
    assert (seen["train"], seen["val"], seen["test"], seen["groups"]) == (8, 0, 4, 6)


def test_what_was_assumed_is_printed(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 12), dtype=np.uint8)
    images[19] = images[0]
    np.savez(tmp_path / "bands.npz", x=images, y=np.arange(20) % 2 + 1, ids=np.arange(20))
    refused = invoke(tmp_path / "bands.npz")
    assert refused.exit_code == 1 and "channels_last" in str(refused.exception)
    text = run(tmp_path / "bands.npz", "--layout", "channels_last")
    assert "12 channels" in text and "mapped: labels: 1 is class 0, 2 is class 1" in text
    assert "left out: arrays that are no part of images with targets: ids" in text
    notes = json.loads(run(tmp_path / "bands.npz", "--layout", "channels_last", "--json"))["notes"]
    assert set(notes) == {"assumed", "mapped", "left out", "duplicated"}
    for spacing in ("one", "1x1x1"):
        assert "S695" in str(invoke("digits", "--spacing", spacing).exception)


def test_pixels_of_no_class_and_several_labels_are_drawn(tmp_path):
    masks = np.zeros((6, 8, 10), np.uint8)
    masks[:, :4], masks[:, 6:] = 1, 255
    np.savez(tmp_path / "ignored.npz", images=np.zeros((6, 8, 10), np.uint8), masks=masks)
    facts = json.loads(run(tmp_path / "ignored.npz", "--json"))
    assert facts["classes"] == 2 and facts["train share of pixels"] == [round(20 / 60, 5), round(40 / 60, 5)]
    assert "1111" in run(tmp_path / "ignored.npz")
    marks = np.stack([np.arange(12) % k == 0 for k in (2, 3)], 1).astype(np.uint8)
    np.savez(tmp_path / "several.npz", x=np.random.default_rng(0).random((12, 8, 8)), y=marks)
    facts = json.loads(run(tmp_path / "several.npz", "--json"))
    assert facts["targets"] == "any number of classes per image"
    assert np.add(facts["train per class"], facts["test per class"]).tolist() == [6, 4]
    assert "class 1" in run(tmp_path / "several.npz")


def test_folders_with_names_and_another_size(tmp_path):
    for name, shade in (("cat", 40), ("dog", 200)):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(4):
            Image.new("RGB", (6, 4), (shade, 0, 10 * number)).save(tmp_path / "pets" / name / f"{number}.png")
    text = run(tmp_path / "pets", "--size", "8x12")
    assert "0: cat" in text and "1: dog" in text and "8x12 pixels, 3 channels" in text


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_sheet_of_images(tmp_path, suffix):
    out = tmp_path / f"sheet{suffix}"
    said = run("digits", "--out", out)
    assert "wrote" in said and "class 9" in said
    first = out.read_bytes()
    if suffix == ".png":
        # White in the corner, black and white digits inside.
        picture = np.asarray(Image.open(out).convert("L"))
        assert picture[0, -1] == 255 and (picture == 0).mean() > 0.2
    else:
        root = ET.fromstring(first)
        # Ten classes, six digits each.
        assert len(root.findall(".//{http://www.w3.org/2000/svg}image")) == 60
    run("digits", "--out", out)
    assert out.read_bytes() == first


def test_a_sheet_outlines_masks(tmp_path):
    run(masked_file(tmp_path), "--out", tmp_path / "masks.png")
    picture = np.asarray(Image.open(tmp_path / "masks.png").convert("RGB")).astype(int)
    # The two classes' colours stand nowhere else on the sheet.
    shares = [(np.abs(picture - rgb(place)).max(2) < 12).sum() for place in (1, 0.25)]
    assert shares[0] > 500 and shares[1] > 50
    # A mask is outlined, not painted: most of what it covers is grey as before.
    assert (np.ptp(picture, axis=2) > 12).mean() < 0.1


def test_a_sheet_shows_frames(tmp_path):
    run("moving-digits", "--out", tmp_path / "frames.svg", "--limit", 40)
    root = ET.fromstring((tmp_path / "frames.svg").read_bytes())
    assert len(root.findall(".//{http://www.w3.org/2000/svg}image")) == 8 * 2 * 6


def test_what_is_refused(tmp_path):
    for words, code in [
        (("digits", "--out", tmp_path / "a.gif"), "S501"),
        (("digits", "--out", tmp_path / "none" / "a.png"), "S502"),
        (("digits", "--size", "8"), "S646"),
        (("digits", "--part", "train"), "S642"),
        (("digits", "--limit", 0), "S646"),
        (("digit",), "S600"),
    ]:
        done = invoke(*words)
        assert done.exit_code != 0 and done.exception.code == code, words


def test_a_picture_in_characters_is_the_mean_of_squares():
    picture = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [1, 0, 0.5, 0.5]], np.float32)
    assert _shaded(picture, 4) == ["    @@@@", "    @@@@", "@@  ===="]
    assert _shaded(picture, 2) == ["  @@", "===="]
    assert _marked(np.array([[0, 0, 1], [2, 2, 1]]), 3) == [f"{2 * MARKS[0]}{2 * MARKS[0]}11", "222211"]


@pytest.mark.skipif(not (SHARED / "hippocampus").is_dir(), reason="the hippocampus is not in ../shared/data")
def test_real_volumes(tmp_path):
    text = run(SHARED / "hippocampus", "--size", "12x16x12", "--out", tmp_path / "brain.png")
    assert "260: 184 train, 76 test" in text and "a class per pixel, 3 classes" in text
    assert np.asarray(Image.open(tmp_path / "brain.png")).shape[1] > 1000


@pytest.mark.skipif(not (SHARED / "adrenalmnist3d").is_dir(), reason="AdrenalMNIST3D is not in ../shared/data")
def test_a_real_volume_file_with_a_validation_part():
    found = json.loads(run(SHARED / "adrenalmnist3d" / "adrenalmnist3d_64.npz", "--size", "8x8x8", "--json"))
    assert (found["train"], found["val"], found["test"]) == (1188, 98, 298)
    assert found["kind"] == "volumes" and found["train per class"] == [929, 259]


def test_lines_of_text_are_shown_with_their_texts(tmp_path):
    printed = run("digit-lines", "--limit", "20")
    assert "widths" in printed and "a text per image" in printed and "train symbols" in printed
    assert "sample 0, 12x" in printed
    summary = json.loads(run("digit-lines", "--limit", "20", "--json"))
    assert summary["widths"][0] < summary["widths"][1] < summary["widths"][2]
    for name in ("digit-lines", "digit-pages"):
        run(name, "--out", str(tmp_path / f"{name}.png"))
        assert (tmp_path / f"{name}.png").stat().st_size > 1000


def test_pictures_can_be_left_on_disk(tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(4):
            Image.new("L", (8, 8), 30 * number).save(tmp_path / "set" / name / f"{number}.png")
    kept, lazy = (json.loads(run(tmp_path / "set", way, "--json")) for way in ("--no-lazy", "--lazy"))
    assert kept["values"] == [0.0, 0.176, 0.353] and lazy["values"] is None
    assert {name: kept[name] for name in ("train", "test", "extents")} == {
        n: lazy[n] for n in ("train", "test", "extents")
    }
    assert "read when they are needed" in run(tmp_path / "set", "--lazy")
    assert "S830" in str(invoke("digits", "--lazy").exception)
