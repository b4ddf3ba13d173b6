"""The receptive field of models, against gradients written out and against what the ranks predict."""

import math

import numpy as np
import pytest
import torch
from torch import nn

import scanlab
from scanlab.compiler.decay import predicted_decay
from scanlab.compiler.spread import spread
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import Scan, Token
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig
from scanlab.nn.merge import Merge
from scanlab.ops import path_table, selective_scan
from scanlab.study.receptive_field import receptive_field
from scanlab.study.trial import CONTROLS


def scan(merge, *lines, **fields):
    return Scan(merge, tuple(scanlab.parse(line) for line in lines), **fields)


SIZES = BackboneConfig(patch=2, dim=8, depth=2, mixer=MixerConfig(state=2))
GRID = (4, 6)
CENTRE = (2, 3)
TWO_WAYS = scan("sum", "by h, w", "by -h, -w")


def field_of(strategy, config=SIZES, extents=(8, 12), channels=1, alter=None, **options):
    torch.manual_seed(0)
    model = Backbone(strategy, config, input_size=extents, channels=channels, alter=alter)
    return receptive_field(model, torch.randn(3, channels, *extents), **options)


def test_a_causal_scan_hears_of_no_later_patch():
    patches = field_of("by h, w").patches.ravel()
    centre = np.ravel_multi_index(CENTRE, GRID)
    assert (patches[centre + 1 :] == 0).all() and (patches[: centre + 1] > 0).all()


def test_a_two_way_scan_hears_of_all():
    assert (field_of(TWO_WAYS).patches > 0).all()


def test_without_memory_a_patch_hears_of_itself():
    field = field_of(TWO_WAYS, alter=CONTROLS["no_memory"].alter)
    assert field.patches[CENTRE] > 0 and field.patches.sum() == field.patches[CENTRE]
    assert field.pixels.sum() == pytest.approx(field.pixels[4:6, 6:8].sum())
    assert field.spread.areas == (1 / 24,) * 4 and field.spread.mean_distance == 0


def test_a_restart_keeps_to_its_rows():
    patches = field_of("by h, w restart by h").patches
    assert (patches[2, :4] > 0).all() and patches[2, 4:].sum() == patches[[0, 1, 3]].sum() == 0


