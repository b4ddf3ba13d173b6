"""What timm's scripts call on a classifier."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig
from scanlab.zoo import create_model, from_official, load, save, to_official

STAGES = BackboneConfig(patch=4, dim=8, depth=(1, 2))
TOKEN = BackboneConfig(patch=4, dim=8, depth=3, readout="cls", mixer=MixerConfig(parameters="per_path"))


def staged():
    torch.manual_seed(0)
    return Classifier(Backbone("cross", STAGES, input_size=(16, 16), channels=3), 5).eval()


def token():
    torch.manual_seed(0)
    return Classifier(Backbone("vim", TOKEN, input_size=(16, 16), channels=3), 5).eval()


@pytest.mark.parametrize("build", [staged, token])
def test_features_and_head_are_the_whole(build):
    model, images = build(), torch.rand(2, 3, 16, 16)
    rows = model.forward_features(images)
    assert rows.shape == (2, 4 if build is staged else 17, model.num_features)
    assert torch.equal(model.forward_head(rows), model(images))
    before = model.forward_head(rows, pre_logits=True)
    assert before.shape == (2, model.head_hidden_size) and torch.equal(before, model.pooled(images))
    assert torch.equal(model.get_classifier()(before), model(images))


def test_another_head_or_none():
    model, images = staged().double(), torch.rand(2, 3, 16, 16).double()
    model.reset_classifier(7)
    assert model.num_classes == 7 and model(images).shape == (2, 7)
    assert model.head.weight.dtype == torch.float64
    model.reset_classifier(0)
    assert model.num_classes == 0 and isinstance(model.get_classifier(), nn.Identity)
    assert torch.equal(model(images), model.pooled(images))


@pytest.mark.parametrize("name, ours", [("avg", "mean"), ("max", "max"), ("mean", "mean")])
def test_another_read_out_by_its_name(name, ours):
    model, images = token(), torch.rand(2, 3, 16, 16)
    model.reset_classifier(5, name)
    rows = model.forward_features(images)[:, :16]
    assert model.backbone.config.readout == ours
    assert torch.equal(model.pooled(images), rows.amax(1) if name == "max" else rows.mean(1))
    model.reset_classifier(5, "token")
    assert torch.equal(model.pooled(images), model.forward_features(images)[:, 16])


def test_read_outs_that_are_not_there():
    for name, said in (("", "no read-out ''"), ("catavgmax", "catavgmax"), ("token", "1 class token")):
        model = staged()
        with pytest.raises(ScanlabError, match=f"S605.*{said}"):
            model.reset_classifier(3, name)
        assert model.num_classes == 5 and model.backbone.config == STAGES
    both = BackboneConfig(patch=4, dim=8, readout="both")
    model = Classifier(Backbone("sum(row, -row) with cls at both", both, input_size=(16, 16)))
    with pytest.raises(ScanlabError, match=r"S605.*at each end"):
        model.reset_classifier(3, "avg")


def test_models_without_a_head_or_with_another_read_out_come_back(tmp_path: Path):
    model, images = token(), torch.rand(1, 3, 16, 16)
    model.reset_classifier(0, "avg")
    save(model, tmp_path / "a.safetensors")
    again = load(tmp_path / "a.safetensors")
    assert again.num_classes == 0 and torch.equal(again(images), model(images))


def grouped(model, coarse=False):
    """Layers of parameters, as timm's group_with_matcher reads the patterns."""
    table = []
    for ordinal, patterns in enumerate(model.group_matcher(coarse).values()):
        for pattern, suffix in [(patterns, None)] if isinstance(patterns, str) else patterns:
            table.append((re.compile(pattern), (ordinal,), suffix))
    keys = {}
    for name, _ in model.named_parameters():
        keys[name] = (float("inf"),)
        for pattern, prefix, suffix in table:
            if match := pattern.match(name):
                keys[name] = tuple(map(float, (*prefix, *match.groups(), *(suffix or ()))))
                break
    layers, layer = {}, -1
    for key in sorted(set(keys.values())):
        layer += layer < 0 or key[-1] != 99999
        layers |= {name: layer for name, own in keys.items() if own == key}
    return layers


