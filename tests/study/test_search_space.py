"""What a search may try: everything prints, what is proved binds, moves reach what the library lacks."""

from __future__ import annotations

import math
import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanlab.compiler.bind import bind
from scanlab.compiler.prove import prove
from scanlab.facade import load, parse
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import Order, Plan, Scan, Value, orders_of
from scanlab.nn import BackboneConfig
from scanlab.study.search.bases import Choose, bases, drawn_base, sides
from scanlab.study.search.moves import MOVES, mutated
from scanlab.study.search.propose import SAMPLERS, OptunaSampler, RandomSampler, sampler_named
from scanlab.study.search.prove import Screen
from scanlab.study.search.space import SPACES, Space, random_order, space_named

BASELINES = {"parameters": "row", "keys": "row", "scans": "cross", "plans": "row"}
GRIDS = {2: [(4, 4), (5, 3), (1, 6), (7, 8)], 3: [(2, 3, 4), (3, 3, 3), (1, 2, 5)]}


def _space(kind: str, baseline: str = "", layers: int = 3, grid: tuple[int, ...] = (7, 7)) -> Space:
    return space_named(kind, load(baseline or BASELINES[kind]), grid, layers)


def _by_chance(seed: int) -> Choose:
    draw = random.Random(seed)
    return lambda name, options: options[draw.randrange(len(options))]


def _is_a_permutation(value: Value, grid: tuple[int, ...]) -> bool:
    bound = bind(value, grid)
    scans = bound.scans if hasattr(bound, "scans") else (bound,)
    patches = list(range(math.prod(grid)))
    return all(sorted(path.indices.tolist()) == patches for scan in scans for path in scan.paths)


@pytest.mark.parametrize("kind", SPACES)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_candidates_print_and_what_is_proved_binds(kind: str, seed: int) -> None:
    value = _space(kind).draw(_by_chance(seed))
    assert parse(str(value), value.axes) == value
    if prove(value):
        assert all(_is_a_permutation(value, grid) for grid in GRIDS[2])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_so_do_candidates_on_volumes(seed: int) -> None:
    value = _space("keys", "spatial_first", grid=(3, 5, 5)).draw(_by_chance(seed))
    assert value.axes == ("t", "h", "w")
    assert parse(str(value), value.axes) == value
    if prove(value):
        assert all(_is_a_permutation(value, grid) for grid in GRIDS[3])


@pytest.mark.parametrize("move", MOVES)
def test_every_move_makes_a_provable_order_that_the_library_lacks(move: str) -> None:
    library = Screen((7, 7), BackboneConfig())
    for name in (b.name for b in bases((7, 7))):
        library.known(bind(load(name), (7, 7)), name)
    for seed in range(200):
        chance = _by_chance(seed)
        start = drawn_base(chance, ("h", "w"), (7, 7))
        moved = mutated(start, lambda n, o, c=chance: move if n == "move" else c(n, o), (7, 7))
        if moved.keys != start.keys and library.examine(moved, "moved").verdict == "new":
            return
    pytest.fail(f"{move} never gave a new order")


def test_moves_do_what_their_docstrings_say() -> None:
    def after(text: str, move: str, **answers: object) -> str:
        def choose(name: str, options):
            for word, answer in answers.items():
                if word.replace("_", " ") in name:
                    return answer
            return move if name == "move" else options[0]

        order = parse(text)
        assert isinstance(order, Order)
        return str(mutated(order, choose, (14, 14)))

    window = "by h // 4, w // 4, h % 4, w % 4"
    assert after("by h, w", "swap") == "by w, h"
    assert after("by h, w", "alternate") == "by h, ~w"
    assert after("by h, ~w", "alternate") == "by h, w"
    assert after("by h, w", "turn", key=1) == "by h, -w"
    assert after("by h, -w", "turn", key=1) == "by h, w"
    assert after(window, "resize", reach="here", side=2) == "by h // 2, w // 4, h % 4, w % 4"
    assert after(window, "resize", reach="operand", side=2) == "by h // 2, w // 4, h % 2, w % 4"
    assert after(window, "resize", reach="everywhere", side=2) == "by h // 2, w // 2, h % 2, w % 2"
    assert after("by h, w", "shear", factor=2) == "by h + 2 * w, w"
    assert after("by h, w", "shear", factor=-1) == "by h - w, w"
    assert after("by h, w", "level", side=4) == "by h // 4, w // 4, h, w"
    assert after("by h, w", "level", level="strides", along="w", side=2) == "by w % 2, h, w"
    assert after(window, "curve", pair=2, curve="hilbert") == "by h // 4, w // 4, hilbert(h % 4, w % 4)"
    assert after("by h % 2, h, w", "drop", key=0) == "by h, w"
    crossed = after("by h // 4, w // 4, h, w", "cross", crossed_with="zigzag", keys_kept=2)
    assert crossed == "by h // 4, w // 4, h + w, ~w"


def test_a_mutated_order_stays_short_enough_to_read() -> None:
    for seed in range(40):
        order = load("window[k=3]")
        assert isinstance(order, Order)
        chance = _by_chance(seed)
        for _ in range(30):
            order = mutated(order, chance, (7, 7))
        assert len(order.keys) <= 8 and len(str(order)) < 600


