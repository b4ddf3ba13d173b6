"""The study that the lecture ends with: what its report says, as a small file that is installed with the package."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

__all__ = ["STUDY", "read_shipped", "study_summary"]

STUDY = "orders_study.json"


def read_shipped() -> dict[str, Any]:
    """What `study_summary` said of the committed study when docs/make_lecture.py was run."""
    return json.loads(resources.files("scanlab.explorer.static_site").joinpath(STUDY).read_text(encoding="utf-8"))


def study_summary(folder: Path) -> dict[str, Any]:
    """A study judged as its report judges it, in JSON's types. folder: the study's, with its database.

    "matrix" is HTML; "sentences" are the verdicts by problem; "decided" are the comparisons of strategies that came out
    better or worse, of "compared" in all; "blind" are the problems on which it did not tell orders apart.
    """
    from scanlab.study import read_study
    from scanlab.study.analysis import analyse
    from scanlab.study.report.matrix import matrix_html

    record = read_study(folder)
    findings = analyse(record)
    strategies = [r for p in findings.problems for r in p.rows if r.control is None and r.label != findings.baseline]
    decided = [
        _decided(problem, row, findings.baseline)
        for problem in findings.problems
        for row in problem.rows
        if row.control is None and row.comparison is not None and row.comparison.decided
    ]
    return {
        "name": findings.name,
        "question": findings.question,
        "baseline": findings.baseline,
        "seeds": len(findings.seeds),
        "trainings": findings.counts.get("done", 0),
        "confidence": f"{findings.confidence:.0%}",
        "problems": [problem.name for problem in findings.problems],
        "matrix": matrix_html(findings),
        "sentences": list(findings.sentences),
        "compared": len(strategies),
        "decided": decided,
        "blind": [problem.name for problem in findings.problems if problem.blind],
    }


def _decided(problem: Any, row: Any, baseline: str) -> dict[str, str]:
    base = problem.row(baseline)
    return {
        "problem": problem.name,
        "strategy": row.label,
        "source": _plain(row.source),
        "verdict": row.comparison.verdict,
        "metric": problem.metric,
        "mean": f"{row.mean:.1%}",
        "baseline": f"{base.mean:.1%}",
    }


def _plain(source: str) -> str:
    """A scan of one path as that path: what stands in the study's own file."""
    alone = re.fullmatch(r"sum\(\(([^()]*)\)\)", source)
    return alone[1] if alone else source
