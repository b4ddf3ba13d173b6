"""A trial's hash: the same everywhere, another for every setting, and blind to names."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest
from small import GRID, SIZES, small_study, small_trial

from scanlab.compiler.bind import bind
from scanlab.facade import parse
from scanlab.nn import BackboneConfig, MixerConfig
from scanlab.study.trial import CONTROLS, DataChoice, Recipe, Study, Trial

TRIAL = small_trial()
PROBLEM = TRIAL.problem


def trial(text: str, **changes) -> Trial:
    """A trial of an order written so, its problem changed."""
    plan = bind(parse(text, axes="h w"), GRID)
    return Trial(replace(PROBLEM, strategies=(("any name", plan),), **changes), plan, 0)


def test_the_key_is_the_same_in_another_process() -> None:
    code = "from small import small_trial; print(small_trial().key, small_trial('hilbert', 3, 'A/A', shift=1).key)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parent
    )
    assert done.stdout.split() == [TRIAL.key, small_trial("hilbert", 3, "A/A", shift=1).key]
    assert len(TRIAL.key) == 16 and int(TRIAL.key, 16) >= 0


def test_the_config_is_json_and_says_all() -> None:
    again = json.loads(json.dumps(TRIAL.config))
    assert again["seed"] == 0 and again["control"] is None and again["task"] == "classification"
    # What came later stands in a key only where it is set: what ran before keeps its own.
    first = {"epochs", "batch", "learning_rate", "weight_decay", "label_smoothing", "shift", "flip"}
    assert set(again["recipe"]) == first
    assert Recipe(turn=True, zoom=0.5).stored() == Recipe().stored() | {"turn": True, "zoom": 0.5}
    assert set(again["sizes"]) == {f.name for f in fields(BackboneConfig)} - {"inputs"}
    assert again["data"] == PROBLEM.fingerprint


def _other(value):
    """A value of the same type that is not this one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, tuple):
        return ("something else",)
    return "something else" if isinstance(value, str) else 7


# How often a training is kept changes none of its numbers.
NO_NUMBERS = ("checkpoint_minutes",)


@pytest.mark.parametrize("name", [f.name for f in fields(Recipe) if f.name not in NO_NUMBERS])
def test_every_setting_of_a_recipe_changes_the_key(name: str) -> None:
    # The weights to start from are known by what their file holds, a function by its module.
    held = {"start": __file__, "augment": "scanlab.imported:imported"}
    other = held.get(name) or _other(getattr(PROBLEM.recipe, name))
    changed = replace(PROBLEM.recipe, **{name: other})
    assert trial("row", recipe=changed).key != trial("row").key


# Choices among names are refused when unknown; these are others that are known.
CHOICES = {
    "stem": "patch_norm",
    "downsample": "merge",
    "positions": "none",
    "norm_kind": "rms",
    "readout": "max",
    "kind": "none",
    "convolution": "grid",
    "parameters": "per_path",
    "depth": 3,
    "inputs": "imagenet",
}


@pytest.mark.parametrize("kind, name", [(k, f.name) for k in (BackboneConfig, MixerConfig) for f in fields(k)])
def test_every_setting_of_a_model_changes_the_key(kind: type, name: str) -> None:
    if name == "mixer":
        changed = replace(SIZES, mixer=MixerConfig())
    else:
        part = SIZES if kind is BackboneConfig else SIZES.mixer
        part = replace(part, **{name: CHOICES[name] if name in CHOICES else _other(getattr(part, name))})
        changed = part if kind is BackboneConfig else replace(SIZES, mixer=part)
    assert trial("row", config=changed).key != trial("row").key


