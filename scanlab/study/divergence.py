"""Trainings whose loss is no number: they stop at once, and say where and with what settings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.study.recipe import Recipe
from scanlab.study.trial import Trial, control_name

__all__ = ["EVERY", "LossWatch", "trial_name"]

# A number that is read from a GPU, or added up over processes, waits for all steps before it.
EVERY = 50


@dataclass
class LossWatch:
    """Looks at the losses of an epoch while they come; what it does not like raises S860.

    epoch: from 1. steps: of an epoch. every: after how many steps the sum of the losses is read, 1 where that costs
    nothing. total: the sum of a tensor over all processes that train the model, which all look at the same steps.
    step, rate: which step is under way, from 1, and what it learns with. kept: after which step of this epoch the last
    checkpoint was written, 0 for none.
    """

    trial: Trial
    epoch: int
    steps: int
    every: int = 1
    total: Callable[[Tensor], Tensor] = lambda value: value
    step: int = 0
    rate: float = 0.0
    kept: int = 0

    @contextmanager
    def operators(self) -> Iterator[None]:
        """Within it, an operator that is given no numbers stops the training as a loss does that is none."""
        try:
            yield
        except ScanlabError as error:
            if error.diagnostics[0].code not in _OF_OPERATORS:
                raise
            where = f"at step {self.step} of {self.steps}"
            raise self._error(f"an operator refuses the weights, {error.diagnostics[0].message},", where) from error

    def before_step(self, step: int, rate: float) -> None:
        """Which step comes, and what it learns with."""
        self.step, self.rate = step, rate

    def after_step(self, losses: Tensor) -> None:
        """losses: the sum of the epoch's so far, which one that is no number makes none."""
        if self.step % self.every:
            return
        value = self.total(losses.clone()).item() if self.every > 1 else losses.item()
        if not math.isfinite(value):
            raise self._error(f"the loss is {value}", self._last_steps())

    def after_epoch(self, loss: float, model: nn.Module) -> None:
        """loss: the epoch's mean. The last step may leave weights that are no numbers behind losses that are some."""
        if not math.isfinite(loss):
            raise self._error(f"the loss is {loss}", self._last_steps())
        with torch.no_grad():
            sums = [p.sum(dtype=torch.float64) for p in model.parameters() if p.requires_grad and p.is_floating_point()]
            value = torch.stack(sums).sum().item() if sums else 0.0
        if not math.isfinite(value):
            raise self._error(f"the weights are {value}", f"after step {self.steps} of {self.steps}")

    def _last_steps(self) -> str:
        before = (self.step - 1) // self.every * self.every + 1
        place = f"at step {self.step}" if before == self.step else f"in steps {before} to {self.step}"
        return f"{place} of {self.steps}"

    def _error(self, what: str, where: str) -> ScanlabError:
        recipe, epoch = self.trial.problem.recipe, self.epoch
        first = epoch == 1 and self.step == 1
        before = f": a checkpoint is that of epoch {epoch - 1}" if epoch > 1 else ""
        kept = f"nothing of epoch {epoch} is kept{before}"
        if self.kept:
            kept = f"a checkpoint is that of step {self.kept} of epoch {epoch}"
        return ScanlabError.at(
            "S860",
            f"{trial_name(self.trial)}: {what} {where} in epoch {epoch} of {recipe.epochs} (learning rate "
            f"{self.rate:.3g}, {recipe.precision})",
            note=kept + ("; no step was taken before, so that no learning rate is the reason" if first else ""),
            help=_LOOK if first else f"try {', or '.join(_other_settings(recipe))}",
        )


# A that is infinite or NaN, as an A_log gives that has grown too far.
_OF_OPERATORS = ("S703",)
_LOOK = "look at images, targets and the loss function: the untrained model gives no number"


def _other_settings(recipe: Recipe) -> Iterator[str]:
    yield f"a lower learning_rate, as {recipe.learning_rate / 3:.1g}"
    yield "clip = 1.0" if not recipe.clip else "a longer warm_up"
    if recipe.precision != "float32":
        yield 'precision = "float32"'


def trial_name(trial: Trial) -> str:
    """Problem, strategy or control, and seed, in words.

    >>> from scanlab.study import study_of, with_options
    >>> study = study_of(with_options(None, {"strategies": ["row"], "seeds": 1}))
    >>> trial_name(study.trials()[1])
    'digits, control: A/A, seed 0'
    """
    labels = [label for label, plan in trial.problem.strategies if plan is trial.plan]
    label = control_name(trial.control) if trial.control else labels[0] if labels else "a strategy"
    return f"{trial.problem.name}, {label}, seed {trial.seed}"
