"""``scanlab search``: orders, scans and plans that nobody wrote down yet."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from scanlab.cli.narrow_tables import print_table
from scanlab.cli.output import console, print_json
from scanlab.cli.pictures import study_pictures
from scanlab.ir.text import count_text
from scanlab.study import report, runner
from scanlab.study.place import require_folder
from scanlab.study.preflight import costs
from scanlab.study.search import (
    Judged,
    Search,
    SearchProgress,
    SearchResult,
    SearchStopped,
    as_data,
    candidates,
    explore,
    judge,
    judged,
    lost_words,
    write_best,
    write_data,
)
from scanlab.study.search.propose import SAMPLERS
from scanlab.study.search.setup import problem_of_data, problem_of_study, search_of
from scanlab.study.search.values import plain_source
from scanlab.study.tasks import Task, task_named
from scanlab.study.time_needed import duration, estimate
from scanlab.study.trial import Study
from scanlab.study.work import dataset_of

__all__ = ["Options", "run"]

LISTED = 20


@dataclass(frozen=True)
class Options:
    """The options of the command. study: a file; where there is none, data names a data set. layout: how it is read."""

    study: Path | None = None
    data: str = "digits"
    limit: int | None = None
    layout: str = ""
    baseline: str = ""
    space: str = "parameters"
    sampler: str = "random"
    trials: int | None = None
    minutes: float | None = None
    seeds: int = 1
    epochs: int | None = None
    halving: bool = False
    finalists: int = 3
    final_seeds: int = 5
    seed: int = 0
    workers: int = 1


def run(options: Options, out: Path, dry: bool, as_json: bool) -> None:
    """Search, judge the finalists afresh, and write best.scan, search.json and a report."""
    require_folder(out)
    search = _search(options)
    if dry:
        _print_plan(search, options.workers, as_json)
        return
    command = shlex.join(["scanlab", *sys.argv[1:]])
    result = None
    try:
        with _progress(quiet=as_json) as on_event:
            given = {"workers": options.workers, "command": command}
            result = explore(search, out / "search", listener=on_event, **given)
            on_event(SearchProgress("judging", result.proposals, len(result.ranked)))
            record = judge(search, result, out, listener=_judging(result, on_event), **given)
    except KeyboardInterrupt as stop:
        _print_stopped(search, stop.result if isinstance(stop, SearchStopped) else result, as_json)
        raise
    rows = judged(search, result, record)
    write_data(search, result, rows, out / "search.json")
    best = write_best(search, result, rows, out / "best.scan", command)
    if as_json:
        print_json(as_data(search, result, rows))
    else:
        _print(search, result, rows, best)
    # Last, since it may lack an extra, and nothing that took long hangs on it.
    page = report.write_report(record, out, study_pictures(record), shlex.join(["scanlab", "report", str(out)]))
    if not as_json:
        console().print(f"wrote {page}", soft_wrap=True)


def _search(options: Options) -> Search:
    if options.study is not None:
        from scanlab.study import settings

        given = settings.with_options(settings.read_settings(options.study), {"layout": options.layout})
        study = settings.study_of(given)
        problem = problem_of_study(study, options.baseline)
        margin = study.margins.get(problem.name, 0.0)
    else:
        margin = 0.0
        problem = problem_of_data(options.data, options.space, options.baseline, options.limit, options.layout)
    # Half an hour may be all that is asked for; a number of trials is the usual budget.
    trials = 30 if options.trials is None and options.minutes is None else options.trials
    names = ("sampler", "minutes", "seeds", "halving", "finalists", "final_seeds", "seed")
    values = {name: getattr(options, name) for name in names}
    return search_of(problem, options.space, options.epochs, trials=trials, margin=margin, **values)


def _print_plan(search: Search, workers: int, as_json: bool) -> None:
    """What would be tried: the first candidates with their verdicts, and how much there is to train."""
    seen, screen = candidates(search, search.trials or LISTED)
    recipe = search.problem.recipe
    first = (screen.counts["new"] + 1) * search.seeds
    last = (search.finalists + 3) * search.final_seeds
    seconds = _seconds(search, first, last) / workers
    data: dict[str, Any] = {
        "seconds": seconds,
        "space": search.space.kind,
        "grid": list(search.space.grid),
        "candidates": [{"source": str(p.value), "verdict": verdict} for p, verdict in seen],
        "verdicts": dict(screen.counts),
        "trainings": {"search": first, "epochs": search.epochs, "last": last, "last_epochs": recipe.epochs},
    }
    if as_json:
        print_json(data)
        return
    screen_out = console()
    for p, verdict in seen[:LISTED]:
        screen_out.print(Text.assemble((f"{verdict:20}", "dim"), " ", str(p.value)))
    screen_out.print(_counted(len(seen), screen.counts))
    if SAMPLERS[search.sampler].learns:
        screen_out.print(f"The {search.sampler} sampler proposes others once it has seen scores.")
    screen_out.print(
        f"To train: {first} for {count_text(search.epochs, 'epoch')} on the validation part, then {last} for "
        f"{count_text(recipe.epochs, 'epoch')} on the test part; about {duration(seconds)}, a guess, in all."
    )


def _seconds(search: Search, first: int, last: int) -> float:
    """Of all trainings one after another, guessed from the operations of the baseline's."""
    problem = replace(search.problem, strategies=search.problem.strategies[:1])
    alone = Study("baseline", (problem,), (0,), controls=())
    each = {(problem.name, label): cost for label, cost in costs(problem, dataset_of(problem.data)).items()}
    whole = estimate(alone, each).wall or 0.0
    return whole * (first * search.epochs / search.problem.recipe.epochs + last)


