"""Keys inside the boxes of groups: compared with plain Python patch by patch, proved for all sizes, or refuted."""

from __future__ import annotations

import numpy as np
import pytest
from brute_force import grids, has_tie, path_of, values
from effort import at_most
from hypothesis import given, settings
from hypothesis import strategies as st
from random_orders import expressions, orders
from sweep import examples

import scanlab
from scanlab.compiler.bind import bind_order
from scanlab.compiler.lattice import Lattice, evaluate_on_grid
from scanlab.compiler.loops import loops
from scanlab.compiler.polyhedra import Polyhedra
from scanlab.compiler.probes import ManyGrids
from scanlab.ir.boxes import breadth, offset
from scanlab.ir.coordinates import substitute_axes
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.expr import Axis, Expr
from scanlab.ir.values import Order

HW = ("h", "w")
GROUPS = (
    *(
        "h // 3, w // 2",
        "h % 2, w % 3",
        "h >= H // 2, w >= W // 2",
        "h + w",
        "h * w",
        "min(h, w, H - 1 - h, W - 1 - w)",
    ),
    *("hilbert(h // 2, w // 2)", "(w - h) % W", "0", "h, w", "-h // 2, 3 * w // 2"),
)
BODIES = (
    "hilbert(h, w)",
    "gilbert(w, h)",
    "h, ~w",
    "spiral_in(h, W - 1 - w), w",
    "random(seed=3)",
    "(H - h) * W + w, h",
)


def _order(line: str) -> Order:
    order = scanlab.parse(line)
    assert isinstance(order, Order)
    return order


def _points(order: Order, grid: tuple[int, int]) -> list[tuple[int, ...]]:
    indices = scanlab.compile(order, grid).indices[0]
    return [tuple(map(int, p)) for p in np.stack(np.unravel_index(indices, grid), axis=1)]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("groups", GROUPS)
def test_paths_are_those_of_the_definition(groups: str, body: str) -> None:
    order = _order(f"by within ({groups}): {body}, h, w")
    for grid in ((5, 7), (1, 4), (6, 2)):
        assert _points(order, grid) == path_of(order, grid)


@pytest.mark.sweep
@given(orders(HW, windows=True), st.sampled_from(((3, 4), (5, 2))))
@settings(max_examples=examples(60, sweep=2_000), deadline=None)
def test_random_orders_are_those_of_the_definition(order: Order, grid: tuple[int, int]) -> None:
    try:
        path = bind_order(order, Lattice(HW, grid), empty_allowed=True)
    except ScanlabError as error:
        assert error.code in ("S300", "S402", "S403", "S401")
        if error.code == "S300":
            assert has_tie(order, grid)
        return
    found = [tuple(map(int, np.unravel_index(i, grid))) for i in path.indices]
    assert found == path_of(order, grid)


@given(expressions(HW, True, 3), st.lists(expressions(HW, True, 3), min_size=1, max_size=2))
@settings(max_examples=40, deadline=None)
def test_offsets_and_breadths_side_by_side_on_many_grids(operand: Expr, groups: list[Expr]) -> None:
    small = [(1, 1), (2, 3), (4, 2)]
    for expr in (offset(operand, tuple(groups)), breadth(operand, tuple(groups))):
        lattice = ManyGrids(HW, small)
        flat = np.broadcast_to(evaluate_on_grid(expr, lattice), lattice.grid)
        for number, grid in enumerate(lattice.grids):
            wanted = list(values(expr, HW, grid).values())
            assert flat[lattice.owner == number].tolist() == wanted


@pytest.mark.parametrize(
    "groups", ["h // 7, w // 7", "h >= H // 2, w >= W // 2", "h % 3, w % 3", "h + w", "h // 2 + w"]
)
@pytest.mark.parametrize("make", [offset, breadth])
def test_isl_has_the_same_values(groups: str, make) -> None:
    keys = tuple(k.expr for k in _order(f"by {groups}").keys)
    expr = make(Axis("h"), keys)
    for grid in [*grids(2, 4), (9, 15)]:
        polyhedra = Polyhedra(HW, grid)
        function = polyhedra.affine(expr).as_map().intersect_domain(polyhedra.domain)
        for patch, value in values(expr, HW, grid).items():
            point = polyhedra.domain.read_from_str(polyhedra.context, f"{{ [{patch[0]}, {patch[1]}] }}")
            assert (
                function.intersect_domain(point)
                .range()
                .is_equal(polyhedra.domain.read_from_str(polyhedra.context, f"{{ [{value}] }}"))
            )


