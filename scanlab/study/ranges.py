"""The range of every setting of a study."""

from __future__ import annotations

import math
from itertools import pairwise

from scanlab.data import Dataset
from scanlab.data.ragged import RaggedImages
from scanlab.data.target_kinds import CLASSES, LABELS
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text
from scanlab.study.recipe import DECAYS, PRECISIONS, Recipe
from scanlab.study.tasks import task_named
from scanlab.study.trial import CONTROLS, Problem, Study

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
            raise ScanlabError.at("S608", f"the margin of {name} is {margin}", help="it must be at least 0, and finite")
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
        "repeated": recipe.repeated,
        "passes": recipe.passes,
        "accumulate": recipe.accumulate,
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
            finite = ", and a finite number" if isinstance(value, float) and math.isinf(value) else ""
            raise ScanlabError.at("S608", f"{name} is {value}", help=f"{name} must be {need}{finite}")
    _check_pictures(recipe, problem.task, dataset)


def _check_pictures(recipe: Recipe, task: str, dataset: Dataset) -> None:
    """Raise S608 for changes of pictures that these data do not allow."""
    settings = recipe.of_pictures
    if not settings:
        return
    listed, axes = ", ".join(settings), len(dataset.extents)
    classes = task_named(task).targets in (CLASSES, LABELS)
    if isinstance(dataset.images, RaggedImages) or axes != 2 or not classes:
        problem = f"{listed}: these change pictures of one size with classes, and {dataset.name} has other data"
        raise ScanlabError.at(
            "S608", problem, help="leave them out; flip, turn, zoom and shift move masks and boxes too"
        )
    colours = [name for name in settings if name in ("rand_augment", "auto_augment", "color_jitter")]
    if colours and dataset.channels != 3:
        problem = f"{', '.join(colours)}: the pictures of {dataset.name} have {count_text(dataset.channels, 'channel')}"
        raise ScanlabError.at("S608", problem, help="leave them out: they change colours of red, green and blue")


def _recipe_limits(recipe: Recipe, smallest: int) -> dict[str, tuple[float | str, bool, str]]:
    """By setting: its value, whether it fits, and what it must be; smallest: the least extent of an image."""
    return {
        "shift": (recipe.shift, 0 <= recipe.shift < smallest, f"at least 0 and below the images' {smallest}"),
        "learning_rate": (recipe.learning_rate, 0 < recipe.learning_rate < math.inf, "above 0"),
        "weight_decay": (recipe.weight_decay, 0 <= recipe.weight_decay < math.inf, "at least 0"),
        "label_smoothing": (recipe.label_smoothing, 0 <= recipe.label_smoothing < 1, "from 0 to below 1"),
        "crop": (recipe.crop, 0 <= recipe.crop <= 1, "a share of the area, 0 for none"),
        "rand_augment": (recipe.rand_augment, 0 <= recipe.rand_augment <= 10, "a magnitude from 0 to 10"),
        "color_jitter": (recipe.color_jitter, 0 <= recipe.color_jitter <= 1, "from 0 to 1"),
        "erasing": (recipe.erasing, 0 <= recipe.erasing <= 1, "a probability"),
        "mixup": (recipe.mixup, 0 <= recipe.mixup < math.inf, "at least 0"),
        "cutmix": (recipe.cutmix, 0 <= recipe.cutmix < math.inf, "at least 0"),
        "patience": (recipe.patience, recipe.patience >= 0, "at least 0"),
        "clip": (recipe.clip, 0 <= recipe.clip < math.inf, "at least 0"),
        "warm_up": (
            recipe.warm_up or 0.0,
            0 <= (recipe.warm_up or 0.0) < recipe.epochs,
            f"of fewer epochs than all {recipe.epochs}",
        ),
        "first_rate": (recipe.first_rate, 0 <= recipe.first_rate <= recipe.learning_rate, "up to learning_rate"),
        "last_rate": (recipe.last_rate, 0 <= recipe.last_rate <= recipe.learning_rate, "up to learning_rate"),
        "layer_decay": (recipe.layer_decay, 0 < recipe.layer_decay <= 1, "above 0 and up to 1"),
        "ema": (recipe.ema, 0 <= recipe.ema < 1, "from 0 to below 1"),
        "checkpoint_minutes": (recipe.checkpoint_minutes, 0 <= recipe.checkpoint_minutes < math.inf, "at least 0"),
        "decays": (recipe.decays, recipe.decays in DECAYS, " or ".join(DECAYS)),
        "precision": (recipe.precision, recipe.precision in PRECISIONS, " or ".join(PRECISIONS)),
    }
