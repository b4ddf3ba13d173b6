"""Studies small enough to run within a test, for this process and for others that are started to be killed."""

from __future__ import annotations

import sys
from pathlib import Path

from scanlab import data
from scanlab.compiler.bind import bind
from scanlab.facade import as_value
from scanlab.nn import BackboneConfig, MixerConfig
from scanlab.study import runner
from scanlab.study.trial import DataChoice, Problem, Recipe, Study, Trial

SIZES = BackboneConfig(dim=8, depth=1, mixer=MixerConfig(state=1, expand=1))
GRID = (4, 4)


def small_problem(names=("row", "hilbert"), epochs=2, config=SIZES, **recipe) -> Problem:
    """The digits on a 4x4 grid, with a model that learns an epoch in a tenth of a second."""
    strategies = tuple((name, bind(as_value(name, GRID), GRID)) for name in names)
    settings = Recipe(epochs=epochs, **{"batch": 64, **recipe})
    fingerprint = data.load("digits").fingerprint
    return Problem("digits", DataChoice(), "classification", fingerprint, strategies, config, settings)


def small_study(names=("row", "hilbert"), seeds=(0, 1), controls=("A/A",), **rest) -> Study:
    """A study of one small problem."""
    return Study("small", (small_problem(names, **rest),), seeds, controls=controls)


def small_trial(name="row", seed=0, control=None, **rest) -> Trial:
    """One trial of a small problem."""
    problem = small_problem((name,), **rest)
    return Trial(problem, problem.strategies[0][1], seed, control)


def numbers(record) -> dict:
    """What must not depend on how a study was run: losses and metrics of every trial's epochs."""
    return {k: [(e.loss, dict(e.metrics)) for e in t.result.epochs] for k, t in record.trials.items() if t.result}


if __name__ == "__main__":
    # python small.py FOLDER EPOCHS WORKERS: a runner that tells of every epoch, for tests that kill it.
    folder, epochs, workers = sys.argv[1:]
    study = small_study(epochs=int(epochs))
    runner.run_study(
        study,
        Path(folder),
        workers=int(workers),
        listener=lambda update: print(type(update.event).__name__, update.epochs[0], flush=True),
    )
