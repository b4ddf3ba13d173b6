import itertools

import numpy as np
import pytest

from scanlab.compiler.curves.spiral import spiral_in_grid, spiral_out_grid

BOXES = list(itertools.product(range(1, 9), repeat=2))
OPTIONS = list(itertools.product(range(4), range(2)))
MOVES = [(0, 1), (1, 0), (0, -1), (-1, 0)]


def points(ranks):
    return np.stack(np.unravel_index(np.argsort(ranks, axis=None), ranks.shape), axis=-1)


def walk_inwards(box, corner, turn):
    """Walk until the way is blocked, then turn: the defining procedure."""
    cell = [(0, 0), (0, box[1] - 1), (box[0] - 1, box[1] - 1), (box[0] - 1, 0)][corner]
    heading, seen = corner + turn, [cell]

    def ahead():
        return cell[0] + MOVES[heading % 4][0], cell[1] + MOVES[heading % 4][1]

    while len(seen) < box[0] * box[1]:
        if ahead() in seen or not (0 <= ahead()[0] < box[0] and 0 <= ahead()[1] < box[1]):
            heading += -1 if turn else 1
        cell = ahead()
        seen.append(cell)
    return seen


def walk_outwards(box, heading, turn):
    """Sides of 1, 1, 2, 2, 3, 3, ... cells, keeping the cells inside the box."""
    cell, inside = (box[0] // 2, box[1] // 2), []
    for leg in range(2 * (box[0] + box[1]) + 2):
        for _ in range(leg // 2 + 1):
            if 0 <= cell[0] < box[0] and 0 <= cell[1] < box[1]:
                inside.append(cell)
            cell = (cell[0] + MOVES[heading % 4][0], cell[1] + MOVES[heading % 4][1])
        heading += -1 if turn else 1
    return inside


@pytest.mark.parametrize("corner,turn", OPTIONS)
def test_inwards_equals_the_walk(corner, turn):
    for box in BOXES:
        path = [tuple(p) for p in points(spiral_in_grid(box, {"corner": corner, "turn": turn})).tolist()]
        assert path == walk_inwards(box, corner, turn), box


@pytest.mark.parametrize("corner,turn", OPTIONS)
def test_inwards_takes_unit_steps_from_its_corner(corner, turn):
    for box in BOXES:
        path = points(spiral_in_grid(box, {"corner": corner, "turn": turn}))
        start = [(0, 0), (0, box[1] - 1), (box[0] - 1, box[1] - 1), (box[0] - 1, 0)][corner]
        assert tuple(path[0]) == start, box
        assert (np.abs(np.diff(path, axis=0)).sum(axis=1) == 1).all(), box


@pytest.mark.parametrize("heading,turn", OPTIONS)
def test_outwards_equals_the_walk(heading, turn):
    for box in BOXES:
        path = points(spiral_out_grid(box, {"heading": heading, "turn": turn})).tolist()
        assert [tuple(p) for p in path] == walk_outwards(box, heading, turn), box


@pytest.mark.parametrize("box", [(3, 500), (500, 2), (1, 1000)])
def test_outwards_on_a_thin_box_is_dense(box):
    assert sorted(spiral_out_grid(box, {}).ravel().tolist()) == list(range(box[0] * box[1]))
    assert [tuple(p) for p in points(spiral_out_grid(box, {})).tolist()] == walk_outwards(box, 0, 0)