@pytest.mark.parametrize(
    "strategy,extents,grid", [("by w", (10,), (5,)), ("by h, w", (4, 6), (2, 3)), ("by t, h, w", (4, 4, 6), (2, 2, 3))]
)
def test_one_to_three_axes(strategy, extents, grid):
    value = scanlab.parse(strategy, ["w", "h w", "t h w"][len(extents) - 1])
    field = field_of(value, extents=extents, channels=2)
    assert field.pixels.shape == extents and field.patches.shape == grid and field.images == 3
    centre = np.ravel_multi_index(tuple(n // 2 for n in grid), grid)
    assert (field.patches.ravel() > 0).tolist() == [i <= centre for i in range(math.prod(grid))]
    assert field.patches.sum() == pytest.approx(field.pixels.sum())
    assert field.pixel_cell == tuple((n // 2 * 2, n // 2 * 2 + 2) for n in grid)


def test_class_tokens_are_no_patches():
    patches = field_of(scan("sum", "by h, w", tokens=(Token("cls", "end"),))).patches.ravel()
    assert (patches > 0).sum() == np.ravel_multi_index(CENTRE, GRID) + 1


def test_a_model_with_stages_is_read_at_the_last():
    config = BackboneConfig(patch=2, dim=8, depth=(1, 1), downsample="merge", mixer=MixerConfig(state=2))
    field = field_of("by h, w restart by h, w", config, extents=(12, 16))
    # Without any memory the last stage's cell (3 // 2, 4 // 2) covers four patches of the first.
    assert field.patches.shape == (6, 8) and field.patch_cell == ((2, 4), (4, 6))
    assert field.pixel_cell == ((4, 8), (8, 12))
    assert field.patches[2:4, 4:6].sum() == pytest.approx(field.patches.sum()) and (field.patches[2:4, 4:6] > 0).all()


class Mixture(nn.Module):
    """features = images @ weights: [B, C, n] -> [B, n, D]."""

    def __init__(self, channels, extent, dim):
        super().__init__()
        self.weights = nn.Parameter(torch.randn(channels, extent, extent, dim))

    def features(self, images):
        return torch.einsum("bci,cijd->bjd", images, self.weights), (images.shape[2],)


def test_the_definition_written_out():
    torch.manual_seed(1)
    model, images = Mixture(2, 5, 4).double(), torch.randn(6, 2, 5).double()
    wanted = np.zeros(5)
    for image in images:
        rows = torch.einsum("ci,cijd->jd", image, model.weights)
        gradient = (model.weights[:, :, 3] * (rows[3] > 0)).sum(-1)
        wanted += gradient.clamp(min=0).sum(0).detach().numpy() / len(images)
    for batch in (1, 4, 6):
        field = receptive_field(model, images, features=model.features, cell=(3,), batch=batch)
        np.testing.assert_allclose(field.pixels, wanted)
        np.testing.assert_allclose(field.patches, wanted)
    assert field.pixel_spread == field.spread == spread(wanted, ((3, 4),))


def test_the_model_is_left_as_it_was():
    torch.manual_seed(0)
    model = Classifier(Backbone("by h, w", SIZES, input_size=(8, 12)), 3).train()
    images = torch.randn(2, 1, 8, 12)
    with torch.no_grad():
        field = receptive_field(model, images)
    assert model.training and all(p.grad is None and p.requires_grad for p in model.parameters())
    assert images.grad is None and not images.requires_grad
    np.testing.assert_array_equal(field.pixels, receptive_field(model.backbone, images).pixels)


@pytest.mark.parametrize(
    "value",
    [
        scan("sum", "by h, ~w", "by -w, h"),
        scan("mean", "by h, w", "by w, h"),
        scan("heads", "by h, w", "by w, h"),
        scan("gate", "by h, w", "by -h, w"),
        scan("chain", "by h, w restart by h", "by w, h restart by w // 2"),
        scan("scatter", "by h, w where (h + w) % 2 == 0", "by h, w where (h + w) % 2 == 1"),
        scan("sum", "by h, w", "by -h, -w", tokens=(Token("mean", "middle"), Token("cls", "both"))),
    ],
    ids=str,
)
def test_ranks_predict_the_gradient_of_a_scan_with_one_decay(value):
    """With constant delta = B = C = 1 the operator's gradient is the prediction, for every merge."""
    bound, decay, channels = scanlab.compile(value, (3, 4)), 0.7, 4
    table = path_table(bound)
    patches = torch.randn(1, 12, channels, dtype=torch.float64, requires_grad=True)
    tokens = {"mean": patches.mean(1, keepdim=True), "cls": patches.new_zeros(1, 1, channels)}
    u = torch.cat([patches, *(tokens[name] for name in table.tokens)], dim=1)
    ones = torch.ones(1, 1, u.shape[1], 1, dtype=torch.float64)
    y = selective_scan(
        u,
        ones.expand(1, 1, u.shape[1], channels),
        torch.full((1, channels, 1), math.log(decay), dtype=torch.float64),
        ones,
        ones,
        paths=table,
        merge=Merge(bound, channels).double()(),
        backend="reference",
    )
    for patch in ((1, 2), (0, 0), (2, 3)):
        [gradient] = torch.autograd.grad(y[0, np.ravel_multi_index(patch, (3, 4))].sum(), patches, retain_graph=True)
        wanted = gradient[0].mean(-1).reshape(3, 4).numpy()
        np.testing.assert_allclose(predicted_decay(bound, decay, patch=patch), wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "call,code",
    [
        (lambda model, images: receptive_field(nn.Linear(2, 2), images), "S635"),
        (lambda model, images: receptive_field(model, images, features=lambda x: (x, (4, 6))), "S635"),
        (lambda model, images: receptive_field(model, images, cell=(4, 0)), "S480"),
        (lambda model, images: receptive_field(model, images, cell=(1,)), "S480"),
        (lambda model, images: receptive_field(model, images[:0]), "S608"),
        (lambda model, images: receptive_field(model, images, batch=0), "S608"),
    ],
)
def test_what_has_no_receptive_field(call, code):
    model = Backbone("by h, w", SIZES, input_size=(8, 12))
    with pytest.raises(ScanlabError) as caught:
        call(model, torch.randn(1, 1, 8, 12))
    assert caught.value.code == code
