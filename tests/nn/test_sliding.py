"""Windows that slide: they cover, they agree with the whole where the model is local, and count most in the middle."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, Segmenter, predict_map
from scanlab.nn.sliding import window_starts, window_weights


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 60), st.integers(1, 20), st.floats(0, 0.9))
def test_windows_cover_and_overlap_as_asked(extent, side, overlap):
    side = min(side, extent)
    starts = [start for (start,) in window_starts((extent,), (side,), overlap)]
    assert starts[0] == 0 and starts[-1] == extent - side and starts == sorted(set(starts))
    for one, other in pairwise(starts):
        # An overlap of one pixel is the least that whole steps leave.
        assert one + side - other >= min(math.floor(overlap * side), side - 1)


def pointwise(images):
    return torch.cat([images.sum(1, keepdim=True), images.prod(1, keepdim=True)], dim=1)


@pytest.mark.parametrize(
    "extents, window", [((20, 13), (8, 6)), ((9, 7, 11), (4, 7, 5)), ((5, 5), (9, 9)), ((8,), (3,))]
)
@pytest.mark.parametrize("batch", [1, 3])
def test_of_a_model_that_sees_one_pixel_windows_give_the_whole(extents, window, batch):
    images = torch.rand(2, 3, *extents)
    torch.testing.assert_close(predict_map(pointwise, images, window, batch=batch), pointwise(images))
    assert torch.equal(predict_map(pointwise, images), pointwise(images))


def test_the_middle_of_a_window_counts_most_and_every_pixel_something():
    weights = window_weights((8, 16))
    assert weights.shape == (8, 16) and weights.min() > 0
    assert weights[3, 7] == weights[4, 8] == weights.max()
    for side in (8, 12, 16):
        # Of a standard deviation of an eighth of the side.
        line = window_weights((side,))
        away = torch.arange(side) - (side - 1) / 2
        torch.testing.assert_close(line, torch.exp(-0.5 * (away / (side / 8)) ** 2).clamp(min=1e-6))


def test_two_windows_are_averaged_by_their_weights():
    """Of a model that says how far a pixel is into its window."""

    def place(images):
        return torch.arange(images.shape[-1], dtype=torch.float32).expand(len(images), 1, -1)

    mixed = predict_map(place, torch.zeros(1, 1, 12), (8,))[0, 0]
    weights = window_weights((8,))
    assert [start for (start,) in window_starts((12,), (8,), 0.5)] == [0, 4]
    expected = [(weights[p] * p + weights[p - 4] * (p - 4)) / (weights[p] + weights[p - 4]) for p in range(4, 8)]
    torch.testing.assert_close(mixed[4:8], torch.stack(expected))
    torch.testing.assert_close(mixed[:4], torch.arange(4.0))


def test_a_segmenter_in_one_pass_and_by_windows():
    model = Segmenter(Backbone("cross", BackboneConfig(dim=8, depth=1), input_size=(8, 8)), classes=3, width=4).eval()
    images, seen = torch.rand(1, 1, 20, 9), []
    with torch.no_grad():
        assert torch.equal(predict_map(model, images), model(images))
        by_windows = predict_map(model, images, (8, 8), on_window=lambda done, total: seen.append((done, total)))
    assert by_windows.shape == (1, 3, 20, 9) and not by_windows.requires_grad
    count = len(list(window_starts((20, 9), (8, 8), 0.5)))
    assert seen == [(done, count) for done in range(count + 1)]


def test_a_pixel_deep_within_its_windows_is_as_in_the_whole():
    """Of a convolution, which sees two pixels far, where only windows see the pixel that have its neighbours."""
    weight = torch.randn(1, 1, 5, generator=torch.Generator().manual_seed(0))

    def smooth(images):
        return F.conv1d(images, weight, padding=2)

    images = torch.rand(1, 1, 64, generator=torch.Generator().manual_seed(1))
    difference = (predict_map(smooth, images, (32,)) - smooth(images)).abs()[0, 0]
    # What a window misses beyond its edge is at most the sum of the weights, and counts there as exp(-8) of its middle.
    assert difference[30:34].max() < 1e-3 * weight.abs().sum() and difference.max() < 0.2


@pytest.mark.parametrize(
    "window, overlap, said",
    [((8,), 0.5, "1 side"), ((0, 8), 0.5, "holds nothing"), ((8, 8), 1.0, "overlap by 1"), ((8, 8), -0.1, "overlap")],
)
def test_windows_that_cannot_be(window, overlap, said):
    with pytest.raises(ScanlabError, match=f"S622.*{said}"):
        predict_map(pointwise, torch.zeros(1, 1, 16, 16), window, overlap)


def test_a_model_without_a_map_is_refused():
    model = Classifier(Backbone("row", BackboneConfig(dim=8, depth=1), input_size=(8, 8)), 2)
    with pytest.raises(ScanlabError, match=r"S622.*no map"):
        predict_map(model, torch.zeros(1, 1, 16, 16), (8, 8))
