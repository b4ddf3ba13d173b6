"""What it gains to train seeds of one strategy as one model: `python benchmarks/seeds_together.py [--json FILE]`.

Trials of examples/order_matters.toml, whole ones but for fewer epochs, with their tests: S seeds one after the other,
as a worker of a study trains them, and the same seeds together, in turns, on one thread. Seconds of processor time, so
that it can run beside other work; a study's workers share nothing, so that two cores gain as one does. Every pair also
says how far the losses of the first epoch are apart.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from time import process_time

from rich.console import Console

from scanlab.bench.machine import environment
from scanlab.study import read_settings, study_of, train_trial, with_options
from scanlab.study.seeds_together import train_together
from scanlab.study.work import dataset_of, one_thread

STUDY = Path(__file__).parents[1] / "examples" / "order_matters.toml"
SEEDS = (3, 5, 10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    with one_thread():
        figures = [compared(count, options.pairs, options.epochs) for count in SEEDS]
    for row in figures:
        Console().print(row, highlight=False)
    if options.json:
        command = " ".join(["python", *sys.argv])
        data = {"command": command, "environment": environment(("torch", "numba")), "figures": figures}
        options.json.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def compared(count: int, pairs: int, epochs: int) -> dict[str, float]:
    """Seconds of so many seeds alone and together, medians, and of the pairs the ratio: median, least and most."""
    changes = {"seeds": count, "controls": [], "strategies": ["row with cls at end"], "recipe.epochs": epochs}
    trials = study_of(with_options(read_settings(STUDY), changes)).trials()
    dataset = dataset_of(trials[0].problem.data)
    # What is compiled or read at the first call belongs to neither.
    train_together(trials[:2], [dataset] * 2)
    alone, together, apart = [], [], 0.0
    for _ in range(pairs):
        start = process_time()
        one = [train_trial(trial, dataset) for trial in trials]
        middle = process_time()
        other = train_together(trials, [dataset] * count)
        together.append(process_time() - middle)
        alone.append(middle - start)
        apart = max(apart, *(abs(a.epochs[0].loss - b.epochs[0].loss) for a, b in zip(one, other, strict=True)))
    ratios = [a / b for a, b in zip(alone, together, strict=True)]
    return {
        "seeds": count,
        "alone, s": round(statistics.median(alone), 2),
        "together, s": round(statistics.median(together), 2),
        "times as fast": round(statistics.median(ratios), 2),
        "least": round(min(ratios), 2),
        "most": round(max(ratios), 2),
        "pairs": pairs,
        "losses of the first epoch apart, at most": float(f"{apart:.1e}"),
    }


if __name__ == "__main__":
    main()
