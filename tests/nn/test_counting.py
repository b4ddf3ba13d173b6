"""The parts of a model add up to the whole, and are what they are called."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, Features, MixerConfig, NextPatch, Segmenter
from scanlab.nn.counting import count_parts
from scanlab.nn.measure import flop_count, parameter_count
from scanlab.zoo import create_model

L, D = 16, 8


def built(scan="sum(row, -row)", head=lambda b: Classifier(b, 3), **config):
    return head(Backbone(scan, BackboneConfig(**{"patch": 4, "dim": D, "depth": 1} | config), input_size=(16, 16)))


MODELS = {
    "scan": lambda: built(mixer=MixerConfig(state=4)),
    "gates": lambda: built("gate(row, column)"),
    "per path": lambda: built(mixer=MixerConfig(convolution="path", parameters="per_path"), mlp=2.0),
    "ssd": lambda: built(mixer=MixerConfig(kind="ssd", state=4, head=8)),
    "attention": lambda: built(mixer=MixerConfig(kind="attention", head=4), mlp=2.0),
    "convolution": lambda: built(mixer=MixerConfig(kind="convolution")),
    "no scan": lambda: built(mixer=MixerConfig(kind="none", convolution="grid")),
    "stages": lambda: built("cross", depth=(1, 2), stem="overlapping", downsample="merge", mlp=4.0, positions="none"),
    "class token": lambda: built("vim", readout="cls", mixer=MixerConfig(norm=False)),
    "pyramid": lambda: built(head=lambda b: Segmenter(b, 3, width=4), depth=(1, 1)),
    "unet": lambda: built(head=lambda b: Segmenter(b, 3, width=4, decoder="unet"), depth=(1, 1)),
    "next patch": lambda: built("snake", head=lambda b: NextPatch(b, "bits")),
    "features": lambda: built(head=Features, depth=(1, 1)),
    "no head": lambda: built(head=lambda b: Classifier(b, 0)),
    "backbone": lambda: built(head=lambda b: b, depth=(1, 1)),
}


@pytest.mark.parametrize("build", MODELS.values(), ids=MODELS.keys())
def test_parts_add_up_to_the_whole(build):
    model = build().eval()
    parts = count_parts(model, (16, 16))
    assert sum(part.parameters for part in parts) == parameter_count(model)
    assert sum(part.flops for part in parts) == flop_count(model, torch.zeros(1, 1, 16, 16))
    assert "other" not in {part.name for part in parts} and len({(p.stage, p.name) for p in parts}) == len(parts)


def test_the_sum_is_what_torchs_counter_gives():
    """On the running model, scan and all: torch's counter as anybody would use it."""
    model = built(mixer=MixerConfig(convolution="path", parameters="per_path")).eval()
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model(torch.zeros(1, 1, 16, 16))
    assert sum(part.flops for part in count_parts(model, (16, 16))) == counter.get_total_flops()


@pytest.mark.parametrize("name", ["vim_tiny", "vmamba_tiny", "vmamba_tiny_v0", "videomamba_tiny", "plainmamba_l1"])
def test_published_models_add_up(name):
    size = (2, 32, 32) if name.startswith("video") else (32, 32)
    model = create_model(name, img_size=size).eval()
    parts = count_parts(model, size)
    assert sum(part.parameters for part in parts) == parameter_count(model)
    assert sum(part.flops for part in parts) == flop_count(model, torch.zeros(1, 3, *size))
    assert parts[0].name == "embed" and parts[-1].name == "head"


def test_parts_by_hand():
    inner, states, rank, paths = 16, 4, 1, 2
    parts = {part.name: part for part in count_parts(MODELS["scan"](), (16, 16)) if part.stage}
    weights = D * 2 * inner + inner * (rank + 2 * states) + rank * inner + inner * D
    assert (parts["projections"].parameters, parts["projections"].flops) == (weights, 2 * L * weights)
    assert parts["scan"].parameters == inner * states + inner + inner
    assert parts["scan"].flops == paths * L * inner * (9 * states + 2)
    assert parts["norm"].parameters == 2 * D + 2 * inner and parts["norm"].flops == 0
    gates = {part.name: part for part in count_parts(MODELS["gates"](), (16, 16))}
    assert gates["merge"].parameters == paths * inner and gates["merge"].flops == 0
    heads = {part.name: part for part in count_parts(MODELS["attention"](), (16, 16))}
    assert heads["attention"].flops == 2 * 2 * L * L * D and heads["attention"].parameters == 0


def test_shapes_alone_give_the_same():
    """A large image is counted on the meta device, where nothing is computed."""
    model = built(depth=(1, 1), mlp=2.0).eval()
    here = count_parts(model, (32, 48))
    assert count_parts(model.to("meta"), (32, 48)) == here


def test_what_cannot_be_counted():
    with pytest.raises(ScanlabError, match="S614"):
        count_parts(MODELS["scan"](), (16, 16, 16))
    with pytest.raises(ScanlabError, match="S616"):
        count_parts(torch.nn.Linear(2, 2), (16, 16))
