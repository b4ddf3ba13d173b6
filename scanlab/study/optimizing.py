"""The optimizer of a training: which weights decay and learn, and how fast at every step."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone
from scanlab.nn.backbone import Stage
from scanlab.nn.exempt import no_weight_decay
from scanlab.study.recipe import Recipe

__all__ = ["freeze", "optimizer_of", "parameter_groups", "rate_share", "schedule_of", "warm_up_then_cosine"]

WARM_UP_SHARE = 0.1
_MAPS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_BEFORE_THE_BLOCKS = ("embed", "positions", "class_tokens")


def freeze(model: nn.Module, recipe: Recipe) -> None:
    """Leave what a recipe freezes untrained. Raises S608 for names that no parameter has, and where nothing is left."""
    for start in recipe.frozen:
        held = [parameter for name, parameter in model.named_parameters() if name.startswith(start)]
        if not held:
            names = ", ".join(dict.fromkeys(name.partition(".")[0] for name, _ in model.named_parameters()))
            raise ScanlabError.at("S608", f"frozen: no parameter's name begins with {start}", help=f"they are {names}")
        for parameter in held:
            parameter.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ScanlabError.at("S608", "frozen: nothing is left to train", help="freeze fewer parameters")


def optimizer_of(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW over the parameters that a recipe trains. Raises what `freeze` does."""
    freeze(model, recipe)
    return torch.optim.AdamW(parameter_groups(model, recipe), lr=recipe.learning_rate)


def schedule_of(optimizer: torch.optim.Optimizer, recipe: Recipe, per_epoch: int) -> LambdaLR:
    """The rates of every step, of per_epoch in each epoch."""
    return LambdaLR(optimizer, lambda step: rate_share(step, per_epoch, recipe))


def rate_share(step: int, per_epoch: int, recipe: Recipe) -> float:
    """The share of the learning rate at a step.

    >>> [round(rate_share(step, 5, Recipe(epochs=2)), 2) for step in (0, 1, 5, 9)]
    [1.0, 1.0, 0.59, 0.03]
    """
    steps = recipe.epochs * per_epoch
    if recipe.warm_up is None and not (recipe.last_rate or recipe.cosine_from_start or recipe.rate_by_epoch):
        return warm_up_then_cosine(step, steps)
    unit = per_epoch if recipe.rate_by_epoch else 1
    at, end = step // unit, math.ceil(steps / unit)
    warm_up = WARM_UP_SHARE * end if recipe.warm_up is None else recipe.warm_up * per_epoch / unit
    first, last = recipe.first_rate / recipe.learning_rate, recipe.last_rate / recipe.learning_rate
    if at < warm_up:
        return first + (1 - first) * at / warm_up
    begun = 0.0 if recipe.cosine_from_start else warm_up
    return last + (1 - last) * (0.5 + 0.5 * math.cos(math.pi * (at - begun) / max(1.0, end - begun)))


def warm_up_then_cosine(step: int, steps: int) -> float:
    """The share of the learning rate at a step, in [0, 1]: up in a line, then down along half a cosine."""
    warm_up = max(1, round(WARM_UP_SHARE * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 + 0.5 * math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up))


def parameter_groups(model: nn.Module, recipe: Recipe) -> list[dict]:
    """Parameters by weight decay and, with layer_decay, by learning rate.

    "maps" decays the matrices of linear maps and convolutions only, as is usual for Mamba's A, D and biases.
    """
    trained = {id(p): p for p in model.parameters() if p.requires_grad}
    decayed = [p for p in _decayed(model, recipe) if id(p) in trained]
    known = set(map(id, decayed))
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": [p for key, p in trained.items() if key not in known], "weight_decay": 0.0},
    ]
    return groups if recipe.layer_decay == 1 else list(_by_layer(groups, model, recipe))


def _decayed(model: nn.Module, recipe: Recipe) -> list[Tensor]:
    if recipe.decays == "maps":
        return [m.weight for m in model.modules() if isinstance(m, _MAPS)]
    exempt = no_weight_decay(model)
    return [p for name, p in model.named_parameters() if p.ndim > 1 and name not in exempt]


def _by_layer(groups: list[dict], model: nn.Module, recipe: Recipe) -> Iterator[dict]:
    """The groups again, one for every layer; the schedule multiplies the learning rates that they come with."""
    layers, count = _layers(model)
    for group in groups:
        for layer in range(count + 1):
            held = [p for p in group["params"] if layers.get(id(p), count) == layer]
            if held:
                rate = recipe.learning_rate * recipe.layer_decay ** (count - layer)
                yield {**group, "params": held, "lr": rate}


def _layers(model: nn.Module) -> tuple[dict[int, int], int]:
    """The layers of a backbone's parameters by id, as timm's `group_matcher` has them, and the number of the head: 0 is
    the embedding, then come the blocks, each with the way to the next stage, the last with the last norm."""
    backbone = next((m for m in model.modules() if isinstance(m, Backbone)), None)
    if backbone is None:
        problem = f"layer_decay: a {type(model).__name__} has no blocks that ScanLab knows"
        raise ScanlabError.at("S608", problem, help="leave layer_decay at 1")
    layers, number = {}, 0
    for stage in backbone.stages:
        assert isinstance(stage, Stage)
        for block in stage.blocks:
            number += 1
            layers |= dict.fromkeys(map(id, block.parameters()), number)
        if stage.downsample is not None:
            layers |= dict.fromkeys(map(id, stage.downsample.parameters()), number)
    for name, parameter in backbone.named_parameters():
        if id(parameter) not in layers:
            layers[id(parameter)] = 0 if name.startswith(_BEFORE_THE_BLOCKS) else number
    return layers, number + 1
