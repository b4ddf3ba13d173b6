"""How long a study will take, and what its earlier trials say of its power."""

import math

import numpy as np
import pytest
from records import joined, record
from small import small_study

from scanlab.study.estimate import estimate, spread_so_far


def test_every_trial_has_a_time_and_what_is_done_takes_none():
    study = small_study(epochs=4)
    keys = [t.key for t in study.trials()]
    cost = estimate(study, set(keys[:2]), workers=2)
    assert cost.trials.keys() == set(keys) and cost.done == 2
    assert all(0 < s < 60 for s in cost.trials.values())
    assert cost.wall == pytest.approx(sum(cost.trials[k] for k in keys[2:]) / 2)


def test_trials_that_differ_in_their_seed_alone_are_timed_once():
    study = small_study(seeds=(0, 1, 2), controls=())
    cost = estimate(study, set(), workers=1)
    assert len(cost.trials) == 6 and len(set(cost.trials.values())) == 2


def test_the_spread_is_that_of_paired_differences():
    row = np.array([0.9, 0.8, 0.7, 0.85])
    first, second = np.array([0.01, 0.02, 0.04, 0.01]), np.array([-0.02, 0.01, 0.0, 0.03])
    study = record({"row": row.tolist(), "hilbert": (row + first).tolist(), "snake": (row + second).tolist()})
    assert spread_so_far(study) == pytest.approx((first.std(ddof=1) + second.std(ddof=1)) / 2)


def test_without_pairs_there_is_no_spread():
    assert spread_so_far(record({"row": [0.9], "hilbert": [0.8]})) is None
    assert spread_so_far(record({"row": [0.9, None], "hilbert": [None, 0.8]})) is None


def test_units_are_not_mixed():
    study = joined({"a": {"row": [0.9, 0.8], "snake": [0.91, 0.8]}, "b": {"row": [0.5, 0.4], "snake": [0.53, 0.4]}})
    assert math.isfinite(spread_so_far(study))
    [_, two] = study.about["problems"]
    two["task"] = "next patch"
    for key, trial in study.trials.items():
        if key.startswith("b-"):
            for epoch in trial.result.epochs:
                epoch.metrics["mse"] = epoch.metrics["accuracy"]
    assert spread_so_far(study) is None
