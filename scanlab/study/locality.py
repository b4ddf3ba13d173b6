"""Whether strategies whose paths are more local do better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from scanlab.compiler.bind import bind
from scanlab.compiler.locality import locality
from scanlab.facade import parse
from scanlab.study.statistics import Correlation, rank_correlation

__all__ = ["METRICS", "LocalityFinding", "locality_findings", "locality_of"]

METRICS: Mapping[str, str] = {
    "mean_gap": "mean rank gap of grid neighbours",
    "median_gap": "median rank gap of grid neighbours",
    "unit_step_share": "share of steps to a grid neighbour",
}


@dataclass(frozen=True)
class LocalityFinding:
    """How a locality metric and the outcome go together over strategies; values: label to metric."""

    metric: str
    about: str
    values: Mapping[str, float]
    correlation: Correlation | None


def locality_findings(
    strategies: Mapping[str, Mapping[str, Any]], outcomes: Mapping[str, float], confidence: float
) -> tuple[LocalityFinding, ...]:
    """One finding per metric. strategies: source, axes and grid by label, as `Study.about` has them; outcomes: the mean
    result by label."""
    labels = [label for label in strategies if label in outcomes]
    findings = []
    for metric, about in METRICS.items():
        values = {label: locality_of(strategies[label])[metric] for label in labels}
        known = [label for label in labels if np.isfinite(values[label])]
        pairs: Sequence[tuple[float, float]] = [(values[label], outcomes[label]) for label in known]
        correlation = rank_correlation([x for x, _ in pairs], [y for _, y in pairs], confidence)
        findings.append(LocalityFinding(metric, about, values, correlation))
    return tuple(findings)


def locality_of(strategy: Mapping[str, Any]) -> dict[str, float]:
    """The metrics of a strategy on its grid, averaged over its paths."""
    return dict(_locality(strategy["source"], tuple(strategy["axes"]), tuple(strategy["grid"])))


@lru_cache(maxsize=256)
def _locality(source: str, axes: tuple[str, ...], grid: tuple[int, ...]) -> tuple[tuple[str, float], ...]:
    bound = bind(parse(source, axes), grid)
    scans = bound.scans
    measured = [locality(path.indices, path.grid, path.restarts) for scan in scans for path in scan.paths]
    return tuple((metric, float(np.mean([getattr(f, metric) for f in measured]))) for metric in METRICS)
