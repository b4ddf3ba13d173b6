"""What is refused before any training, and what need not run."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from small import SIZES, small_problem, small_study

from scanlab.compiler.bind import bind
from scanlab.data import load as load_data
from scanlab.facade import load, parse
from scanlab.ir.diagnostics import ScanlabError
from scanlab.study.preflight import check_study, same_orders
from scanlab.study.trial import DataChoice, Problem, Study

PROBLEM = small_problem()


def of(problem: Problem = PROBLEM, **rest) -> Study:
    return Study("study", (problem,), **{"seeds": (0,), **rest})


def with_recipe(**changes) -> Study:
    return of(replace(PROBLEM, recipe=replace(PROBLEM.recipe, **changes)))


def with_sizes(**changes) -> Study:
    return of(replace(PROBLEM, config=replace(SIZES, **changes)))


def with_mixer(**changes) -> Study:
    return with_sizes(mixer=replace(SIZES.mixer, **changes))


def with_strategies(**texts: str) -> Study:
    plans = tuple((label, bind(parse(text, axes="h w"), (4, 4))) for label, text in texts.items())
    return of(replace(PROBLEM, strategies=plans))


NAN = float("nan")
HALVES = "scatter((by h, w where h < 2), (by h, w where h >= 2))"
WRONG = {
    "no seeds": (of(seeds=()), "S601", "no seeds"),
    "seeds twice": (of(seeds=(1, 2, 1)), "S601", "has seed 1 twice"),
    "a negative seed": (of(seeds=(0, -4)), "S601", "has seed -4"),
    "too large a seed": (of(seeds=(2**32,)), "S601", "has seed 4294967296"),
    "no strategies": (of(replace(PROBLEM, strategies=())), "S607", "has no strategies"),
    "a strategy twice": (small_study(("row", "row")), "S607", "compares 'row' twice"),
    "another baseline": (of(baseline="vim"), "S607", "baseline vim is no strategy", "row, hilbert"),
    "other strategies": (
        Study("two", (PROBLEM, replace(small_problem(("row",)), name="second"))),
        "S607",
        "do not compare the same strategies: hilbert",
    ),
    "an unknown control": (of(controls=("B/B",)), "S608", "no control 'B/B'", "A/A"),
    "confidence": (of(confidence=1), "S608", "confidence is 1"),
    "points in place of a share": (of(margins={"digits": 2}), "S608", "0.02 is 2 points"),
    "a negative margin": (of(margins={"digits": -0.1}), "S608", "margin of digits is -0.1"),
    "a margin that is no number": (of(margins={"digits": NAN}), "S608", "margin of digits is nan"),
    "no epochs": (with_recipe(epochs=0), "S608", "epochs is 0"),
    "no batch": (with_recipe(batch=0), "S608", "batch is 0"),
    "learning rate": (with_recipe(learning_rate=0.0), "S608", "learning_rate is 0.0"),
    "an infinite learning rate": (with_recipe(learning_rate=float("inf")), "S608", "learning_rate is inf"),
    "a learning rate that is no number": (with_recipe(learning_rate=NAN), "S608", "learning_rate is nan"),
    "weight decay": (with_recipe(weight_decay=-1.0), "S608", "weight_decay is -1.0"),
    "label smoothing": (with_recipe(label_smoothing=1.0), "S608", "label_smoothing is 1.0"),
    "a negative shift": (with_recipe(shift=-1), "S608", "shift is -1"),
    "a shift out of the picture": (with_recipe(shift=8), "S608", "shift is 8", "below the images' 8"),
    "patch": (with_sizes(patch=0), "S608", "patch is 0"),
    "stride": (with_sizes(stride=0), "S608", "stride is 0"),
    "dim": (with_sizes(dim=0), "S608", "dim is 0"),
    "depth": (with_sizes(depth=()), "S608", "depth is 0"),
    "drop path": (with_sizes(drop_path=1.0), "S608", "drop_path is 1.0"),
    "mlp": (with_sizes(mlp=-1.0), "S608", "mlp is -1.0"),
    "position spread": (with_sizes(position_spread=NAN), "S608", "position_spread is nan"),
    "state": (with_mixer(state=0), "S608", "state is 0"),
    "expand": (with_mixer(expand=NAN), "S608", "expand is nan"),
    "head": (with_mixer(kind="ssd", head=0), "S608", "head is 0"),
    "shortest step": (with_mixer(shortest_step=0.0), "S608", "shortest_step is 0.0"),
    "longest step": (with_mixer(longest_step=1e-3), "S608", "longest_step is 0.001", "at least shortest_step"),
    "an unknown task": (of(replace(PROBLEM, task="guess")), "S650", "no task 'guess'"),
    "a task for masks": (of(replace(PROBLEM, task="segmentation")), "S652", "digits has a class per image", "a mask"),
    "another patch": (with_sizes(patch=4), "S602", "row is compiled for a 4x4 grid", "4x4 patches", "2x2"),
    "no class token": (with_sizes(readout="cls"), "S605", "no class token"),
    "layers of another depth": (with_strategies(a="layers(row * 3)"), "S603", "3 layers and the model 1"),
    "an unknown change": (of(replace(PROBLEM, transfer=("rotate 45",))), "S651", "`rotate 45` is no change"),
    "a size of nothing": (of(replace(PROBLEM, transfer=("size 0x4",))), "S651", "`size 0x4` is no change"),
    "a change of other axes": (of(replace(PROBLEM, transfer=("size 8",))), "S651", "1 extent and the data 2"),
    "other parameters": (
        with_strategies(row="row", both="sum(row, -row) with cls at end"),
        "S658",
        "the strategies differ in parameters: row has",
        "unequal = true",
    ),
    "other FLOPs": (
        with_strategies(row="row", halves=HALVES, both="sum(row, -row)"),
        "S658",
        "differ in FLOPs",
        "both",
    ),
}  # fmt: skip


@pytest.mark.parametrize("study, code, words", [(s, c, w) for s, c, *w in WRONG.values()], ids=WRONG.keys())
def test_what_is_refused(study: Study, code: str, words: list[str]) -> None:
    with pytest.raises(ScanlabError, match="(?s)" + ".*".join(map(re.escape, words))) as caught:
        check_study(study)
    assert caught.value.code == code


def test_unequal_strategies_are_allowed_when_asked_for() -> None:
    study = replace(with_strategies(row="row", both="sum(row, -row)"), unequal=True)
    row, both = (check_study(study)["digits", label] for label in ("row", "both"))
    assert both.flops > row.flops


def test_equal_strategies_have_equal_costs() -> None:
    costs = check_study(with_strategies(a="row", b="hilbert", c="by w, ~h", d="by random(seed=3)"))
    assert len(costs) == 4 and len(set(costs.values())) == 1
    [cost] = set(costs.values())
    assert cost.parameters > 0 and cost.flops > 0


def test_quarter_turns_need_square_patches() -> None:
    plans = (("row", bind(load("row"), (2, 4))),)
    problem = replace(PROBLEM, strategies=plans, config=replace(SIZES, patch=(4, 2)), transfer=("rotate 180",))
    check_study(of(problem))
    with pytest.raises(ScanlabError, match=r"S651.*as high as wide, and these are 4x2"):
        check_study(of(replace(problem, transfer=("rotate 90",))))


def test_overlapping_patches() -> None:
    plans = (("row", bind(load("row"), (6, 6))),)
    check_study(
        of(replace(PROBLEM, strategies=plans, config=replace(SIZES, patch=3, stride=1), transfer=("size 9x5",)))
    )


def test_masks_need_their_task() -> None:
    """Any data can be predicted patch by patch; classes need labels."""
    for task in ("next_patch", "next_patch_in_bits"):
        check_study(of(replace(PROBLEM, task=task)))
    with pytest.raises(ScanlabError, match="S615"):
        check_study(of(replace(with_strategies(both="sum(row, -row)").problems[0], task="next_patch")))


def test_same_orders_are_named_and_how_far_that_goes() -> None:
    study = with_strategies(
        row="row", again="by 2 * h, 3 * w", window="by h // 4, w // 4, h % 4, w % 4", column="column"
    )
    assert same_orders(study) == [
        "digits: again is the same as row on every grid (proved), and not run twice",
        "digits: window is the same as row on this grid, and not run twice",
        "digits: window is the same as again on this grid, and not run twice",
    ]
    assert len(study.trials()) == 2 + len(study.controls)


def test_the_data_are_the_ones_that_are_named() -> None:
    """The fingerprint of a problem is that of its data, parts and limits included."""
    choices = [DataChoice(), DataChoice(limit=100), DataChoice(part="val"), DataChoice(size=(4, 4))]
    prints = {load_data(c.name, size=c.size, limit=c.limit, part=c.part).fingerprint for c in choices}
    assert len(prints) == 4 and PROBLEM.fingerprint in prints


def test_mixers_of_every_kind_pass() -> None:
    # But for "ssd", whose kernel is compiled for a minute first.
    for kind in ("scan", "attention", "convolution", "none"):
        check_study(with_mixer(kind=kind, head=8))


def test_numbers_without_end_are_refused_as_such() -> None:
    with pytest.raises(ScanlabError, match=r"(?s)S608.*learning_rate is inf.*above 0, and a finite number"):
        check_study(with_recipe(learning_rate=float("inf")))
