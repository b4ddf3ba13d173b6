"""Refuse a study that cannot run, before any training."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from scanlab.data import Dataset
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneSizes
from scanlab.study.trial import CONTROLS, Study


def check_study(study: Study, dataset: Dataset) -> None:
    """Raise S601 for no or repeated seeds, S607 for no or repeated strategies, S608 for a setting out of range
    or an unknown control.

    Then S602 for a grid that is not the image's divided into patches, and whatever the backbone refuses (S603 to S605).
    """
    _check_seeds(study.seeds)
    _check_names([name for name, _ in study.strategies])
    _check_ranges(study)
    for control in study.controls:
        if control not in CONTROLS:
            known = ", ".join(CONTROLS)
            raise ScanlabError.at("S608", f"there is no control {control!r}", help=f"choose from: {known}")
    for name, plan in study.strategies:
        _check_grid(name, tuple(plan.grid), dataset, study.sizes)
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            Backbone(plan, study.sizes, channels=dataset.images.shape[1])


def _check_seeds(seeds: tuple[int, ...]) -> None:
    repeated = _repeated(seeds)
    if not seeds or repeated or min(seeds) < 0:
        problem = (
            "has no seeds" if not seeds else f"has seed {repeated[0]} twice" if repeated else "has a negative seed"
        )
        raise ScanlabError.at("S601", f"the study {problem}", help="give different seeds of at least 0, such as 0 1 2")


def _check_names(names: list[str]) -> None:
    repeated = _repeated(names)
    if not names or repeated:
        problem = f"compares {repeated[0]!r} twice" if repeated else "has no strategies"
        raise ScanlabError.at(
            "S607", f"the study {problem}", help="give at least one strategy, each under its own name"
        )


def _check_ranges(study: Study) -> None:
    sizes, recipe = study.sizes, study.recipe
    least = {
        "patch": min(sizes.patch_sides(len(study.strategies[0][1].grid))),
        "dim": sizes.dim,
        "depth": min(sizes.depths, default=0),
        "state": sizes.mixer.state,
        "expand": sizes.mixer.expand,
        "epochs": recipe.epochs,
        "batch": recipe.batch,
    }
    for name, value in least.items():
        if value < 1:
            raise ScanlabError.at("S608", f"{name} is {value}", help=f"{name} must be at least 1")
    if recipe.shift < 0 or not recipe.learning_rate > 0:
        name, need = ("shift", "at least 0") if recipe.shift < 0 else ("learning_rate", "above 0")
        raise ScanlabError.at("S608", f"{name} is {getattr(recipe, name)}", help=f"{name} must be {need}")


def _check_grid(name: str, grid: tuple[int, ...], dataset: Dataset, sizes: BackboneSizes) -> None:
    extents = dataset.extents
    sides = sizes.patch_sides(len(extents))
    wanted = tuple(n // side for n, side in zip(extents, sides, strict=True))
    fits = all(n % side == 0 for n, side in zip(extents, sides, strict=True))
    if fits and grid == wanted:
        return
    if not fits:
        help = f"choose a patch size that divides both {' and '.join(map(str, extents))}"
    else:
        help = f"compile {name} for a {_times(wanted)} grid, or choose another patch size"
    raise ScanlabError.at(
        "S602",
        f"{name} is compiled for a {_times(grid)} grid, and {_times(extents)} images do not give one in "
        f"{_times(sides)} patches",
        help=help,
    )


def _times(extents: Iterable[int]) -> str:
    return "x".join(map(str, extents))


def _repeated(values: Iterable) -> list:
    seen = list(values)
    return [v for i, v in enumerate(seen) if v in seen[:i]]
