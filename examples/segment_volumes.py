"""Segment volumes: read NIfTI files, train a U-Net around a scan, and write what it says in the patient's own space.

`python examples/segment_volumes.py` makes volumes of two organs, in several orientations and spacings; `python
examples/segment_volumes.py FOLDER EPOCHS PICTURE` takes a folder with imagesTr and labelsTr, such as the hippocampus of
the Medical Segmentation Decathlon, and may draw some slices.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scanlab.data import Dataset, load
from scanlab.data.layout import NOTHING
from scanlab.data.volume_places import volumes_in
from scanlab.nn import Backbone, BackboneConfig, Segmenter
from scanlab.study.learning import LEARNINGS
from scanlab.study.trial import Recipe
from scanlab.study.volumes import predict_volume
from scanlab.view.samples import Picture, Row, write

SIZE = (32, 48, 32)
CONFIG = BackboneConfig(patch=4, dim=32, depth=(1, 1), mlp=2.0)
BATCH, SHOWN, MEASURED = 4, 3, 20


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)  # the model is too small for more
    with tempfile.TemporaryDirectory() as made:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else made_volumes(Path(made))
        size = SIZE if len(sys.argv) > 1 else (16, 24, 16)
        dataset = load(str(folder), size=size)
        model = Segmenter(Backbone("segmamba", CONFIG, input_size=size), dataset.classes, width=8, decoder="unet")
        train(model, dataset, epochs=int(sys.argv[2]) if len(sys.argv) > 2 else 12)
        found = volumes_in(folder, NOTHING)
        assert found is not None
        cases = [case for some in found.cases.values() for case in some]
        tested = [cases[number] for number in dataset.test[:MEASURED]]
        rows: list[Row] = []
        for window in (None, tuple(n // 2 for n in size)):
            scores: list[list[tuple[float, ...]]] = []
            how = ""
            for case in tested:
                assert case.mask is not None
                predicted = predict_volume(model, case.images, window=window)
                predicted.write(Path(made) / "prediction.nii.gz")
                scores.append([(s.dice, s.average_mm, s.hd95_mm, s.surface_dice) for s in predicted.scores(case.mask)])
                if window is None and len(rows) < 2 * SHOWN:
                    rows += slices(case.images[0], case.mask, predicted.labels)
                how = predicted.notes[-1]
            print(f"{len(tested)} volumes that were not trained on, {how}:")
            for label, (dice, average, hd95, surface) in enumerate(np.nanmean(scores, axis=0), start=1):
                print(f"  class {label}: Dice {dice:.3f}, surfaces {average:.2f} mm apart on average, 95 % within "
                      f"{hd95:.2f} mm, {surface:.0%} within 1 mm")  # fmt: skip
        if len(sys.argv) > 3:
            names = dataset.class_names or [f"class {c}" for c in range(dataset.classes)]
            write(rows, Path(sys.argv[3]), "Slices of volumes that were not trained on", names)


def train(model: Segmenter, dataset: Dataset, epochs: int) -> None:
    """Some passes over the training part, by the loss of the task."""
    loss_of = LEARNINGS["segmentation_with_unet"].loss
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, epochs * -(-len(dataset.train) // BATCH))
    for epoch in range(epochs):
        losses = []
        for some in torch.randperm(len(dataset.train)).split(BATCH):
            chosen = dataset.train[some]
            images, masks = torch.tensor(dataset.images[chosen]), torch.tensor(dataset.labels[chosen]).long()
            loss = loss_of(model, images, masks, Recipe())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1} of {epochs}: loss {np.mean(losses):.3f}", flush=True)


def slices(image: Path, mask: Path, labels: NDArray) -> list[Row]:
    """Four slices through what the mask holds: the true classes above, the predicted ones below."""
    import nibabel

    volume, true = (np.asanyarray(nibabel.Nifti1Image.load(file).dataobj) for file in (image, mask))
    held = np.flatnonzero((true > 0).any((0, 1)))
    places = held[np.linspace(0, len(held) - 1, 6).round().astype(int)[1:-1]]
    low, high = np.percentile(volume, (1, 99))
    grey = ((volume - low) / (high - low)).clip(0, 1).astype(np.float32)
    return [
        Row(what, [Picture(grey[:, :, z].T[::-1], each[:, :, z].T[::-1], f"slice {z}") for z in places])
        for what, each in (("true", true.astype(np.uint8)), ("predicted", labels.astype(np.uint8)))
    ]


def made_volumes(folder: Path) -> Path:
    """Sixteen volumes with two balls each, the second brighter, in files of several orientations and spacings."""
    import nibabel

    draw = np.random.default_rng(0)
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir()
    for number in range(16):
        extents = tuple(draw.integers((16, 22, 14), (21, 28, 19)))
        grid = np.stack(np.meshgrid(*map(np.arange, extents), indexing="ij"), axis=-1)
        mask = np.zeros(extents, np.uint8)
        for label, share in ((1, 0.3), (2, 0.7)):
            middle = np.array(extents) * (0.5, share, 0.5) + draw.normal(0, 1, 3)
            mask[np.linalg.norm(grid - middle, axis=-1) < draw.uniform(3, 4.5)] = label
        volume = (100 * mask + draw.normal(0, 25, extents)).astype(np.float32)
        affine = np.diag([*draw.uniform(0.8, 1.6, 3), 1])
        codes: Any = nibabel.orientations.axcodes2ornt(("RAS", "LPS", "PIR")[number % 3])
        for part, array in (("imagesTr", volume), ("labelsTr", mask)):
            nibabel.save(nibabel.Nifti1Image(array, affine).as_reoriented(codes), folder / part / f"{number:02}.nii.gz")
    return folder


if __name__ == "__main__":
    main()
