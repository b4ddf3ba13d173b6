"""Boxes in arrays, around numbered objects, and data that have a name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scanlab.data import from_arrays, load, permuted
from scanlab.data.boxes.instances import boxes_of_instances
from scanlab.data.placed import PLACED
from scanlab.data.target_kinds import BOXES
from scanlab.ir.diagnostics import ScanlabError

SHARED = Path(__file__).parents[2] / "../shared/data"


def by_hand(mask: np.ndarray) -> list[list[float]]:
    rows = []
    for number in np.unique(mask[mask > 0]):
        ys, xs = np.nonzero(mask == number)
        rows.append([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1, 0])
    return rows


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64])
def test_boxes_around_numbered_objects(dtype) -> None:
    masks = np.random.default_rng(0).choice([0, 0, 0, 1, 2, 7, 200], (6, 9, 11)).astype(dtype)
    masks[3] = 0
    masks[4] = 5
    made = boxes_of_instances(masks)
    assert made.shape == (6, 4, 5) and made.dtype == np.float32
    for mask, rows in zip(masks, made, strict=True):
        assert rows[rows[:, 4] >= 0].tolist() == by_hand(mask)


def saved(folder: Path, **arrays) -> str:
    np.savez(folder / "made.npz", **arrays)
    return str(folder / "made.npz")


def numbered() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    images, instances = draw.integers(0, 255, (10, 12, 16, 3), np.uint8), np.zeros((10, 12, 16), np.uint16)
    for k, mask in enumerate(instances):
        mask[1:4, 2:7] = 3
        mask[6:11, k : k + 5] = 700
    return images, instances


def test_numbered_objects_of_a_file(tmp_path: Path) -> None:
    images, instances = numbered()
    path = saved(tmp_path, images=images, instances=instances)
    assert load(path).masks
    dataset = load(path, layout="boxes")
    assert dataset.target_kind is BOXES and dataset.classes == 1 and dataset.labels.shape == (10, 2, 5)
    assert dataset.labels[4].tolist() == [[2, 1, 7, 4, 0], [4, 6, 9, 11, 0]]
    assert any("the box around each" in note.text for note in dataset.notes)
    half = load(path, layout="boxes", size=(6, 32))
    assert half.labels[4].tolist() == [[4, 0.5, 14, 2, 0], [8, 3, 18, 5.5, 0]]
    few = load(path, layout="boxes", limit=3, test_limit=2)
    assert (len(few.train), len(few.test)) == (3, 2) and few.fingerprint != dataset.fingerprint


@pytest.mark.parametrize("kind", ["grey", "deep", "colours"])
def test_numbered_objects_of_a_folder(kind: str, tmp_path: Path) -> None:
    from PIL import Image

    images, instances = numbered()
    for k, (pixels, mask) in enumerate(zip(images, instances, strict=True)):
        for folder in ("images", "masks"):
            (tmp_path / folder).mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{k}.png")
        small = np.where(mask == 700, 9, mask).astype(np.uint8)
        shown = {"grey": small, "deep": mask, "colours": np.stack([small, 2 * small, 0 * small], -1)}[kind]
        Image.fromarray(shown).save(tmp_path / "masks" / f"{k}.png")
    dataset = load(str(tmp_path), layout="boxes")
    assert dataset.target_kind is BOXES and dataset.classes == 1
    np.testing.assert_array_equal(dataset.labels, boxes_of_instances(instances))
    assert load(str(tmp_path), layout="boxes", size=(6, 32)).labels[4, 0].tolist() == [4, 0.5, 14, 2, 0]


def test_boxes_of_a_file(tmp_path: Path) -> None:
    images, instances = numbered()
    boxes = boxes_of_instances(instances)
    boxes[:, 1, 4] = 2
    boxes[0, 0] = (-3, 1, 4, 4, 1)
    more = np.concatenate([boxes[:4], np.full((4, 1, 5), -1.0)], 1)
    path = saved(tmp_path, x=images, boxes=boxes, x_test=images[:4] + 1, boxes_test=more)
    dataset = load(path)
    assert dataset.target_kind is BOXES and dataset.classes == 3 and (len(dataset.train), len(dataset.test)) == (10, 4)
    assert dataset.labels.shape == (14, 2, 5) and dataset.labels[0, 0].tolist() == [0, 1, 4, 4, 1]
    assert any("cut off" in note.text for note in dataset.notes)


@pytest.mark.parametrize("boxes", [np.zeros((10, 2, 4)), np.full((10, 2, 5), np.nan), np.full((10, 1, 5), 0.5)])
def test_wrong_boxes_of_a_file(boxes: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ScanlabError, match=r"(?s)S642.*boxes.*\[M, most, 5\]"):
        load(saved(tmp_path, images=numbered()[0], boxes=boxes))


def test_boxes_in_memory() -> None:
    images, instances = numbered()
    pixels = images.transpose(0, 3, 1, 2) / 255
    boxes = boxes_of_instances(instances)
    dataset = from_arrays(pixels, boxes)
    assert dataset.target_kind is BOXES and dataset.classes == 1 and len(dataset.train) + len(dataset.test) == 10
    np.testing.assert_array_equal(dataset.labels, boxes)
    boxes[0, 0] = (30, 0, 40, 5, 0)
    assert any("outside of a picture" in note.text for note in from_arrays(pixels, boxes).notes)
    with pytest.raises(ScanlabError, match=r"S646.*no training sample"):
        from_arrays(pixels, np.full((10, 1, 5), -1.0))
    with pytest.raises(ScanlabError, match="S646"):
        from_arrays(pixels, np.full((10, 1, 5), np.nan))


def test_shuffled_pixels_have_no_boxes() -> None:
    images, instances = numbered()
    dataset = from_arrays(images.transpose(0, 3, 1, 2) / 255, boxes_of_instances(instances))
    with pytest.raises(ScanlabError, match=r"S698.*nothing is left"):
        permuted(dataset)


def test_data_with_a_name_that_are_not_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SCANLAB_DATA", str(tmp_path))
    with pytest.raises(ScanlabError, match=r"(?s)S600.*blood_cells.*github.com/Shenggan.*SCANLAB_DATA"):
        load("blood_cells")
    with pytest.raises(ScanlabError, match=r"(?s)S600.*did you mean 'blood_cells'"):
        load("blood-cells")


def test_data_with_a_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    images, instances = numbered()
    (tmp_path / "dsb2018").mkdir()
    np.savez(tmp_path / PLACED["nuclei"].path, images=images, instances=instances)
    monkeypatch.setenv("SCANLAB_DATA", str(tmp_path))
    dataset = load("nuclei")
    assert dataset.name == "nuclei" and dataset.target_kind is BOXES and "Data Science Bowl" in dataset.credit
    assert load("nuclei", layout="instances").masks


@pytest.mark.skipif(not (SHARED / "blood_cells").is_dir(), reason="needs ../shared/data/blood_cells")
def test_blood_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counts that its description gives."""
    monkeypatch.setenv("SCANLAB_DATA", str(SHARED))
    from scanlab.data import whole

    dataset = whole("blood_cells")
    counts = [np.bincount(dataset.class_numbers(getattr(dataset, part))).tolist() for part in ("train", "val", "test")]
    assert dataset.class_names == ("RBC", "WBC", "Platelets") and dataset.extents == (240, 320)
    assert counts == [[2274, 203, 182], [472, 42, 33], [704, 64, 65]]
    assert (len(dataset.train), len(dataset.val), len(dataset.test)) == (204, 40, 60)
