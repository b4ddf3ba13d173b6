"""In what a step of training computes, and how much of it is kept."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch
from torch import nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone

__all__ = ["autocast", "compiled", "recompute"]


def autocast(precision: str, device: str) -> AbstractContextManager[object]:
    """torch's autocast to a precision of `recipe.PRECISIONS`; none for float32."""
    lower = precision != "float32"
    return torch.autocast(torch.device(device).type, getattr(torch, precision) if lower else None, enabled=lower)


def compiled(step: nn.Module) -> nn.Module:
    """A module compiled by torch.compile; its parameters are the same ones."""
    made = torch.compile(step)
    assert isinstance(made, nn.Module)
    return made


def recompute(model: nn.Module) -> None:
    """Of every block of every backbone in a model only the input is kept for the backward pass. Raises S608 for a model
    without one."""
    backbones = [module for module in model.modules() if isinstance(module, Backbone)]
    if not backbones:
        problem = f"recompute: a {type(model).__name__} has no blocks that ScanLab knows"
        raise ScanlabError.at("S608", problem, help="leave it out, or let the model checkpoint its own parts")
    for backbone in backbones:
        backbone.checkpointing = True
