"""What a search leaves behind: best.scan with the finalists, and search.json with everything that was tried."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import reason_of
from scanlab.ir.values import Order, Plan
from scanlab.places import write_whole
from scanlab.renamed import renamed_keywords
from scanlab.study.search.judge import Judged, finalist_label, lost_words
from scanlab.study.search.values import Candidate, Search, SearchResult, plain_source
from scanlab.study.tasks import task_named

__all__ = ["as_data", "write_best", "write_data"]


@renamed_keywords(found="result")
def write_best(search: Search, result: SearchResult, rows: Sequence[Judged], file: Path, command: str) -> Path:
    """The finalists as definitions of the language, each with where it comes from and what it was worth afresh.

    Raises S502 where the file cannot be written.
    """
    axes = ", ".join(search.space.frame.axes)
    lines = [f"# The finalists of a search of {search.space.kind}, the best of it first.", "", f"grid {axes}", ""]
    by_label = {row.label: row for row in rows}
    for i, tried in enumerate(result.ranked[: search.finalists]):
        row = by_label[finalist_label(i)]
        lines += [
            f'"{_quotable(_story(search, result, tried, row))}"',
            f"{_kind(tried)} {row.label} = {tried.value}",
            f'  source "{_quotable(command or "scanlab search")}"',
            "",
        ]
    return _written(file, "\n".join(lines))


@renamed_keywords(found="result")
def write_data(search: Search, result: SearchResult, rows: Sequence[Judged], file: Path) -> Path:
    """Everything as JSON. Raises S502 where the file cannot be written."""
    return _written(file, json.dumps(as_data(search, result, rows), indent=2) + "\n")


@renamed_keywords(found="result")
def as_data(search: Search, result: SearchResult, rows: Sequence[Judged]) -> dict[str, Any]:
    """Everything about a search in JSON's types. scores: of the primary metric, by the number of epochs."""
    task = task_named(search.problem.task)
    return {
        "space": search.space.kind,
        "sampler": search.sampler,
        "seed": search.seed,
        "seeds": search.seeds,
        "data": asdict(search.problem.data),
        "metric": task.primary,
        "higher": task.higher,
        "proposals": result.proposals,
        "exhausted": result.exhausted,
        "verdicts": dict(result.counts),
        "seconds": result.seconds,
        "baseline": {"label": search.baseline, "scores": _scores(result.baseline)},
        "tried": [_tried(t, result.lead(t)) for t in result.ranked] + [_tried(t, None) for t in result.failed],
        "finalists": [asdict(row) | {"words": lost_words(row, task)} for row in rows],
    }


def _tried(tried: Candidate, lead: float | None) -> dict[str, Any]:
    source = plain_source(tried.plan)
    return {"label": tried.label, "source": source, "scores": _scores(tried.scores), "lead": lead}


def _scores(scores: Mapping[int, float]) -> dict[str, float]:
    return {str(epochs): score for epochs, score in scores.items()}


def _kind(tried: Candidate) -> str:
    return {Order: "order", Plan: "plan"}.get(type(tried.value), "scan")


def _story(search: Search, result: SearchResult, tried: Candidate, row: Judged) -> str:
    task, problem = task_named(search.problem.task), search.problem
    verdict = f" ({row.verdict})" if row.verdict else ""
    fresh = "" if row.fresh is None else f" on the test part: {row.fresh:.4g}{verdict}; it {lost_words(row, task)}."
    fresh = f" With {search.final_seeds} fresh seeds{fresh}" if fresh else ""
    return (
        f"Found by {search.sampler} search of {search.space.kind} (seed {search.seed}, {tried.label} of "
        f"{result.proposals}, {len(result.ranked)} trained) on {problem.name}: {task.primary} "
        f"{tried.scores[tried.epochs]:.4g} on the validation part (epochs: {tried.epochs}), "
        f"{search.baseline} {result.baseline[tried.epochs]:.4g}.{fresh}"
    )


def _quotable(text: str) -> str:
    """Inside double quotes of the language, on one line."""
    return " ".join(text.replace("\\", "/").replace('"', "'").split())


def _written(file: Path, text: str) -> Path:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, text.encode(), mode=None)
    except OSError as error:
        raise ScanlabError.at("S502", f"cannot write {file}: {reason_of(error)}") from None
    return file
