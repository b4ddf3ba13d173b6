"""The curve of memory against tokens, a process for it; its file lies beside the results."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial

from benchmarks import memory_curve

from .device import under_a_stub
from .processes import Job
from .results import Results
from .settings import Settings

__all__ = ["memory_jobs"]


def memory_jobs(run: Settings, seconds: float) -> list[Job]:
    """One process, which ends at the first size that does not fit for a kind, and goes on with the others."""
    return [Job("memory", partial(under_a_stub, run, partial(_memory, run)), seconds)]


def _memory(run: Settings) -> None:
    results = Results(run.out)
    where = "cpu" if run.stub else "cuda"
    sides = memory_curve.SIDES[:1] if run.stub else memory_curve.SIDES
    with results.caught("memory"):
        figures = []
        for figure in memory_curve.measure(where, sides):
            figures.append(figure)
            facts = asdict(figure)
            results.note("memory", kind_of_block=facts.pop("kind"), **facts)
        data = json.dumps(memory_curve.as_data(figures, where, 1), indent=1, ensure_ascii=False)
        (run.out / "memory.json").write_text(data + "\n", encoding="utf-8")
