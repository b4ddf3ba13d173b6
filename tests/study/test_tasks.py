"""Tasks: losses and metrics by hand and by brute force, and every task learns for an epoch."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from small import SIZES
from torch import nn

from scanlab.compiler.bind import bind
from scanlab.data import Dataset, from_arrays
from scanlab.data.target_kinds import BOXES, CLASSES, LABELS, MASKS, TEXT, TargetKind
from scanlab.facade import parse
from scanlab.ir.diagnostics import ScanlabError
from scanlab.study.learning import LEARNINGS, learning_of
from scanlab.study.tasks import TASKS, check_task, task_named
from scanlab.study.train import initial_model, train_trial
from scanlab.study.trial import DataChoice, Problem, Recipe, Trial
from scanlab.study.work import one_thread

CLASSIFICATION, SEGMENTATION = learning_of(task_named("classification")), learning_of(task_named("segmentation"))
RECIPE = Recipe(epochs=1, batch=16, shift=1, flip=True, label_smoothing=0.0)


class Fixed(nn.Module):
    """A model that answers with what it is shown."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images


def made(extents: tuple[int, ...], masks: bool, classes: int = 3, video: bool = False, channels: int = 2) -> Dataset:
    draw = np.random.default_rng(0)
    images = draw.random((24, channels, *extents))
    targets = draw.integers(0, classes, (24, *extents)) if masks else np.arange(24) % classes
    return from_arrays(images, targets, video=video)


def several(count: int) -> np.ndarray:
    """Three labels, of which a sample has any number."""
    return np.stack([np.arange(count) % k == 0 for k in (2, 3, 5)], 1).astype(int)


def squares(count: int) -> np.ndarray:
    """Two boxes per image of two classes, but for every fifth, which has none."""
    boxes = np.tile([[1.0, 1, 4, 4, 0], [2, 3, 6, 6, 1]], (count, 1, 1))
    boxes[::5, :, 4] = -1
    return boxes


def trial(task: str, dataset: Dataset, **changes) -> Trial:
    axes = " ".join("abc"[: len(dataset.extents)])
    # What follows a frame is predicted from patches of one frame.
    sides = (1, 2, 2) if task == "next_frame" else (2,) * len(dataset.extents)
    grid = tuple(-(-n // side) for n, side in zip(dataset.extents, sides, strict=True))
    changes = {"config": replace(SIZES, patch=sides)} | changes
    plan = bind(parse(f"by {axes.replace(' ', ', ')}", axes=axes), grid)
    problem = Problem("p", DataChoice(), task, dataset.fingerprint, (("row", plan),), SIZES, RECIPE)
    return Trial(replace(problem, **changes), plan, 0)


def test_the_tasks_and_their_primary_metrics() -> None:
    assert {name: (task.primary, task.higher, task.targets) for name, task in TASKS.items()} == {
        "classification": ("accuracy", True, CLASSES),
        "classification_by_balanced_accuracy": ("balanced_accuracy", True, CLASSES),
        "classification_by_auc": ("auc", True, CLASSES),
        "multi_label_classification": ("auc", True, LABELS),
        "segmentation": ("dice", True, MASKS),
        "segmentation_with_unet": ("dice", True, MASKS),
        "detection": ("map", True, BOXES),
        "detection_by_map50": ("map50", True, BOXES),
        "detection_by_image_ap50": ("image_ap50", True, BOXES),
        "next_frame": ("mae", False, None),
        "text_lines": ("cer", False, TEXT),
        "text_pages": ("cer", False, TEXT),
        "next_patch": ("mse", False, None),
        "next_patch_in_bits": ("bits_per_value", False, None),
    }
    with pytest.raises(ScanlabError, match=r"(?s)S650.*no task 'guessing'.*segmentation"):
        task_named("guessing")


def test_every_task_has_its_way_of_learning_and_is_learnt_here() -> None:
    assert {task.learning for task in TASKS.values()} == set(LEARNINGS)
    # Texts are learnt in test_reading.py.
    assert {*(task for task, *_ in LEARNED), "text_lines", "text_pages"} == set(TASKS)
    with pytest.raises(KeyError):
        learning_of(replace(task_named("next_patch"), learning="guessing"))


@pytest.mark.parametrize("targets", [BOXES, CLASSES, LABELS, MASKS])
def test_data_is_for_a_task_that_takes_its_targets(targets: TargetKind) -> None:
    dataset = made((4, 4), targets is MASKS)
    other = {LABELS: several(24), BOXES: np.tile([[0.0, 0, 2, 2, 0]], (24, 1, 1))}
    dataset = from_arrays(dataset.images, other[targets]) if targets in other else dataset
    assert task_named(targets.task).targets == targets == dataset.target_kind


LEARNED = [
    ("classification", (6, 6), False, False),
    ("classification", (4, 6, 6), False, True),
    ("classification_by_balanced_accuracy", (6, 5), False, False),
    ("classification_by_auc", (4, 4, 6), False, False),
    ("multi_label_classification", (6, 5), False, False),
    ("multi_label_classification", (4, 4, 6), False, True),
    ("segmentation", (6, 8), True, False),
    ("segmentation_with_unet", (6, 8), True, False),
    ("segmentation", (4, 5, 6), True, False),
    ("detection", (12, 8), False, False),
    ("detection_by_map50", (8, 8), False, False),
    ("detection_by_image_ap50", (9, 7), False, False),
    ("next_frame", (4, 6, 6), False, True),
    ("next_patch", (6, 6), False, False),
    ("next_patch", (4, 4, 4), True, False),
    ("next_patch_in_bits", (6, 6), False, False),
]


@pytest.fixture(autouse=True)
def threads():
    """As workers train."""
    with one_thread():
        yield


@pytest.mark.parametrize("task, extents, masks, video", LEARNED)
def test_every_task_learns_for_an_epoch(task: str, extents: tuple[int, ...], masks: bool, video: bool) -> None:
    channels = 1 if "patch" in task else 2
    dataset = made(extents, masks, video=video, channels=channels)
    if "detection" in task:
        dataset = from_arrays(dataset.images, squares(24))
    if "label" in task:
        dataset = from_arrays(dataset.images, several(24), video=video)
    transfer = ("rotate 180", f"size {'x'.join(str(n + 2) for n in extents)}")
    result = train_trial(trial(task, dataset, transfer=transfer), dataset)
    [epoch] = result.epochs
    kind = task_named(task)
    assert math.isfinite(epoch.loss) and epoch.loss > 0
    assert kind.primary in epoch.metrics and all(math.isfinite(v) for v in epoch.metrics.values())
    assert set(result.transfer) == set(transfer) and all(math.isfinite(v) for v in result.transfer.values())
    assert result.parameters > 0 and result.flops > 0 and result.throughput > 0
    assert len(result.field) == np.prod(trial(task, dataset).plan.grid) and max(result.field) == 1.0


def test_classification_by_hand() -> None:
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0], [1.0, 0.0]])
    targets = torch.tensor([0, 1, 0, 1])
    metrics = CLASSIFICATION.measure(Fixed(), logits, targets, 3)
    assert metrics["accuracy"] == 0.75 and metrics["balanced_accuracy"] == 0.75
    # Of the pairs of a 0 and a 1 the scores of the 0 are higher in all.
    assert metrics["auc"] == 1.0
    loss = CLASSIFICATION.loss(Fixed(), logits, targets, RECIPE).item()
    by_hand = np.mean([-math.log(1 / (1 + math.exp(-d))) for d in (2, 1, 3, -1)])
    assert loss == pytest.approx(by_hand, rel=1e-6)


