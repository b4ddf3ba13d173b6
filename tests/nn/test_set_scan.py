"""Another order for a model that is there: every weight is kept, and nothing changes where nothing should."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from scanlab.facade import as_value
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import orders_of
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig, NextPatch, Segmenter, set_scan
from scanlab.nn.layer_paths import fitted
from scanlab.zoo import load, save
from scanlab.zoo.presets import VIM_MIXER

VIM = BackboneConfig(patch=2, dim=16, depth=2, norm_kind="rms", readout="cls", mixer=replace(VIM_MIXER, state=4))
STAGES = BackboneConfig(patch=2, dim=8, depth=(1, 2), positions="none", mixer=MixerConfig(parameters="per_path"))


def model(scan, config=VIM, seed=0):
    torch.manual_seed(seed)
    return Classifier(Backbone(scan, config, input_size=(8, 8)), 5).eval()


def images(*extents):
    return torch.rand(3, 1, *(extents or (8, 8)), generator=torch.Generator().manual_seed(1))


def weights(found):
    return {name: t.clone() for name, t in found.state_dict().items()}


def test_a_swap_and_back_gives_the_same_bits():
    found = model("vim")
    before, state = found(images()), weights(found)
    assert set_scan(found, "hilbert") is found
    swapped = found(images())
    assert not torch.equal(swapped, before)
    assert all(torch.equal(t, state[name]) for name, t in found.state_dict().items())
    assert torch.equal(set_scan(found, "vim")(images()), before)


def test_a_swap_equals_a_model_built_that_way():
    """Walking both ways along an order is what `sum(order, -order)` builds."""
    swapped = set_scan(model("vim"), "hilbert")
    assert torch.equal(swapped(images()), model("sum(hilbert, -hilbert) with cls at middle")(images()))


@pytest.mark.parametrize(
    "strategy, sets, expected",
    [
        ("hilbert", 1, ["by hilbert(h, w)"]),
        ("snake", 2, ["by h, ~w", "-(by h, ~w)"]),
        ("snake", 4, ["by h, ~w", "by w, ~h", "-(by h, ~w)", "-(by w, ~h)"]),
        ("snake", 3, ["by h, ~w"] * 3),
        ("sum(row, column)", 4, ["by h, w", "by w, h"] * 2),
        ("cross", 2, ["by h, w", "by w, h", "-(by h, w)", "-(by w, h)"]),
        ("spatial_first", 4, ["by t, h, w"] * 4),
    ],
)
def test_every_set_of_parameters_gets_a_path(strategy, sets, expected):
    assert [str(order) for order in orders_of(fitted(as_value(strategy), sets))] == expected


def test_more_paths_than_sets_share_them_at_the_same_size():
    """Every path twice is the same sum: the average of Vim, and the scale of a sum, undo the repetition."""
    for config in (VIM, replace(VIM, mixer=replace(VIM.mixer, average=False))):
        found = model("vim", config)
        before = found(images())
        twice = set_scan(found, "sum(row, -row, row, -row)")(images())
        torch.testing.assert_close(twice, before, rtol=1e-5, atol=1e-6)


def test_the_class_token_stays_where_it_was_unless_the_strategy_places_it():
    found = model("sum(row, -row) with cls at start")
    before = found(images())
    assert torch.equal(set_scan(found, "sum(row, -row)")(images()), before)
    assert not torch.equal(set_scan(found, "sum(row, -row) with cls at end")(images()), before)


def test_plans_and_stages_are_swapped_on_their_own_grids():
    found = model("cross", STAGES)
    before = found(images())
    swapped = set_scan(found, "cycle(hilbert, snake, cross)")(images())
    assert not torch.equal(swapped, before)
    assert found(images(12, 10)).shape == (3, 5)
    assert torch.equal(set_scan(found, "cross")(images()), before)


def test_gates_are_kept_where_there_are_as_many():
    found = model("gate(row, column)", replace(VIM, readout="mean", mixer=MixerConfig()))
    with torch.no_grad():
        found.backbone.blocks[0].mixer.merge.gates[0].fill_(3.0)
    set_scan(found, "gate(snake, hilbert)")
    assert (found.backbone.blocks[0].mixer.merge.gates[0] == 3.0).all()
    set_scan(found, "gate(row, column, -row)")
    assert (found.backbone.blocks[0].mixer.merge.gates[0] == 1.0).all()


@pytest.mark.parametrize(
    "scan, strategy, code, message",
    [
        ("vim", "layers(row * 3)", "S603", "the plan has 3 layers and the model 2"),
        ("vim", "spatial_first", "S602", "spatial_first is over the axes t, h, w, and the input has 2 axes"),
        ("vim", "nonsense", "S201", "there is no strategy `nonsense`"),
        ("sum(row, -row)", "vim", "S605", "the model has 0 class tokens"),
    ],
)
def test_what_does_not_fit_leaves_the_model_alone(scan, strategy, code, message):
    found = model(scan, VIM if scan == "vim" else replace(VIM, readout="mean"))
    before = found(images())
    with pytest.raises(ScanlabError) as caught:
        set_scan(found, strategy)
    assert caught.value.code == code and message in str(caught.value)
    assert torch.equal(found(images()), before)


HEADS = {
    "classifier": lambda: model("vim"),
    "stages": lambda: Segmenter(Backbone("cross", STAGES, input_size=(8, 8)), 3, width=8),
    "next patch": lambda: NextPatch(
        Backbone("snake", BackboneConfig(dim=8, mixer=MixerConfig(convolution="path")), input_size=(8, 8)), "bits", 16
    ),
    "plan": lambda: model("cycle(row, hilbert)", replace(VIM, readout="mean", mixer=MixerConfig())),
    "video": lambda: Classifier(
        Backbone("videomamba", replace(VIM, patch=(1, 2, 2), positions="factored"), input_size=(2, 8, 8)), 3
    ),
}


@pytest.mark.parametrize("kind", HEADS)
def test_models_come_back_from_their_files(kind, tmp_path):
    pytest.importorskip("safetensors")
    found = HEADS[kind]().eval()
    save(found, tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors")
    pictures = images(2, 8, 8) if kind == "video" else images()
    assert type(again) is type(found)
    assert again.backbone.config == found.backbone.config
    assert torch.equal(again(pictures), found(pictures))


def test_a_swapped_model_comes_back_swapped_with_its_own_sets(tmp_path):
    pytest.importorskip("safetensors")
    found = set_scan(model("vim"), "cross")
    save(found, tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors")
    assert torch.equal(again(images()), found(images()))
    assert torch.equal(set_scan(again, "vim")(images()), model("vim")(images()))


def test_a_file_of_bare_weights_does_not_say_what_it_is(tmp_path):
    pytest.importorskip("safetensors")
    from scanlab.zoo.files import write_tensors

    write_tensors(tmp_path / "bare.safetensors", {"a": torch.zeros(1)}, {})
    with pytest.raises(ScanlabError) as caught:
        load(tmp_path / "bare.safetensors")
    assert caught.value.code == "S616"
    with pytest.raises(ScanlabError) as caught:
        save(torch.nn.Linear(1, 1), tmp_path / "linear.safetensors")
    assert caught.value.code == "S616"


def test_a_model_of_the_next_patch_takes_no_scan_that_shows_it():
    head = NextPatch(Backbone("row", BackboneConfig(dim=8), input_size=(8, 8)))
    before = head(torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
    for line in ("sum(row, -row)", "cycle(row, column)"):
        with pytest.raises(ScanlabError, match="S615"):
            set_scan(head, line)
    assert str(head.backbone.blocks[0].mixer.paths.value) == "by h, w"
    after = head(torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
    assert torch.equal(before, after) and set_scan(head, "hilbert") is head
