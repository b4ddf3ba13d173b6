"""A trial under way: the model with all that changes as it trains, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from scanlab.data import Dataset
from scanlab.data.lazy_masks import LazyMasks
from scanlab.data.ragged import RaggedImages
from scanlab.data.target_kinds import BOXES, LABELS, TEXT
from scanlab.nn import Backbone, BackboneConfig
from scanlab.nn.head import Head
from scanlab.study.augment import augmented
from scanlab.study.checkpoint import Progress, Within
from scanlab.study.divergence import EVERY, LossWatch
from scanlab.study.early_stop import best_epoch, validation_metric
from scanlab.study.epoch_order import EpochOrder, drawn_order
from scanlab.study.learning import Learning, learning_of, loss_of, metrics_of
from scanlab.study.left_out import agree_on, computed_on, counts_of, measurable, not_measured
from scanlab.study.line_images import Images, LineImages, Targets, fetched, fetched_targets, images_of, of_one_size
from scanlab.study.loading import LoadedImages, LoadedMasks
from scanlab.study.model_inputs import has_field, own_network
from scanlab.study.optimizing import optimizer_of, schedule_of
from scanlab.study.peers import config_of
from scanlab.study.pictures_changed import mixed, partner
from scanlab.study.predictions import Predictions
from scanlab.study.receptive_field import receptive_field
from scanlab.study.recipe import Recipe
from scanlab.study.record import Epoch
from scanlab.study.started import start_from
from scanlab.study.steps import autocast, compiled, recompute
from scanlab.study.tasks import Task, task_named
from scanlab.study.transfer import transferred
from scanlab.study.trial import CONTROLS, Trial
from scanlab.study.weights import BestWeights
from scanlab.study.within_epoch import EpochSums, Timer, chance_state, set_chance, together

__all__ = ["ALONE", "TrainingRun", "World", "initial_model", "part_of"]

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
        if problem.model is not None:
            return own_network(trial, dataset, learning)
        alter, channels = control.alter if control else None, dataset.channels * learning.channels
        backbone = Backbone(trial.plan, config, input_size=dataset.extents, channels=channels, alter=alter)
        return learning.build(backbone, dataset)

    with torch.random.fork_rng(devices=[]):
        config = problem.config if control is None else config_of(control, problem.config, build)
        torch.manual_seed(trial.seed + (control.weights if control else 0))
        model = build(config)
    if isinstance(model, Head):
        model.class_names, model.ink = dataset.class_names, dataset.ink
    if problem.recipe.start:
        start_from(model, problem.recipe.start)
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
    scaler: torch.amp.GradScaler
    average: AveragedModel | None
    draw: torch.Generator
    parts: tuple[Images, Targets, Images, Targets]
    validation: tuple[Images, Targets] | None
    best: BestWeights | None
    extents: tuple[int, ...]
    classes: int
    video: bool
    device: str
    world: World

    @classmethod
    def begun(cls, trial: Trial, dataset: Dataset, device: str, world: World) -> TrainingRun:
        recipe, task = trial.problem.recipe, task_named(trial.problem.task)
        model = initial_model(trial, dataset).to(device)
        if recipe.recompute:
            recompute(model)
        optimizer = optimizer_of(model, recipe)
        control = CONTROLS.get(trial.control or "")
        seed = trial.seed + (control.batches if control else 0)
        # Drop paths draw from torch's own generator, on whatever device.
        torch.manual_seed(seed)
        step = _WithLoss(model, learning_of(task), recipe)
        first = part_of(dataset, dataset.train, device)
        return cls(
            trial=trial,
            task=task,
            model=model,
            whole=world.wrap(compiled(step) if recipe.compile else step),
            optimizer=optimizer,
            schedule=schedule_of(optimizer, recipe, math.ceil(recipe.seen(len(dataset.train)) / recipe.batch)),
            scaler=torch.amp.GradScaler(torch.device(device).type, enabled=recipe.precision == "float16"),
            average=AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema)) if recipe.ema else None,
            draw=torch.Generator().manual_seed(seed),
            # All of it at once: what a study trains on fits beside its models, and no step waits for a copy.
            parts=(*first, *measurable(part_of(dataset, dataset.test, device), first[0])),
            validation=measurable(part_of(dataset, dataset.val, device), first[0]) if recipe.watched else None,
            best=BestWeights() if recipe.watched else None,
            extents=dataset.extents,
            classes=dataset.classes,
            video=dataset.video,
            device=device,
            world=world,
        )

    @property
    def measured(self) -> nn.Module:
        """The model that results are of: with the recipe's running mean of the weights, if it has one."""
        return self.model if self.average is None else self.average.module

    def stateful(self) -> dict[str, Any]:
        """By name all that a checkpoint keeps; what a recipe does not use is not in it."""
        held = {"model": self.model, "optimizer": self.optimizer, "schedule": self.schedule}
        held |= {"scaler": self.scaler} if self.scaler.is_enabled() else {}
        held |= {"best": self.best} if self.best else {}
        return held | ({"average": self.average} if self.average is not None else {})

    def epoch(self, progress: Progress, keep: Callable[[Progress], None] | None = None) -> Progress:
        """One more epoch, with its test, or what is left of it. keep: called within a long one with where it stands.
        Raises S860 where the loss is no number."""
        self.restore(progress)
        watch = self._watch(len(progress.epochs) + 1)
        with watch.operators():
            loss, loading, seconds = self._train(watch, progress, keep)
            metrics = self._measured(*self.parts[2:])
            if self.validation:
                metrics[validation_metric(self.task)] = self._measured(*self.validation)[self.task.primary]
        throughput = self.trial.problem.recipe.seen(len(self.parts[0])) / seconds
        epochs = (*progress.epochs, Epoch(loss, metrics, seconds, watch.rate, throughput))
        if self.best and best_epoch(epochs, self.task) == len(epochs) - 1:
            self.best.take(len(epochs) - 1, self.measured)
        return self._progress(epochs, progress.seconds + seconds, progress.loading + loading)

    def _progress(
        self, epochs: tuple[Epoch, ...], seconds: float, loading: float, within: Within | None = None
    ) -> Progress:
        """Where the training stands."""
        left = dict(images.left.why) if isinstance(images := self.parts[0], LoadedImages) else {}
        return Progress(epochs, seconds, loading, self.draw.get_state(), self._chance(), left, within)

    def _chance(self) -> Tensor:
        """The state of torch's own generator, of several processes in a row for each: drop paths of shares of a batch
        that are not as large draw not as often."""
        state, world = chance_state(self.device), self.world
        if world.size == 1:
            return state
        return together(state.to(self.device).float(), world.rank, world.size, world.total).to(torch.uint8)

    def _train(
        self, watch: LossWatch, progress: Progress, keep: Callable[[Progress], None] | None
    ) -> tuple[float, float, float]:
        """The steps of an epoch: its mean loss, and seconds of loading and of all of it."""
        recipe, images, within = self.trial.problem.recipe, self.parts[0], progress.within
        own, sums = slice(self.world.rank, None, self.world.size), EpochSums.taken_up(within, self.world, self.device)
        begun, timer = self.draw.get_state(), Timer(recipe.checkpoint_minutes, self.world, self.device)
        if within is not None:
            begun = within.begun
            self.draw.set_state(begun)
        order = drawn_order(images, recipe, self.draw).after(sums.steps)
        if within is not None and progress.draw is not None:
            self.draw.set_state(progress.draw)
        before = perf_counter()
        start = before - sums.seconds
        for chosen, batch, labels in self.batches(order):
            sums.steps += 1
            mine = computed_on(images, chosen, own, bool(recipe.mixes))
            sums.missed += 0 if isinstance(mine, slice) else len(range(len(chosen))[own]) - len(mine)
            sums.loading += perf_counter() - before
            watch.before_step(sums.steps, float(max(self.schedule.get_last_lr())))
            sums.losses += self._step(batch, labels, mine) * len(chosen)
            watch.after_step(sums.losses)
            if keep is not None and sums.steps < watch.steps and timer.due(sums.steps):
                sums.seconds = perf_counter() - start
                self._keep(keep, watch, progress, sums, begun)
            before = perf_counter()
        loss = self._mean(sums.losses, recipe.seen(len(images)), sums.missed)
        watch.after_epoch(loss, self.model)
        return loss, sums.loading, perf_counter() - start

    def _keep(
        self, keep: Callable[[Progress], None], watch: LossWatch, progress: Progress, sums: EpochSums, begun: Tensor
    ) -> None:
        """Call keep with where the training stands within an epoch, unless the losses are no numbers, which the watch
        will say."""
        images, world = self.parts[0], self.world
        if isinstance(images, LoadedImages) and images.left.most:
            agree_on(images, world.total)
        row = torch.stack([sums.losses, torch.tensor(float(sums.missed), device=self.device)])
        rows = together(row, world.rank, world.size, world.total)
        if not rows.isfinite().all():
            return
        within = Within(sums.steps, begun, rows, sums.seconds, sums.loading)
        keep(self._progress(progress.epochs, progress.seconds, progress.loading, within))
        watch.kept = sums.steps

    def _watch(self, epoch: int) -> LossWatch:
        steps = math.ceil(self.trial.problem.recipe.seen(len(self.parts[0])) / self.trial.problem.recipe.batch)
        every = 1 if self.device == "cpu" and self.world.size == 1 else EVERY
        return LossWatch(self.trial, epoch, steps, every, self.world.total)

    def restore(self, progress: Progress) -> None:
        """Know what could not be read in earlier epochs, and draw on from where they ended."""
        if isinstance(images := self.parts[0], LoadedImages):
            images.left.add(progress.unreadable)
        if progress.draw is not None and progress.chance is not None:
            self.draw.set_state(progress.draw)
            chances = progress.chance if progress.chance.ndim > 1 else progress.chance[None]
            set_chance(chances[self.world.rank if len(chances) == self.world.size else 0], self.device)

    def batches(self, order: EpochOrder | None = None) -> Iterator[tuple[Tensor, Tensor | list[Tensor], Tensor]]:
        """The batches of an epoch, in an order that is drawn unless one is given: the numbers of their images, these
        changed as the recipe says, and targets."""
        recipe, (images, targets) = self.trial.problem.recipe, self.parts[:2]
        order = order or drawn_order(images, recipe, self.draw)
        reading = (order.batches, self._needed, order.draws)
        both = zip(order.batches, fetched(images, *reading), fetched_targets(targets, *reading), strict=True)
        for chosen, some, truth in both:
            batch, labels = augmented(some, truth, recipe, self.draw, self.video)
            if recipe.mixes:
                assert isinstance(batch, Tensor), "`check_ranges` refuses images of different widths"
                batch, labels = mixed(batch, labels, self.classes, recipe, self.draw)
            yield chosen, batch, labels

    def _needed(self, count: int) -> Iterable[int]:
        """Of a batch of so many the images that this process computes on, and those that are mixed with them: of what
        a person's own function mixes, nobody knows."""
        own, recipe = range(self.world.rank, count, self.world.size), self.trial.problem.recipe
        if recipe.augment:
            return range(count)
        return {*own, *(partner(place, count) for place in own)} if recipe.mixes else own

    def _mean(self, total: Tensor, count: int, missed: int) -> float:
        """The mean of losses that sum up to a total over all processes; of so many images so many were missed here."""
        images = self.parts[0]
        if isinstance(images, LoadedImages) and images.left.most:
            agree_on(images, self.world.total)
            count -= int(self.world.total(torch.tensor(float(missed), device=self.device)))
        return self.world.total(total).item() / max(1, count)

    def _step(self, batch: Any, labels: Tensor, mine: slice | list[int]) -> Tensor:
        """One step with the gradients of the batch's mean loss, of this process those places; returns its share of that
        loss. What could not be read counts as an image without a gradient."""
        recipe = self.trial.problem.recipe
        own, total = max(1, len(batch[mine])), torch.zeros((), device=self.device)
        self.optimizer.zero_grad()
        # Several processes wait for one another in every piece: the one with the most samples says how many there are.
        most = own if self.world.size == 1 else math.ceil(len(batch) / self.world.size)
        pieces = min(recipe.accumulate, most)
        for piece in range(pieces):
            first, last = own * piece // pieces, own * (piece + 1) // pieces
            total += self._backward(batch[mine][first:last], labels[mine][first:last], batch, labels)
        self.scaler.unscale_(self.optimizer)
        if recipe.clip:
            nn.utils.clip_grad_norm_(self.model.parameters(), recipe.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.schedule.step()
        if self.average is not None:
            self.average.update_parameters(self.model)
        return total / self.world.size

    def _backward(self, some: Any, truth: Tensor, batch: Any, labels: Tensor) -> Tensor:
        """The gradients of a piece of a batch, and its share of the loss."""
        share = len(some) * self.world.size / len(batch)
        # A process without a sample of its own computes on one that does not count: the others wait for its gradients.
        if not share:
            some, truth = batch[:1], labels[:1]
        with autocast(self.trial.problem.recipe.precision, self.device):
            loss = self.whole(some, truth) * share
        self.scaler.scale(loss).backward()
        return loss.detach()

    @torch.no_grad()
    def _measured(self, images: Images, targets: Targets) -> dict[str, float]:
        self.measured.eval()
        metrics = metrics_of(self.task, self.measured, images, targets, self.test_batch)
        self.measured.train()
        return metrics

    @property
    def test_batch(self) -> int:
        """How many samples are measured at a time."""
        return 4 * self.trial.problem.recipe.batch

    def transfer(self) -> dict[str, float]:
        """The primary metric on changed inputs."""
        images, targets = self.parts[2:]
        values = {}
        for name in self.trial.problem.transfer:
            assert not isinstance(images, LineImages), "`check_lines` refuses images of different widths"
            values[name] = self._measured(*transferred(name, images, targets))[self.task.primary]
        return values

    @torch.no_grad()
    def predictions(self) -> Predictions | None:
        """What the model says of every sample of the part that is measured."""
        predict = learning_of(self.task).predict
        if predict is None:
            return None
        images, targets = self.parts[2:]
        self.measured.eval()
        kind, values = predict(self.measured, images, targets, self.test_batch)
        self.measured.train()
        truth = targets.cpu().numpy() if kind == "class" and isinstance(targets, Tensor) else None
        return Predictions(kind, values.cpu().numpy(), self._samples, truth)

    @property
    def _samples(self) -> str:
        """A name for what is measured on: of those that lack the same images the same."""
        missing = not_measured(self.parts[0])
        return self.trial.samples + (f" but for {missing}" if missing else "")

    def unreadable(self) -> dict[str, Any]:
        """What was left out, as a record has it."""
        return counts_of(self.parts[0])

    def field(self) -> tuple[float, ...]:
        """The effective receptive field of the centre patch, with its largest value 1; () for a model without one."""
        if self.trial.problem.model is not None and not has_field(self.model):
            return ()
        patches = receptive_field(self.measured, of_one_size(self.parts[2], FIELD_IMAGES, self.extents)).patches
        return tuple((patches / max(patches.max(), 1e-30)).round(3).ravel().tolist())


class _WithLoss(nn.Module):
    """The loss as a module's output, so that a wrapper sees the whole of a training step."""

    def __init__(self, model: nn.Module, learning: Learning, recipe: Recipe) -> None:
        super().__init__()
        self.model, self.learning, self.recipe = model, learning, recipe

    def forward(self, images: Tensor | list[Tensor], targets: Tensor) -> Tensor:
        return loss_of(self.learning, self.model, images, targets, self.recipe)


def part_of(dataset: Dataset, chosen: NDArray[np.int64], device: str) -> tuple[Images, Targets]:
    """Some samples of a data set: images, and their targets in the dtype that losses take."""
    if isinstance(dataset.labels, LazyMasks):
        images = images_of(dataset.images, chosen, device)
        assert isinstance(images, LoadedImages), "masks stay on disk with their images"
        return images, LoadedMasks(dataset.labels[chosen], images)
    targets = torch.from_numpy(dataset.labels[chosen]).to(device)
    whole = dataset.target_kind not in (BOXES, LABELS)
    targets = targets.long() if whole else targets.float()
    # What is done to images of one size would take texts for masks.
    lines = dataset.target_kind is TEXT and not isinstance(dataset.images, RaggedImages)
    images = RaggedImages.of(list(dataset.images)) if lines else dataset.images
    return images_of(images, chosen, device), targets
