"""Images that cannot be read while a trial trains: it goes on without them, up to a limit, and says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.study.line_images import Images, Targets
from scanlab.study.loading import LoadedImages, LoadedMasks

__all__ = ["agree_on", "computed_on", "counts_of", "measurable", "not_measured"]

Part = tuple[Images, Targets]


def measurable(part: Part, train: Images) -> Part:
    """Images and targets to measure on, of which some may not be readable; both count these as one with what is trained
    on.

    Where some may be, all are read once at the start: after every epoch the same ones are measured. Raises S644 where
    none of them can be.
    """
    images, targets = part
    if not isinstance(train, LoadedImages) or not isinstance(images, LoadedImages) or not images.left.most:
        return part
    images = replace(images, left=train.left)
    if isinstance(targets, LoadedMasks):
        targets = replace(targets, images=images)
        for _ in targets.split(1 + 2 * images.images.loaders):
            pass
    kept = images.readable()
    if not len(kept):
        raise ScanlabError.at("S644", f"of what is measured on nothing can be read: {images.left.first}")
    left = images.of(kept)
    if isinstance(targets, LoadedMasks):
        return left, targets.of(kept, left)
    return left, targets[kept.to(targets.device)]


def computed_on(images: Images, chosen: Tensor, own: slice, mixes: bool) -> slice | list[int]:
    """The places of a batch that a process computes on: its own, but for images that could not be read, and those that
    would be mixed with them."""
    if not isinstance(images, LoadedImages) or not images.left.why:
        return own
    missing = images.missing(chosen)
    missing = missing | missing.flip(0) if mixes else missing
    return [place for place in range(len(chosen))[own] if not missing[place]]


def agree_on(images: Images, total: Callable[[Tensor], Tensor]) -> None:
    """Count what any of several processes could not read, in all of them. Raises S644 where that is too much."""
    if isinstance(images, LoadedImages) and images.left.most:
        marks = images.missing(torch.arange(len(images))).float().to(images.device)
        seen = (total(marks) > 0).cpu().numpy()
        images.left.add(dict.fromkeys(images.images.numbers[seen].tolist(), ""))


def counts_of(train: Images) -> dict[str, Any]:
    """For a record: how many images were left out of training and of what is measured on, and what was wrong with the
    first; nothing where all could be read."""
    if not isinstance(train, LoadedImages) or not train.left.why:
        return {}
    measured = len(not_measured(train))
    return {"training": len(train.left.why) - measured, "measured": measured, "first": train.left.first}


def not_measured(train: Images) -> list[int]:
    """The numbers of images that are not measured, in order."""
    if not isinstance(train, LoadedImages):
        return []
    trained = {*train.images.numbers[np.isin(train.images.numbers, list(train.left.why))].tolist()}
    return sorted({*train.left.why} - trained)
