"""Learn to find cells in blood smears, a detector of 0.2 million parameters, and draw what it says of new ones.

python examples/find_cells.py [cells.png]: about two minutes on one core. Without the photographs, whose source
`scanlab data blood_cells` names, it looks for discs and rings that are drawn here."""

import sys
from pathlib import Path

import numpy as np
import torch

import scanlab
from scanlab.data import Dataset, from_arrays, load
from scanlab.data.placed import place_of
from scanlab.nn import BackboneConfig, Detector, MixerConfig
from scanlab.predict.drawn import boxed_picture, draw_boxes
from scanlab.study.record import TrialResult
from scanlab.study.train import train_model
from scanlab.study.trial import DataChoice, Problem, Recipe, Trial

SIZES = BackboneConfig(
    patch=4, stem="overlapping", dim=32, depth=(2, 2), mlp=2.0, mixer=MixerConfig(convolution="grid")
)
SURE, NAMES = 0.4, ("disc", "ring")


def drawn(count: int = 48, size: int = 64) -> Dataset:
    """Discs (class 0) and rings (class 1) on noise."""
    draw = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size] + 0.5
    images, boxes = draw.normal(0.5, 0.05, (count, 3, size, size)), np.zeros((count, 4, 5))
    for image, rows in zip(images, boxes, strict=True):
        for k, row in enumerate(rows):
            # One in each quarter, so that none hides another.
            radius = draw.uniform(5, 12)
            middle = draw.uniform(radius, size / 2 - radius, 2) + np.array(divmod(k, 2)) * size / 2
            away, ring = np.hypot(y - middle[0], x - middle[1]), draw.integers(2)
            image[:, (away < radius) & (away > 0.5 * radius * ring)] = 0.9
            row[:] = [middle[1] - radius, middle[0] - radius, middle[1] + radius, middle[0] + radius, ring]
    return from_arrays(images.clip(0, 1), boxes, name="discs and rings")


def learnt(cells: Dataset, epochs: int) -> tuple[Detector, TrialResult]:
    """A model trained on the pictures of the training part."""
    scan = scanlab.compile("cross", grid=tuple(n // 4 for n in cells.extents))
    recipe = Recipe(epochs=epochs, batch=4, learning_rate=4e-3, flip=True)
    problem = Problem(cells.name, DataChoice(), "detection", cells.fingerprint, (("cross", scan),), SIZES, recipe)

    def report(number: int, epoch) -> None:
        print(f"epoch {number + 1}: loss {epoch.loss:.2f}, mAP50 {epoch.metrics['map50']:.3f}", flush=True)

    model, result = train_model(Trial(problem, scan, seed=0), cells, report)
    assert isinstance(model, Detector)
    return model.eval(), result


def main() -> None:
    torch.set_num_threads(1)  # the model is small, and studies compute like this
    real = place_of("blood_cells") is not None
    cells = load("blood_cells", size=(120, 160), test_limit=40) if real else drawn()
    print(f"{cells.name}: {len(cells.train)} pictures to learn from, {len(cells.test)} others")
    model, result = learnt(cells, epochs=8 if real else 12)
    names = cells.class_names or NAMES
    for number, name in enumerate(names):
        print(f"{name}: AP50 {result.final[f'ap50_{number}']:.3f}")

    chosen = cells.test[:4]
    said = model.detect(torch.tensor(cells.images[chosen]), least_score=SURE)
    print(f"on {len(chosen)} new pictures {sum(map(len, said))} boxes are said with a score above {SURE}")
    if sys.argv[1:]:
        images = torch.tensor(cells.images[chosen])
        true = [rows[rows[:, 4] >= 0] for rows in cells.labels[chosen]]
        rows = [
            (word, [boxed_picture(image, each) for image, each in zip(images, boxes, strict=True)])
            for word, boxes in (("annotated", true), ("said", said))
        ]
        draw_boxes(Path(sys.argv[1]), rows, names, cells.classes, f"{cells.name}, test part")


if __name__ == "__main__":
    main()
