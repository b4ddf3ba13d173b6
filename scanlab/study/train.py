"""Train one trial."""

from __future__ import annotations

import math
from collections.abc import Callable
from time import perf_counter

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scanlab.data import Dataset
from scanlab.nn import Backbone, Classifier
from scanlab.study.trial import Epoch, Recipe, Trial, TrialResult

WARM_UP_SHARE = 0.1


def train(trial: Trial, dataset: Dataset, after_epoch: Callable[[int, Epoch], None] = lambda *_: None) -> TrialResult:
    """Train a trial's model on the train part and test it after every epoch.

    Draws from generators of its own, seeded by the trial: two runs on one machine with the same number of threads give
    the same numbers, and torch's global generator is left as it was. `after_epoch` hears the epoch's number from 0.
    """
    return trained(trial, dataset, after_epoch)[1]


def trained(
    trial: Trial, dataset: Dataset, after_epoch: Callable[[int, Epoch], None] = lambda *_: None
) -> tuple[Classifier, TrialResult]:
    """The model that `train` trains, after the last epoch, with what `train` returns."""
    model = initial_model(trial, dataset)
    images, labels = torch.tensor(dataset.images), torch.tensor(dataset.labels)
    train_part, test_part = torch.tensor(dataset.train), torch.tensor(dataset.test)
    recipe = trial.recipe
    steps = recipe.epochs * math.ceil(len(train_part) / recipe.batch)
    optimizer = torch.optim.AdamW(_parameter_groups(model, recipe), lr=recipe.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warm_up_then_cosine(step, steps))
    draw = torch.Generator().manual_seed(trial.seed)
    epochs, seconds = [], 0.0
    for number in range(recipe.epochs):
        start = perf_counter()
        loss = _one_epoch(model, optimizer, schedule, images[train_part], labels[train_part], recipe, draw)
        seconds += perf_counter() - start
        epochs.append(Epoch(loss, accuracy(model, images[test_part], labels[test_part])))
        after_epoch(number, epochs[-1])
    return model, TrialResult(trial.strategy, trial.seed, parameter_count(model), seconds, tuple(epochs))


def initial_model(trial: Trial, dataset: Dataset) -> Classifier:
    """The untrained model of a trial, with weights fixed by its seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(trial.seed)
        channels = dataset.images.shape[1]
        backbone = Backbone(trial.plan, trial.sizes, channels=channels, alter=trial.alter)
        return Classifier(backbone, dataset.classes)


def parameter_count(model: nn.Module) -> int:
    """Learned numbers in a model."""
    return sum(p.numel() for p in model.parameters())


def warm_up_then_cosine(step: int, steps: int) -> float:
    """The share of the learning rate at a step, in [0, 1]: up in a line, then down along half a cosine."""
    warm_up = max(1, round(WARM_UP_SHARE * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 + 0.5 * math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up))


def shifted(images: Tensor, most: int, draw: torch.Generator) -> Tensor:
    """Images [B, C, *extents], each moved by -most to most pixels along every axis, with zeros coming in."""
    count, channels, *extents = images.shape
    # Drawn in any case: the same seed gives the same batches with and without shifts.
    moves = torch.randint(2 * most + 1, (len(extents), count), generator=draw)
    if not most:
        return images
    padded = F.pad(images, (most,) * (2 * len(extents)))
    places = [torch.arange(count), torch.arange(channels)]
    places = [p.view(-1, *[1] * (len(extents) + 1 - axis)) for axis, p in enumerate(places)]
    for axis, (move, extent) in enumerate(zip(moves, extents, strict=True)):
        along = move[:, None] + torch.arange(extent)
        places.append(along.view(count, 1, *[1] * axis, extent, *[1] * (len(extents) - axis - 1)))
    return padded[tuple(places)]


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The share of images that the model puts into their class, in [0, 1]."""
    model.eval()
    right = (model(images).argmax(1) == labels).float().mean().item()
    model.train()
    return right


def _one_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    images: Tensor,
    labels: Tensor,
    recipe: Recipe,
    draw: torch.Generator,
) -> float:
    total = 0.0
    for chosen in torch.randperm(len(images), generator=draw).split(recipe.batch):
        logits = model(shifted(images[chosen], recipe.shift, draw))
        loss = F.cross_entropy(logits, labels[chosen], label_smoothing=recipe.label_smoothing)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        total += loss.item() * len(chosen)
    return total / len(images)


def _parameter_groups(model: nn.Module, recipe: Recipe) -> list[dict]:
    """Weight decay on the matrices of linear maps and convolutions only, as is usual for Mamba's A, D and biases."""
    decayed = [m.weight for m in model.modules() if isinstance(m, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d)]
    known = set(map(id, decayed))
    others = [p for p in model.parameters() if id(p) not in known]
    return [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
