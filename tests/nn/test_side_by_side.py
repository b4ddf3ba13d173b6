"""Several models as one give what each gives alone, with its gradients; what cannot be one is refused."""

from dataclasses import fields

import pytest
import torch

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig, Segmenter
from scanlab.nn.side_by_side import SideBySide, why_apart

SMALL = {"dim": 8, "depth": 2}


def models(line="row", size=(8, 8), channels=1, count=3, **settings):
    mixer = MixerConfig(**settings.pop("mixer", {}))
    config = BackboneConfig(**{**SMALL, **settings}, mixer=mixer)
    made = []
    for seed in range(count):
        torch.manual_seed(seed)
        made.append(Classifier(Backbone(line, config, input_size=size, channels=channels), classes=5))
        # Ones and zeros, as norms and gates begin, would hide a model's use of another's.
        for parameter in made[-1].parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
    return made


def check_equal(alone, size=(8, 8), channels=1):
    torch.manual_seed(9)
    images = torch.randn(len(alone), 4, channels, *size)
    joined = SideBySide(alone)
    outputs = joined(images)
    expected = torch.stack([model(some) for model, some in zip(alone, images, strict=True)])
    torch.testing.assert_close(outputs, expected, rtol=1e-4, atol=1e-5)
    outputs.pow(2).sum().backward()
    expected.pow(2).sum().backward()
    for name, stacked in joined.weights.items():
        own = [dict(model.named_parameters())[name].grad for model in alone]
        assert all(gradient.abs().max() > 0 for gradient in own), name
        torch.testing.assert_close(stacked.grad, torch.stack(own), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("line", "settings"),
    [
        ("row", {}),
        ("row with cls at end", {"readout": "cls", "positions": "none"}),
        ("sum(row, -row) with cls at both", {"readout": "both"}),
        ("sum(row, -row)", {"mixer": {"parameters": "per_path"}}),
        ("sum(row, -row, column)", {"mixer": {"parameters": "own_decay", "average": True}}),
        ("gate(row, column)", {"readout": "max"}),
        ("mean(row, column)", {"mixer": {"gate": False, "norm": False}}),
        ("heads(row, column)", {"mlp": 2.0}),
        ("cycle(row, hilbert)", {"mixer": {"state": 2}, "patch": 3}),
        ("rows", {"mixer": {"kind": "none"}}),
        ("sum(row, -row)", {"mixer": {"kind": "none", "parameters": "per_path", "average": True}}),
    ],
)
def test_outputs_and_gradients_are_those_of_each_alone(line, settings):
    check_equal(models(line, **settings))


def test_volumes_and_channels_too():
    check_equal(models("by t, h, w", size=(4, 4, 6), channels=2), size=(4, 4, 6), channels=2)


def test_normalized_inputs_too():
    check_equal(models(channels=3, inputs="imagenet", patch=3), channels=3)


def test_every_setting_of_a_backbone_was_looked_at():
    """A new one changes what a model computes: side by side it must do the same, or `why_apart` must name it."""
    assert {f.name for f in fields(BackboneConfig)} == {
        *("patch", "stride", "dim", "depth", "mixer", "mlp", "stem", "downsample", "positions", "position_spread"),
        *("norm_kind", "readout", "drop_path", "inputs"),
    }
    assert {f.name for f in fields(MixerConfig)} == {
        *(
            "kind",
            "state",
            "expand",
            "convolution",
            "taps",
            "convolution_bias",
            "gate",
            "norm",
            "parameters",
            "average",
        ),
        *("shortest_step", "longest_step", "head"),
    }


def test_weights_go_in_and_out():
    first, second = models(count=2), models("row", count=2)
    joined = SideBySide(first)
    for parameter in joined.parameters():
        parameter.data += 1
    joined.store(second)
    for before, after in zip(first, second, strict=True):
        for old, new in zip(before.parameters(), after.parameters(), strict=True):
            assert torch.equal(old + 1, new)
    joined.load(first)
    assert torch.equal(joined.weights["head.weight"][1], first[1].head.weight)
    assert len(list(joined.parameters())) == len(list(first[0].parameters()))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"mixer": {"kind": "ssd"}}, "the mixer is 'ssd'"),
        ({"mixer": {"convolution": "path"}}, "the mixer has a convolution on the 'path'"),
        ({"depth": (1, 1)}, "the backbone has stages"),
        ({"stem": "patch_norm"}, "stem is patch_norm"),
        ({"norm_kind": "rms"}, "norm_kind is rms"),
        ({"stride": 1}, "stride is 1"),
        ({"drop_path": 0.1}, "drop_path is 0.1"),
    ],
)
def test_what_is_not_computed_together_says_why(settings, why):
    made = models(count=2, **settings)
    assert why_apart(made[0].backbone.config) == why
    with pytest.raises(ScanlabError, match=why) as caught:
        SideBySide(made)
    assert caught.value.diagnostics[0].code == "S612"


def test_models_that_differ_are_refused():
    backbone = models(count=1)[0].backbone
    with pytest.raises(ScanlabError, match="differ in their shapes"):
        SideBySide([*models(count=1), *models(count=1, depth=1)])
    with pytest.raises(ScanlabError, match="order of their scans"):
        SideBySide([*models(count=1), *models("column", count=1)])
    with pytest.raises(ScanlabError, match="only classifiers"):
        SideBySide([Segmenter(backbone, 2), Segmenter(backbone, 2)])
    with pytest.raises(ScanlabError, match="resize the positions"):
        SideBySide(models())(torch.zeros(3, 1, 1, 16, 16))
