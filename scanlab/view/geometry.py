"""Where patches lie on a flat picture, and what kind of step joins two of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scanlab.compiler.locality import Steps, step_kinds
from scanlab.view.scene import PathScene

_SLANT = np.array([-0.42, 0.46])
_TALLEST = 1.6
_BETWEEN = 1.2


@dataclass(frozen=True)
class Plane:
    """One drawn slice of the grid: a parallelogram of `rows` by `columns` patches.

    corner, across, down: (x, y) of its first corner, of one patch along the last axis and of one along the axis before.
    """

    corner: tuple[float, float]
    across: tuple[float, float]
    down: tuple[float, float]
    rows: int
    columns: int

    def at(self, row: float, column: float) -> tuple[float, float]:
        """Give the point (x, y) at a row and column counted in patches from the corner."""
        return (
            self.corner[0] + row * self.down[0] + column * self.across[0],
            self.corner[1] + row * self.down[1] + column * self.across[1],
        )


@dataclass(frozen=True, eq=False)
class Projection:
    """A grid laid out flat: x to the right, y down, one unit is the side of a patch.

    points: float64 [P, 2], the middle of each patch. size: width and height of the whole. planes: the drawn slices.
    """

    points: np.ndarray
    size: tuple[float, float]
    planes: tuple[Plane, ...]


def coordinates(scene: PathScene) -> np.ndarray:
    """Give the grid coordinates of the patch at every step, int64 [L, axes]."""
    return np.stack(np.unravel_index(scene.indices, scene.grid), axis=1)


def steps_of(scene: PathScene) -> Steps:
    """Sort the L - 1 steps of a path into unit, diagonal, jump and restart."""
    return step_kinds(np.diff(coordinates(scene), axis=0), scene.restarts)


def neighbour_gaps(scene: PathScene) -> np.ndarray:
    """Give each patch's mean difference in step to its grid neighbours, float64 [P].

    A neighbour shares a side. NaN where the path does not go or goes to none of the neighbours.
    """
    ranks = scene.ranks.reshape(scene.grid).astype(np.float64)
    ranks = np.where(ranks < 0, np.nan, ranks)
    total, count = np.zeros(scene.grid), np.zeros(scene.grid)
    for axis in range(len(scene.grid)):
        gap = np.abs(np.diff(ranks, axis=axis))
        known = np.isfinite(gap)
        gap = np.where(known, gap, 0.0)
        for before, after in ((0, 1), (1, 0)):
            pad = [(0, 0)] * len(scene.grid)
            pad[axis] = (before, after)
            total += np.pad(gap, pad)
            count += np.pad(known.astype(np.float64), pad)
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, total / count, np.nan).reshape(-1)


def project(scene: PathScene) -> Projection:
    """Lay the scene's grid out flat.

    One axis: the patch to the right, its step downwards. Two: the grid itself. Three: slices as slanted sheets, one
    below the other and then in further columns. More: the leading axes repeat that picture, to the right and then down.
    """
    if len(scene.grid) == 1:
        return _project_line(scene)
    if len(scene.grid) == 2:
        return _project_slices((1, *scene.grid), np.array([0.0, 1.0]))
    single = _project_slices(scene.grid[-3:], _SLANT)
    return _repeat(single, scene.grid[:-3]) if len(scene.grid) > 3 else single


def _project_line(scene: PathScene) -> Projection:
    count = scene.patches
    drop = 0.5 if scene.length > 1 else 0.0
    x = np.arange(count) + 0.5
    y = np.maximum(scene.ranks, 0) * drop + 0.5
    plane = Plane((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), 1, count)
    return Projection(np.stack([x, y], axis=1), (float(count), float(max(scene.length - 1, 0) * drop + 1)), (plane,))


def _project_slices(grid: tuple[int, ...], down: np.ndarray) -> Projection:
    slices, rows, columns = grid
    lean = max(0.0, -float(down[0]) * rows)
    wide, tall = columns + lean + _BETWEEN, float(down[1]) * rows + _BETWEEN
    stack = _stack_height(slices, wide, tall)
    s, r, c = np.meshgrid(np.arange(slices), np.arange(rows), np.arange(columns), indexing="ij")
    x = s // stack * wide + lean + (r + 0.5) * down[0] + c + 0.5
    y = s % stack * tall + (r + 0.5) * down[1]
    tilt = (float(down[0]), float(down[1]))
    planes = tuple(
        Plane((k // stack * wide + lean, k % stack * tall), (1.0, 0.0), tilt, rows, columns) for k in range(slices)
    )
    size = (-(-slices // stack) * wide - _BETWEEN, min(slices, stack) * tall - _BETWEEN)
    return Projection(np.stack([x, y], axis=-1).reshape(-1, 2).astype(np.float64), size, planes)


def _stack_height(slices: int, wide: float, tall: float) -> int:
    """Choose how many slices stand in one column, so that the picture is not much taller than wide."""
    columns = 1
    while -(-slices // columns) * tall > _TALLEST * columns * wide:
        columns += 1
    return -(-slices // columns)


def _repeat(single: Projection, leading: tuple[int, ...]) -> Projection:
    step_x, step_y = single.size[0] + 1.5, single.size[1] + 1.5
    across = leading[-1]
    down = leading[0] if len(leading) == 2 else 1
    shifts = [(column * step_x, row * step_y) for row in range(down) for column in range(across)]
    points = np.concatenate([single.points + np.array(shift) for shift in shifts])
    planes = tuple(
        Plane((plane.corner[0] + x, plane.corner[1] + y), plane.across, plane.down, plane.rows, plane.columns)
        for x, y in shifts
        for plane in single.planes
    )
    return Projection(points, (across * step_x - 1.5, down * step_y - 1.5), planes)
