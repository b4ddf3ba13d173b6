"""Training on windows of volumes that stay on disk, and measuring whole volumes by windows that slide over them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from scanlab import data
from scanlab.data.dataset import IGNORED
from scanlab.data.layout import NOTHING
from scanlab.data.volume_files import load_case
from scanlab.data.volume_places import volumes_in
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import predict_map
from scanlab.study import study_of, with_options
from scanlab.study.checkpoint import InMemory
from scanlab.study.metrics import overlaps
from scanlab.study.preflight import check_study
from scanlab.study.train import train_trial
from scanlab.study.training_run import ALONE, TrainingRun
from scanlab.study.window_measure import measured_inputs, window_overlaps
from scanlab.study.work import dataset_of

SHAPES = [(14, 9, 8), (8, 13, 8), (9, 8, 12), (8, 8, 4), (9, 14, 11), (12, 8, 8)]
OPTIONS = {"strategies": ["slices"], "controls": [], "seeds": 1, "task": "segmentation", "window": [8, 8, 8]}
OPTIONS |= {"model.dim": 8, "model.depth": 1, "model.patch": 4, "recipe.epochs": 2, "recipe.batch": 3}
OPTIONS |= {"recipe.passes": 2, "recipe.flip": True, "recipe.shift": 1}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Volumes whose voxels are bright where they are labelled, of several orientations."""
    monkeypatch.setenv("SCANLAB_VOLUMES", str(tmp_path / "copies"))
    draw = np.random.RandomState(0)
    for number, shape in enumerate(SHAPES):
        mask = (draw.rand(*shape) < 0.05 * (number + 1)).astype(np.uint8)
        mask[0, 0, 0], mask[-1, -1, -1] = 1, 255 if number == 1 else 2
        affine = np.diag([-1.0 if number % 2 else 1.0, 1.0, 1.0, 1.0])
        for array, part in ((100 * (mask > 0).astype(np.int16), "imagesTr"), (mask, "labelsTr")):
            (tmp_path / "task" / part).mkdir(parents=True, exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(array, affine), tmp_path / "task" / part / f"case_{number}.nii.gz")
    return tmp_path / "task"


def trial_of(folder: Path, **options):
    study = study_of(with_options(None, OPTIONS | {"dataset": str(folder)} | options))
    check_study(study)
    return study.trials()[0]


def figures(result) -> list[tuple[float, dict]]:
    return [(epoch.loss, dict(epoch.metrics)) for epoch in result.epochs]


def test_numbers_come_of_the_seed_whoever_reads_and_go_on_where_they_were(folder: Path):
    trial = trial_of(folder)
    dataset = dataset_of(trial.problem.data)
    whole = train_trial(trial, dataset)
    assert set(whole.final) == {"dice", "iou", "dice_1", "dice_2"} and whole.predictions.kind == "dice"
    alone = train_trial(trial, replace(dataset, images=replace(dataset.images, loaders=0)))
    assert figures(alone) == figures(whole)
    checkpoint = InMemory()

    def stop(number: int, _: object) -> None:
        if number == 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_trial(trial, dataset, stop, checkpoint=checkpoint)
    assert figures(train_trial(trial, dataset, checkpoint=checkpoint)) == figures(whole)
    other = trial_of(folder, seeds=[1])
    assert figures(train_trial(other, dataset))[0] != figures(whole)[0]


def test_masks_go_with_their_windows_and_passes_take_other_ones(folder: Path):
    trial = trial_of(folder, **{"recipe.shift": 0, "labelled": 1.0})
    run = TrainingRun.begun(trial, dataset_of(trial.problem.data), "cpu", ALONE)
    seen: dict[int, list[torch.Tensor]] = {}
    for chosen, images, masks in run.batches():
        assert images.shape[1:] == (1, 8, 8, 8) and masks.dtype == torch.int64
        for number, image, mask in zip(chosen.tolist(), images[:, 0], masks, strict=True):
            inside = mask != IGNORED
            bright = image > 0
            # One voxel of a volume is bright, and of no class.
            assert int((bright[inside] != (mask[inside] > 0)).sum()) == 0 and int((bright & ~inside).sum()) <= 1
            seen.setdefault(number, []).append(image)
    assert all(len(windows) == 2 for windows in seen.values())
    assert any(not torch.equal(*windows) for windows in seen.values())


@pytest.mark.parametrize("batch", [1, 5])
def test_whole_volumes_are_measured_as_by_one_map_of_each(folder: Path, batch: int):
    trial = trial_of(folder)
    dataset = dataset_of(trial.problem.data)
    run = TrainingRun.begun(trial, dataset, "cpu", ALONE)
    model = run.model.eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3))
        for images in (run.parts[0], run.parts[2]):
            dices, ious = window_overlaps(model, images, batch)
            numbers = images.images.numbers.tolist()
            cases = volumes_in(folder, NOTHING).cases["train"]
            for row, number in enumerate(numbers):
                volume = load_case(cases[number], NOTHING)
                if min(volume.extents) < 8:
                    continue
                maps = predict_map(model, torch.from_numpy(volume.channels)[None], (8, 8, 8), 0.5)
                mask = torch.from_numpy(volume.mask.astype(np.int64))[None]
                guesses = maps.argmax(1).where(mask != IGNORED, torch.tensor(IGNORED))
                dice, iou = overlaps(guesses, mask, 3)
                torch.testing.assert_close(dices[row], dice[0], equal_nan=True)
                torch.testing.assert_close(ious[row], iou[0], equal_nan=True)
    assert measured_inputs(dataset) > len(dataset.test)


def test_a_volume_smaller_than_a_window_is_measured_within_its_own_voxels(folder: Path):
    trial = trial_of(folder)
    run = TrainingRun.begun(trial, dataset_of(trial.problem.data), "cpu", ALONE)
    images = next(images for images in (run.parts[0], run.parts[2]) if 3 in images.images.numbers)
    row = images.images.numbers.tolist().index(3)
    windows, model = images.images.windows, run.model.eval()
    with torch.no_grad():
        guesses = model(torch.from_numpy(windows.image(3, (0, 0, -2)))[None]).argmax(1)[..., 2:6]
        truth = torch.from_numpy(windows.mask(3, (0, 0, -2)).astype(np.int64))[None, ..., 2:6]
        torch.testing.assert_close(
            window_overlaps(model, images, 2)[0][row], overlaps(guesses, truth, 3)[0][0], equal_nan=True
        )


def test_a_damaged_volume_is_left_out_and_counted(folder: Path):
    trial = trial_of(folder)
    train = dataset_of(trial.problem.data).images.numbers[dataset_of(trial.problem.data).train]
    file = folder / "imagesTr" / f"case_{train[0]}.nii.gz"
    file.write_bytes(file.read_bytes()[:-60])
    with pytest.raises(ScanlabError, match="cannot be read as NIfTI"):
        data.load(str(folder), window=(8, 8, 8))
    damaged = trial_of(folder, unreadable=1)
    result = train_trial(damaged, dataset_of(damaged.problem.data))
    assert result.unreadable["training"] + result.unreadable["measured"] == 1
    assert file.name in result.unreadable["first"] and np.isfinite(result.epochs[-1].loss)


def test_what_windows_are_not_for_is_refused_before_any_training(folder: Path):
    for options in ({"task": "next_patch"}, {"transfer": ["rotate 90"]}):
        with pytest.raises(ScanlabError, match="is read in windows") as caught:
            trial_of(folder, **options)
        assert caught.value.code == "S834"