def test_label_smoothing_by_hand() -> None:
    logits, targets = torch.tensor([[2.0, 0.0]]), torch.tensor([0])
    loss = CLASSIFICATION.loss(Fixed(), logits, targets, replace(RECIPE, label_smoothing=0.2)).item()
    right, wrong = -math.log(1 / (1 + math.exp(-2))), -math.log(1 / (1 + math.exp(2)))
    assert loss == pytest.approx(0.9 * right + 0.1 * wrong, rel=1e-6)


def _logits(guesses: np.ndarray, classes: int) -> torch.Tensor:
    return torch.from_numpy(np.moveaxis(9.0 * np.eye(classes, dtype=np.float32)[guesses], -1, 1))


@pytest.mark.parametrize("extents", [(4, 5), (3, 4, 5)])
@pytest.mark.parametrize("batch", [1, 4, 100])
def test_dice_and_iou_by_brute_force(extents: tuple[int, ...], batch: int) -> None:
    draw = np.random.default_rng(0)
    guesses, masks = draw.integers(0, 4, (2, 7, *extents))
    # Class 3 is rare, and one image has neither it nor the guess of it; class 2 is only guessed in another.
    masks[:5][masks[:5] == 3] = 1
    guesses[:4][guesses[:4] == 3] = 0
    masks[6][masks[6] == 2] = 0
    dices, ious = {}, {}
    for c in (1, 2, 3):
        pairs = [(g == c, m == c) for g, m in zip(guesses, masks, strict=True) if (g == c).any() or (m == c).any()]
        dices[c] = np.mean([2 * (g & m).sum() / (g.sum() + m.sum()) for g, m in pairs])
        ious[c] = np.mean([(g & m).sum() / (g | m).sum() for g, m in pairs])
    assert 0 < sum((masks == 3).reshape(7, -1).any(1)) < 7
    metrics = SEGMENTATION.measure(Fixed(), _logits(guesses, 4), torch.from_numpy(masks), batch)
    assert metrics["dice"] == pytest.approx(np.mean(list(dices.values())))
    assert metrics["iou"] == pytest.approx(np.mean(list(ious.values())))
    assert [metrics[f"dice_{c}"] for c in (1, 2, 3)] == pytest.approx(list(dices.values()))


