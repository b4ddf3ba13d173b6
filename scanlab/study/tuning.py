"""The learning rate of every strategy and control, from the trainings that it is chosen by."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text
from scanlab.study.tasks import task_named
from scanlab.study.trial import Member
from scanlab.study.tune import judged_place

__all__ = ["best_rates"]

Arm = tuple[str, str]


def best_rates(members: Sequence[Member], metrics: Mapping[str, Mapping[str, float]]) -> dict[Arm, float]:
    """The learning rate with the best mean of the task's metric, for every problem and name; of equals the smallest.

    members: as `Study.tuning_members` gives them; metrics: after the last epoch, by the trial's key, {} for one that
    diverged. A mean that is no number loses. Raises S772 where a training has no metrics, or none of an arm's rates
    gave a number: a choice among what is left would give one arm a smaller budget than another.
    """
    missing = [member for member in members if member.trial.key not in metrics]
    if missing:
        first = missing[0]
        raise ScanlabError.at(
            "S772",
            f"{count_text(len({m.trial.key for m in missing}), 'training')} that learning rates are chosen by failed, "
            f"the first {first.problem}, {first.strategy}, seed {first.seed}",
            help="`scanlab report` says why; run the same command again, or leave that learning rate out for all",
        )
    values: dict[Arm, dict[float, list[float]]] = {}
    for member in members:
        task = task_named(member.trial.problem.task)
        value = metrics[member.trial.key].get(task.primary, math.nan)
        arm, rate = judged_place(member.problem, member.strategy), member.trial.problem.recipe.learning_rate
        values.setdefault(arm, {}).setdefault(rate, []).append(value if task.higher else -value)
    return {arm: _best(arm, by_rate) for arm, by_rate in values.items()}


def _best(arm: Arm, by_rate: Mapping[float, Sequence[float]]) -> float:
    means = {rate: math.fsum(values) / len(values) for rate, values in by_rate.items()}
    finite = {rate: mean for rate, mean in means.items() if math.isfinite(mean)}
    if not finite:
        raise ScanlabError.at(
            "S772",
            f"no learning rate gave {arm[1]} on {arm[0]} a result that is a number",
            help="offer smaller ones",
        )
    return min(finite, key=lambda rate: (-finite[rate], rate))
