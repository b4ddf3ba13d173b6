"""Peers without a scan stand in the same harness."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig, Segmenter

ATTENTION = MixerConfig(kind="attention", head=4)
CONVOLUTION = MixerConfig(kind="convolution", taps=3, expand=1)


def built(mixer, scan="row", extents=(16, 16), **config):
    torch.manual_seed(0)
    return Backbone(scan, BackboneConfig(patch=4, dim=8, mixer=mixer, mlp=2.0, **config), input_size=extents)


@pytest.mark.parametrize("mixer", [ATTENTION, CONVOLUTION, MixerConfig(kind="none")])
@pytest.mark.parametrize(
    "scan, extents, other", [("by w", (32,), (20,)), ("row", (16, 16), (8, 24)), ("by d, h, w", (8, 8, 8), (8, 4, 12))]
)
def test_peers_classify_over_one_to_three_axes_and_train(mixer, scan, extents, other):
    model = Classifier(built(mixer, scan, extents), 3)
    assert model(torch.rand(2, 1, *other)).shape == (2, 3)
    model(torch.rand(2, 1, *extents)).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())


@pytest.mark.parametrize("mixer", [ATTENTION, CONVOLUTION, MixerConfig(kind="none")])
def test_peers_read_class_tokens_and_segment(mixer):
    model = Classifier(built(mixer, "vim", readout="cls"), 3)
    assert model(torch.rand(2, 1, 16, 16)).shape == (2, 3)
    assert Segmenter(built(mixer), 2)(torch.rand(1, 1, 16, 16)).shape == (1, 2, 16, 16)


def test_attention_is_softmax_attention():
    mixer = built(ATTENTION).blocks[0].mixer
    x = torch.randn(1, 16, 8)
    queries, keys, values = mixer.project_in(x)[0].split(8, dim=-1)
    heads = [
        (q @ k.T / 2).softmax(-1) @ v
        for q, k, v in zip(queries.split(4, -1), keys.split(4, -1), values.split(4, -1), strict=True)
    ]
    torch.testing.assert_close(mixer(x, (4, 4))[0], mixer.project_out(torch.cat(heads, dim=-1)))


def test_a_convolution_reaches_its_neighbours_and_no_others():
    mixer = built(CONVOLUTION).blocks[0].mixer
    x = torch.randn(1, 16, 8)
    changed = x.clone()
    changed[0, 5] += 1
    moved = (mixer(x, (4, 4)) != mixer(changed, (4, 4))).any(-1)[0]
    assert moved.nonzero().flatten().tolist() == [0, 1, 2, 4, 5, 6, 8, 9, 10]


@pytest.mark.parametrize("convolution", [None, "path", "grid"])
@pytest.mark.parametrize("parameters", ["shared", "per_path"])
@pytest.mark.parametrize("average", [False, True])
def test_without_the_scan_is_the_scanning_block_with_a_silent_state(convolution, parameters, average):
    """With B = 0 the state stays zero, and a selective scan is its skip alone."""
    config = {"convolution": convolution, "parameters": parameters, "average": average}
    scan = built(MixerConfig(**config), "sum(row, -row)").blocks[0].mixer
    without = built(MixerConfig(kind="none", **config), "sum(row, -row)").blocks[0].mixer
    with torch.no_grad():
        rows = scan.project_scan.weight.unflatten(0, (scan.sets, -1))
        rows[:, scan.rank : scan.rank + scan.config.state] = 0
        scan.skip.normal_()
    shared = {name: t for name, t in scan.state_dict().items() if name in without.state_dict()}
    without.load_state_dict(shared)
    x = torch.randn(2, 16, 8)
    torch.testing.assert_close(without(x, (4, 4)), scan(x, (4, 4)), rtol=1e-4, atol=1e-5)


def test_heads_must_divide_the_width():
    with pytest.raises(ScanlabError) as caught:
        built(MixerConfig(kind="attention", head=3))
    assert caught.value.code == "S612" and "heads of 3 channels do not divide the width of 8" in str(caught.value)


def test_attention_uses_the_fused_kernel(monkeypatch):
    called = []
    real = F.scaled_dot_product_attention
    monkeypatch.setattr(F, "scaled_dot_product_attention", lambda *a, **k: called.append(1) or real(*a, **k))
    built(ATTENTION)(torch.rand(1, 1, 16, 16))
    assert len(called) == 2


@pytest.mark.parametrize("settings", [{"convolution": "grid", "taps": 4}, {"kind": "convolution", "taps": 2}])
def test_a_centred_convolution_has_an_odd_width(settings: dict) -> None:
    with pytest.raises(ScanlabError, match=r"S612.*odd width"):
        MixerConfig(**settings)