PROVED = [
    "by within (h // 7, w // 7): hilbert(h, w)",
    "by within (h // 7, ~(w // 7)): ~gilbert(w, h)",
    "by within (h >= H // 2, ~(w >= W // 2)): gilbert(h, w)",
    "by w % 2, within (h // 3, w // 3): ~h, ~w",
    "by within (h // 8, w // 8): within (h // 2, w // 2): hilbert(h, w)",
    "by hilbert(h // 4, w // 4), within (h // 4, w // 4): snake(w, H - 1 - h)",
    "by within (h + w): h",
    "by within (h * w): h, w",
    "by within (min(h, w, H - 1 - h, W - 1 - w)): gilbert(h, w)",
    "by hilbert(h, w) within (h // 3, w // 3), w // 3, h // 3",
    "by within (h // 5): H * w + 7 * h if 0 else w, h",
    "by within (w // 2): random()",
    "by within (h // 4, w // 4): (w - h) % W, h",
]


@pytest.mark.parametrize("line", PROVED)
def test_proved_for_all_sizes(line: str) -> None:
    order = _order(line)
    assert scanlab.prove(order).verdict == scanlab.prove(-order).verdict == "proved"
    assert not any(has_tie(order, grid) for grid in grids(2, 4))


REFUTED = [
    ("by within (h // 4): hilbert(h, w // 2)", (1, 2), ((0, 0), (0, 1))),
    ("by hilbert(h, w) within (h // 2, w // 2)", (1, 3), ((0, 0), (0, 2))),
    ("by hilbert(h, w) within (h // 2, w // 2), h // 2", (1, 3), ((0, 0), (0, 2))),
    ("by within (h // 3, w // 3): h", (1, 2), ((0, 0), (0, 1))),
    ("by offset(h) within (h // 3), w", (4, 1), ((0, 0), (3, 0))),
    ("by within (h // 2, w // 2): W, h", (1, 2), ((0, 0), (0, 1))),
]


@pytest.mark.parametrize(("line", "grid", "patches"), REFUTED)
def test_refuted_with_the_smallest_pair(line: str, grid: tuple[int, ...], patches: tuple[tuple[int, ...], ...]) -> None:
    proof = scanlab.prove(_order(line))
    assert proof.verdict == "refuted" and proof.counterexample is not None
    assert (proof.counterexample.grid, proof.counterexample.patches) == (grid, patches)


@pytest.mark.sweep
@given(orders(HW, affine=True, windows=True))
@settings(max_examples=examples(40, sweep=1_500), deadline=None)
def test_verdicts_are_right_on_grids_that_were_not_tried(order: Order) -> None:
    try:
        proof = scanlab.prove(order)
    except ScanlabError as error:
        assert error.code == "S402"
        return
    if proof.counterexample is not None and max(proof.counterexample.grid) < 12:
        assert has_tie(order, proof.counterexample.grid)
    if proof.verdict == "proved":
        assert not has_tie(order, (9, 3)) and not has_tie(order, (2, 11))


