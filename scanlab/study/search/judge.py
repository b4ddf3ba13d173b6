"""Judge the finalists of a search with seeds and samples that it has not seen, and say how much of the lead is lost.

The best of many candidates is partly the luckiest (the winner's curse): the score that it was picked for is biased
upwards, and the more so the more candidates there were. Only fresh seeds on data that the search never looked at tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scanlab.compiler.bind import bind
from scanlab.renamed import renamed_keywords
from scanlab.study import runner
from scanlab.study.analysis import analyse
from scanlab.study.engines import Engine
from scanlab.study.record import StudyRecord
from scanlab.study.search.space import random_order
from scanlab.study.search.values import Candidate, Search, SearchResult, plain_source
from scanlab.study.tasks import Task, task_named
from scanlab.study.trial import Study

__all__ = ["RANDOM", "Judged", "final_study", "finalist_label", "judge", "judged", "lost_words"]

RANDOM = "random order"
FRESH_SEEDS = 1000
"""Where the seeds of the last study start: a search counts its own from 0."""
RANDOM_SEED = 7


@dataclass(frozen=True)
class Judged:
    """A strategy as the search saw it, and afresh.

    search, fresh: the primary metric, a mean over the seeds; search is None for the random order, which the search did
    not train, and fresh where a trial failed. search_lead, fresh_lead: over the baseline; lost: the first minus the
    second, of the metric's better side, so that what is lost is positive. interval, verdict: of the fresh lead, as
    `analysis.analyse` gives them.
    """

    label: str
    source: str
    how: str
    search: float | None
    fresh: float | None
    search_lead: float | None
    fresh_lead: float | None
    lost: float | None
    interval: tuple[float, float] | None = None
    verdict: str = ""


@renamed_keywords(found="result")
def final_study(search: Search, result: SearchResult) -> Study:
    """The baseline, the finalists and a random order, with the whole recipe, on the test part."""
    problem, finalists = search.problem, result.ranked[: search.finalists]
    label, plan = problem.strategies[0]
    shuffled = bind(random_order(search.space.frame, RANDOM_SEED), plan.grid)
    strategies = (
        (label, plan),
        *((finalist_label(i), tried.plan) for i, tried in enumerate(finalists)),
        (RANDOM, shuffled),
    )
    first = max(FRESH_SEEDS, search.seeds)
    return Study(
        f"finalists of a search of {search.space.kind}",
        (replace(problem, strategies=strategies),),
        tuple(range(first, first + search.final_seeds)),
        baseline=label,
        controls=("A/A",),
        margins={problem.name: search.margin} if search.margin else {},
        question=_question(search, result, finalists),
        looks=(search.final_seeds,) if search.final_seeds > 1 else (),
    )


@renamed_keywords(found="result")
def judge(
    search: Search,
    result: SearchResult,
    folder: Path,
    *,
    engine: Engine | None = None,
    workers: int = 1,
    listener: Callable[[runner.StudyProgress], None] = lambda _: None,
    command: str = "",
) -> StudyRecord:
    """Run the last study in a folder; `judged` reads its record."""
    study = final_study(search, result)
    return runner.run_study(study, folder, engine=engine, workers=workers, listener=listener, command=command)


@renamed_keywords(found="result")
def judged(search: Search, result: SearchResult, record: StudyRecord) -> list[Judged]:
    """The baseline, the finalists from the best of the search down, and the random order."""
    [problem] = analyse(record).problems
    finalists = result.ranked[: search.finalists]
    most = finalists[0].epochs
    sign = 1 if problem.higher else -1
    texts = {label: plain_source(plan) for label, plan in final_study(search, result).problems[0].strategies}
    seen = {search.baseline: ("", result.baseline[most], None), RANDOM: ("", None, None)}
    for i, tried in enumerate(finalists):
        seen[finalist_label(i)] = (tried.label, tried.scores[tried.epochs], result.lead(tried))
    rows = []
    for label, text in texts.items():
        row = problem.row(label)
        how, score, before = seen[label]
        now = interval = None
        if row.comparison is not None:
            now, low, high = (getattr(row.comparison.difference, name) for name in ("mean", "low", "high"))
            interval = None if low is None or high is None else (low, high)
        elif row.same_as == search.baseline:
            now = 0.0
        lost = None if before is None or now is None else sign * (before - now)
        verdict = row.comparison.verdict if row.comparison else ""
        rows.append(Judged(label, text, how, score, row.mean, before, now, lost, interval, verdict))
    return rows


def lost_words(row: Judged, task: Task) -> str:
    """What became of a lead, in words, as in ``lost 1.4 of its lead of 2.3 points``."""
    if row.lost is None or row.search_lead is None:
        return "no fresh score" if row.fresh is None else ""
    scale, unit, digits = (100, f" {task.unit}", 2) if task.unit else (1, "", 4)
    had = round(scale * row.search_lead * (1 if task.higher else -1), digits)
    lost = round(scale * row.lost, digits)
    if had <= 0:
        return "had no lead to lose"
    return f"lost {lost if lost > 0 else 'nothing'} of its lead of {had}{unit}"


def finalist_label(i: int) -> str:
    """What the i-th finalist, from 0, is called in the last study and in best.scan."""
    return f"found_{i + 1}"


def _question(search: Search, result: SearchResult, finalists: Sequence[Candidate]) -> str:
    """With what the search saw, so that a report shows it beside the fresh scores."""
    task = task_named(search.problem.task)
    scale, unit = (100, f" {task.unit}") if task.unit else (1, "")
    leads = ", ".join(f"{finalist_label(i)} {scale * result.lead(t):+.3g}{unit}" for i, t in enumerate(finalists))
    return (
        f"Do the best of {len(result.ranked)} candidates keep their lead over {search.baseline} with fresh seeds? When "
        f"they were picked ({task.primary}, validation part, seeds 0 to {search.seeds - 1}, epochs: "
        f"{finalists[0].epochs}) it was: {leads}."
    )
