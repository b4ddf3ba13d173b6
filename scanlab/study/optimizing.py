"""The optimizer of a training: which weights decay, and how fast they learn at every step."""

from __future__ import annotations

import math

from torch import nn

from scanlab.study.trial import Recipe

__all__ = ["parameter_groups", "warm_up_then_cosine"]

WARM_UP_SHARE = 0.1


def warm_up_then_cosine(step: int, steps: int) -> float:
    """The share of the learning rate at a step, in [0, 1]: up in a line, then down along half a cosine."""
    warm_up = max(1, round(WARM_UP_SHARE * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 + 0.5 * math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up))


def parameter_groups(model: nn.Module, recipe: Recipe) -> list[dict]:
    """Weight decay on the matrices of linear maps and convolutions only, as is usual for Mamba's A, D and biases."""
    decayed = [m.weight for m in model.modules() if isinstance(m, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d)]
    known = set(map(id, decayed))
    others = [p for p in model.parameters() if id(p) not in known]
    return [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
