"""Train one trial, from its start or from where it was left."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

import torch
from torch import nn

from scanlab.data import Dataset
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn.measure import PeakMemory, flop_count, parameter_count
from scanlab.renamed import renamed_keywords, renamed_names
from scanlab.study.checkpoint import Checkpoint, Progress, read_checkpoint, write_checkpoint
from scanlab.study.early_stop import has_stopped
from scanlab.study.record import Epoch, TrialResult
from scanlab.study.training_run import ALONE, TrainingRun, World, initial_model
from scanlab.study.trial import Trial
from scanlab.study.weights import kept_models

__all__ = ["ALONE", "World", "initial_model", "result_of", "train_model", "train_trial", "trial_flops"]

__getattr__ = renamed_names(__name__, {"train": "train_trial", "trained": "train_model"})


@renamed_keywords(heard="on_epoch")
def train_trial(
    trial: Trial,
    dataset: Dataset,
    on_epoch: Callable[[int, Epoch], None] = lambda *_: None,
    *,
    checkpoint: Checkpoint | None = None,
    device: str = "cpu",
    world: World = ALONE,
    keep: Collection[str] = (),
) -> TrialResult:
    """Train a trial's model on the train part and measure it on the test part after every epoch.

    Draws from generators of its own, seeded by the trial: two runs on one machine with the same number of threads give
    the same numbers, and torch's global generator is left as it was. checkpoint: where everything is kept after each
    epoch, and within one that takes longer than the recipe's checkpoint_minutes; training goes on from what it holds
    and gives what an unbroken run gives (bit for bit on a CPU, but for seconds, which add up). `on_epoch` is called
    with the number, from 0, and the values of every finished epoch, those of the checkpoint included. keep: which
    weights the result is to hold, "last" and "best" by the validation part, which the recipe must then measure. Of
    several processes only rank 0 writes. Raises S653 for a checkpoint that cannot be written, S860 for a loss that is
    no number, S861 for data without a validation part that the recipe needs.

    >>> from scanlab import data
    >>> from scanlab.study import study_of, with_options
    >>> options = {"strategies": ["row"], "controls": [], "seeds": 2, "limit": 16, "test_limit": 16}
    >>> options |= {"model.dim": 8, "model.depth": 1, "model.patch": 4, "recipe.epochs": 1}
    >>> [trial, _] = study_of(with_options(None, options)).trials()
    >>> result = train_trial(trial, data.load("digits", limit=16, test_limit=16))
    >>> len(result.epochs), sorted(result.final)
    (1, ['accuracy', 'auc', 'balanced_accuracy'])
    """
    return train_model(trial, dataset, on_epoch, checkpoint=checkpoint, device=device, world=world, keep=keep)[1]


@renamed_keywords(heard="on_epoch")
def train_model(
    trial: Trial,
    dataset: Dataset,
    on_epoch: Callable[[int, Epoch], None] = lambda *_: None,
    *,
    checkpoint: Checkpoint | None = None,
    device: str = "cpu",
    world: World = ALONE,
    keep: Collection[str] = (),
) -> tuple[nn.Module, TrialResult]:
    """The model that `train_trial` trains, after the last epoch, with what `train_trial` returns; with the running mean
    of its weights where the recipe has one.

    >>> from scanlab import data
    >>> from scanlab.study import study_of, with_options
    >>> options = {"strategies": ["row"], "controls": [], "seeds": 2, "limit": 16, "test_limit": 16}
    >>> options |= {"model.dim": 8, "model.depth": 1, "model.patch": 4, "recipe.epochs": 1}
    >>> [trial, _] = study_of(with_options(None, options)).trials()
    >>> model, result = train_model(trial, data.load("digits", limit=16, test_limit=16))
    >>> type(model).__name__
    'Classifier'
    """
    with PeakMemory(device) as memory, torch.random.fork_rng(devices=[] if device == "cpu" else [device]):
        recipe = trial.problem.recipe
        if recipe.watched and not len(dataset.val):
            problem = f"{dataset.name} has no validation part, and the recipe measures one after every epoch"
            raise ScanlabError.at("S861", problem, help="give a Dataset with one, or DataChoice(watched=True)")
        run = TrainingRun.begun(trial, dataset, device, world)
        progress = read_checkpoint(checkpoint, trial.key, run.stateful()) if checkpoint else Progress()
        # Where no epoch is left, too: the record says what could not be read.
        run.restore(progress)
        for number, epoch in enumerate(progress.epochs):
            on_epoch(number, epoch)

        def keep_state(reached: Progress) -> None:
            if checkpoint and world.rank == 0:
                write_checkpoint(checkpoint, trial.key, reached, run.stateful())

        while not has_stopped(progress.epochs, recipe, run.task):
            progress = run.epoch(progress, keep_state if checkpoint else None)
            keep_state(progress)
            on_epoch(len(progress.epochs) - 1, progress.epochs[-1])
        result = result_of(run, progress, dataset, keep)
    return run.measured, replace(result, memory=memory.peak)


def result_of(run: TrainingRun, progress: Progress, dataset: Dataset, keep: Collection[str] = ()) -> TrialResult:
    """What a training gives that has had its last epoch, but for its memory. With drop paths this, too, draws from
    torch's generator."""
    seconds = progress.seconds
    samples = run.trial.problem.recipe.seen(len(dataset.train)) * len(progress.epochs)
    transfer, field, predictions = run.transfer(), run.field(), run.predictions()
    return TrialResult(
        epochs=progress.epochs,
        parameters=parameter_count(run.model),
        flops=trial_flops(run.model, dataset, run.device),
        seconds=seconds,
        loading=progress.loading / seconds if seconds else 0.0,
        throughput=samples / seconds if seconds else 0.0,
        transfer=transfer,
        field=field,
        unreadable=run.unreadable(),
        predictions=predictions,
        weights=kept_models(run.measured, run.best, run.trial, keep),
    )


def trial_flops(model: nn.Module, dataset: Dataset, device: str = "cpu") -> int:
    """Operations of one forward pass over one sample."""
    sample = torch.zeros(1, dataset.channels, *dataset.extents, device=device)
    return flop_count(model, sample)
