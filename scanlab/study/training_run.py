"""A trial under way: the model with all that changes as it trains, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scanlab.data import Dataset
from scanlab.data.ragged import RaggedImages
from scanlab.data.target_kinds import BOXES, LABELS, TEXT
from scanlab.nn import Backbone, BackboneConfig
from scanlab.nn.head import Head
from scanlab.study.augment import augmented
from scanlab.study.checkpoint import Progress
from scanlab.study.learning import Learning, learning_of
from scanlab.study.line_images import Images, images_of, of_one_size
from scanlab.study.optimizing import parameter_groups, warm_up_then_cosine
from scanlab.study.peers import config_of
from scanlab.study.predictions import Predictions
from scanlab.study.receptive_field import receptive_field
from scanlab.study.record import Epoch
from scanlab.study.tasks import Task, task_named
from scanlab.study.transfer import transferred
from scanlab.study.trial import CONTROLS, Recipe, Trial

__all__ = ["ALONE", "TrainingRun", "World", "initial_model"]

FIELD_IMAGES = 8


@dataclass(frozen=True)
class World:
    """The processes that train one model together: this one's rank, and how many there are.

    wrap: makes a model whose gradients are averaged over them; each takes every `size`-th sample of a batch. total: the
    sum of a tensor over them.
    """

    rank: int = 0
    size: int = 1
    wrap: Callable[[nn.Module], nn.Module] = lambda model: model
    total: Callable[[Tensor], Tensor] = lambda value: value


ALONE = World()


def initial_model(trial: Trial, dataset: Dataset) -> nn.Module:
    """The untrained model of a trial, with weights fixed by its seed."""
    problem, control = trial.problem, CONTROLS.get(trial.control or "")
    learning = learning_of(task_named(problem.task))

    def build(config: BackboneConfig) -> nn.Module:
        alter, channels = control.alter if control else None, dataset.channels * learning.channels
        backbone = Backbone(trial.plan, config, input_size=dataset.extents, channels=channels, alter=alter)
        return learning.build(backbone, dataset)

    with torch.random.fork_rng(devices=[]):
        config = problem.config if control is None else config_of(control, problem.config, build)
        torch.manual_seed(trial.seed + (control.weights if control else 0))
        model = build(config)
    if isinstance(model, Head):
        model.class_names, model.ink = dataset.class_names, dataset.ink
    return model


@dataclass
class TrainingRun:
    """A trial under way: the model with everything whose state changes as it trains."""

    trial: Trial
    task: Task
    model: nn.Module
    whole: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    draw: torch.Generator
    parts: tuple[Images, Tensor, Images, Tensor]
    extents: tuple[int, ...]
    video: bool
    device: str
    world: World

    @classmethod
    def begun(cls, trial: Trial, dataset: Dataset, device: str, world: World) -> TrainingRun:
        recipe = trial.problem.recipe
        model = initial_model(trial, dataset).to(device)
        steps = recipe.epochs * math.ceil(len(dataset.train) / recipe.batch)
        optimizer = torch.optim.AdamW(parameter_groups(model, recipe), lr=recipe.learning_rate)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warm_up_then_cosine(step, steps))
        control = CONTROLS.get(trial.control or "")
        seed = trial.seed + (control.batches if control else 0)
        # Drop paths draw from torch's own generator, on whatever device.
        torch.manual_seed(seed)
        return cls(
            trial=trial,
            task=task_named(trial.problem.task),
            model=model,
            whole=world.wrap(_WithLoss(model, learning_of(task_named(trial.problem.task)), recipe)),
            optimizer=optimizer,
            schedule=schedule,
            draw=torch.Generator().manual_seed(seed),
            # All of it at once: what a study trains on fits beside its models, and no step waits for a copy.
            parts=(*_part(dataset, dataset.train, device), *_part(dataset, dataset.test, device)),
            extents=dataset.extents,
            video=dataset.video,
            device=device,
            world=world,
        )

    def stateful(self) -> dict[str, nn.Module | torch.optim.Optimizer | torch.optim.lr_scheduler.LRScheduler]:
        return {"model": self.model, "optimizer": self.optimizer, "schedule": self.schedule}

    def epoch(self, progress: Progress) -> Progress:
        """One more epoch, with its test."""
        self._restore(progress)
        recipe, loading, total = self.trial.problem.recipe, 0.0, torch.zeros((), device=self.device)
        images, targets = self.parts[:2]
        start = perf_counter()
        for chosen in torch.randperm(len(images), generator=self.draw).split(recipe.batch):
            before = perf_counter()
            some = chosen.to(self.device)
            batch, labels = augmented(images[some], targets[some], recipe, self.draw, self.video)
            loading += perf_counter() - before
            total += self._step(batch, labels) * len(chosen)
        loss = self.world.total(total).item() / len(images)
        seconds = perf_counter() - start
        done = Epoch(loss, self._measured(*self.parts[2:]), seconds)
        return Progress(
            (*progress.epochs, done),
            progress.seconds + seconds,
            progress.loading + loading,
            self.draw.get_state(),
            torch.get_rng_state() if self.device == "cpu" else torch.cuda.get_rng_state(self.device),
        )

    def _restore(self, progress: Progress) -> None:
        if progress.draw is not None and progress.chance is not None:
            self.draw.set_state(progress.draw)
            if self.device == "cpu":
                torch.set_rng_state(progress.chance)
            else:
                torch.cuda.set_rng_state(progress.chance, self.device)

    def _step(self, batch: Tensor | list[Tensor], labels: Tensor) -> Tensor:
        """One step with the gradients of the batch's mean loss; returns this process' share of that loss."""
        mine = slice(self.world.rank, None, self.world.size)
        share = len(batch[mine]) * self.world.size / len(batch)
        # A process without a sample of its own computes on one that does not count: the others wait for its gradients.
        mine = mine if share else slice(1)
        loss = self.whole(batch[mine], labels[mine]) * share
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.schedule.step()
        return loss.detach() / self.world.size

    @torch.no_grad()
    def _measured(self, images: Images, targets: Tensor) -> dict[str, float]:
        self.model.eval()
        metrics = learning_of(self.task).measure(self.model, images, targets, 4 * self._batch)
        self.model.train()
        return metrics

    @property
    def _batch(self) -> int:
        return self.trial.problem.recipe.batch

    def transfer(self) -> dict[str, float]:
        """The primary metric on changed inputs."""
        images, targets = self.parts[2:]
        values = {}
        for name in self.trial.problem.transfer:
            assert isinstance(images, Tensor), "`check_lines` refuses images of different widths"
            values[name] = self._measured(*transferred(name, images, targets))[self.task.primary]
        return values

    @torch.no_grad()
    def predictions(self) -> Predictions | None:
        """What the model says of every sample of the part that is measured."""
        predict = learning_of(self.task).predict
        if predict is None:
            return None
        images, targets = self.parts[2:]
        self.model.eval()
        kind, values = predict(self.model, images, targets, 4 * self._batch)
        self.model.train()
        truth = targets.cpu().numpy() if kind == "class" else None
        return Predictions(kind, values.cpu().numpy(), self.trial.samples, truth)

    def field(self) -> tuple[float, ...]:
        """The effective receptive field of the centre patch, with its largest value 1."""
        patches = receptive_field(self.model, of_one_size(self.parts[2], FIELD_IMAGES, self.extents)).patches
        return tuple((patches / max(patches.max(), 1e-30)).round(3).ravel().tolist())


class _WithLoss(nn.Module):
    """The loss as a module's output, so that a wrapper sees the whole of a training step."""

    def __init__(self, model: nn.Module, learning: Learning, recipe: Recipe) -> None:
        super().__init__()
        self.model, self.learning, self.recipe = model, learning, recipe

    def forward(self, images: Tensor | list[Tensor], targets: Tensor) -> Tensor:
        return self.learning.loss(self.model, images, targets, self.recipe)


def _part(dataset: Dataset, chosen: NDArray[np.int64], device: str) -> tuple[Images, Tensor]:
    targets = torch.from_numpy(dataset.labels[chosen]).to(device)
    whole = dataset.target_kind not in (BOXES, LABELS)
    targets = targets.long() if whole else targets.float()
    # What is done to images of one size would take texts for masks.
    lines = dataset.target_kind is TEXT and not isinstance(dataset.images, RaggedImages)
    images = RaggedImages.of(list(dataset.images)) if lines else dataset.images
    return images_of(images, chosen, device), targets
