"""What more training images do to strategies and peers: one problem learnt from several numbers of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from scanlab.study.compare import Measured
from scanlab.study.findings import SizeFindings, SizePoint, SizeRow
from scanlab.study.statistics import Difference, holm, paired_difference

__all__ = ["size_findings"]


def size_findings(
    about: Mapping[str, Any], measured: Sequence[Measured], confidence: float
) -> tuple[SizeFindings, ...]:
    """What the problems of a study that differ in the number of training images alone show together.

    Nothing of a strategy is judged whose trials still wait.
    """
    by_name = {problem.name: problem for problem in measured}
    groups: dict[str, list[tuple[int, str, Measured]]] = {}
    for problem in about["problems"]:
        size = problem.get("train_size")
        if size:
            groups.setdefault(size["of"], []).append((size["images"], size["equal"], by_name[problem["name"]]))
    made = [_curves(of, sorted(group, key=lambda one: one[0])) for of, group in groups.items()]
    pairs = [(n, row.label) for n, sizes in enumerate(made) for row in sizes.rows if row.label != about["baseline"]]
    same = {(n, r.label) for n, sizes in enumerate(made) for r in by_name[sizes.problems[0]].rows if r.same_as}
    pairs = [pair for pair in pairs if pair not in same]
    changes = {
        (n, label): _change(
            by_name[made[n].problems[0]],
            by_name[made[n].problems[-1]],
            label,
            about["baseline"],
            confidence,
            len(pairs),
        )
        for n, label in pairs
    }
    adjusted = dict(zip(changes, holm([change and change.p for change in changes.values()]), strict=True))
    return tuple(
        replace(
            sizes,
            rows=tuple(
                replace(row, change=changes.get((n, row.label)), adjusted=adjusted.get((n, row.label)))
                for row in sizes.rows
            ),
        )
        for n, sizes in enumerate(made)
    )


def _curves(of: str, group: Sequence[tuple[int, str, Measured]]) -> SizeFindings:
    first = group[0][2]
    return SizeFindings(
        of=of,
        metric=first.task.primary,
        higher=first.task.higher,
        unit=first.task.unit,
        equal=group[0][1],
        images=tuple(images for images, _, _ in group),
        problems=tuple(problem.name for _, _, problem in group),
        rows=tuple(
            SizeRow(row.label, row.control, tuple(_points(row.label, group))) for row in first.rows if not row.same_as
        ),
    )


def _points(label: str, group: Sequence[tuple[int, str, Measured]]) -> Iterator[SizePoint]:
    for images, _, problem in group:
        row = next((row for row in problem.rows if row.label == label), None)
        if row is not None and row.mean is not None and np.isfinite(row.mean):
            yield SizePoint(images, row.mean, row.spread, len(row.seeds))


def _change(
    few: Measured, many: Measured, label: str, baseline: str, confidence: float, family: int
) -> Difference | None:
    """The difference of a strategy from the baseline on the fewest images less that on the most."""
    if not {label, baseline}.isdisjoint(few.waiting | many.waiting):
        return None
    places = [(problem, name) for problem in (few, many) for name in (label, baseline)]
    seeds = [seed for name, seed in few.results if name == label and all((own, seed) in p.results for p, own in places)]
    own, base = (
        np.subtract(problem.values(label, seeds), problem.values(baseline, seeds)).tolist() for problem in (few, many)
    )
    if not seeds or not np.isfinite([own, base]).all():
        return None
    return paired_difference(
        own, base, confidence, family=family, overlap=max(few.overlap, many.overlap), resolution=few.step or many.step
    )
