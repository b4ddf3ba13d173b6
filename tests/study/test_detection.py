"""Detection as a task: what is measured is what the detector says, and what is kept of images is their share of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scanlab.data import from_arrays
from scanlab.nn import Backbone, BackboneConfig, Detector
from scanlab.study.average_precision import average_precision
from scanlab.study.learning import LEARNINGS
from scanlab.study.predictions import Predictions
from scanlab.study.report.per_class import shares_of
from scanlab.study.trial import Recipe

pytest.importorskip("pycocotools")
pytest.importorskip("kornia")
LEARNING = LEARNINGS["detection"]


class Says(Detector):
    """A detector that says what it is given, whatever it is shown."""

    def __init__(self, said: list[torch.Tensor], classes: int) -> None:
        super().__init__(Backbone("row", BackboneConfig(patch=4, dim=8), input_size=(16, 16)), classes, 8)
        self.said, self.shown = said, 0

    def detect(self, images, *, least_score=0.05, overlap=0.6, most=100):
        first, self.shown = self.shown, self.shown + len(images)
        return self.said[first : self.shown]


def some() -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Boxes [5, 2, 5] on five images, and what is said of each: right, shifted, too much, nothing, and on no object."""
    none = [0.0, 0, 0, 0, -1]
    boxes = torch.tensor([
        [[0.0, 0, 8, 8, 0], [8, 8, 16, 16, 1]],
        [[0, 0, 8, 8, 0], none],
        [[4, 4, 12, 12, 1], none],
        [[4, 4, 12, 12, 1], none],
        [none, none],
    ])  # fmt: skip
    said = [
        [[0.0, 0, 8, 8, 0.9, 0], [8, 8, 16, 16, 0.8, 1]],
        [[1, 0, 9, 8, 0.7, 0]],
        [[4, 4, 12, 12, 0.6, 1], [0, 0, 4, 4, 0.95, 1]],
        [],
        [[0, 0, 4, 4, 0.3, 0]],
    ]
    return boxes, [torch.tensor(rows).reshape(-1, 6) for rows in said]


def test_what_is_measured() -> None:
    boxes, said = some()
    metrics = LEARNING.measure(Says(said, 2), torch.zeros(5, 1, 16, 16), boxes, 2)
    true = [rows[rows[:, 4] >= 0].numpy() for rows in boxes]
    assert metrics == pytest.approx(
        average_precision([rows.numpy() for rows in said], true, 2).metrics() | {"image_ap50": metrics["image_ap50"]}
    )
    assert set(metrics) == {"map", "map50", "map75", "ap_0", "ap_1", "ap50_0", "ap50_1", "image_ap50"}
    # Class 0: images 0 and 1 whole, image 4, where nothing is, nothing. Class 1: 1, one half for the wrong guess, 0.
    assert metrics["image_ap50"] == pytest.approx(((1 + 1 + 0) / 3 + (1 + 0.5 + 0) / 3) / 2)


def test_what_is_kept_is_what_is_measured() -> None:
    boxes, said = some()
    images = torch.zeros(5, 1, 16, 16)
    assert LEARNING.predict is not None
    kind, values = LEARNING.predict(Says(said, 2), images, boxes, 3)
    kept = Predictions(kind, values.numpy(), "five")
    scores = kept.scores("image_ap50")
    assert kind == "ap50" and scores is not None and scores.shape == (5, 2) and kept.scores("map") is None
    mean = np.nanmean(np.nanmean(scores, 0))
    assert mean == pytest.approx(LEARNING.measure(Says(said, 2), images, boxes, 3)["image_ap50"])
    assert kept.scores("map50") is None
    shares = shares_of([kept, kept], "ap50")
    assert shares is not None and [pair[0] for pair in shares] == pytest.approx([2 / 3, 0.5])
    assert shares_of([kept]) is None


def test_the_loss_is_the_detectors_own() -> None:
    boxes, images = some()[0], torch.rand(5, 1, 16, 16)
    model = LEARNING.build(Backbone("row", BackboneConfig(patch=4, dim=8), input_size=(16, 16)), data(boxes))
    assert isinstance(model, Detector) and model.classes == 2
    assert torch.equal(LEARNING.loss(model, images, boxes, Recipe(label_smoothing=0.5)), model.loss(images, boxes))


def data(boxes: torch.Tensor):
    return from_arrays(np.random.default_rng(0).random((5, 1, 16, 16)), boxes.numpy())
