"""Our models among timm's. timm itself is no part of the tested versions: where it is installed it runs, with a
stand-in for torchvision where that is missing; what it hands over is tested without it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torchvision_stub import TorchvisionStub

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Classifier, Features
from scanlab.zoo import presets, register_with_timm


@pytest.fixture(scope="module")
def timm() -> Iterator[Any]:
    """timm, with our models in it."""
    if importlib.util.find_spec("timm") is None:
        pytest.skip("timm is not installed: pip install --no-deps timm")
    with nullcontext() if importlib.util.find_spec("torchvision") else TorchvisionStub():
        import timm

        register_with_timm()
        yield timm


def test_timm_builds_our_models(timm: Any) -> None:
    assert set(timm.list_models("scanlab_*")) == {f"scanlab_{name}" for name in presets()}
    model = timm.create_model("scanlab_vim_tiny", num_classes=7, img_size=32, in_chans=1)
    assert isinstance(model, Classifier) and model.num_classes == 7
    assert model.backbone.input_size == (32, 32) and model.backbone.channels == 1
    maps = timm.create_model("scanlab_vmamba_tiny", features_only=True, out_indices=(1, 2), img_size=32)
    assert isinstance(maps, Features) and maps.feature_info.channels() == [192, 384]
    with pytest.raises(TypeError, match="no act_layer"):
        timm.create_model("scanlab_vim_tiny", act_layer="gelu")


def test_timms_optimizers_and_transforms_read_them(timm: Any) -> None:
    from timm.optim import create_optimizer_v2

    model = timm.create_model("scanlab_vim_tiny", img_size=32)
    groups = create_optimizer_v2(model, opt="adamw", weight_decay=0.05, layer_decay=0.7).param_groups
    names = {id(p): name for name, p in model.named_parameters()}
    for group in groups:
        decayed = {names[id(p)] for p in group["params"]} - model.no_weight_decay() if group["weight_decay"] else set()
        assert not group["weight_decay"] or len(decayed) == len(group["params"])
    # 24 blocks, the embedding before them and the head after them, each with a rate of its own.
    scales = {names[id(p)]: group["lr_scale"] for group in groups for p in group["params"]}
    assert len(set(scales.values())) == 26 and scales["head.weight"] == 1.0
    assert scales["backbone.stages.0.blocks.0.mixer.project_in.weight"] == pytest.approx(0.7**24)
    config = timm.data.resolve_data_config({}, model=model)
    assert (config["input_size"], config["crop_pct"], config["mean"][0]) == ((3, 32, 32), 0.875, 0.485)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The functions that timm would be given."""
    functions: dict[str, Any] = {}
    stub: Any = type(sys)("timm.models")
    stub.register_model = lambda build: functions.setdefault(build.__name__, build)
    monkeypatch.setitem(sys.modules, "timm", type(sys)("timm"))
    monkeypatch.setitem(sys.modules, "timm.models", stub)
    register_with_timm()
    return functions


def test_timms_options_are_taken(registered: dict[str, Any]) -> None:
    build, options = registered["scanlab_vim_tiny"], {"num_classes": 3, "img_size": 32, "in_chans": 1}
    model = build(pretrained_cfg=None, pretrained_cfg_overlay=None, cache_dir=None, **options)
    assert model.num_classes == 3 and model.backbone.input_size == (32, 32) and model.backbone.channels == 1
    assert registered["scanlab_videomamba_tiny"](img_size=32).backbone.input_size == (8, 32, 32)
    model = build(**options, drop_path_rate=0.1, global_pool="avg")
    assert model.backbone.blocks[-1].drop_path == 0.1 and model.backbone.config.readout == "mean"
    assert build(img_size=32, num_classes=0)(torch.zeros(1, 3, 32, 32)).shape == (1, 192)
    assert build(features_only=True, img_size=32).feature_info.reduction() == [16] * 4


def test_options_that_our_models_have_not_are_refused_by_name(registered: dict[str, Any]) -> None:
    build = registered["scanlab_vim_tiny"]
    for wrong in ({"drop_rate": 0.1}, {"act_layer": "gelu"}, {"img_sise": 32}, {"pretrained_cfg": {"url": "x"}}):
        with pytest.raises(TypeError, match=f"no {next(iter(wrong))}; it takes num_classes"):
            build(img_size=32, **wrong)
    with pytest.raises(ScanlabError, match=r"S617.*no weights to download"):
        build(pretrained=True)
