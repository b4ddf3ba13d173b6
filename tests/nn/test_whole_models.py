"""Whole models: sizes of input, axes, stages, read-outs, heads, and what they refuse."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig, NextPatch, Segmenter
from scanlab.nn.embed import Downsample, Positions
from scanlab.nn.heads import _logistic_bits
from scanlab.zoo import create_model

PLAIN = BackboneConfig(patch=4, dim=8, depth=2)
STAGES = BackboneConfig(patch=4, dim=8, depth=(1, 1, 1, 1), stem="overlapping", positions="none", mlp=2.0)


def seeded(build, seed=0):
    torch.manual_seed(seed)
    return build()


def picture(*shape, seed=1):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


MIXERS = {
    "vim": MixerConfig(convolution="path", taps=4, norm=False, parameters="per_path", average=True),
    "own decay": MixerConfig(convolution="first_path", taps=4, norm=False, parameters="own_decay"),
    "ss2d": MixerConfig(convolution="grid", parameters="per_path"),
    "ssd": MixerConfig(kind="ssd", state=8, head=4, convolution="path"),
    "ssd per path": MixerConfig(kind="ssd", state=8, head=4, convolution="grid", parameters="per_path"),
    "bare": MixerConfig(gate=False, norm=False),
}


@pytest.mark.parametrize("scan", ["row", "cross", "gate(row, hilbert)", "heads(row, -row)", "mean(row, column)"])
@pytest.mark.parametrize("mixer", MIXERS)
def test_every_mixer_trains_with_every_merge(mixer, scan):
    model = seeded(lambda: Classifier(Backbone(scan, replace(PLAIN, mixer=MIXERS[mixer]), input_size=(16, 16)), 3))
    model(picture(2, 1, 16, 16)).square().sum().backward()
    silent = [
        n for n, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all() or not p.grad.any()
    ]
    assert not silent


@pytest.mark.parametrize("mixer", ["ssd", "ssd per path"])
def test_the_state_space_dual_hears_along_the_path_only(mixer):
    config = replace(MIXERS[mixer], convolution=None)
    block = seeded(lambda: Backbone("column", replace(PLAIN, mixer=config), input_size=(16, 16))).blocks[0]
    x = torch.randn(1, 16, 8)
    changed = x.clone()
    changed[0, 6] += 1
    moved = (block.mixer(x, (4, 4)) != block.mixer(changed, (4, 4))).any(-1)[0]
    assert moved.nonzero().flatten().tolist() == sorted([6, 10, 14, 3, 7, 11, 15])


@pytest.mark.parametrize(
    "scan, patch, usual, other",
    [
        ("by w", 4, (32,), (46,)),
        ("hilbert", 4, (16, 16), (24, 13)),
        ("spatial_first", (1, 4, 4), (4, 16, 16), (3, 8, 20)),
        ("by d, h, w", 4, (8, 8, 8), (12, 7, 8)),
    ],
)
def test_one_to_three_axes_and_inputs_of_any_size(scan, patch, usual, other):
    model = seeded(lambda: Classifier(Backbone(scan, replace(PLAIN, patch=patch), input_size=usual, channels=2), 3))
    assert model(picture(2, 2, *usual)).shape == (2, 3)
    assert model(picture(2, 2, *other)).shape == (2, 3)


def test_a_grid_is_compiled_once_and_old_ones_are_forgotten():
    backbone = seeded(lambda: Backbone("row", replace(PLAIN, depth=1), input_size=(16, 16)))
    paths = backbone.blocks[0].mixer.paths
    first = paths((4, 4)).steps
    assert paths((4, 4)).steps is first
    for width in range(4, 40):
        paths((2, width))
    assert len(list(paths.buffers())) == 32
    assert torch.equal(paths((4, 4)).steps, first)
    assert not [name for name in backbone.state_dict() if "steps" in name]


def test_stages_halve_the_grid_and_double_the_width():
    backbone = seeded(lambda: Backbone("cross", STAGES, input_size=(64, 64), channels=3))
    shapes = [(rows.shape[1:], grid) for rows, grid in backbone.features(picture(1, 3, 64, 64))]
    assert shapes == [((256, 8), (16, 16)), ((64, 16), (8, 8)), ((16, 32), (4, 4)), ((4, 64), (2, 2))]
    assert [g for _, g in backbone.block_grids((64, 64))] == [(16, 16), (8, 8), (4, 4), (2, 2)]


@pytest.mark.parametrize("kind", ["merge", "overlapping"])
@pytest.mark.parametrize("grid, half", [((6, 4), (3, 2)), ((5, 3), (3, 2)), ((3, 4, 5), (2, 2, 3))])
def test_odd_grids_are_halved_upwards(kind, grid, half):
    rows = torch.randn(2, torch.Size(grid).numel(), 8)
    out, new = Downsample(kind, 8, len(grid), "layer")(rows, grid)
    assert new == half
    assert out.shape == (2, torch.Size(half).numel(), 16)


def test_positions_keep_a_constant_and_a_ramp_when_resized():
    places = Positions("learned", (4, 4), 2, 0.0, 0)
    with torch.no_grad():
        places.patches[:, 0] = 3.0
        places.patches[:, 1] = torch.arange(4.0).repeat_interleave(4)
    wide = places(torch.zeros(1, 64, 2), (8, 8))[0].detach().unflatten(0, (8, 8))
    assert torch.allclose(wide[..., 0], torch.tensor(3.0))
    assert (wide[1:, :, 1] > wide[:-1, :, 1] - 1e-6).all() and torch.allclose(wide[:, 0, 1], wide[:, 5, 1])


def test_factored_positions_are_a_frame_plus_a_place():
    places = seeded(lambda: Positions("factored", (3, 2, 2), 4, 1.0, 0))
    with torch.no_grad():
        places.frames.normal_()
    out = places(torch.zeros(1, 12, 4), (3, 2, 2))[0]
    assert torch.equal(out[2 * 4 + 3], places.frames[2] + places.patches[3])


@pytest.mark.parametrize("place", ["start", "middle", "end"])
def test_read_outs(place):
    backbone = seeded(
        lambda: Backbone(f"sum(row, -row) with cls at {place}", replace(PLAIN, readout="cls"), input_size=(16, 16))
    )
    rows = backbone(picture(2, 1, 16, 16))
    assert rows.shape == (2, 17, 8)
    assert torch.equal(Classifier(backbone).pooled(picture(2, 1, 16, 16)), rows[:, 16])
    for readout, wanted in (("mean", rows[:, :16].mean(1)), ("max", rows[:, :16].amax(1))):
        backbone.config = replace(backbone.config, readout=readout)
        assert torch.equal(Classifier(backbone).pooled(picture(2, 1, 16, 16)), wanted)


@pytest.mark.parametrize(
    "scan, config, extents",
    [
        ("cross", STAGES, (64, 48)),
        ("hilbert", PLAIN, (16, 18)),
        ("by d, h, w", replace(PLAIN, depth=(1, 1)), (16, 8, 12)),
    ],
)
def test_segmentation_gives_logits_for_every_pixel(scan, config, extents):
    model = seeded(lambda: Segmenter(Backbone(scan, config, input_size=extents, channels=2), 3, width=8))
    out = model(picture(2, 2, *extents))
    assert out.shape == (2, 3, *extents)
    out.square().mean().backward()
    assert all(
        p.grad is not None and p.grad.any()
        for n, p in model.named_parameters()
        if n != "backbone.norm.weight" and n != "backbone.norm.bias"
    )


def test_segmentation_learns_where_a_square_is():
    torch.manual_seed(0)
    model = Segmenter(Backbone("sum(row, -row)", replace(PLAIN, dim=16), input_size=(16, 16)), 2, width=8)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(60):
        corners = torch.randint(0, 12, (8, 2))
        masks = torch.zeros(8, 16, 16, dtype=torch.long)
        for mask, (top, left) in zip(masks, corners.tolist(), strict=True):
            mask[top : top + 5, left : left + 5] = 1
        noisy = masks[:, None] + 0.3 * torch.randn(8, 1, 16, 16)
        loss = torch.nn.functional.cross_entropy(model(noisy), masks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.15


CAUSAL = replace(PLAIN, mixer=MixerConfig(convolution="path"))


@pytest.mark.parametrize("scan", ["row", "hilbert", "-snake"])
def test_the_next_patch_is_predicted_from_those_before_it_alone(scan):
    model = seeded(lambda: NextPatch(Backbone(scan, CAUSAL, input_size=(16, 16))))
    with torch.no_grad():
        model.start.normal_()
    images = picture(1, 1, 16, 16)
    order = model.backbone.blocks[0].mixer.paths((4, 4)).steps[0, 0].tolist()
    before = model(images)
    assert before.shape == (1, 16, 16)
    for step in (0, 3, 15):
        row, column = divmod(order[step], 4)
        changed = images.clone()
        changed[..., 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 1
        moved = (model(changed) != before).any(-1)[0]
        assert moved.nonzero().flatten().tolist() == sorted(order[step + 1 :])


def test_targets_are_the_patches():
    model = seeded(lambda: NextPatch(Backbone("row", CAUSAL, input_size=(8, 12), channels=2)))
    images = picture(2, 2, 8, 12)
    targets = model.targets(images)
    assert targets.shape == (2, 6, 32)
    assert torch.equal(targets[1, 4], images[1, :, 4:8, 4:8].flatten())
    expected = torch.nn.functional.mse_loss(model(images), targets)
    assert torch.equal(model.loss(images), expected)


@pytest.mark.parametrize("levels", [2, 16, 256])
def test_the_bits_of_all_levels_are_those_of_a_distribution(levels):
    values = torch.arange(levels) / (levels - 1)
    for mean, log_scale in ((0.5, -1.0), (0.02, -4.0), (0.9, -6.5)):
        bits = _logistic_bits(values.double(), torch.tensor(mean).double(), torch.tensor(log_scale).double(), levels)
        assert bits.isfinite().all()
        torch.testing.assert_close((2.0**-bits).sum().item(), 1.0, rtol=1e-4, atol=0)


def test_bits_per_dimension_fall_in_training():
    torch.manual_seed(0)
    model = NextPatch(Backbone("snake", CAUSAL, input_size=(16, 16)), "bits", levels=16)
    images = (picture(8, 1, 4, 4).repeat_interleave(4, 2).repeat_interleave(4, 3) * 15).round() / 15
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(40):
        losses.append(model.loss(images))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize(
    "scan, config, problem",
    [
        ("sum(row, -row)", CAUSAL, "several paths"),
        ("cycle(row, column)", CAUSAL, "two layers follow different paths"),
        ("row", replace(CAUSAL, mixer=MixerConfig(convolution="grid")), "shows every patch its neighbours"),
        ("row", replace(CAUSAL, mixer=MixerConfig(kind="attention", head=8)), "'attention' shows every patch those"),
        ("row", replace(CAUSAL, mixer=MixerConfig(kind="convolution")), "'convolution' shows every patch those"),
        ("row with mean at start", CAUSAL, "virtual tokens"),
        ("row", replace(CAUSAL, depth=(1, 1)), "stages"),
    ],
)
def test_a_next_patch_that_would_be_seen_is_refused(scan, config, problem):
    with pytest.raises(ScanlabError) as caught:
        NextPatch(Backbone(scan, config, input_size=(16, 16)))
    assert caught.value.code == "S615" and problem in str(caught.value)


def test_drop_path_drops_in_training_only():
    model = seeded(lambda: Classifier(Backbone("row", replace(PLAIN, drop_path=0.9), input_size=(16, 16))))
    images = picture(1, 1, 16, 16)
    torch.manual_seed(0)
    assert len({tuple(model(images)[0].tolist()) for _ in range(8)}) > 1
    model.eval()
    assert torch.equal(model(images), model(images))


@pytest.mark.parametrize("name", ["plainmamba_l1", "localmamba_vim_tiny", "vmamba_tiny", "vim_tiny"])
def test_presets_run_at_other_sizes_than_the_published_ones(name):
    model = create_model(name, classes=5, channels=1, input_size=(64, 64)).eval()
    with torch.no_grad():
        assert model(picture(1, 1, 64, 64)).shape == (1, 5)
        assert model(picture(1, 1, 96, 64)).shape == (1, 5)


@pytest.mark.parametrize(
    "build, code, message",
    [
        (lambda: _run("row", PLAIN, (1, 1, 3, 16)), "S614", "an input of 3x16 is smaller than a patch of 4x4"),
        (lambda: _run("row", PLAIN, (1, 3, 16, 16)), "S614", "the input has 3 channels, and the model reads 1"),
        (lambda: _run("row", PLAIN, (1, 1, 4, 16, 16)), "S614", "an input of 4x16x16 has 3 axes"),
        (
            lambda: Backbone("row", PLAIN, input_size=(4, 16, 16)),
            "S602",
            "row is over the axes h, w, and the input has 3",
        ),
        (lambda: Backbone("layers(row, row, row)", PLAIN, input_size=(16, 16)), "S603", "3 layers and the model 2"),
        (lambda: Backbone("vim", STAGES, input_size=(64, 64)), "S605", "class tokens cannot pass"),
        (lambda: Backbone("row", PLAIN), "S614", "the size of the inputs is not given"),
        (lambda: Backbone("row", replace(STAGES, patch=8), input_size=(64, 64)), "S612", "patches of side 4, not 8x8"),
        (lambda: Backbone("row", replace(PLAIN, patch=(1, 4, 4)), input_size=(16, 16)), "S612", "patches have 3 sides"),
        (lambda: MixerConfig(convolution="column"), "S612", "there is no convolution 'column'"),
        (lambda: BackboneConfig(readout="last"), "S605", "there is no read-out 'last'"),
        (
            lambda: _run("row", replace(PLAIN, mixer=MixerConfig(kind="ssd", head=5)), (1, 1, 16, 16)),
            "S612",
            "heads of 5",
        ),
    ],
)
def test_errors_name_both_sides(build, code, message):
    with pytest.raises(ScanlabError) as caught:
        build()
    assert caught.value.code == code and message in str(caught.value)


def _run(scan, config, shape):
    return Backbone(scan, config, input_size=(16, 16))(torch.zeros(shape))
