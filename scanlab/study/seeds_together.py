"""Trials that differ in their seed alone, trained as one batched model; each draws its own batches and changes of them.

Every trial has a `TrainingRun` of its own, whose model and optimizer hold its share before and after each epoch: what
a checkpoint holds is as of a training alone, and goes on as one where need be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from scanlab.data import Dataset
from scanlab.nn.side_by_side import SideBySide, why_apart
from scanlab.study.checkpoint import Checkpoint, Progress, read_checkpoint, write_checkpoint
from scanlab.study.learning import LEARNINGS, learning_of, loss_of, metrics_of
from scanlab.study.line_images import Images
from scanlab.study.optimizing import schedule_of
from scanlab.study.record import Epoch, TrialResult
from scanlab.study.tasks import task_named
from scanlab.study.train import result_of
from scanlab.study.training_run import ALONE, TrainingRun
from scanlab.study.trial import CONTROLS, Study, Trial

__all__ = ["Unlike", "alone_sentences", "train_together", "why_alone"]

# What a recipe must leave at this for one optimizer to do what one for each does; a function of one's own may draw from
# torch's generator, which is one for all.
_RECIPE = {
    "augment": "",
    "patience": 0,
    "validation": False,
    "precision": "float32",
    "compile": False,
    "recompute": False,
    "accumulate": 1,
    "ema": 0.0,
}


class Unlike(Exception):
    """Trials that cannot go on together: they are in other epochs, have parts of other sizes, or one diverged."""


def why_alone(trial: Trial) -> str:
    """Why a trial is not trained together with others of its kind; "" where it is.

    >>> from scanlab.study import study_of, with_options
    >>> study = study_of(with_options(None, {"strategies": ["row"], "controls": ["attention"], "seeds": 1}))
    >>> [why_alone(trial) for trial in study.trials()]
    ['', "the mixer is 'attention'"]
    """
    problem, control = trial.problem, CONTROLS.get(trial.control or "")
    if problem.model is not None:
        return "the model is of one's own code"
    if learning_of(task_named(problem.task)).build is not LEARNINGS["classification"].build:
        return f"the task is {problem.task}"
    for name, usual in _RECIPE.items():
        if (held := getattr(problem.recipe, name)) != usual:
            return f"recipe.{name} is {held}"
    config = problem.config
    if control is not None and control.mixer is not None:
        config = replace(config, mixer=replace(config.mixer, kind=control.mixer))
    return why_apart(config)


def alone_sentences(study: Study, together: int) -> list[str]:
    """What of a study is trained seed by seed all the same, where seeds are to be trained together.

    >>> from scanlab.study import study_of, with_options
    >>> study = study_of(with_options(None, {"strategies": ["row"], "controls": ["attention"], "seeds": 2}))
    >>> alone_sentences(study, 2)
    ["control: attention is trained seed by seed: the mixer is 'attention'."]
    """
    if together < 2:
        return []
    seed = study.seeds[0]
    arms = ((n, why_alone(study.trial(p, n, seed))) for p in study.problems for n, _, _ in study.arms(p))
    return [f"{name} is trained seed by seed: {why}." for name, why in dict.fromkeys(arms) if why]


def train_together(
    trials: Sequence[Trial],
    datasets: Sequence[Dataset],
    on_epoch: Callable[[int, int, Epoch], None] = lambda *_: None,
    *,
    checkpoints: Sequence[Checkpoint | None] = (),
    device: str = "cpu",
    keep: Collection[str] = (),
) -> list[TrialResult]:
    """What `train_trial` gives for each of some trials that differ in their seed, to rounding, trained at once.

    Their seconds are those of all divided by their number; their memory, which nobody can tell apart, is None.
    `on_epoch` is called with the number of a trial, that of an epoch and its values. checkpoints: one for each, as
    `train_trial` writes and reads them; keep: as there. Raises Unlike where they cannot go on together, be it that one
    of them diverged, and S612 where they never can.

    >>> from scanlab import data
    >>> from scanlab.study import study_of, with_options
    >>> options = {"strategies": ["row"], "controls": [], "seeds": 2, "limit": 16, "test_limit": 16}
    >>> options |= {"model.dim": 8, "model.depth": 1, "model.patch": 4, "recipe.epochs": 1}
    >>> trials = study_of(with_options(None, options)).trials()
    >>> results = train_together(trials, [data.load("digits", limit=16, test_limit=16)] * 2)
    >>> [sorted(result.final) for result in results]
    [['accuracy', 'auc', 'balanced_accuracy'], ['accuracy', 'auc', 'balanced_accuracy']]
    """
    places = checkpoints or [None] * len(trials)
    with torch.random.fork_rng(devices=[] if device == "cpu" else [device]):
        runs, all_progress = [], []
        for trial, dataset, place in zip(trials, datasets, places, strict=True):
            run = TrainingRun.begun(trial, dataset, device, ALONE)
            progress = read_checkpoint(place, trial.key, run.stateful()) if place else Progress()
            # Nothing draws from torch's own generator here; a training alone that goes on from this one may not either.
            chance = _chance(device) if progress.chance is None else progress.chance
            runs.append(run)
            all_progress.append(replace(progress, chance=chance))
        _check_alike(runs, all_progress)
        for own, progress in enumerate(all_progress):
            for number, epoch in enumerate(progress.epochs):
                on_epoch(own, number, epoch)
        group = _Group(runs)
        while len(all_progress[0].epochs) < runs[0].trial.problem.recipe.epochs:
            all_progress = group.epoch(all_progress)
            for own, (run, progress) in enumerate(zip(runs, all_progress, strict=True)):
                if place := places[own]:
                    write_checkpoint(place, run.trial.key, progress, run.stateful())
                on_epoch(own, len(progress.epochs) - 1, progress.epochs[-1])
        return [result_of(*each, keep) for each in zip(runs, all_progress, datasets, strict=True)]


def _chance(device: str) -> Tensor:
    return torch.get_rng_state() if device == "cpu" else torch.cuda.get_rng_state(device)


def _check_alike(runs: Sequence[TrainingRun], progress: Sequence[Progress]) -> None:
    if any(each.within for each in progress) or len({len(each.epochs) for each in progress}) > 1:
        raise Unlike("they are in different epochs")
    if any(_shapes(run) != _shapes(runs[0]) for run in runs) or None in _shapes(runs[0]):
        raise Unlike("their images are not as many, or not of one size")


def _shapes(run: TrainingRun) -> list[torch.Size | None]:
    return [part.shape if isinstance(part, Tensor) else None for part in (run.parts[0], run.parts[2])]


class _Group:
    """The runs' models as one, with one optimizer over all of their weights."""

    def __init__(self, runs: Sequence[TrainingRun]) -> None:
        self.runs, self.recipe = runs, runs[0].trial.problem.recipe
        self.learning = learning_of(runs[0].task)
        self.model = SideBySide([run.model for run in runs])
        groups = runs[0].optimizer.param_groups
        stacked = [[self.model.stacked(p) for p in group["params"]] for group in groups]
        self.optimizer = torch.optim.AdamW(
            [{**g, "params": own, "lr": g["initial_lr"]} for g, own in zip(groups, stacked, strict=True)]
        )
        self.trained = [parameter for own in stacked for parameter in own]
        self.seen = self.recipe.seen(len(runs[0].parts[0]))
        self.schedule = schedule_of(self.optimizer, self.recipe, math.ceil(self.seen / self.recipe.batch))
        self._take_up()

    def epoch(self, progress: Sequence[Progress]) -> list[Progress]:
        """One more epoch of every run, with its tests."""
        for run, own in zip(self.runs, progress, strict=True):
            if own.draw is not None:
                run.draw.set_state(own.draw)
        start, loading, totals = perf_counter(), 0.0, 0
        before = start
        for batches in zip(*(run.batches() for run in self.runs), strict=True):
            _, images, labels = (torch.stack(parts) for parts in zip(*batches, strict=True))
            loading += perf_counter() - before
            totals += self._step(images, labels) * labels.shape[1]
            before = perf_counter()
        assert isinstance(totals, Tensor)
        if not all(bool(t.isfinite().all()) for t in (totals, *self.trained)):
            raise Unlike("the loss of one is no number")
        losses, share = (totals / self.seen).tolist(), 1 / len(self.runs)
        seconds, loading = share * (perf_counter() - start), share * loading
        self._hand_back()
        return [
            Progress(
                (*own.epochs, Epoch(loss, metrics, seconds)),
                own.seconds + seconds,
                own.loading + loading,
                run.draw.get_state(),
                own.chance,
            )
            for run, own, loss, metrics in zip(self.runs, progress, losses, self._tested(), strict=True)
        ]

    @torch.no_grad()
    def _tested(self) -> list[dict[str, float]]:
        """The metrics of every run on the part that it is measured on."""
        size = self.runs[0].test_batch
        parts = zip(*(_tensor(run.parts[2]).split(size) for run in self.runs), strict=True)
        outputs = zip(*(self.model(torch.stack(some)) for some in parts), strict=True)
        each = zip(self.runs, outputs, strict=True)
        return [metrics_of(run.task, _Gives(made), *run.parts[2:], size) for run, made in each]

    def _step(self, images: Tensor, labels: Tensor) -> Tensor:
        """One step of all; the loss of each, [S]."""
        self.optimizer.zero_grad()
        outputs = self.model(images)
        each = zip(outputs, images, labels, strict=True)
        losses = torch.stack([loss_of(self.learning, _Gives([made]), x, y, self.recipe) for made, x, y in each])
        losses.sum().backward()
        if self.recipe.clip:
            self._clip()
        self.optimizer.step()
        self.schedule.step()
        return losses.detach()

    def _clip(self) -> None:
        """What `nn.utils.clip_grad_norm_` does, for each model by itself."""
        gradients = [p.grad for p in self.trained if p.grad is not None]
        norms = torch.stack([g.flatten(1).norm(dim=1) for g in gradients]).norm(dim=0)
        factors = (self.recipe.clip / (norms + 1e-6)).clamp(max=1.0)
        for gradient in gradients:
            gradient.mul_(factors.view(-1, *(1,) * (gradient.ndim - 1)))

    def _take_up(self) -> None:
        """What the runs' optimizers and schedules hold."""
        for stacked, *own in self._parameters():
            states = [run.optimizer.state.get(p, {}) for run, p in zip(self.runs, own, strict=True)]
            if states[0]:
                self.optimizer.state[stacked] = {key: _stacked([s[key] for s in states], own[0]) for key in states[0]}
        self.schedule.load_state_dict(self.runs[0].schedule.state_dict())
        _copy_rates(self.runs[0].optimizer, self.optimizer)

    def _hand_back(self) -> None:
        """Give the runs their weights, and their share of what optimizer and schedule hold."""
        self.model.store([run.model for run in self.runs])
        for stacked, *own in self._parameters():
            state = self.optimizer.state[stacked]
            for number, (run, p) in enumerate(zip(self.runs, own, strict=True)):
                run.optimizer.state[p] = {key: _part(value, stacked, number) for key, value in state.items()}
        for run in self.runs:
            run.schedule.load_state_dict(self.schedule.state_dict())
            _copy_rates(self.optimizer, run.optimizer)

    def _parameters(self) -> list[tuple[nn.Parameter, ...]]:
        """Every trained parameter of the whole, with that of each run."""
        named = [dict(run.model.named_parameters()) for run in self.runs]
        trained = set(map(id, self.trained))
        return [(p, *(own[name] for own in named)) for name, p in self.model.weights.items() if id(p) in trained]


class _Gives(nn.Module):
    """A model that was called already, on one batch after the other."""

    def __init__(self, outputs: Iterable[Tensor]) -> None:
        super().__init__()
        self.outputs = iter(outputs)

    def forward(self, _: Any) -> Tensor:
        return next(self.outputs)


def _tensor(images: Images) -> Tensor:
    assert isinstance(images, Tensor), "`_check_alike` refuses images of different widths"
    return images


def _stacked(values: Sequence[Tensor], like: Tensor) -> Tensor:
    """What an optimizer holds for a parameter of each run; a count of steps has no shape, and is one for all."""
    return torch.stack(list(values)) if values[0].shape == like.shape else values[0].clone()


def _part(value: Tensor, stacked: Tensor, number: int) -> Tensor:
    return value[number].clone() if value.shape == stacked.shape else value.clone()


def _copy_rates(given: torch.optim.Optimizer, taken: torch.optim.Optimizer) -> None:
    for one, other in zip(given.param_groups, taken.param_groups, strict=True):
        other["lr"] = one["lr"]