@pytest.mark.parametrize("build", [staged, token])
def test_every_parameter_is_in_the_layer_of_its_block(build):
    model = build()
    layers = grouped(model)
    assert set(layers) == {name for name, _ in model.named_parameters()}
    assert {n for n, layer in layers.items() if layer == 0} == {n for n in layers if n.startswith(STEM)}
    for number, block in enumerate(model.backbone.blocks, start=1):
        own = {id(p) for p in block.parameters()}
        assert {layers[n] for n, p in model.named_parameters() if id(p) in own} == {number}
    depth = len(model.backbone.blocks)
    assert layers["backbone.norm.weight"] == depth and layers["head.weight"] == depth + 1
    if build is staged:
        assert layers["backbone.stages.0.downsample.reduce.weight"] == 1


STEM = ("backbone.embed", "backbone.positions", "backbone.class_tokens")


def test_coarse_layers_are_stages():
    layers = grouped(staged(), coarse=True)
    assert {n.split(".")[2]: layer for n, layer in layers.items() if ".stages." in n} == {"0": 1, "1": 2}
    assert layers["head.weight"] == 3 and layers["backbone.norm.weight"] == 2
    assert grouped(token(), coarse=True) == grouped(token())


def test_checkpointing_is_switched():
    model = staged()
    model.set_grad_checkpointing()
    assert model.backbone.checkpointing
    model.set_grad_checkpointing(enable=False)
    assert not model.backbone.checkpointing


@pytest.mark.parametrize("name", ["vim_tiny", "vmamba_tiny_v0", "vmamba_tiny", "videomamba_tiny"])
def test_what_a_published_model_says_of_itself(name):
    model = create_model(name, img_size=(8, 32, 32) if name.startswith("video") else 32)
    about = model.default_cfg
    assert about == model.pretrained_cfg and about["architecture"] == name
    assert about["input_size"] == (3, *model.backbone.input_size) and about["num_classes"] == 1000
    first = model.get_submodule(about["first_conv"])
    assert isinstance(first, nn.Conv2d | nn.Conv3d) and first.in_channels == 3
    assert model.get_submodule(about["classifier"]) is model.head
    # Of VideoMamba's own evaluation nothing is known here.
    assert ("mean" in about) == (not name.startswith("video"))
    assert [info["num_chs"] for info in model.feature_info][-1] == model.num_features
    assert all(model.get_submodule(info["module"]) for info in model.feature_info)


def test_options_of_create_model():
    model = create_model("vim_tiny", num_classes=0, img_size=32, drop_path_rate=0.2, global_pool="avg").eval()
    assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 192) and model.backbone.config.readout == "mean"
    assert [block.drop_path for block in model.backbone.blocks][::23] == [0.0, 0.2]


@pytest.mark.parametrize("name", ["vim_tiny", "vmamba_tiny"])
def test_a_model_without_a_head_takes_official_weights(name, tmp_path: Path):
    source = create_model(name, img_size=32).eval()
    torch.save(to_official(source), tmp_path / "official.pth")
    images = torch.rand(1, 3, 32, 32)
    model = create_model(name, num_classes=0, img_size=32, checkpoint=tmp_path / "official.pth").eval()
    assert torch.equal(model(images), source.pooled(images))
    maps = create_model(name, features_only=True, img_size=32, checkpoint=tmp_path / "official.pth").eval()
    rows = source.forward_features(images)
    patches = rows[:, : rows.shape[1] - source.backbone.tokens]
    assert torch.equal(maps(images)[-1].flatten(2).transpose(1, 2), patches)
    with pytest.raises(ScanlabError, match=r"S611(.|\n)*head"):
        from_official(create_model(name, num_classes=0, img_size=32), to_official(source))
