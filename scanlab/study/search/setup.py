"""A search from a study, or from a data set's name."""

from __future__ import annotations

from dataclasses import replace

from scanlab.compiler.bind import bind
from scanlab.data.notes import notes_of
from scanlab.facade import as_value, parse
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import Order, Scan, Value
from scanlab.nn import BackboneConfig
from scanlab.study.search.space import space_kind, space_named
from scanlab.study.search.values import Search
from scanlab.study.trial import DataChoice, Problem, Study
from scanlab.study.work import dataset_of, tested_by

__all__ = ["problem_of_data", "problem_of_study", "search_of"]

SEARCH_SHARE = 3
"""A candidate is trained for a third of the recipe's epochs, where nothing else is asked for."""
_AXES = {1: "w", 2: "h w", 3: "d h w", 4: "t d h w"}


def problem_of_study(study: Study, baseline: str = "") -> Problem:
    """A study's problem with its baseline, or another one, as the only strategy. Raises S667 for several problems."""
    if len(study.problems) != 1:
        names = ", ".join(p.name for p in study.problems)
        raise ScanlabError.at(
            "S667", f"a search has one problem, and the study has {names}", help="give a study file with one of them"
        )
    if study.tune or study.problems[0].resample:
        what = "[tune]" if study.tune else "resample"
        raise ScanlabError.at(
            "S667",
            f"all candidates share their data and recipe, and the study sets {what}",
            help="leave it out",
        )
    problem = _on_test(study.problems[0])
    label = study.baseline or problem.strategies[0][0]
    if baseline:
        return _with_baseline(problem, baseline, dict(problem.strategies)[label].grid)
    return replace(problem, strategies=((label, dict(problem.strategies)[label]),))


def problem_of_data(name: str, kind: str, baseline: str = "", limit: int | None = None, layout: str = "") -> Problem:
    """Classes or masks of a data set, with the default model and recipe. Without a baseline it is the raster, and for
    scans the raster along every pair of directions. layout: words that settle how the data are read."""
    choice = DataChoice(name, limit=limit, layout=layout)
    dataset, config = dataset_of(choice), BackboneConfig()
    sides = config.patch_sides(len(dataset.extents))
    grid = tuple(n // side for n, side in zip(dataset.extents, sides, strict=True))
    task, notes = dataset.target_kind.task, notes_of(dataset)
    tested = tested_by(task, dataset)
    problem = Problem(name, choice, task, dataset.fingerprint, (), config, notes=notes, tested=tested)
    return _with_baseline(problem, baseline or _usual(kind, grid, dataset.video), grid)


def search_of(problem: Problem, kind: str, epochs: int | None = None, **settings) -> Search:
    """A search around a problem's baseline; settings as `Search` takes them. Raises S667."""
    plan = problem.strategies[0][1]
    value = plan.value
    space = space_named(kind, _bare(value), plan.grid, sum(problem.config.depths))
    return Search(problem, space, epochs=epochs or max(1, problem.recipe.epochs // SEARCH_SHARE), **settings)


def _on_test(problem: Problem) -> Problem:
    """The problem on the test part: candidates are picked on the validation part, whatever the study itself uses."""
    if problem.data.part == "test":
        return problem
    data = replace(problem.data, part="test")
    dataset = dataset_of(data)
    return replace(problem, data=data, fingerprint=dataset.fingerprint, tested=tested_by(problem.task, dataset))


def _with_baseline(problem: Problem, baseline: str | Value, grid: tuple[int, ...]) -> Problem:
    value = as_value(baseline, grid)
    label = value.name or str(value)
    return replace(problem, strategies=((label, bind(value, grid)),))


def _usual(kind: str, grid: tuple[int, ...], video: bool) -> Value:
    axes = "t h w" if video and len(grid) == 3 else _AXES[len(grid)]
    several = space_kind(kind).paths > 1
    if several and len(grid) == 2:
        return as_value("cross")
    rows = "by " + ", ".join(axes.split())
    value = parse(f"sum(({rows}), -({rows}))" if several else rows, axes)
    return replace(value, name="both ways" if several else "row")


def _bare(value: Value) -> Value:
    """An order that was bound, and so became a scan of one path, as the order it was."""
    match value:
        case Scan(merge="sum", parts=(Order() as order,), tokens=()):
            return order
    return value
