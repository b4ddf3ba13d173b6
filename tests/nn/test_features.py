"""Maps of a backbone for other heads: their shapes and norms, what is told of them, what is left out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Features, MixerConfig, set_scan
from scanlab.zoo import create_model, load, save

STAGES = BackboneConfig(patch=4, dim=8, depth=(1, 2, 1))
PLAIN = BackboneConfig(
    patch=4, dim=8, depth=5, norm_kind="rms", readout="cls", mixer=MixerConfig(parameters="per_path", norm=False)
)


def stages(out_indices=None, **given):
    torch.manual_seed(0)
    return Features(Backbone("cross", STAGES, input_size=(32, 32), channels=3, **given), out_indices)


def plain(out_indices=None):
    torch.manual_seed(0)
    return Features(Backbone("vim", PLAIN, input_size=(16, 16), channels=3), out_indices)


def normalized(rows, norm):
    return norm(rows)


def test_maps_are_the_normalized_rows_of_every_stage():
    model, images = stages().eval(), torch.rand(2, 3, 32, 40)
    maps = model(images)
    assert [tuple(m.shape) for m in maps] == [(2, 8, 8, 10), (2, 16, 4, 5), (2, 32, 2, 3)]
    norms = [*model.norms, model.backbone.norm]
    for picture, (rows, grid), norm in zip(maps, model.backbone.features(images), norms, strict=True):
        assert torch.equal(picture, norm(rows).transpose(1, 2).unflatten(2, grid))
    # Without their weights, each place of each map has mean 0 and variance 1: detectors read them as they are.
    assert maps[1].mean(1).abs().max() < 1e-5 and (maps[1].var(1, correction=0) - 1).abs().max() < 1e-2


def test_the_last_map_is_what_the_classifier_reads():
    for model in (stages(), plain()):
        images, backbone = torch.rand(2, 3, 16, 16), model.eval().backbone
        rows = backbone(images)
        last = model(images)[-1]
        assert torch.equal(last.flatten(2).transpose(1, 2), rows[:, : rows.shape[1] - backbone.tokens])


def test_a_plain_backbone_gives_maps_after_its_blocks():
    model = plain()
    assert model.feature_info.module_name() == [f"backbone.stages.0.blocks.{i}" for i in (0, 1, 2, 4)]
    assert [tuple(m.shape) for m in model(torch.rand(2, 3, 16, 20))] == [(2, 8, 4, 5)] * 4
    # The modules are the model's, and the map is what comes out of them, without class tokens.
    model, images, out = plain((1, -1)).eval(), torch.rand(1, 3, 16, 16), []
    name = model.feature_info.module_name()[0]
    model.get_submodule(name).register_forward_hook(lambda _, given, rows: out.append(rows))
    with torch.no_grad():
        first = model(images)[0]
        expected = model.norms[0](out[0][:, :16]).transpose(1, 2).unflatten(2, (4, 4))
    assert torch.equal(first, expected) and out[0].shape[1] == 17


def test_what_is_told_of_the_maps():
    info = stages((0, 2)).feature_info
    assert (info.channels(), info.reduction(), info.out_indices) == ([8, 32], [4, 16], (0, 2))
    assert info.channels(1) == 16 and info.reduction([0, 1]) == [4, 8] and len(info) == 3
    assert info[1] == {"num_chs": 16, "reduction": 8, "module": "backbone.stages.1", "index": 1}
    assert info.get_dicts(["num_chs"]) == [{"num_chs": 8}, {"num_chs": 32}]
    images = torch.zeros(1, 3, 32, 32)
    for picture, channels, reduction in zip(stages((0, 2))(images), info.channels(), info.reduction(), strict=True):
        assert picture.shape == (1, channels, 32 // reduction, 32 // reduction)


def test_strides_of_volumes_and_of_overlapping_patches():
    config = BackboneConfig(patch=(1, 4, 4), dim=8, depth=(1, 1))
    video = Features(Backbone("by t, h, w", config, input_size=(4, 16, 16)))
    assert video.feature_info.reduction() == [(1, 4, 4), (2, 8, 8)]
    assert [tuple(m.shape) for m in video(torch.zeros(1, 1, 4, 16, 16))] == [(1, 8, 4, 4, 4), (1, 16, 2, 2, 2)]
    config = BackboneConfig(patch=8, stride=4, dim=8, depth=2)
    assert Features(Backbone("row", config, input_size=(32, 32))).feature_info.reduction() == [4, 4]


@pytest.mark.parametrize(
    "asked, chosen", [((0,), (0,)), ((-2, -1), (1, 2)), (2, (1, 2)), ([0, 2], (0, 2)), (None, (0, 1, 2))]
)
def test_places_are_asked_for_as_timm_does(asked, chosen):
    assert stages(asked).feature_info.out_indices == chosen


@pytest.mark.parametrize("asked", [(3,), (-4,), (1, 0), (1, 1), (), 0, 4])
def test_places_that_are_not_there(asked):
    with pytest.raises(ScanlabError, match=r"S619.*3 stages(.|\n)*from 0 to 2"):
        stages(asked)


@pytest.mark.parametrize(
    "build", [lambda: stages((0, 1)), lambda: plain((0, 2)), stages, plain, lambda: stages((0, 2))]
)
def test_every_parameter_has_a_gradient(build):
    """DistributedDataParallel refuses others: what comes after the last map is not there."""
    model = build()
    sum(picture.square().mean() for picture in model(torch.rand(2, 3, 16, 16))).backward()
    idle = [n for n, p in model.named_parameters() if p.grad is None]
    # No map is read of a class token; it gives to the patches by the scans before the last block.
    assert idle == []


@pytest.mark.parametrize("build", [lambda: stages((0, 1)), lambda: plain((0, 2)), plain])
def test_a_model_of_maps_comes_back_from_its_file(tmp_path: Path, build):
    model, images = build().eval(), torch.rand(1, 3, 16, 20)
    save(model, tmp_path / "maps.safetensors")
    again = load(tmp_path / "maps.safetensors")
    assert isinstance(again, Features) and again.feature_info == model.feature_info
    assert all(torch.equal(a, b) for a, b in zip(again(images), model(images), strict=True))
    swapped = set_scan(model, "hilbert")
    save(swapped, tmp_path / "swapped.safetensors")
    again = load(tmp_path / "swapped.safetensors")
    assert all(torch.equal(a, b) for a, b in zip(again(images), swapped(images), strict=True))


def test_checkpointing_gives_the_same_gradients():
    grads = []
    for enable in (False, True):
        model = stages((0, 1)).train()
        model.set_grad_checkpointing(enable)
        sum(picture.square().mean() for picture in model(torch.ones(1, 3, 16, 16))).backward()
        grads.append([p.grad for p in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*grads, strict=True))


def test_a_published_model_as_a_backbone():
    model = create_model("vmamba_tiny", features_only=True, out_indices=(0, 1, 2, 3), img_size=64)
    assert model.feature_info.channels() == [96, 192, 384, 768] and model.feature_info.reduction() == [4, 8, 16, 32]
    assert [tuple(m.shape[1:]) for m in model.eval()(torch.zeros(1, 3, 64, 64))] == [
        (96, 16, 16),
        (192, 8, 8),
        (384, 4, 4),
        (768, 2, 2),
    ]
    assert not any(name.startswith("head") for name, _ in model.named_parameters())
    with pytest.raises(ScanlabError, match=r"S617.*out_indices"):
        create_model("vim_tiny", out_indices=(0,), img_size=32)
