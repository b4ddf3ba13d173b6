"""Weights that a training starts from, in a model over whatever order."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text
from scanlab.nn import Backbone
from scanlab.study.recipe import start_of
from scanlab.zoo import create_model, load
from scanlab.zoo.presets import published_config

__all__ = ["start_from"]


def start_from(model: nn.Module, start: str) -> None:
    """Copy the weights of `recipe.start` into a model: all of the backbone, and what else has the same name and shape
    there, so that a head for other classes stays new. Raises S684 where backbones differ, and what `scanlab.zoo.load`
    and `create_model` raise."""
    name, file = start_of(start)
    own = _backbone(model)
    held = _official(name, file, own) if name and own else load(Path(file))
    theirs = _backbone(held)
    if own is None or theirs is None:
        raise ScanlabError.at("S684", f"{file} and the model to train are no two models with ScanLab's backbone")
    mine, given = dict(own.named_parameters()), dict(theirs.named_parameters())
    unlike = [name for name in mine | given if _shape(mine, name) != _shape(given, name)]
    if unlike:
        first = unlike[0]
        told = f"{first} is {_shape(given, first) or 'missing'} there and {_shape(mine, first) or 'missing'} here"
        problem = f"recipe.start, {file}: {count_text(len(unlike), 'parameter')} of the backbone differ: {told}"
        help = "give [model] the sizes that the file was trained with, and images and as many paths as it had"
        raise ScanlabError.at("S684", problem, help=help)
    whole, others = dict(model.named_parameters()), dict(held.named_parameters())
    with torch.no_grad():
        for name, parameter in whole.items():
            if _shape(others, name) == tuple(parameter.shape):
                parameter.copy_(others[name])
        for name, parameter in mine.items():
            parameter.copy_(given[name])


def _official(name: str, file: str, own: Backbone) -> nn.Module:
    """A published model with the weights of its authors' file, for images of the size that the model to train has."""
    reads = published_config(name).inputs
    if own.config.inputs != reads:
        problem = (
            f"recipe.start: {name} was trained on {reads} inputs, and the model to train reads {own.config.inputs}"
        )
        raise ScanlabError.at("S684", problem, help=f'give [model] its settings: like = "{name}"')
    return create_model(name, checkpoint=file, input_size=own.input_size)


def _backbone(model: nn.Module) -> Backbone | None:
    return next((m for m in model.modules() if isinstance(m, Backbone)), None)


def _shape(parameters: dict[str, nn.Parameter], name: str) -> tuple[int, ...] | None:
    return tuple(parameters[name].shape) if name in parameters else None
