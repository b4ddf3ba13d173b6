"""A problem learnt from fewer and more images, each number of them a problem of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text
from scanlab.study.extended import overlaid
from scanlab.study.trial import Problem, Study, TrainSize
from scanlab.study.work import dataset_of

__all__ = ["SizesAsked", "check_train_sizes", "learnt_from", "read_train_sizes", "sized"]

STEPS, EPOCHS = "steps", "epochs"
_HELP = (
    "give two rising numbers of training images or more, as in train_sizes = [100, 400, 1600], or "
    'train_sizes = { images = [100, 400], equal = "epochs" }'
)


@dataclass(frozen=True)
class SizesAsked:
    """images: the numbers of training images, rising. equal: what the trainings on them have in common, "steps" (few
    images are gone through more often) or "epochs"."""

    images: tuple[int, ...]
    equal: str = STEPS


def read_train_sizes(given: Any, table: Mapping[str, Any]) -> SizesAsked | None:
    """What `train_sizes` of a problem with these settings asks for, None without it. Raises S685.

    >>> read_train_sizes([50, 200], {})
    SizesAsked(images=(50, 200), equal='steps')
    """
    if given is None:
        return None
    if "limit" in table:
        raise ScanlabError.at("S685", "limit and train_sizes both say how many images are trained on", help="leave one")
    settings = given if isinstance(given, dict) else {"images": given}
    images, equal = settings.get("images"), settings.get("equal", STEPS)
    unknown = [key for key in settings if key not in ("images", "equal")]
    if unknown or equal not in (STEPS, EPOCHS) or not isinstance(images, list):
        raise ScanlabError.at("S685", f"train_sizes is {given!r}", help=_HELP)
    whole = all(type(n) is int and n >= 1 for n in images)
    if not whole or len(images) < 2 or any(later <= first for first, later in pairwise(images)):
        raise ScanlabError.at("S685", f"train_sizes asks for {images} images", help=_HELP)
    return SizesAsked(tuple(images), equal)


def sized(table: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str, SizesAsked | None]]:
    """The settings of a problem with each number of training images, the fewest first, and what that adds to its name;
    the settings as they are where no sizes are asked for. Raises S685.

    With equal steps an epoch of few images goes through them as often as gives about the steps of the most images, so
    that all are measured as often, by one schedule.

    >>> [(own["limit"], own["recipe"], name) for own, name, _ in sized({"train_sizes": [50, 200]})]
    [(50, {'passes': 4}, ', 50 images'), (200, {'passes': 1}, ', 200 images')]
    """
    asked = read_train_sizes(table.get("train_sizes"), table)
    if asked is None:
        yield dict(table), "", None
        return
    recipe = table.get("recipe", {})
    before = recipe.get("passes", 1) if isinstance(recipe, dict) else 1
    for images in asked.images:
        passes = before
        if asked.equal == STEPS and type(before) is int:
            passes = max(1, round(asked.images[-1] * before / images))
        yield overlaid(table, {"limit": images, "recipe": {"passes": passes}}), f", {images} images", asked


def learnt_from(problem: Problem, suffix: str, variant: str, asked: SizesAsked) -> Problem:
    """The problem, with what its name was without what the number of its training images added to it."""
    assert problem.data.limit is not None
    of = problem.name.removesuffix(suffix + variant) + variant
    return replace(problem, train_size=TrainSize(of, problem.data.limit, asked.equal))


def check_train_sizes(study: Study) -> None:
    """Refuse what has fewer training images than are asked for, with any seed. Raises S685."""
    for problem in study.problems:
        if problem.train_size is None:
            continue
        label = problem.strategies[0][0]
        for seed in study.seeds:
            there = len(dataset_of(study.trial(problem, label, seed).problem.data).train)
            if there < problem.train_size.images:
                of, asked = problem.train_size.of, problem.train_size.images
                raise ScanlabError.at(
                    "S685",
                    f"{of} has {count_text(there, 'training image')}, and train_sizes asks for {asked:,}",
                    help=f"end train_sizes with {there} or fewer",
                )
