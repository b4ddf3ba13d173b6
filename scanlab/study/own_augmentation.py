"""Augmentations of a person's own: a function by import path that changes the batches of a training."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from scanlab.imported import RAISED, imported, shown_traceback
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["changed_by", "check_own_augmentation"]

TRIED = 4


def changed_by(path: str, images: Tensor, targets: Tensor, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """What the function of an import path makes of a batch, images [B, C, *extents] and their targets, with draws from
    a generator on the CPU. Raises S852 where it gives other shapes or kinds of numbers than it was given."""
    made = _function(path)(images, targets, draw)
    if not isinstance(made, tuple) or len(made) != 2 or not all(isinstance(each, Tensor) for each in made):
        raise ScanlabError.at("S852", f"{path} gave {type(made).__name__}", help="return (images, targets)")
    for name, own, given in zip(("images", "targets"), made, (images, targets), strict=True):
        if own.shape != given.shape or own.dtype != given.dtype:
            shown = f"{own.dtype} {list(own.shape)}, and was given {given.dtype} {list(given.shape)}"
            raise ScanlabError.at("S852", f"{path} gave {name} as {shown}", help="keep their shape and kind of numbers")
    return made


def check_own_augmentation(path: str, images: Any, targets: Any) -> None:
    """Try it on a few samples before any training. Raises S608 for images of different widths, S850 for a function that
    is not there, S851 with its traceback where it raises, and S852."""
    some = images[:TRIED]
    if not isinstance(some, Tensor):
        problem = f"recipe.augment: {path} would change images of different widths"
        raise ScanlabError.at("S608", problem, help="leave augment out")
    try:
        changed_by(path, some.clone(), targets[:TRIED].clone(), torch.Generator().manual_seed(0))
    except ScanlabError:
        raise
    except RAISED as error:
        what = f"recipe.augment, {path}: {type(error).__name__}: {error}"
        raise ScanlabError.at("S851", what, note=shown_traceback(error), help="mend it and run again") from error


@cache
def _function(path: str) -> Callable[..., Any]:
    install = "install the package, or run where its file lies"
    return imported(path, path, missing="S850", broken="S851", install=install)
