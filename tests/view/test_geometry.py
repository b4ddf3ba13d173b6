from __future__ import annotations

import numpy as np
import pytest

from scanlab.view.geometry import coordinates, neighbour_gaps, project, steps_of


def counts(scene) -> tuple[int, int, int, int]:
    steps = steps_of(scene)
    return tuple(int(mask.sum()) for mask in (steps.unit, steps.diagonal, steps.jump, steps.restart))


def test_every_step_is_of_exactly_one_kind(any_scene):
    steps = steps_of(any_scene)
    total = sum(mask.astype(int) for mask in (steps.unit, steps.diagonal, steps.jump, steps.restart))
    assert total.shape == (any_scene.length - 1,)
    assert (total == 1).all()


def test_step_kinds_of_known_orders(made):
    assert counts(made.row(4, 4)) == (12, 0, 3, 0)
    assert counts(made.row(4, 2)) == (4, 3, 0, 0)
    assert counts(made.snake(5, 8)) == (39, 0, 0, 0)
    assert counts(made.snake3(3, 4, 5)) == (59, 0, 0, 0)
    assert counts(made.rows(3, 5)) == (12, 0, 0, 2)
    assert counts(made.zigzag(3, 3)) == (4, 4, 0, 0)
    assert counts(made.row(1, 1)) == (0, 0, 0, 0)


def test_coordinates_follow_the_row_major_rule(any_scene):
    flat = np.ravel_multi_index(tuple(coordinates(any_scene).T), any_scene.grid)
    assert (flat == any_scene.indices).all()


def gap_by_definition(scene) -> np.ndarray:
    ranks = scene.ranks.reshape(scene.grid)
    gaps = []
    for place in np.ndindex(*scene.grid):
        near = []
        for axis in range(len(scene.grid)):
            for move in (-1, 1):
                other = list(place)
                other[axis] += move
                inside = 0 <= other[axis] < scene.grid[axis]
                if inside and ranks[place] >= 0 and ranks[tuple(other)] >= 0:
                    near.append(abs(int(ranks[place]) - int(ranks[tuple(other)])))
        gaps.append(sum(near) / len(near) if near else np.nan)
    return np.array(gaps)


def test_neighbour_gaps_match_their_definition(any_scene):
    np.testing.assert_allclose(neighbour_gaps(any_scene), gap_by_definition(any_scene))


def test_patches_lie_apart_and_inside(any_scene):
    projection = project(any_scene)
    assert projection.points.shape == (any_scene.patches, 2)
    assert (projection.points >= 0).all() and (projection.points <= projection.size).all()
    assert len({tuple(point) for point in projection.points.round(6).tolist()}) == any_scene.patches


def test_two_axes_are_drawn_as_they_are(made):
    projection = project(made.row(2, 3))
    assert projection.size == pytest.approx((3, 2))
    np.testing.assert_allclose(projection.points[4], (1.5, 1.5))


def test_many_slices_do_not_make_a_tower(made):
    width, height = project(made.snake3(32, 6, 6)).size
    assert height < 2 * width


def test_slices_do_not_overlap(made):
    planes = project(made.snake3(9, 4, 5)).planes
    boxes = [
        (min(xs), min(ys), max(xs), max(ys))
        for plane in planes
        for xs, ys in [zip(*(plane.at(r, c) for r in (0, plane.rows) for c in (0, plane.columns)), strict=True)]
    ]
    for k, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[k + 1 :]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
