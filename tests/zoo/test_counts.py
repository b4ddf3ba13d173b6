"""Counts against numbers worked out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig
from scanlab.nn.measure import flop_count, matched, parameter_count
from scanlab.zoo import create_model

L, D = 16, 8


def count(mixer, scan="sum(row, -row)", batch=1):
    config = BackboneConfig(patch=4, dim=D, depth=1, mixer=mixer)
    model = Classifier(Backbone(scan, config, input_size=(16, 16)), 3)
    return flop_count(model, torch.zeros(batch, 1, 16, 16))


def frame():
    """Patches of 16 pixels to D channels, and the head."""
    return 2 * L * 16 * D + 2 * D * 3


def test_a_selective_scan_by_hand():
    inner, states, rank, paths = 16, 4, 1, 2
    projections = 2 * L * (D * 2 * inner + inner * (rank + 2 * states) + rank * inner + inner * D)
    scan = paths * L * inner * (9 * states + 2)
    assert count(MixerConfig(state=states)) == frame() + projections + scan
    assert count(MixerConfig(state=states), batch=3) == 3 * (frame() + projections + scan)


def test_a_convolution_along_paths_by_hand():
    inner, states, rank, paths, taps = 16, 4, 1, 2, 3
    projections = 2 * L * (D * 2 * inner + paths * (inner * (rank + 2 * states) + rank * inner) + inner * D)
    along = paths * L * inner * 2 * taps + paths * L * inner * (9 * states + 2)
    mixer = MixerConfig(state=states, convolution="path", taps=taps, parameters="per_path")
    assert count(mixer) == frame() + projections + along


def test_the_state_space_dual_by_hand():
    inner, states, heads, paths = 16, 4, 2, 2
    projections = 2 * L * (D * (2 * inner + 2 * states + heads) + inner * D)
    scan = paths * L * inner * (6 * states + 2)
    assert count(MixerConfig(kind="ssd", state=states, head=8)) == frame() + projections + scan


def test_attention_by_hand():
    products = 2 * L * (D * 3 * D + D * D) + 2 * 2 * L * L * D
    assert count(MixerConfig(kind="attention", head=4)) == frame() + products


@pytest.mark.parametrize("name, published", [("vim_tiny", 1.5), ("vmamba_tiny_s1l8", 4.9)])
def test_published_models_have_the_published_flops(name, published):
    """Their tables count a multiply-add once; Vim-Ti's 1.5 G is LocalMamba's figure, without the scan's skip."""
    counted = flop_count(create_model(name).eval(), torch.zeros(1, 3, 224, 224)) / 2e9
    assert counted == pytest.approx(published, rel=0.05)


def test_parameters():
    assert parameter_count(nn.Linear(3, 4)) == 16


def test_a_width_is_matched_or_refused():
    def build(width):
        return nn.Linear(width, width, bias=False)

    model, width = matched(build, 10_000, parameter_count, step=8)
    assert width == 96 and model.weight.shape == (96, 96) and model.weight.device.type == "cpu"
    with pytest.raises(ScanlabError) as caught:
        matched(build, 10_000, parameter_count, step=64, tolerance=0.05)
    assert caught.value.code == "S630" and "64 gives 4,096 and 128 gives 16,384" in str(caught.value)
