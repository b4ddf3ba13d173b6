"""A segmenter's decoders: shapes for any patch and extents, skips that count, files of before and after."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Segmenter
from scanlab.nn.decoders import _steps
from scanlab.nn.kinds import DECODERS
from scanlab.zoo import load, save
from scanlab.zoo.files import read_tensors, write_tensors

# Patch, extents, blocks per stage: odd grids, patches of one pixel, of other sides per axis, that reach over the edge.
SHAPES = {
    "stages": (4, (18, 16), (1, 1)),
    "one stage": (2, (9, 7), 1),
    "pixels": (1, (7, 9), (1, 1, 1)),
    "other sides": ((1, 4, 4), (3, 17, 9), (1, 1)),
    "six": (6, (13, 12), (1,)),
    "volume": (4, (12, 20, 9), (1, 1, 1)),
    "seven": ((7, 3), (15, 8), (1, 1)),
}


def built(patch, extents, depth, decoder="unet", channels=2, **settings):
    order = "by h, w" if len(extents) == 2 else "by t, h, w"
    config = BackboneConfig(patch=patch, dim=8, depth=depth, **settings)
    torch.manual_seed(0)
    return Segmenter(Backbone(order, config, input_size=extents, channels=channels), 3, width=4, decoder=decoder)


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_a_map_over_all_pixels_and_a_gradient_for_all_parameters(shape, decoder):
    patch, extents, depth = shape
    model = built(patch, extents, depth, decoder)
    larger = tuple(n + 3 for n in extents)
    assert model(torch.rand(1, 2, *larger)).shape == (1, 3, *larger)
    y = model(torch.rand(2, 2, *extents))
    assert y.shape == (2, 3, *extents)
    y.square().mean().backward()
    # The backbone's last norm is for what reads its rows.
    assert [n for n, p in model.named_parameters() if p.grad is None] == ["backbone.norm.weight", "backbone.norm.bias"]


def test_the_way_up_has_a_skip_at_every_stage_and_resolution():
    model = built(4, (16, 16), (1, 1, 1))
    # From 1x1 to 2x2 and 4x4, the patches; then to 8x8 and 16x16, the pixels.
    assert [tuple(up.weight.shape[:2]) for up in model.decoder.enlarge] == [(32, 16), (16, 8), (8, 8), (8, 4)]
    sizes = []
    for fuse in model.decoder.fuse:
        fuse.register_forward_hook(lambda _, given, out: sizes.append((given[0].shape[1], *out.shape[1:])))
    model(torch.rand(1, 2, 16, 16))
    assert sizes == [(32, 16, 2, 2), (16, 8, 4, 4), (16, 8, 8, 8), (8, 4, 16, 16)]


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_every_skip_is_read(stage):
    """With the decoder's norm of a stage set to nothing the output changes."""
    model, images = built(2, (8, 8), (1, 1, 1)).eval(), torch.rand(1, 2, 8, 8)
    with torch.no_grad():
        before = model(images)
        model.decoder.norms[stage].weight.zero_()
        assert (model(images) - before).abs().max() > 1e-4


def test_strides_from_pixels_to_patches():
    assert _steps((4, 4)) == [(2, 2), (2, 2)]
    assert _steps((1, 4, 4)) == [(1, 2, 2), (1, 2, 2)]
    assert _steps((6, 4)) == [(2, 2), (3, 2)]
    assert _steps((2, 4)) == [(1, 2), (2, 2)]
    assert _steps((7,)) == [(7,)]
    assert _steps((1, 1)) == []


def test_what_it_does_is_within_one_image():
    """Norms are over one image: a batch gives what its images give one by one."""
    model, images = built(4, (16, 16), (1, 1)), torch.rand(3, 2, 16, 16)
    alone = torch.cat([model(image[None]) for image in images])
    torch.testing.assert_close(model(images), alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_segmenter_comes_back_from_its_file(tmp_path: Path, decoder):
    model, images = built(4, (16, 16), (1, 1), decoder).eval(), torch.rand(1, 2, 18, 16)
    save(model, tmp_path / "a.safetensors")
    again = load(tmp_path / "a.safetensors")
    assert again.options() == {"classes": 3, "width": 4, "decoder": decoder}
    assert torch.equal(again(images), model(images))


# Where a pyramid's modules stood before there were decoders.
BEFORE = {"decoder.levels.lateral": "lateral", "decoder.levels.fuse": "fuse", "decoder.": ""}


def _old_name(name: str) -> str:
    return next((f"{old}{name.removeprefix(new)}" for new, old in BEFORE.items() if name.startswith(new)), name)


def test_files_and_states_of_before_there_were_decoders_are_read(tmp_path: Path):
    model, images = built(4, (16, 16), (1, 1), "pyramid").eval(), torch.rand(1, 2, 16, 16)
    save(model, tmp_path / "new.safetensors")
    tensors, metadata = read_tensors(tmp_path / "new.safetensors")
    old = {_old_name(name): tensor for name, tensor in tensors.items()}
    assert {"lateral.0.0.weight", "fuse.1.0.bias", "pixels.weight", "refine.1.bias"} <= set(old)
    write_tensors(
        tmp_path / "old.safetensors", old, {"scanlab": metadata["scanlab"].replace(', "decoder": "pyramid"', "")}
    )
    again = load(tmp_path / "old.safetensors")
    assert torch.equal(again(images), model(images))
    other = torch.nn.Sequential(built(4, (16, 16), (1, 1), "pyramid").eval())
    torch.nn.init.zeros_(other[0].head.weight)
    other.load_state_dict({f"0.{name}": tensor for name, tensor in old.items()})
    assert torch.equal(other(images), model(images))


def test_overlapping_patches_lie_over_the_whole_image():
    """The map of a pyramid over patches that overlap ends where the image ends, not beyond it."""
    model = built(8, (32, 32), 1, "pyramid", stride=4).eval()
    images = torch.zeros(1, 2, 32, 32)
    reached = []
    hook = model.decoder.refine.register_forward_hook(lambda _, given, out: reached.append(given[0]))
    model.decoder.pixels.weight.data.zero_()
    with torch.no_grad():
        rows, grid = model.backbone.features(images)[0]
        assert grid == (7, 7)
        corner = torch.zeros_like(rows)
        corner[:, -1] = torch.randn(rows.shape[-1])
        model.decoder(images, [(corner, grid)])
    hook.remove()
    rest = reached[0] - reached[0][..., :1, :1]
    assert rest[..., -1, -1].abs().max() > 0


def test_what_cannot_be_built():
    with pytest.raises(ScanlabError, match=r"S612.*no decoder 'vnet'(.|\n)*pyramid, unet"):
        built(4, (16, 16), (1, 1), "vnet")
    with pytest.raises(ScanlabError, match=r"S612.*4 pixels apart(.|\n)*pyramid"):
        built(8, (32, 32), 1, stride=4)
