"""What the runner of studies costs on this machine: `python benchmarks/studies.py [--json FILE] [--runs N]`.

Four strategies with three seeds on the digits, as a person runs them; the same trials with one worker and with two, in
turns; what a trial takes beside its training, from trials of one epoch on few samples; and the share of training in
which batches are put together. Medians, and the best: on a machine that does other work besides, that is nearer the
truth.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from rich.console import Console

from scanlab.bench.machine import environment
from scanlab.study import runner, settings
from scanlab.study.trial import Study

FOUR = ["row", "snake", "hilbert", "window[k=2]"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    figures: dict[str, object] = {"four strategies, three seeds, s": _four(options.runs)}
    figures |= _workers(options.runs) | _overhead(options.runs)
    for name, value in figures.items():
        Console().print(f"{name}: {value}", highlight=False)
    if options.json:
        data = {
            "command": " ".join(["python", *sys.argv]),
            "environment": environment(("torch", "numba")),
            "figures": figures,
        }
        options.json.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def _study(**more: object) -> Study:
    return settings.study_of(settings.from_options(None, {"strategies": FOUR, "controls": ["A/A"], **more}))


def _seconds(study: Study, workers: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        start = perf_counter()
        record = runner.run(study, Path(folder), workers=workers)
        seconds = perf_counter() - start
    assert all(trial.status == "done" for trial in record.trials.values())
    return seconds


def _summary(values: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values), 3), "best": round(min(values), 3), "runs": len(values)}


def _four(runs: int) -> dict[str, float]:
    """With the usual recipe and controls, two workers, from a cold start of theirs."""
    study = _study(seeds=3, controls=[])
    return _summary([_seconds(study, 2) for _ in range(runs)])


def _workers(runs: int) -> dict[str, object]:
    """The start of two processes included: 30 trials of about a second each."""
    study = _study(seeds=6, **{"recipe.epochs": 3})
    one, two = [], []
    for _ in range(runs):
        one.append(_seconds(study, 1))
        two.append(_seconds(study, 2))
    ratios = [a / b for a, b in zip(one, two, strict=True)]
    return {
        "30 small trials, one worker, s": _summary(one),
        "30 small trials, two workers, s": _summary(two),
        "one worker's time over two workers'": round(statistics.median(ratios), 2),
    }


def _overhead(runs: int) -> dict[str, object]:
    """Wall time less training and testing, per trial, once a process is warm."""
    study = _study(seeds=4, limit=64, test_limit=32, controls=[], **{"recipe.epochs": 1})
    warm = replace(study, seeds=(99,))
    each, loading = [], []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            runner.run(warm, Path(folder) / "warm")
            start = perf_counter()
            record = runner.run(study, Path(folder) / "study")
            wall = perf_counter() - start
        results = [t.result for t in record.trials.values() if t.result]
        each.append((wall - sum(r.seconds for r in results)) / len(results))
        loading += [r.loading for r in results]
    return {"beside training, s/trial": _summary(each), "share of loading": round(statistics.median(loading), 4)}


if __name__ == "__main__":
    main()
