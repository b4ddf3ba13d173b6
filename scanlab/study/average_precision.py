"""Average precision of boxes, by pycocotools."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["AveragePrecision", "average_precision", "mean_over", "per_image"]

# What a detector may say of one image, as COCO counts.
MOST = 100
_HALF, _THREE_QUARTERS = 0, 5


@dataclass(frozen=True, eq=False)
class AveragePrecision:
    """values: float64 [10, classes], at IoU 0.5, 0.55, …, 0.95; NaN for a class that no image has.

    >>> AveragePrecision(np.array([[1.0, 0.5]] * 10)).map50
    0.75
    """

    values: NDArray[np.float64]

    @property
    def map(self) -> float:
        """COCO's mAP: the mean over thresholds and classes."""
        return _mean(self.values)

    @property
    def map50(self) -> float:
        """The mean over classes at IoU 0.5, as Pascal VOC has it."""
        return _mean(self.values[_HALF])

    @property
    def map75(self) -> float:
        """The mean over classes at IoU 0.75."""
        return _mean(self.values[_THREE_QUARTERS])

    def metrics(self) -> dict[str, float]:
        """By name: map, map50, map75; ap_0, ap_1, … of each class over all thresholds, and ap50_0, … at 0.5."""
        made = {"map": self.map, "map50": self.map50, "map75": self.map75}
        for number, column in enumerate(self.values.T):
            made |= {f"ap_{number}": _mean(column), f"ap50_{number}": float(column[_HALF])}
        return made


def average_precision(
    detections: Sequence[NDArray], truths: Sequence[NDArray], classes: int, most: int = MOST
) -> AveragePrecision:
    """How well detections find the true boxes: of every image [n, 6] (x0, y0, x1, y1, score, class) and [m, 5] (the
    same without the score), rows of class -1 left out.

    COCO's evaluation: precision at 101 recalls, at most `most` detections an image and class. Raises S676 without
    pycocotools.

    >>> box = np.array([[10.0, 10.0, 30.0, 40.0, 0.0]])
    >>> right = np.array([[10.0, 10.0, 30.0, 40.0, 0.9, 0.0]])
    >>> round(average_precision([right], [box], classes=1).map, 6)
    1.0
    """
    return AveragePrecision(_precision(_evaluated(detections, truths, classes, most).eval["precision"]))


def per_image(
    detections: Sequence[NDArray], truths: Sequence[NDArray], classes: int, most: int = MOST
) -> NDArray[np.float64]:
    """AP at IoU 0.5 of every image by itself, float64 [M, classes], NaN where neither boxes nor detections have the
    class, and 0 where detections alone have it."""
    made = np.full((len(truths), classes), np.nan)
    for number, (some, true) in enumerate(zip(detections, truths, strict=True)):
        made[number] = average_precision([some], [true], classes, most).values[_HALF]
        said = np.unique(some[:, 5]).astype(int) if len(some) else []
        alone = [label for label in said if np.isnan(made[number, label])]
        made[number, alone] = 0.0
    return made


def mean_over(own: NDArray[np.float64]) -> float:
    """The mean over classes of their means over images, of what `per_image` gives; NaN where there is nothing."""
    return _mean(np.array([_mean(column) for column in own.T]))


def _precision(precision: NDArray) -> NDArray[np.float64]:
    """pycocotools' [thresholds, recalls, classes, areas, limits], -1 for nothing -> [thresholds, classes], for boxes of
    all areas."""
    chosen = precision[:, :, :, 0, -1]
    return np.where((chosen > -1).all(1), chosen.mean(1), np.nan)


def _evaluated(detections: Sequence[NDArray], truths: Sequence[NDArray], classes: int, most: int) -> Any:
    coco_class, evaluation_class = _library()
    with redirect_stdout(io.StringIO()):
        truth = coco_class()
        truth.dataset = {
            "images": [{"id": number} for number in range(1, len(truths) + 1)],
            "categories": [{"id": label} for label in range(1, classes + 1)],
            "annotations": list(_annotations(truths)),
        }
        truth.createIndex()
        results = coco_class()
        results.dataset = {**truth.dataset, "annotations": list(_annotations(detections))}
        results.createIndex()
        evaluation = evaluation_class(truth, results, "bbox")
        evaluation.params.maxDets = [most]
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation


def _annotations(images: Sequence[NDArray]) -> Any:
    """pycocotools' entries, whose identifiers begin at 1: it takes 0 for none."""
    identifier = 0
    for image, rows in enumerate(images, start=1):
        for x0, y0, x1, y1, *score, label in np.asarray(rows, np.float64).tolist():
            if label < 0:
                continue
            identifier += 1
            made = {"id": identifier, "image_id": image, "category_id": int(label) + 1, "iscrowd": 0}
            made |= {"bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0)}
            yield made | ({"score": score[0]} if score else {})


def _library() -> tuple[Any, Any]:
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        help = 'pip install "scanlab[detection]"'
        raise ScanlabError.at("S676", f"average precision is computed by pycocotools: {error}", help=help) from None
    return COCO, COCOeval


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
