"""Locality of a path: of what kind its steps are, and how far apart in rank the neighbours of the grid end up.

No single one of these figures is "locality": on a 14x14 grid the raster, the snake and windows share one mean rank
gap, 7.5, and differ in every other figure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import grid_text

__all__ = ["Locality", "Steps", "deltas", "locality", "rank_gaps", "step_kinds"]


@dataclass(frozen=True, eq=False)
class Steps:
    """The kind of each of the L - 1 steps; every array is bool [L - 1] and exactly one is true at each step.

    unit: to a patch that shares a side. diagonal: to one that shares only an edge or a corner. jump: further away.
    restart: the state is reset on arrival, so nothing joins the two patches.
    """

    unit: np.ndarray
    diagonal: np.ndarray
    jump: np.ndarray
    restart: np.ndarray

    @property
    def touching(self) -> np.ndarray:
        """Steps between patches that touch: unit or diagonal."""
        return self.unit | self.diagonal


@dataclass(frozen=True)
class Locality:
    """Locality metrics of one path; gaps are in steps, distances in cells.

    A rank gap is the difference in rank of two grid neighbours (patches one step apart on one axis) that the path
    visits both. Per-axis figures have one entry per axis. Steps on whose arrival the state is reset do not count.
    Figures without a single pair, or a single step, behind them are NaN, and those that are integers are then 0.

    Attributes:
        unit_step_share: share of the steps that go to a grid neighbour.
        diagonals: number of the steps to a patch that shares only an edge or a corner.
        jumps: number of the steps to a patch further away (see `Steps`).
        longest_step: largest Manhattan distance of a step (1 for a continuous path).
        mean_gap: mean rank gap over all neighbour pairs.
        median_gap: their median.
        p95_gap: their 95th percentile, linearly interpolated.
        mean_gaps: mean rank gap per axis.
        median_gaps: median rank gap per axis.
        p95_gaps: 95th percentile per axis.
        bandwidth: largest rank gap of all.
        anisotropy: largest of ``mean_gaps`` over the smallest, leaving out axes without pairs (1: no axis is favoured).
    """

    unit_step_share: float
    diagonals: int
    jumps: int
    longest_step: int
    mean_gap: float
    median_gap: float
    p95_gap: float
    mean_gaps: tuple[float, ...]
    median_gaps: tuple[float, ...]
    p95_gaps: tuple[float, ...]
    bandwidth: int
    anisotropy: float


def locality(indices: np.ndarray, grid: tuple[int, ...], restarts: np.ndarray | None = None) -> Locality:
    """Measure the locality of a path.

    Args:
        indices: int64 [L], flat row-major index of the patch visited at each step; a partial path is shorter than
            the grid. No patch twice.
        grid: extents, each at least 1.
        restarts: int64 [S], the steps at which the state is reset, as a Path has them.

    Returns:
        The metrics. Memory is a few times that of the grid.

    Raises:
        ScanlabError: S480, an index lies outside the grid or occurs twice.

    >>> import scanlab
    >>> for name in ("row", "snake", "hilbert"):
    ...     [path] = scanlab.compile(name, (16, 16)).paths
    ...     figures = locality(path.indices, path.grid)
    ...     print(name, figures.jumps, figures.longest_step, round(figures.mean_gap, 2), figures.median_gap)
    row 15 16 8.5 8.5
    snake 0 1 8.5 1.0
    hilbert 0 1 9.92 1.0
    """
    ranks = _ranks(indices, grid)
    moved = deltas(indices, grid)
    steps = step_kinds(moved, restarts)
    distances = np.abs(moved).sum(axis=1)[~steps.restart]
    per_axis = rank_gaps(ranks, grid)
    every = np.concatenate(per_axis)
    means, medians, tails = zip(*(_summary(gaps) for gaps in per_axis), strict=True)
    mean, median, tail = _summary(every)
    return Locality(
        unit_step_share=float(steps.unit.sum() / distances.size) if distances.size else math.nan,
        diagonals=int(steps.diagonal.sum()),
        jumps=int(steps.jump.sum()),
        longest_step=int(distances.max(initial=0)),
        mean_gap=mean,
        median_gap=median,
        p95_gap=tail,
        mean_gaps=means,
        median_gaps=medians,
        p95_gaps=tails,
        bandwidth=int(every.max(initial=0)),
        anisotropy=_spread(means),
    )


def deltas(indices: np.ndarray, grid: tuple[int, ...]) -> np.ndarray:
    """Displacement of every step of a path.

    Args:
        indices: int64 [L], flat row-major patch indices.
        grid: extents.

    Returns:
        int64 [L - 1, ndim], in cells; [0, ndim] for a path of one patch or none.

    Raises:
        ScanlabError: S480, an index lies outside the grid.

    >>> import scanlab
    >>> deltas(scanlab.compile("snake", (2, 3)).indices[0], (2, 3)).tolist()
    [[0, 1], [0, 1], [1, 0], [0, -1], [0, -1]]
    """
    points = np.stack(np.unravel_index(_checked(indices, grid), grid), axis=-1)
    return np.diff(points.astype(np.int64), axis=0)


def step_kinds(moved: np.ndarray, restarts: np.ndarray | None = None) -> Steps:
    """Sort the steps of a path by how far they go.

    Args:
        moved: int64 [L - 1, ndim], as `deltas` gives it.
        restarts: int64 [S], the steps at which the state is reset.

    >>> import numpy as np
    >>> step_kinds(np.array([[0, 1], [1, -1], [1, 0], [0, 5]])).jump
    array([False, False, False,  True])
    """
    apart = np.abs(moved)
    restart = np.zeros(len(apart), dtype=bool)
    if restarts is not None:
        restart[restarts[(restarts > 0) & (restarts <= len(apart))] - 1] = True
    unit = (apart.sum(axis=1) == 1) & ~restart
    diagonal = (apart.max(axis=1, initial=0) == 1) & ~unit & ~restart
    return Steps(unit=unit, diagonal=diagonal, jump=~(unit | diagonal | restart), restart=restart)


def rank_gaps(ranks: np.ndarray, grid: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Rank gaps of the grid neighbours, axis by axis.

    Args:
        ranks: int64, of shape ``grid`` or flat, the step at which each patch is visited; -1 where it is not.
        grid: extents.

    Returns:
        One int64 array per axis: ``|rank - rank of the next patch on that axis|``, row-major, of the pairs that are
        both visited.

    >>> import scanlab
    >>> rank_gaps(scanlab.compile("snake", (2, 3)).ranks, (2, 3))
    (array([5, 3, 1]), array([1, 1, 1, 1]))
    """
    table = np.asarray(ranks, dtype=np.int64).reshape(grid)
    gaps = []
    for axis, extent in enumerate(grid):
        here, there = table.take(range(extent - 1), axis), table.take(range(1, extent), axis)
        gaps.append(np.abs(there - here)[(here >= 0) & (there >= 0)])
    return tuple(gaps)