@pytest.mark.parametrize("grid", [(16, 23), (7, 7), (5, 40), (15, 8)])
def test_gilbert_has_unit_steps_in_every_ragged_window(grid: tuple[int, int]) -> None:
    points = np.array(_points(_order("by within (h // 8, w // 8): gilbert(h, w)"), grid))
    inside = (points[1:] // 8 == points[:-1] // 8).all(axis=1)
    steps = np.abs(np.diff(points, axis=0))[inside]
    # A rectangle whose longer side is odd and whose shorter one is even, from 4 up, costs one diagonal.
    windows = {(min(8, grid[0] - r), min(8, grid[1] - c)) for r in range(0, grid[0], 8) for c in range(0, grid[1], 8)}
    costly = [max(s) % 2 == 1 and min(s) % 2 == 0 and min(s) >= 4 for s in windows]
    assert (steps.sum(axis=1) == 1).all() or (any(costly) and steps.max() == 1)


def test_quadrants_walk_curves_of_their_own() -> None:
    points = _points(_order("by within (h >= H // 2, ~(w >= W // 2)): hilbert(h, w)"), (4, 4))
    top_left, bottom_left = [(0, 0), (0, 1), (1, 1), (1, 0)], [(2, 0), (2, 1), (3, 1), (3, 0)]
    across = [[(r, c + 2) for r, c in quarter] for quarter in (top_left, bottom_left)]
    assert points == [*top_left, *across[0], *across[1], *bottom_left]


def test_tilde_in_a_body_counts_the_keys_of_the_groups() -> None:
    # Window (0, 1) has the sum 1, so that its rows run backwards first: h is 1 before 0.
    points = _points(_order("by within (h // 2, w // 2): ~h, w"), (2, 4))
    assert points == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (1, 3), (0, 2), (0, 3)]
    own = _points(_order("by within (h // 2, w // 2): snake(h, w)"), (2, 4))
    assert own == [(0, 0), (0, 1), (1, 1), (1, 0), (0, 2), (0, 3), (1, 3), (1, 2)]


FLIPS = [("h", "w"), ("w", "h"), ("H - 1 - h", "w"), ("w", "H - 1 - h"), ("h // 2", "w % 2"), ("h % 4", "w")]


@pytest.mark.parametrize("coordinates", FLIPS, ids=str)
@pytest.mark.parametrize("line", ["within (h // 3, w // 2): ~hilbert(h, w)", "within (h + w): H - h, w, W"])
def test_other_coordinates_are_seen_in_the_groups_too(line: str, coordinates: tuple[str, str]) -> None:
    order = _order(f"by {line}")
    exprs = tuple(k.expr for k in _order(f"by {', '.join(coordinates)}").keys)
    image = substitute_axes(order, HW, dict(zip(HW, exprs, strict=True)))
    assert _order(str(image)) == image
    grid = (4, 5)
    seen = [values(e, HW, grid) for e in exprs]
    box = tuple(max(s.values()) + 1 for s in seen)
    own = [values(k.expr, HW, box) for k in order.keys]
    reached = {tuple(s[p] for s in seen) for p in seen[0]}
    if len(reached) < box[0] * box[1]:
        pytest.skip("the order speaks of a whole box")
    for key, wanted in zip(image.keys, own, strict=True):
        found = values(key.expr, HW, grid)
        assert found == {p: wanted[tuple(s[p] for s in seen)] for p in found}


def test_a_curve_in_windows_is_a_table_and_plain_keys_are_arithmetic() -> None:
    curve = scanlab.compile("by within (h // 4, w // 4): hilbert(h, w)", (8, 8)).paths[0]
    assert curve.form == "table" and "boxes of groups" in curve.index_form.reason
    assert scanlab.compile("by within (h // 4, w // 4): h, ~w", (8, 8)).paths[0].form == "affine"
    plain = _order("by within (h // 4, w // 4): h, w")
    assert loops(plain).startswith("for (int c0 = 0;")
    assert scanlab.prove(_order("by h // 4, w // 4, h % 4, w % 4")).verdict == "proved"


def test_windows_of_one_shape_share_a_table() -> None:
    order = _order("by within (h // 7, w // 7): gilbert(h, w)")
    bind_order(order, Lattice(HW, (8, 8)))
    with at_most(calls=20_000):
        bind_order(order, Lattice(HW, (512, 512)))


def test_boxes_that_would_take_too_long_are_refused() -> None:
    with pytest.raises(ScanlabError, match=r"S401.*shapes of"):
        scanlab.compile("by within (h + w): gilbert(h, w)", (2048, 2048))