def test_seed_control_task_data_transfer_and_order_change_the_key() -> None:
    others = [
        replace(TRIAL, seed=1),
        *(replace(TRIAL, control=name) for name in CONTROLS),
        trial("row", task="next_patch"),
        trial("row", fingerprint="0" * 16),
        trial("row", transfer=("rotate 90",)),
        trial("row", transfer=("rotate 180",)),
        trial("-row"),
        trial("row with cls at end"),
        trial("row with cls at start"),
        trial("by h, w restart by h"),
        trial("sum(row, -row)"),
        trial("mean(row, -row)"),
        trial("gate(row, -row)"),
        trial("heads(row, -row)"),
        trial("sum(-row, row)"),
        trial("cycle(row, column)"),
    ]
    keys = {TRIAL.key, *(t.key for t in others)}
    # One layer walks the first scan of a cycle alone: that is the row.
    assert trial("cycle(row, column)").key == TRIAL.key
    assert len(keys) == len(others)


def test_how_data_were_read_is_known_by_their_pixels_alone() -> None:
    """So trials of studies that are older than the words keep their keys."""
    choice = DataChoice("digits", layout="classes", spacing=(1.0, 1.0, 1.0))
    read = replace(PROBLEM, data=choice, notes={"assumed": ["a folder per class"]})
    assert Trial(read, TRIAL.plan, 0).key == TRIAL.key


def test_labels_names_and_where_data_come_from_do_not() -> None:
    named = replace(PROBLEM, name="another", data=DataChoice("elsewhere.npz"), strategies=(("r", TRIAL.plan),))
    assert Trial(named, TRIAL.plan, 0).key == TRIAL.key
    assert trial("row").key == TRIAL.key


@pytest.mark.parametrize(
    "one, other",
    [
        ("row", "by h, w"),
        ("row", "by 3 * h, w + 7"),
        ("row", "column(w, h)"),
        ("row", "--row"),
        ("row", "sum(row)"),
        ("row", "by h // 4, w // 4, h % 4, w % 4"),
        ("snake", "by h, w if h % 2 == 0 else -w"),
        ("sum(row, -row)", "sum((by h, w), (by -h, -w))"),
    ],
)
def test_two_spellings_of_one_order_share_a_key(one: str, other: str) -> None:
    assert trial(one).key == trial(other).key


def test_orders_that_part_only_on_the_transfers_grid_have_two_keys() -> None:
    """On 4x4 patches both are the row; on the 8x8 of a larger input they are not."""
    window = "by h // 4, w // 4, h % 4, w % 4"
    assert trial("row").key == trial(window).key
    larger = {"transfer": ("size 16x16",)}
    assert trial("row", **larger).key != trial(window, **larger).key


def test_orders_that_part_only_in_a_later_stage_have_two_keys() -> None:
    """On the first stage's 4x4 these are one order; on the second's 2x2 they differ."""
    late = "by w if H == 2 else h, h if H == 2 else w"
    assert trial("row").key == trial(late).key
    stages = {"config": replace(SIZES, depth=(1, 1))}
    assert trial("row", **stages).key != trial(late, **stages).key


def test_a_study_runs_every_different_trial_once() -> None:
    plans = (("row", TRIAL.plan), ("again", bind(parse("by 2 * h, w", axes="h w"), GRID)))
    study = Study("s", (replace(PROBLEM, strategies=plans),), (0, 1), controls=("A/A", "no_scan"))
    members, trials = list(study.members()), study.trials()
    assert len(members) == 2 * (2 + 2) and len(trials) == 2 * (1 + 2)
    assert [m.seed for m in members] == [0] * 4 + [1] * 4
    assert [m.strategy for m in members[:4]] == ["row", "again", "control: A/A", "control: no scan"]


def test_controls_change_the_baseline() -> None:
    study = replace(small_study(("row", "hilbert"), (0,), ("A/A",)), baseline="hilbert")
    [control] = [m for m in study.members() if m.control]
    assert control.trial.plan is dict(study.problems[0].strategies)["hilbert"]


def test_what_a_report_is_made_of_is_json() -> None:
    about = json.loads(json.dumps(small_study().about()))
    assert about["problems"][0]["strategies"]["hilbert"]["grid"] == [4, 4]
    assert set(about["controls"]) == {"control: A/A"} and about["baseline"] == "row"
