"""Public names, keywords, fields and values that were others work for one release, and warn of the new."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, MixerConfig
from scanlab.nn.config import from_stored, stored
from scanlab.renamed import renamed_keywords

NAMES = {
    ("scanlab.nn", "BackboneSizes"): "BackboneConfig",
    ("scanlab.nn", "MixerSizes"): "MixerConfig",
    ("scanlab.nn.config", "BackboneSizes"): "BackboneConfig",
    ("scanlab.nn.config", "MixerSizes"): "MixerConfig",
    ("scanlab.nn.mixer", "Place"): "LayerSpec",
}
SMALL = BackboneConfig(dim=8, depth=1)
VALUES: dict[str, Callable[[], Any]] = {
    "parameters='per path'.*'per_path'": lambda: MixerConfig(parameters="per path").parameters == "per_path",
    "parameters='own decay'.*'own_decay'": lambda: MixerConfig(parameters="own decay").parameters == "own_decay",
    "convolution='first path'.*'first_path'": lambda: (
        replace(MixerConfig(), convolution="first path").convolution == "first_path"
    ),
    "stem='patch norm'.*'patch_norm'": lambda: BackboneConfig(stem="patch norm").stem == "patch_norm",
}
KEYWORDS: dict[str, Callable[[], Any]] = {
    r"Backbone\(sizes=\).*Backbone\(config=\)": lambda: Backbone("row", sizes=SMALL, input_size=(8, 8)).config is SMALL,
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
