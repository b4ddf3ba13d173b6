"""The range of every setting of a study."""

from __future__ import annotations

import math
from itertools import pairwise

from scanlab.data import Dataset
from scanlab.ir.diagnostics import ScanlabError
from scanlab.study.tasks import task_named
from scanlab.study.trial import CONTROLS, Problem, Recipe, Study

__all__ = ["check_ranges", "check_seeds", "check_study_ranges"]

# torch takes larger ones, numpy's frozen generator does not.
LARGEST_SEED = 2**32 - 1


def check_seeds(seeds: tuple[int, ...]) -> None:
    """Raise S601 for seeds that are missing, repeated or out of range."""
    repeated = [seed for i, seed in enumerate(seeds) if seed in seeds[:i]]
    problem = f"has seed {repeated[0]} twice" if repeated else "" if seeds else "has no seeds"
    if not problem and (min(seeds) < 0 or max(seeds) > LARGEST_SEED):
        problem = f"has seed {min(seeds) if min(seeds) < 0 else max(seeds)}"
    if problem:
        raise ScanlabError.at(
            "S601",
            f"the study {problem}",
            help=f"give different seeds of at least 0, such as 0 1 2, up to {LARGEST_SEED}",
        )


def check_study_ranges(study: Study) -> None:
    """Raise S608 for an unknown control, or a margin or confidence out of range; S680 for looks."""
    for control in study.controls:
        if control not in CONTROLS:
            raise ScanlabError.at(
                "S608", f"there is no control {control!r}", help=f"choose from: {', '.join(CONTROLS)}"
            )
    for name, margin in study.margins.items():
        if not 0 <= margin < math.inf:
            raise ScanlabError.at("S608", f"the margin of {name} is {margin}", help="it must be at least 0")
    for problem in study.problems:
        task, margin = task_named(problem.task), study.margins.get(problem.name, 0.0)
        if task.unit and margin >= 1:
            raise ScanlabError.at(
                "S608",
                f"the margin of {problem.name} is {margin:g}, all that {task.primary} can differ by",
                help=f"give a share: {margin / 100:g} is {margin:g} {task.unit}",
            )
    if not 0.5 <= study.confidence < 1:
        raise ScanlabError.at("S608", f"confidence is {study.confidence}", help="it must be a share, such as 0.95")
    _check_looks(study.looks, len(study.seeds))


def _check_looks(looks: tuple[int, ...], seeds: int) -> None:
    """Raise S680 for looks that cannot be what was declared."""
    if not looks:
        return
    listed = ", ".join(map(str, looks))
    if looks[0] < 2 or any(later <= look for look, later in pairwise(looks)):
        help = "give rising numbers of seeds, of 2 or more, such as looks = [5, 10]: one seed alone shows no spread"
        raise ScanlabError.at("S680", f"looks are declared at {listed} seeds", help=help)
    if seeds > looks[-1]:
        raise ScanlabError.at(
            "S680",
            f"looks are declared at {listed} seeds, and there are {seeds} seeds",
            help=f"end the looks with {seeds}, the most seeds that are to run, or give fewer seeds",
        )


def check_ranges(problem: Problem, dataset: Dataset) -> None:
    """Raise S608 for a setting of the model or the recipe that is out of range."""
    config, mixer, recipe = problem.config, problem.config.mixer, problem.recipe
    least = {
        "patch": min(config.patch_sides(len(dataset.extents))),
        "stride": 1 if config.stride is None else config.stride,
        "dim": config.dim,
        "depth": min(config.depths, default=0),
        "state": mixer.state,
        "expand": mixer.expand,
        "head": mixer.head,
        "epochs": recipe.epochs,
        "batch": recipe.batch,
    }
    for name, value in least.items():
        if not 1 <= value < math.inf:
            raise ScanlabError.at("S608", f"{name} is {value}", help=f"{name} must be at least 1")
    limits = _recipe_limits(recipe, min(dataset.extents)) | {
        "drop_path": (config.drop_path, 0 <= config.drop_path < 1, "from 0 to below 1"),
        "mlp": (config.mlp, 0 <= config.mlp < math.inf, "at least 0"),
        "position_spread": (config.position_spread, 0 <= config.position_spread < math.inf, "at least 0"),
        "shortest_step": (mixer.shortest_step, 0 < mixer.shortest_step < math.inf, "above 0"),
        "longest_step": (
            mixer.longest_step,
            mixer.shortest_step <= mixer.longest_step < math.inf,
            "at least shortest_step",
        ),
    }
    for name, (value, fits, need) in limits.items():
        if not fits:
            raise ScanlabError.at("S608", f"{name} is {value}", help=f"{name} must be {need}")


def _recipe_limits(recipe: Recipe, smallest: int) -> dict[str, tuple[float, bool, str]]:
    """By setting: its value, whether it fits, and what it must be; smallest: the least extent of an image."""
    return {
        "shift": (recipe.shift, 0 <= recipe.shift < smallest, f"at least 0 and below the images' {smallest}"),
        "learning_rate": (recipe.learning_rate, 0 < recipe.learning_rate < math.inf, "above 0"),
        "weight_decay": (recipe.weight_decay, 0 <= recipe.weight_decay < math.inf, "at least 0"),
        "label_smoothing": (recipe.label_smoothing, 0 <= recipe.label_smoothing < 1, "from 0 to below 1"),
    }
