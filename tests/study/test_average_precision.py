"""Average precision: equal to pycocotools' own road through files, and by hand."""

from __future__ import annotations

import contextlib
import io
import json
import sys

import numpy as np
import pytest

from scanlab.ir.diagnostics import ScanlabError
from scanlab.study.average_precision import average_precision, mean_over, per_image

pytest.importorskip("pycocotools")


def drawn(seed: int, images: int = 12, classes: int = 3) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """True boxes, and detections near some of them, beside others that are wrong."""
    draw = np.random.default_rng(seed)
    truths, detections = [], []
    for _ in range(images):
        count = draw.integers(0, 9)
        corner, extent = draw.uniform(0, 200, (count, 2)), draw.uniform(2, 90, (count, 2))
        true = np.concatenate([corner, corner + extent, draw.integers(0, classes, (count, 1))], 1)
        kept = true[draw.random(count) < 0.8]
        moved = kept[:, :4] + draw.normal(0, 4, (len(kept), 4))
        wrong = draw.uniform(0, 100, (3, 4)) + np.array([0, 0, 100, 100])
        boxes = np.concatenate([moved, wrong])
        labels = np.concatenate([kept[:, 4], draw.integers(0, classes, 3)])
        scores = draw.random(len(boxes)).round(2)
        detections.append(np.concatenate([boxes, scores[:, None], labels[:, None]], 1))
        truths.append(true)
    return detections, truths


def of_files(detections, truths, classes: int, folder) -> np.ndarray:
    """pycocotools as its documentation uses it, with its own parameters: stats, and precision."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    made = [
        {"id": 100 * image + k + 1, "image_id": image + 7, "category_id": int(row[4]) * 5 + 2, "iscrowd": 0,
         "bbox": [row[0], row[1], row[2] - row[0], row[3] - row[1]], "area": (row[2] - row[0]) * (row[3] - row[1])}
        for image, rows in enumerate(truths) for k, row in enumerate(rows.tolist())
    ]  # fmt: skip
    truth = {
        "info": {},
        "images": [{"id": image + 7, "height": 300, "width": 300} for image in range(len(truths))],
        "categories": [{"id": label * 5 + 2, "name": str(label)} for label in range(classes)],
        "annotations": made,
    }
    said = [
        {"image_id": image + 7, "category_id": int(row[5]) * 5 + 2, "score": row[4],
         "bbox": [row[0], row[1], row[2] - row[0], row[3] - row[1]]}
        for image, rows in enumerate(detections) for row in rows.tolist()
    ]  # fmt: skip
    (folder / "truth.json").write_text(json.dumps(truth))
    (folder / "said.json").write_text(json.dumps(said))
    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO(str(folder / "truth.json"))
        evaluation = COCOeval(known, known.loadRes(str(folder / "said.json")), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats


@pytest.mark.parametrize("seed", range(6))
def test_as_pycocotools_computes_it(seed: int, tmp_path) -> None:
    detections, truths = drawn(seed)
    stats = of_files(detections, truths, 3, tmp_path)
    made = average_precision(detections, truths, 3)
    assert [made.map, made.map50, made.map75] == pytest.approx(stats[:3].tolist(), abs=1e-12)
    assert 0.05 < made.map < 0.95


def test_by_hand() -> None:
    """Of two boxes the first is found, after a wrong guess of a higher score: precision is 1/2 up to recall 1/2."""
    truths = [np.array([[0, 0, 10, 10, 0], [20, 20, 30, 30, 0]], float)]
    wrong, right = [50, 50, 60, 60, 0.9, 0], [0, 0, 10, 10, 0.8, 0]
    made = average_precision([np.array([wrong, right], float)], truths, 1)
    # pycocotools reads precision at recalls 0, 0.01, …, 1: 51 of these are at most 1/2.
    assert made.map50 == pytest.approx(0.5 * 51 / 101) and made.map == pytest.approx(made.map50)


def test_a_shifted_box_counts_up_to_its_overlap() -> None:
    truths = [np.array([[0, 0, 10, 10, 0]], float)]
    made = average_precision([np.array([[0, 0, 10, 7.2, 0.5, 0]])], truths, 1)
    assert made.values[:, 0].tolist() == pytest.approx([1.0] * 5 + [0.0] * 5)
    assert made.metrics() == pytest.approx({"map": 0.5, "map50": 1.0, "map75": 0.0, "ap_0": 0.5, "ap50_0": 1.0})


def test_classes_that_no_image_has_do_not_count() -> None:
    truths = [np.array([[0, 0, 10, 10, 2], [0, 0, 0, 0, -1]], float)]
    made = average_precision([np.array([[0, 0, 10, 10, 0.5, 2], [0, 0, 5, 5, 0.9, 0]])], truths, 3)
    assert made.map == pytest.approx(1) and np.isnan(made.values[:, :2]).all()
    assert np.isnan(made.metrics()["ap_0"]) and made.metrics()["ap_2"] == pytest.approx(1)


@pytest.mark.parametrize("truths", [[np.empty((0, 5))], [np.array([[0, 0, 4, 4, 0.0]])]])
def test_nothing_said(truths: list[np.ndarray]) -> None:
    made = average_precision([np.empty((0, 6))], truths, 1)
    assert np.isnan(made.map) if not len(truths[0]) else made.map == 0


def test_of_images_by_themselves() -> None:
    box = np.array([[0, 0, 10, 10, 0]], float)
    hit, alone = np.array([[0, 0, 10, 10, 0.5, 0]]), np.array([[0, 0, 10, 10, 0.5, 1]])
    own = per_image([hit, np.empty((0, 6)), alone], [box, box, np.empty((0, 5))], 3)
    np.testing.assert_allclose(own, [[1, np.nan, np.nan], [0, np.nan, np.nan], [np.nan, 0, np.nan]])
    assert mean_over(own) == pytest.approx((0.5 + 0) / 2)


def test_without_pycocotools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycocotools.coco", None)
    with pytest.raises(ScanlabError, match=r"(?s)S676.*scanlab\[detection\]"):
        average_precision([np.empty((0, 6))], [np.empty((0, 5))], 1)
