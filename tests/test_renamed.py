"""Public names, keywords, fields and values that were others work for one release, and warn of the new."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

import scanlab
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, MixerConfig
from scanlab.nn.config import from_stored, stored
from scanlab.renamed import renamed_keywords
from scanlab.study.tasks import task_named
from scanlab.study.trial import DataChoice, Problem, Study, Trial

NAMES = {
    ("scanlab.nn", "BackboneSizes"): "BackboneConfig",
    ("scanlab.nn", "MixerSizes"): "MixerConfig",
    ("scanlab.nn.config", "BackboneSizes"): "BackboneConfig",
    ("scanlab.nn.config", "MixerSizes"): "MixerConfig",
    ("scanlab.nn.mixer", "Place"): "LayerSpec",
    ("scanlab.ops", "causal_convolution"): "causal_conv1d",
    ("scanlab.ops.conv.api", "causal_convolution"): "causal_conv1d",
}
SMALL = BackboneConfig(dim=8, depth=1)
ROW = scanlab.compile("row", (4, 4))


def problem(task: str = "next_patch", **changes: Any) -> Problem:
    return Problem("digits", DataChoice(), task, "0" * 16, (("row", ROW),), **changes)


VALUES: dict[str, Callable[[], Any]] = {
    "parameters='per path'.*'per_path'": lambda: MixerConfig(parameters="per path").parameters == "per_path",
    "parameters='own decay'.*'own_decay'": lambda: MixerConfig(parameters="own decay").parameters == "own_decay",
    "convolution='first path'.*'first_path'": lambda: (
        replace(MixerConfig(), convolution="first path").convolution == "first_path"
    ),
    "stem='patch norm'.*'patch_norm'": lambda: BackboneConfig(stem="patch norm").stem == "patch_norm",
    "task='next patch'.*'next_patch'": lambda: task_named("next patch").name == "next_patch",
    "task='classification by auc'.*'classification_by_auc'": lambda: (
        problem(task="classification by auc").task == "classification_by_auc"
    ),
    "controls='no scan'.*'no_scan'": lambda: (
        Study("s", (problem(),), controls=("A/A", "no scan")).controls == ("A/A", "no_scan")
    ),
    "control='random order 1'.*'random_order_1'": lambda: (
        Trial(problem(), ROW, 0, "random order 1").control == "random_order_1"
    ),
}
KEYWORDS: dict[str, Callable[[], Any]] = {
    r"Backbone\(sizes=\).*Backbone\(config=\)": lambda: Backbone("row", sizes=SMALL, input_size=(8, 8)).config is SMALL,
    r"Problem\(sizes=\).*Problem\(config=\)": lambda: problem(sizes=SMALL).config is SMALL,
    r"Backbone.sizes.*Backbone.config": lambda: Backbone("row", SMALL, input_size=(8, 8)).sizes is SMALL,
    r"Mixer.sizes.*Mixer.config": lambda: (
        Backbone("row", SMALL, input_size=(8, 8)).blocks[0].mixer.sizes is SMALL.mixer
    ),
}


@pytest.mark.parametrize(("module", "old"), NAMES)
def test_old_names_are_the_new_ones_and_warn(module: str, old: str) -> None:
    new = NAMES[module, old]
    with pytest.warns(DeprecationWarning, match=f"{module}.{old} is now {module}.{new}"):
        value = getattr(import_module(module), old)
    assert value is getattr(import_module(module), new)


@pytest.mark.parametrize("told", {**VALUES, **KEYWORDS})
def test_old_values_and_keywords_mean_the_new_ones_and_warn(told: str) -> None:
    with pytest.warns(DeprecationWarning, match=told):
        assert {**VALUES, **KEYWORDS}[told]()


def test_what_never_was_is_refused_as_before() -> None:
    with pytest.raises(ScanlabError, match="S612"):
        MixerConfig(parameters="per-path")
    with pytest.raises(TypeError, match="settings"):
        Backbone("row", settings=SMALL)
    assert not hasattr(import_module("scanlab.nn"), "Nothing")


def test_both_names_at_once_are_refused() -> None:
    paint = renamed_keywords(colour="hue")(lambda hue: hue)
    with pytest.raises(TypeError, match="colour is now hue, and both are given"):
        paint(colour=1, hue=2)


@pytest.mark.filterwarnings("error")
def test_files_keep_the_spelling_that_they_had() -> None:
    config = BackboneConfig(stem="patch_norm", mixer=MixerConfig(parameters="per_path", convolution="first_path"))
    table = stored(config)
    assert (table["stem"], table["mixer"]["parameters"]) == ("patch norm", "per path")
    assert table["mixer"]["convolution"] == "first path"
    assert from_stored(table) == config


@pytest.mark.filterwarnings("error")
def test_keys_of_trials_keep_the_spelling_that_they_had() -> None:
    made = problem(config=BackboneConfig(mixer=MixerConfig(parameters="per_path")))
    trial = Trial(made, ROW, 0, "no_scan")
    assert (trial.config["task"], trial.config["control"]) == ("next patch", "no scan")
    assert trial.config["sizes"]["mixer"]["parameters"] == "per path"
    # As the release before this one computed it.
    assert trial.key == "2d73e9f424ce0f8c"
    [_, control] = Study("s", (made,), (0,), controls=("no_scan",)).members()
    assert (control.strategy, control.control) == ("control: no scan", "no_scan")
