"""What the parts of the report's page are made of, beside the findings themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scanlab.study.findings import Findings, ProblemFindings, StrategyFindings
from scanlab.study.left_wording import left_sentences
from scanlab.study.own_model import MODEL_NOTES
from scanlab.study.power import PowerOf, describe_problems_power
from scanlab.study.record import StudyRecord
from scanlab.study.report.charts import field_picture
from scanlab.study.resampled import overlap_of

__all__ = ["Pictures", "confounders", "drawn", "environments", "fields", "hashes", "model_notes", "power", "rounded"]

MEGABYTE = 1 << 20
Pictures = Mapping[tuple[str, str], str]


def power(findings: Findings, about: Mapping[str, Any]) -> str:
    """What a study of this size can find. about: as `Study.about` gives it."""
    overlaps = {problem["name"]: overlap_of(problem) for problem in about["problems"]}
    problems = [
        PowerOf(
            sum(row.control is None and not row.same_as for row in p.rows),
            sum(row.control is not None and not row.same_as for row in p.rows),
            p.unit,
            0.0 if p.resolution and p.margin < p.resolution * (1 - 1e-9) else p.margin,
            p.resolution or 0.0,
            p.guessed,
            overlaps[p.name],
            name=p.name,
        )
        for p in findings.problems
    ]
    return " ".join(describe_problems_power(_pairs(findings), problems, confidence=findings.confidence))


def _pairs(findings: Findings) -> int:
    """With how many seeds a comparison can be made: fewer than there are, where trials failed."""
    rows = [row for problem in findings.problems for row in problem.rows if row.comparison is not None]
    if not findings.failures or not rows:
        return len(findings.seeds)
    return min(row.comparison.difference.pairs for row in rows if row.comparison)


def drawn(problem: ProblemFindings, pictures: Pictures) -> Iterator[tuple[StrategyFindings, str]]:
    """Every strategy with the picture of its paths, "" for none."""
    for row in problem.rows:
        if row.control is None:
            yield row, pictures.get((problem.name, row.label), "")


def fields(problem: ProblemFindings, record: StudyRecord) -> Iterator[tuple[str, str]]:
    """The receptive field of every strategy's first trial that is done."""
    seen = set()
    for member in record.members:
        trial = record.trial(member)
        if member.problem == problem.name and member.strategy not in seen and trial.result and trial.result.field:
            seen.add(member.strategy)
            grid = tuple(trial.config["order"]["grid"])
            yield member.strategy, field_picture(trial.result.field, grid, member.strategy)


def confounders(findings: Findings) -> Iterator[tuple[ProblemFindings, ProblemFindings]]:
    """Problems beside their variants, which are named "problem / what is changed"."""
    by_name = {problem.name: problem for problem in findings.problems}
    for name, problem in by_name.items():
        base, slash, _ = name.partition(" / ")
        if slash and base in by_name:
            yield by_name[base], problem


def environments(record: StudyRecord) -> list[tuple[str, str]]:
    """What the trials ran with: for every key all values, where they differ."""
    values: dict[str, dict[str, None]] = {}
    for trial in record.trials.values():
        for key, value in trial.environment.items():
            if key not in ("pid", "host"):
                values.setdefault(key, {})[value or "unknown"] = None
    return [(key, ", ".join(distinct)) for key, distinct in values.items()]


def rounded(value: float | None, unit: str = "") -> str:
    """A large number, rounded as a reader needs it."""
    if value is None:
        return ""
    if unit == "MB":
        return f"{value / MEGABYTE:.0f}"
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"


def hashes(record: StudyRecord) -> list[tuple[str, list[tuple[str, dict[int, str]]]]]:
    """The trials by problem, strategy and seed."""
    found: dict[str, dict[str, dict[int, str]]] = {}
    for member in record.members:
        found.setdefault(member.problem, {}).setdefault(member.strategy, {})[member.seed] = member.key
    return [(problem, list(rows.items())) for problem, rows in found.items()]


def data_notes(record: StudyRecord) -> list[tuple[str, list[tuple[str, str]]]]:
    """By data set what was assumed, mapped and left out when it was read; none in records of older studies."""
    by_data: dict[str, dict[tuple[str, str], None]] = {}
    left = left_sentences(record)
    for problem in record.about["problems"]:
        read = {kind: texts for kind, texts in problem.get("notes", {}).items() if kind != MODEL_NOTES}
        lines = [(kind, text) for kind, texts in read.items() for text in texts]
        lines += [("left out", text) for text in left.get(problem["name"], ())]
        by_data.setdefault(Path(problem["data"]["name"]).name, {}).update(dict.fromkeys(lines))
    return [(name, list(lines)) for name, lines in by_data.items() if lines]


def model_notes(record: StudyRecord) -> list[str]:
    """What was computed of models of a person's own before they were trained."""
    return [
        f"{p['name']}: {text}" for p in record.about["problems"] for text in p.get("notes", {}).get(MODEL_NOTES, ())
    ]