def _ranks(indices: np.ndarray, grid: tuple[int, ...]) -> np.ndarray:
    indices, patches = _checked(indices, grid), math.prod(grid)
    steps = np.arange(indices.size)
    ranks = np.full(patches, -1, dtype=np.int64)
    ranks[indices] = steps
    again = np.flatnonzero(ranks[indices] != steps)
    if again.size:
        raise ScanlabError.at(
            "S480", f"the path visits patch {indices[again[0]]} twice", help="locality is defined for orders only"
        )
    return ranks


def _checked(indices: np.ndarray, grid: tuple[int, ...]) -> np.ndarray:
    indices, patches = np.asarray(indices, dtype=np.int64), math.prod(grid)
    outside = indices[(indices < 0) | (indices >= patches)]
    if outside.size:
        size = grid_text(grid)
        raise ScanlabError.at("S480", f"the path has index {outside[0]}, a {size} grid has patches 0 to {patches - 1}")
    return indices


def _summary(gaps: np.ndarray) -> tuple[float, float, float]:
    if not gaps.size:
        return math.nan, math.nan, math.nan
    median, tail = np.percentile(gaps, (50, 95))
    return float(gaps.mean()), float(median), float(tail)


def _spread(means: tuple[float, ...]) -> float:
    known = [mean for mean in means if not math.isnan(mean)]
    return max(known) / min(known) if known else math.nan
