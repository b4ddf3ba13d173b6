"""Locality metrics: fixed reference figures, the definition written out, and partial paths."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scanlab
from scanlab.compiler.curves import CURVES
from scanlab.compiler.locality import deltas, locality, rank_gaps, step_kinds
from scanlab.ir.diagnostics import ScanlabError
from scanlab.view.captions import steps_text
from scanlab.view.geometry import steps_of
from scanlab.view.scene import scenes_of

H, W = np.indices((14, 14)).reshape(2, -1)


def by(*keys):
    return np.lexsort(keys[::-1])


PATHS = {
    "raster": by(H, W),
    "snake": by(H, np.where(H % 2, -W, W)),
    "windows of 2": by(H // 2, W // 2, H % 2, W % 2),
    "windows of 7": by(H // 7, W // 7, H % 7, W % 7),
    "gilbert": np.argsort(CURVES["gilbert"]((14, 14), {}), axis=None),
    "hilbert": np.argsort(CURVES["hilbert"]((14, 14), {}), axis=None),
}


@pytest.mark.parametrize(
    "name,mean,median,unit_steps",
    [
        ("raster", 7.5, 7.5, 0.93),
        ("snake", 7.5, 1, 1),
        ("windows of 2", 7.5, 2, 0.50),
        ("windows of 7", 7.5, 7, 0.86),
        ("gilbert", 8.8, 1, 1),
        ("hilbert", 9.1, 1, 0.97),
    ],
)
def test_reference_figures_on_14x14(name, mean, median, unit_steps):
    measured = locality(PATHS[name], (14, 14))
    assert round(measured.mean_gap, 1) == mean
    assert measured.median_gap == median
    assert round(measured.unit_step_share, 2) == unit_steps


def test_every_figure_of_the_raster():
    measured = locality(PATHS["raster"], (14, 14))
    assert dataclasses.asdict(measured) == {
        "unit_step_share": 182 / 195,
        "diagonals": 0,
        "jumps": 13,
        "longest_step": 14,
        "mean_gap": 7.5,
        "median_gap": 7.5,
        "p95_gap": 14,
        "mean_gaps": (14, 1),
        "median_gaps": (14, 1),
        "p95_gaps": (14, 1),
        "bandwidth": 14,
        "anisotropy": 14,
    }


@pytest.mark.parametrize(
    ("text", "grid", "counts"),
    [
        ("zigzag", (14, 14), (26, 169, 0, 0)),
        ("row", (14, 14), (182, 0, 13, 0)),
        ("by h, w restart by h", (14, 14), (182, 0, 0, 13)),
        ("by t, h, ~w", (2, 2, 2), (6, 1, 0, 0)),
        ("by 2 * w, h + w", (2, 2), (2, 1, 0, 0)),
    ],
)
def test_captions_and_metrics_mean_the_same_by_a_jump(text, grid, counts):
    [path] = scanlab.compile(text, grid).paths
    measured = locality(path.indices, path.grid, path.restarts)
    kinds = step_kinds(deltas(path.indices, path.grid), path.restarts)
    unit, diagonal, jump, restart = (
        int(kind.sum()) for kind in (kinds.unit, kinds.diagonal, kinds.jump, kinds.restart)
    )
    assert (unit, diagonal, jump, restart) == counts
    assert (measured.diagonals, measured.jumps) == (diagonal, jump)
    assert measured.unit_step_share == unit / (unit + diagonal + jump)
    [scene] = scenes_of(scanlab.compile(text, grid))
    nouns = ("unit step", "diagonal", "jump", "reset")
    said = [f"{n} {noun}{'s' * (n != 1)}" for n, noun in zip(counts, nouns, strict=True) if n]
    assert steps_text(steps_of(scene)) == ", ".join(said)


@st.composite
def partial_paths(draw):
    grid = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple))
    visited = draw(st.permutations(range(math.prod(grid))))
    return np.array(visited[: draw(st.integers(0, len(visited)))], dtype=np.int64), grid


@settings(max_examples=200, deadline=None)
@given(partial_paths())
def test_figures_equal_their_definitions(case):
    indices, grid = case
    points = [tuple(int(c) for c in np.unravel_index(i, grid)) for i in indices]
    rank = {point: step for step, point in enumerate(points)}
    gaps = [[] for _ in grid]
    for a, b in itertools.product(points, points):
        moved = [axis for axis in range(len(grid)) if a[axis] != b[axis]]
        if len(moved) == 1 and b[moved[0]] - a[moved[0]] == 1:
            gaps[moved[0]].append(abs(rank[a] - rank[b]))
    lengths = [sum(abs(x - y) for x, y in zip(a, b, strict=True)) for a, b in itertools.pairwise(points)]
    every = list(itertools.chain(*gaps))
    means = [float(np.mean(g)) if g else math.nan for g in gaps]

    measured = locality(indices, grid)
    furthest = [max(abs(x - y) for x, y in zip(a, b, strict=True)) for a, b in itertools.pairwise(points)]
    assert measured.jumps == sum(f > 1 for f in furthest)
    assert measured.diagonals == sum(f == 1 and n > 1 for f, n in zip(furthest, lengths, strict=True))
    assert measured.longest_step == max(lengths, default=0)
    assert measured.bandwidth == max(every, default=0)
    np.testing.assert_allclose(measured.mean_gaps, means)
    np.testing.assert_allclose(measured.mean_gap, np.mean(every) if every else math.nan)
    np.testing.assert_allclose(measured.median_gap, np.median(every) if every else math.nan)
    np.testing.assert_allclose(measured.p95_gap, linear_percentile(every, 0.95))
    np.testing.assert_allclose(measured.median_gaps, [linear_percentile(g, 0.5) for g in gaps])
    np.testing.assert_allclose(measured.p95_gaps, [linear_percentile(g, 0.95) for g in gaps])
    np.testing.assert_allclose(measured.unit_step_share, lengths.count(1) / len(lengths) if lengths else math.nan)
    known = [mean for mean in means if mean == mean]
    np.testing.assert_allclose(measured.anisotropy, max(known) / min(known) if known else math.nan)


def linear_percentile(values, share):
    if not values:
        return math.nan
    place = share * (len(values) - 1)
    below, above = sorted(values)[math.floor(place)], sorted(values)[math.ceil(place)]
    return below + (above - below) * (place - math.floor(place))


def test_deltas_are_the_displacements_of_the_steps():
    np.testing.assert_array_equal(deltas(np.array([0, 1, 5, 4]), (2, 4)), [[0, 1], [1, 0], [0, -1]])
    assert deltas(np.array([3]), (2, 4)).shape == (0, 2)
    assert deltas(np.array([], dtype=np.int64), (2, 4)).shape == (0, 2)


def test_rank_gaps_leave_out_pairs_that_are_not_both_visited():
    down, right = rank_gaps(np.array([[0, 1, -1], [3, 2, 4]]), (2, 3))
    assert down.tolist() == [3, 1] and right.tolist() == [1, 1, 2]


def test_a_single_patch_has_no_figures():
    measured = locality(np.array([0]), (1, 1))
    assert math.isnan(measured.unit_step_share) and math.isnan(measured.mean_gap) and math.isnan(measured.anisotropy)
    assert (measured.jumps, measured.longest_step, measured.bandwidth) == (0, 0, 0)


@pytest.mark.parametrize(
    "indices,message",
    [
        ([0, 6], "error[S480]: the path has index 6, a 2x3 grid has patches 0 to 5"),
        ([0, -1], "error[S480]: the path has index -1, a 2x3 grid has patches 0 to 5"),
        ([0, 4, 4], "error[S480]: the path visits patch 4 twice\n = help: locality is defined for orders only"),
    ],
)
def test_what_is_no_path_is_refused(indices, message):
    with pytest.raises(ScanlabError) as caught:
        locality(np.array(indices), (2, 3))
    assert str(caught.value) == message
