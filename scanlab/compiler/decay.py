"""The receptive field that a scan's ranks alone predict: no model, no training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scanlab.compiler.bind import MEAN_TOKEN, CompiledPlan, CompiledScan, Path
from scanlab.compiler.spread import spread
from scanlab.compiler.tracks import reset_steps
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import Order, Scan, sequences_of

__all__ = ["DECAY", "mean_distance", "predicted_decay"]

DECAY = 0.9
_ROWS_AT_ONCE = 1 << 22
WeightedSequence = list[tuple[Path, float]]
"""The paths that share one state, one after the other, each with the weight of its output."""


def predicted_decay(
    scan: CompiledScan | CompiledPlan,
    decay: float = DECAY,
    *,
    layers: int | None = None,
    patch: tuple[int, ...] | None = None,
) -> np.ndarray:
    """The weight with which every patch reaches one patch, if a state keeps `decay` of itself at every step.

    Along a path patch j reaches patch i with decay ** (rank_i - rank_j), and not at all where i comes first or the
    state was reset in between; a `chain` carries its state from part to part, and virtual tokens take a step each. A
    `mean` token holds every patch with equal weight. Paths add up by their merge: `mean` and `heads` divide by the
    number of parts, `gate` counts as before any training. Several layers are multiplied; what passes by a scan is the
    patch itself, which every path counts with weight 1 already, so that only a patch that no path visits is added.
    What a class token takes from one layer into the next is left out.

    layers: how many, by default 1 of a scan and each of a plan once. patch: its coordinates, by default n // 2 of every
    axis. Returns float64 of the grid's shape. Raises S634 for a decay outside [0, 1] or layers below 1, S406 for more
    layers than a plan has, and S480 for a patch outside the grid.

    >>> import scanlab
    >>> predicted_decay(scanlab.compile("row", (2, 3)), 0.5)
    array([[0.0625, 0.125 , 0.25  ],
           [0.5   , 1.    , 0.    ]])
    """
    chosen = tuple(n // 2 for n in scan.grid) if patch is None else tuple(patch)
    if len(chosen) != len(scan.grid) or not all(0 <= c < n for c, n in zip(chosen, scan.grid, strict=True)):
        raise ScanlabError.at("S480", f"a grid of {'x'.join(map(str, scan.grid))} has no patch {chosen}")
    row = np.zeros((1, int(np.prod(scan.grid))))
    row[0, np.ravel_multi_index(chosen, scan.grid)] = 1
    return _reach(row, _layers(scan, decay, layers), decay)[0].reshape(scan.grid)


def mean_distance(scan: CompiledScan | CompiledPlan, decay: float = DECAY, *, layers: int | None = None) -> float:
    """The mean distance, in patches, from which `predicted_decay` reaches a patch, averaged over all patches.

    One patch of a grid can be lucky: it may lie where the curve turns. Takes time and memory in proportion to the
    square of the grid's patches. Arguments and errors as of `predicted_decay`.

    >>> import scanlab
    >>> [round(mean_distance(scanlab.compile(name, (8, 8))), 2) for name in ("row", "hilbert")]
    [2.66, 2.31]
    """
    patches, distances = int(np.prod(scan.grid)), 0.0
    scans = _layers(scan, decay, layers)
    at_once = max(1, _ROWS_AT_ONCE // patches)
    for first in range(0, patches, at_once):
        rows = np.eye(min(at_once, patches - first), patches, first)
        for i, field in enumerate(_reach(rows, scans, decay), first):
            cell = tuple((int(c), int(c) + 1) for c in np.unravel_index(i, scan.grid))
            distances += spread(field.reshape(scan.grid), cell).mean_distance
    return distances / patches


def _layers(scan: CompiledScan | CompiledPlan, decay: float, layers: int | None) -> list[CompiledScan]:
    if not 0 <= decay <= 1:
        raise ScanlabError.at(
            "S634", f"a state cannot keep {decay:g} of itself at every step", help="choose a decay from 0 to 1, as 0.9"
        )
    if layers is not None and layers < 1:
        raise ScanlabError.at("S634", f"{layers} layers have no receptive field", help="ask for at least 1")
    if isinstance(scan, CompiledScan):
        return [scan] * (layers or 1)
    once = sum(entry.count for entry in scan.plan.entries)
    return [scan.layer(i) for i in range(layers or once)]


def _reach(rows: np.ndarray, scans: list[CompiledScan], decay: float) -> np.ndarray:
    """[Q, P] weights of the patches in Q sums over the last layer's outputs: their weights among the first's inputs."""
    for scan in reversed(scans):
        rows = _through(rows, scan, decay)
    return rows


def _through(rows: np.ndarray, scan: CompiledScan, decay: float) -> np.ndarray:
    patches = rows.shape[1]
    reached, visited = np.zeros_like(rows), np.zeros(patches, dtype=bool)
    for sequence in _weighted_sequences(scan):
        # Virtual tokens are read and written nowhere on the grid.
        weights = [np.where(p.sequence >= 0, rows[:, p.sequence.clip(0)] * weight, 0) for p, weight in sequence]
        adjoints = _backward(np.concatenate(weights, axis=1), _kept(sequence, decay))
        ends = np.cumsum([len(p.sequence) for p, _ in sequence])
        for (path, _), part in zip(sequence, np.split(adjoints, ends[:-1], axis=1), strict=True):
            reached[:, path.sequence[path.sequence >= 0]] += part[:, path.sequence >= 0]
            reached += part[:, path.sequence == MEAN_TOKEN].sum(1, keepdims=True) / patches
            visited[path.indices] = True
    return reached + np.where(visited, 0, rows)


def _weighted_sequences(scan: CompiledScan) -> Iterator[WeightedSequence]:
    weights = list(_weights(scan.scan, 1.0))
    yield from ([(scan.paths[k], weights[k]) for k in members] for members in sequences_of(scan.scan))


def _weights(value: Order | Scan, weight: float) -> Iterator[float]:
    """The weight of each path's output, left to right."""
    if isinstance(value, Order):
        yield weight
        return
    # A head's patches reach its own channels alone, which averages to the same as a mean.
    count, rule = len(value.parts), value.rule
    share = weight * rule.weight(count) / (count if rule.splits else 1)
    for part in value.parts:
        yield from _weights(part, share)


def _kept(sequence: WeightedSequence, decay: float) -> np.ndarray:
    """[S]: how much of the state before each step is left after it; 0 where the state is reset."""
    kept = [np.full(len(path.sequence), decay) for path, _ in sequence]
    for each, (path, _) in zip(kept, sequence, strict=True):
        each[reset_steps(path)] = 0
    joined = np.concatenate(kept)
    joined[:1] = 0
    return joined


def _backward(weights: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """x[s] = weights[s] + kept[s + 1] x[s + 1] for all s at once, [Q, S], by doubling the reach in every round."""
    adjoints = weights.copy()
    factor = np.append(kept[1:], 0.0)
    distance = 1
    while distance < len(kept) and factor.any():
        adjoints[:, :-distance] += factor[:-distance] * adjoints[:, distance:].copy()
        factor[:-distance] *= factor[distance:].copy()
        factor[-distance:] = 0
        distance *= 2
    return adjoints