def _print(search: Search, result: SearchResult, rows: list[Judged], best: Path) -> None:
    out, task = console(), task_named(search.problem.task)
    print_table(out, _table(search, rows, task))
    for row in rows[1:-1]:
        out.print(Text.assemble((row.label, "bold"), f" ({row.how}): {row.source}"))
        if row.verdict:
            out.print(f"  afresh: {row.verdict}")
    out.print(_counted(result.proposals, result.counts))
    if result.exhausted:
        out.print("The space has no more candidates.")
    if result.failed:
        out.print(f"{len(result.failed)} could not be trained; the database in {best.parent / 'search'} says why.")
    out.print(f"wrote {best} and {best.parent / 'search.json'}", soft_wrap=True)


def _print_stopped(search: Search, result: SearchResult | None, as_json: bool) -> None:
    """What a search had when it was stopped; on stderr where stdout is for a machine, which waits for the whole."""
    screen = console(stderr=as_json)
    ranked = result.ranked if result else ()
    if result and ranked:
        table = Table(title=f"{search.problem.name}: {task_named(search.problem.task).primary}", title_justify="left")
        for name in ("", "in the search", "lead", "epochs"):
            table.add_column(name, justify="left" if not name else "right")
        for tried in ranked[:LISTED]:
            lead = result.lead(tried) if tried.epochs in result.baseline else None
            score = _value(tried.scores[tried.epochs])
            table.add_row(Text(plain_source(tried.plan)), score, _value(lead, "+"), str(tried.epochs))
        table.caption = "validation part; the best of many is partly the luckiest, and nothing was judged afresh"
        print_table(screen, table)
    trained = f"stopped, with {count_text(len(ranked), 'candidate')} trained"
    screen.print(f"{trained}: the same command goes on from what is done, and judges at the end.")


def _table(search: Search, rows: list[Judged], task: Task) -> Table:
    table = Table(title=f"{search.problem.name}: {task.primary}", title_justify="left")
    for name in ("", "in the search", "lead", "afresh", "lead", "interval", ""):
        table.add_column(name, justify="left" if not name else "right")
    for row in rows:
        cells = (_value(row.search), _value(row.search_lead, "+"), _value(row.fresh), _value(row.fresh_lead, "+"))
        between = "–" if row.interval is None else " … ".join(_value(end, "+") for end in row.interval)
        table.add_row(row.label, *cells, between, lost_words(row, task))
    table.caption = (
        f"search: validation part, {count_text(search.seeds, 'seed')}; afresh: test part, "
        f"{count_text(search.final_seeds, 'other seed')}, the whole recipe"
    )
    return table


def _value(value: float | None, sign: str = "") -> str:
    return "–" if value is None else f"{value:{sign}.4f}"


def _counted(proposals: int, counts) -> str:
    listed = ", ".join(f"{n} {verdict}" for verdict, n in sorted(counts.items(), key=lambda c: -c[1]))
    return f"{proposals} candidates: {listed}. Only new ones, each proved for all grid sizes, are trained."


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[SearchProgress], None]]:
    screen = console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(20), TimeElapsedColumn())
    with Progress(*columns, console=screen, disable=quiet or not screen.is_terminal, transient=True) as bar:
        task = bar.add_task("proving", total=None)

        def on_event(now: SearchProgress) -> None:
            words = f"{now.stage}: {now.proposals} proposed, {now.trained} trained"
            if now.best is not None:
                words += f"; best {now.best[1]:.4f} {escape(now.best[0][:40])}"
            update = now.update
            done, total = (None, None) if update is None else update.epochs
            bar.update(task, description=words, completed=done or 0, total=total)

        yield on_event


def _judging(
    result: SearchResult, on_event: Callable[[SearchProgress], None]
) -> Callable[[runner.StudyProgress], None]:
    best = result.ranked[0]
    line = (plain_source(best.plan), best.scores[best.epochs])
    return lambda update: on_event(SearchProgress("judging", result.proposals, len(result.ranked), line, update))