def test_several_labels_by_hand() -> None:
    """Of three samples and two labels five guesses are right; the first label is ranked wrong in one pair of two."""
    logits = torch.tensor([[1.0, -1.0], [2.0, 3.0], [-1.0, -2.0]])
    marks = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    learning = learning_of(task_named("multi_label_classification"))
    metrics = learning.measure(Fixed(), logits, marks, 2)
    assert metrics["label_accuracy"] == pytest.approx(5 / 6) and metrics["exact"] == pytest.approx(2 / 3)
    assert metrics["auc"] == pytest.approx((0.5 + 1) / 2) and metrics["f1"] == pytest.approx((2 / 3 + 1) / 2)
    signed = np.array([1, 1, -2, 3, 1, 2])
    by_hand = np.mean([math.log(1 + math.exp(-d)) for d in signed])
    assert learning.loss(Fixed(), logits, marks, RECIPE).item() == pytest.approx(by_hand, rel=1e-6)
    smooth = learning.loss(Fixed(), torch.tensor([[2.0]]), torch.tensor([[1.0]]), replace(RECIPE, label_smoothing=0.2))
    assert smooth.item() == pytest.approx(0.9 * math.log(1 + math.exp(-2)) + 0.1 * math.log(1 + math.exp(2)), rel=1e-6)


def test_pixels_of_no_class_are_neither_learned_nor_measured() -> None:
    """What the model says there changes neither loss nor metrics; both are those of the other pixels alone."""
    draw = np.random.default_rng(0)
    masks = torch.from_numpy(draw.integers(0, 3, (2, 4, 5)))
    logits = torch.from_numpy(draw.normal(size=(2, 3, 4, 5)))
    ignored = masks.clone()
    ignored[:, :, 3:] = 255
    changed = logits.clone()
    changed[..., 3:] = 7 * torch.from_numpy(draw.normal(size=(2, 3, 4, 2)))
    cut = logits[..., :3], masks[..., :3].contiguous()
    losses = [SEGMENTATION.loss(Fixed(), *pair, RECIPE).item() for pair in ((logits, ignored), (changed, ignored), cut)]
    assert losses == pytest.approx([losses[0]] * 3)
    found = [SEGMENTATION.measure(Fixed(), *pair, 1) for pair in ((logits, ignored), (changed, ignored), cut)]
    assert found[0] == pytest.approx(found[1]) and found[0] == pytest.approx(found[2])
    nothing = SEGMENTATION.loss(Fixed(), logits, torch.full_like(masks, 255), RECIPE)
    assert nothing.item() == 0


def test_dice_by_hand() -> None:
    """Two images: one guessed right; of the other's two pixels of class 1 one is right, and one is made up."""
    masks = np.array([[[1, 0], [0, 0]], [[1, 1], [0, 0]]])
    guesses = np.array([[[1, 0], [0, 0]], [[1, 0], [0, 1]]])
    metrics = SEGMENTATION.measure(Fixed(), _logits(guesses, 2), torch.from_numpy(masks), 2)
    assert metrics["dice"] == pytest.approx((1 + 0.5) / 2) and metrics["iou"] == pytest.approx((1 + 1 / 3) / 2)


def test_the_loss_of_masks_by_hand() -> None:
    """Cross-entropy plus one minus the soft Dice of class 1, with 1 added above and below."""
    logits = torch.tensor([[[[0.0, 2.0]], [[0.0, 0.0]]]])
    masks = torch.tensor([[[1, 0]]])
    shares = [1 / 2, 1 / (1 + math.exp(2))]
    entropy = (-math.log(shares[0]) - math.log(1 - shares[1])) / 2
    dice = (2 * shares[0] + 1) / (sum(shares) + 1 + 1)
    loss = SEGMENTATION.loss(Fixed(), logits, masks, RECIPE).item()
    assert loss == pytest.approx(entropy + 1 - dice, rel=1e-6)


def test_the_error_of_the_next_patch_is_the_mean_over_all_images() -> None:
    dataset = made((6, 6), False, channels=1)
    kind = task_named("next_patch")
    model = initial_model(trial("next_patch", dataset), dataset).eval()
    images = torch.from_numpy(dataset.images)
    with torch.no_grad():
        one = [model.loss(image[None]).item() for image in images]
        metrics = [learning_of(kind).measure(model, images, torch.zeros(24), batch)["mse"] for batch in (5, 24)]
    assert metrics == pytest.approx([np.mean(one)] * 2, rel=1e-5)


def test_data_that_a_task_cannot_learn_from() -> None:
    labels, masks = made((4, 4), False), made((4, 4), True)
    for task in TASKS.values():
        for dataset in (labels, masks):
            if task.targets in (None, dataset.target_kind):
                check_task(task, dataset)
            else:
                with pytest.raises(ScanlabError, match=f"S652.*{task.name} needs"):
                    check_task(task, dataset)
