"""What a study's earlier trials say of the spread to expect."""

import math

import numpy as np
import pytest
from records import joined, record

from scanlab.study.estimate import spread_so_far


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
