"""The next frame is predicted from those before it and no other, in one call or frame by frame."""

import pytest
import torch

from scanlab import zoo
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, MixerConfig, NextFrame, stream

LINE = "sum((by t, h, w), (by t, -h, -w))"


def model(line=LINE, channels=2, patch=(1, 4, 4), **settings):
    torch.manual_seed(0)
    config = BackboneConfig(patch=patch, dim=8, positions="none", **settings)
    made = NextFrame(Backbone(line, config, input_size=(6, 10, 8), channels=channels)).eval()
    torch.nn.init.normal_(made.head.weight)
    return made


VIDEO = torch.rand(2, 1, 6, 10, 8, generator=torch.Generator().manual_seed(1))


def test_a_prediction_depends_on_its_frame_and_those_before_it_alone():
    made, video = model(), VIDEO.clone().requires_grad_()
    for frame in range(6):
        [gradient] = torch.autograd.grad(made(video)[:, :, frame].square().sum(), video, retain_graph=False)
        seen = gradient.abs().amax((0, 1, 3, 4)) > 0
        assert seen[: frame + 1].all() and not seen[frame + 1 :].any()


@pytest.mark.parametrize("sizes", [[1] * 6, [2, 4], [0, 3, 0, 3]])
def test_frames_in_parts_give_the_whole(sizes):
    made = model(mixer=MixerConfig(convolution="path"))
    live = stream(made)
    with torch.no_grad():
        parts = [live.read(part) for part in VIDEO.split(sizes, dim=2)]
        torch.testing.assert_close(torch.cat(parts, dim=2), made(VIDEO), rtol=1e-5, atol=1e-5)
    assert live.groups == 6
    live.reset()
    with torch.no_grad():
        torch.testing.assert_close(live.read(VIDEO[:, :, :1]), made(VIDEO[:, :, :1]), rtol=1e-5, atol=1e-5)


def test_what_is_refused_changes_nothing():
    made = model()
    live = stream(made)
    with torch.no_grad():
        live.read(VIDEO[:, :, :2])
        with pytest.raises(ScanlabError, match="S614"):
            live.read(VIDEO[:1, :, 2:3])
        with pytest.raises(ScanlabError, match="S721"):
            live.read(VIDEO[:, :, 2:3].expand(-1, 3, -1, -1, -1))
        torch.testing.assert_close(live.read(VIDEO[:, :, 2:3]), made(VIDEO)[:, :, 2:3], rtol=1e-5, atol=1e-5)


def test_it_begins_with_repeating_the_last_frame():
    made = model()
    torch.nn.init.zeros_(made.head.weight)
    assert torch.equal(made(VIDEO), VIDEO)
    torch.testing.assert_close(made.losses(VIDEO), made.repeated(VIDEO))
    torch.testing.assert_close(made.loss(VIDEO), VIDEO.diff(dim=2).abs().mean())


@pytest.mark.parametrize("line", ["by h, w, t", "sum((by t, h, w), -(by t, h, w))", "by t // 2, h, w, t % 2"])
def test_scans_that_see_later_frames_are_refused(line):
    with pytest.raises(ScanlabError, match="S716"):
        model(line)


def test_channels_patches_and_single_frames_that_do_not_fit():
    with pytest.raises(ScanlabError, match=r"S721.*3 channels"):
        model(channels=3)
    with pytest.raises(ScanlabError, match=r"S721.*2x4x4"):
        model(patch=(2, 4, 4))
    with pytest.raises(ScanlabError, match=r"S721.*one frame"):
        model().loss(VIDEO[:, :, :1])
    with pytest.raises(ScanlabError, match="S716"):
        stream(model(), latency=2)


def test_it_is_saved_and_loaded(tmp_path):
    made = model()
    zoo.save(made, tmp_path / "next.safetensors")
    again = zoo.load(tmp_path / "next.safetensors")
    assert isinstance(again, NextFrame)
    with torch.no_grad():
        assert torch.equal(again(VIDEO), made(VIDEO))
