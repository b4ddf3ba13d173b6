"""Systems without stored arrays: their definitions against closed forms and walks written here with numpy alone.

The closed forms are those of the catalogue of published scan orders, section 2; each was compared there with the
executed peer. The walks restate what the named function of the peer does on an array of patch numbers.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import scanlab

GRIDS = [(4, 4), (5, 8), (8, 5), (7, 7), (6, 4), (2, 9), (1, 6), (6, 1), (1, 1)]
SQUARES = [(1, 1), (2, 2), (4, 4), (5, 5), (7, 7), (8, 8)]
BOXES = [(4, 4, 4), (2, 3, 4), (3, 5, 8), (1, 4, 3), (3, 1, 2)]


def coordinates(grid):
    return np.indices(grid)


def ordered(*keys):
    """int64 [L]: patches by ascending keys, most significant first."""
    return np.lexsort([np.broadcast_to(k, np.broadcast_shapes(*(x.shape for x in keys))).ravel() for k in keys][::-1])


def turned(parity, value):
    return np.where(parity % 2 == 0, value, -value)


def indices_of(name, grid):
    return list(scanlab.compile(name, grid).indices)


def layers_of(name, grid, count):
    plan = scanlab.compile(name, grid)
    return [list(plan.layer(i).indices) for i in range(count)]


def same(ours, theirs):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("grid", GRIDS)
def test_basic_orders(grid):
    h, w = coordinates(grid)
    forms = {
        "row": (h, w),
        "column": (w, h),
        "snake": (h, turned(h, w)),
        "snake(w, h)": (w, turned(w, h)),
        "diagonal": (h + w, h),
        "zigzag": (h + w, turned(h + w + 1, h)),
        "window[3]": (h // 3, w // 3, h % 3, w % 3),
        "atrous[3]": (h % 3, w % 3, h // 3, w // 3),
    }
    for text, keys in forms.items():
        same(indices_of(text, grid), [ordered(*keys)])


@pytest.mark.parametrize("grid", GRIDS)
def test_rs_mamba_gathers_wrapped_diagonals(grid):
    numbers = np.arange(np.prod(grid)).reshape(grid)
    rows, columns = np.arange(grid[0])[:, None], np.arange(grid[1])[None, :]
    diagonal = np.take_along_axis(numbers, (rows + columns) % grid[1], axis=1).T.ravel()
    anti = np.take_along_axis(numbers, (columns - rows) % grid[1], axis=1).T.ravel()
    four = [numbers.ravel(), numbers.T.ravel()]
    expected = [*four, *(p[::-1] for p in four), diagonal, anti, diagonal[::-1], anti[::-1]]
    same(indices_of("rs_mamba", grid), expected)


def strip_walk(numbers, length, shift):
    """Column strips one after another, every other one upside down, odd rows of each backwards."""
    edges = [0, *range(shift or length, numbers.shape[1], length), numbers.shape[1]]
    path = []
    for s, (start, stop) in enumerate(pairwise(edges)):
        strip = numbers[:, start:stop][:: -1 if s % 2 else 1].copy()
        strip[1::2] = strip[1::2, ::-1]
        path.append(strip.ravel())
    return np.concatenate(path)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("length", [2, 4])
def test_mair_walks_strips(grid, length):
    numbers = np.arange(np.prod(grid)).reshape(grid)
    images = [numbers, numbers[::-1, ::-1], numbers.T, numbers[::-1, ::-1].T]
    expected = [[strip_walk(image, length, shift) for image in images] for shift in (0, length // 2)]
    for ours, theirs in zip(layers_of(f"mair[{length}]", grid, 2), expected, strict=True):
        same(ours, theirs)


@pytest.mark.parametrize("grid", GRIDS)
def test_mair_strips_have_the_catalogued_keys(grid):
    h, w = coordinates(grid)
    s = w // 4
    along = np.where(s % 2 == 0, h, grid[0] - 1 - h)
    same(indices_of("strips[4]", grid), [ordered(s, turned(s, h), turned(along, w % 4))])


@pytest.mark.parametrize("grid", BOXES)
def test_ssumamba_walks_three_dimensional_snakes(grid):
    axes = coordinates(grid)
    stages = layers_of("ssumamba", grid, 6)
    expected = []
    for a, b, c in [(0, 1, 2), (0, 2, 1), (1, 2, 0), (1, 0, 2), (2, 0, 1), (2, 1, 0)]:
        t, h, w = axes[a], axes[b], axes[c]
        expected.append(ordered(t, turned(t, h), turned(t + h, w)))
    for ours, path in zip(stages, expected, strict=True):
        same(ours, [path, path[::-1]])


@pytest.mark.parametrize("grid", SQUARES)
def test_vortexmamba_spirals_out_of_the_centre(grid):
    side = grid[0]
    h, w, visited = side // 2, side // 2, []
    turns, run = 0, 1
    while len(visited) < side * side:
        dh, dw = [(0, 1), (1, 0), (0, -1), (-1, 0)][turns % 4]
        for _ in range(run):
            if 0 <= h < side and 0 <= w < side:
                visited.append(h * side + w)
            h, w = h + dh, w + dw
        turns += 1
        run += turns % 2 == 0
    same(indices_of("vortexmamba", grid), [np.array(visited[: side * side])])


@pytest.mark.parametrize("grid", SQUARES)
@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("dimsum_sweep", lambda a, b: (a, b)),
        ("dimsum_zigma", lambda a, b: (a, turned(a, b))),
        ("dimsum_jpeg", lambda a, b: (a + b, turned(a + b + 1, a))),
    ],
)
def test_dimsum_starts_at_four_corners(grid, name, keys):
    h, w = coordinates(grid)
    expected = []
    for x, y in [(h, w), (h, w[:, ::-1]), (h[::-1], w), (h[::-1], w[:, ::-1])]:
        expected += [[ordered(*keys(x, y))], [ordered(*keys(y, x))]]
    for ours, theirs in zip(layers_of(name, grid, 8), expected, strict=True):
        same(ours, theirs)


@pytest.mark.parametrize("length", [1, 7, 10, 23, 40])
def test_mambamil_transposes_the_padded_sequence(length):
    padded = np.full(-(-length // 10) * 10, -1)
    padded[:length] = np.arange(length)
    strided = padded.reshape(-1, 10).T.ravel()
    same(indices_of("mambamil", (length,)), [np.arange(length), strided[strided >= 0]])


@pytest.mark.parametrize("grid", [(28, 28), (14, 14), (6, 9)])
@pytest.mark.parametrize("side", [7, 14])
def test_mambavision_reads_every_window_by_itself(grid, side):
    numbers = np.arange(np.prod(grid)).reshape(grid)
    windows = [
        numbers[i : i + side, j : j + side].ravel() for i in range(0, grid[0], side) for j in range(0, grid[1], side)
    ]
    path = scanlab.compile(f"mambavision[{side}]", grid).paths[0]
    np.testing.assert_array_equal(path.indices, np.concatenate(windows))
    np.testing.assert_array_equal(path.restarts, np.cumsum([0, *(len(x) for x in windows[:-1])]))


@pytest.mark.parametrize("grid", GRIDS)
def test_systems_that_read_plain_rows_and_columns(grid):
    h, w = coordinates(grid)
    r, c = ordered(h, w), ordered(w, h)
    for name in ("mambair", "vmambair"):
        same(indices_of(name, grid), [r, c, r[::-1], c[::-1]])
    same(indices_of("mobilemamba", grid), [r, r[::-1]])
    same(indices_of("samba_segmentation", grid), [r])
    same(indices_of("dimsum_window", grid), [ordered(h // 4, w // 4, h % 4, w % 4)])


@pytest.mark.parametrize("grid", GRIDS)
def test_localmamba_searched_layers_draw_from_its_eight_choices(grid):
    choices = {tuple(p) for p in indices_of("localmamba_choices", grid)}
    plan = scanlab.compile("localmamba_vim", grid)
    assert plan.depth == 20
    assert all(
        len(plan.layer(i).paths) == 4 and {tuple(p) for p in plan.layer(i).indices} <= choices for i in range(20)
    )
    h, w = coordinates(grid)
    seven = ordered(h // 7, w // 7, h % 7, w % 7)
    same(plan.layer(0).indices, [ordered(h, w), ordered(w, h)[::-1], seven, seven[::-1]])


@pytest.mark.parametrize("grid", BOXES)
def test_point_mamba_reads_morton_both_ways(grid):
    x, y, z = coordinates(grid)
    code = sum(((v >> b) & 1) << (3 * b + k) for b in range(4) for k, v in enumerate((z, y, x)))
    path = ordered(code)
    same(indices_of("point_mamba_octree", grid), [path, path[::-1]])


@pytest.mark.parametrize("grid", BOXES)
def test_orders_of_videos_and_volumes(grid):
    t, h, w = coordinates(grid)
    same(indices_of("tri", grid), [ordered(t, h, w), ordered(h, w, t), ordered(w, t, h)])
    same(indices_of("snake3", grid), [ordered(t, turned(t, h), turned(t + h, w))])
    blocks = (t // 2, h // 2, w // 2, t % 2, h % 2, w % 2)
    same(indices_of("tubelet[2, 2]", grid), [ordered(*blocks)])