def test_candidates_keep_the_paths_the_merge_and_the_tokens_of_the_baseline() -> None:
    vim, cross = load("vim"), load("cross")
    assert isinstance(vim, Scan) and isinstance(cross, Scan)
    for seed in range(20):
        both = _space("keys", "vim").draw(_by_chance(seed))
        assert isinstance(both, Scan) and both.merge == vim.merge and both.tokens == vim.tokens
        assert both.parts[1] == -both.parts[0]
        four = _space("scans").draw(_by_chance(seed))
        assert isinstance(four, Scan) and four.merge == cross.merge
        assert len(list(orders_of(four))) == 4
        plan = _space("plans", "vim", layers=5).draw(_by_chance(seed))
        assert isinstance(plan, Plan) and plan.depth in (None, 5)
        assert all(e.scan.tokens == vim.tokens and len(e.scan.parts) == 2 for e in plan.entries)


def test_windows_are_smaller_than_the_grid() -> None:
    assert sides((4, 4)) == (2, 3)
    assert sides((14, 14)) == tuple(range(2, 14))
    assert max(sides((64, 64))) == 16
    assert sides((1, 1)) == (2,)


def test_bases_are_whole_orders_with_their_parameters() -> None:
    parameters = {b.name: dict(b.parameters) for b in bases((4, 4))}
    assert parameters["row"] == {} and parameters["window"] == {"k": (2, 3)}
    assert parameters["spiral_in"] == {"corner": (0, 1, 2, 3), "turn": (0, 1)}
    assert "skip" not in parameters and "cross" not in parameters and "spatial_first" not in parameters
    assert "hilbert3" in {b.name for b in bases((2, 4, 4))}


@pytest.mark.parametrize(
    ("kind", "baseline", "layers", "says"),
    [
        ("sclaes", "row", 2, "no space 'sclaes'"),
        ("scans", "row", 2, "two or more paths"),
        ("plans", "row", 1, "two or more layers"),
        ("keys", "efficient", 2, "in a way of its own"),
    ],
)
def test_an_empty_space_is_refused(kind: str, baseline: str, layers: int, says: str) -> None:
    with pytest.raises(ScanlabError, match=says) as caught:
        space_named(kind, load(baseline), (8, 8), layers)
    assert caught.value.diagnostics[0].code == "S667"


@pytest.mark.parametrize("kind", SPACES)
def test_a_random_search_is_reproducible(kind: str) -> None:
    def drawn(seed: int) -> list[str]:
        sampler = RandomSampler(_space(kind), seed)
        return [str(sampler.propose().value) for _ in range(12)]

    assert drawn(3) == drawn(3) != drawn(4)


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_proposes_and_one_that_does_not_learn_heeds_no_scores(name: str) -> None:
    if SAMPLERS[name].learns:
        pytest.importorskip("optuna")

    def proposed(score: float) -> list[str]:
        sampler, values = sampler_named(name, _space("parameters"), 1), []
        for _ in range(4):
            proposal = sampler.propose()
            sampler.tell(proposal, score)
            values.append(str(proposal.value))
        return values

    assert len(proposed(0.0)) == 4 and (SAMPLERS[name].learns or proposed(0.0) == proposed(1.0))


def test_optuna_is_reproducible_learns_and_says_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("optuna")

    def scored(seed: int) -> list[float]:
        sampler, scores = OptunaSampler(_space("parameters"), seed), []
        for _ in range(60):
            proposal = sampler.propose()
            # A landscape that can be learned: windows are good, and the smaller the better.
            order = proposal.choices["order"]
            score = 20.0 - proposal.choices["window k"] if order == "window" else 0.0
            scores.append(score)
            sampler.tell(proposal, None if order == "row" else score)
        return scores

    first = scored(0)
    assert first == scored(0)
    assert sum(first[30:]) > 3 * sum(first[:15])
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ScanlabError, match="Optuna") as caught:
        sampler_named("optuna", _space("parameters"), 0)
    assert caught.value.diagnostics[0].code == "S666"
    with pytest.raises(ScanlabError, match="no sampler"):
        sampler_named("annealing", _space("parameters"), 0)


def test_the_screen_lets_each_order_through_once_and_counts() -> None:
    screen = Screen((4, 4), BackboneConfig())
    screen.known(bind(load("row"), (4, 4)), "baseline")
    assert screen.examine(parse("by w, h"), "a").verdict == "new"
    again = screen.examine(parse("by 3 * w, h + 7"), "b")
    assert (again.verdict, again.same_as) == ("the same as another", "a")
    assert screen.examine(parse("by 2 * h, w"), "c").same_as == "baseline"
    tie = screen.examine(parse("by h + w"), "d")
    assert tie.verdict == "refuted" and "2x2" in tie.reason and tie.plan is None
    assert screen.examine(parse("by h * h * W * W + w * w"), "e").verdict == "undecided"
    assert screen.examine(parse("by 1000000000 * (1000000000 * (1000000000 * h)), w"), "f").verdict == "does not bind"
    assert screen.counts == {
        "new": 1,
        "the same as another": 2,
        "refuted": 1,
        "undecided": 1,
        "does not bind": 1,
    }


def test_a_random_order_fills_the_frame() -> None:
    cross = load("cross")
    assert isinstance(cross, Scan)
    shuffled = random_order(cross, 1)
    assert isinstance(shuffled, Scan) and len(set(shuffled.parts)) == 4
    assert prove(shuffled) and _is_a_permutation(shuffled, (4, 4))
