"""What a stream keeps: sums of long videos, nothing of what it refuses; restarts and partial orders that it reads."""

import pytest
import torch

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig, MixerState, set_scan, stream
from scanlab.ops import index_table


def backbone(line="by t, h, w", positions="none", frames=8, **config):
    torch.manual_seed(0)
    mixer = MixerConfig(convolution=config.pop("convolution", "path"))
    sizes = BackboneConfig(**{"patch": (1, 4, 4), "dim": 8, "depth": 1, **config}, positions=positions, mixer=mixer)
    return Backbone(line, sizes, input_size=(frames, 8, 8)).eval()


def video(frames, batch=2):
    return torch.rand(batch, 1, frames, 8, 8, generator=torch.Generator().manual_seed(1))


def read_one_by_one(live, frames, at_once=1):
    return torch.cat([live.read(part) for part in frames.split(at_once, dim=2)], dim=1)


@torch.no_grad()
def test_a_mean_is_summed_beyond_the_models_precision():
    model = Classifier(backbone(), 3).bfloat16()
    live, frame, streamed = stream(model), video(1).bfloat16(), None
    for _ in range(400):
        streamed = live.read(frame)
    assert streamed is not None and streamed.dtype == torch.bfloat16
    whole = model(frame.expand(-1, -1, 400, -1, -1))
    torch.testing.assert_close(streamed, whole, rtol=1e-2, atol=4e-3)


@torch.no_grad()
@pytest.mark.parametrize(
    ("line", "latency"),
    [
        ("by t, h, w restart by t, h", 1),
        ("by t, h, w restart by t", 2),
        ("sum((by t, h, w restart by t, h), (by t, w, h restart by t))", 1),
        ("by t // 3, h, t, w restart by t // 3", 3),
        ("by t, h, w restart by t // 2", 1),
        ("scatter((by t, h, w where t % 2 == 0), (by t, w, h where t % 2 > 0))", 2),
    ],
)
def test_paths_that_start_anew_or_leave_patches_out(line, latency):
    model, frames = backbone(line), video(6)
    torch.testing.assert_close(read_one_by_one(stream(model, latency), frames), model(frames), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("line", "latency", "said"),
    [
        ("by t, ~h, ~w restart by h", 1, "restarts amid the patches of t = 1"),
        ("by t, h, w restart by t // 20", 3, "restarts amid the patches of t = 18 to 20"),
        ("sum((by t, h, w restart by t, h), (by t, w, h))", 1, "restarts amid the patches of t = 1"),
        ("by t, h, w where t < 5", 1, "has no patch of t = 5"),
        ("by t, h, w where t < 500", 1, "no paths over t = 1000"),
        ("by t, h, w where t % 2 == 0", 1, "has no patch of t = 1"),
    ],
)
def test_what_ends_within_a_video_is_refused_before_it_is_read(line, latency, said):
    with pytest.raises(ScanlabError, match="S716") as caught:
        stream(backbone(line), latency)
    assert said in str(caught.value)


@torch.no_grad()
def test_what_shows_late_is_refused_then_and_changes_nothing():
    for line, last, said in (
        ("by t, h, w restart by t // 250", 249, "restarts amid the patches of t = 249 to 251"),
        ("by t, h, w where abs(t - 99) > 0", 99, "no paths over t = 99"),
    ):
        latency = 3 if "restart" in line else 1
        live = stream(backbone(line, patch=(1, 8, 8)), latency)
        live.read(video(last, 1))
        kept = live._kept
        with pytest.raises(ScanlabError, match="S716") as caught:
            live.read(video(latency, 1))
        assert said in str(caught.value) and live._kept is kept


@torch.no_grad()
def test_what_is_refused_changes_nothing():
    model, frames = Classifier(backbone("by t // 2, h, w, t % 2"), 3), video(2)
    live = stream(model, latency=2)
    with pytest.raises(ScanlabError, match=r"S716.*after 1 frames"):
        live.read(frames[:, :, :1])
    torch.testing.assert_close(live.read(frames), model(frames), rtol=1e-5, atol=1e-5)

    model, frames = backbone(positions="learned", frames=4), video(4)
    live = stream(model)
    first = live.read(frames[:, :, :3])
    with pytest.raises(ScanlabError, match=r"S716.*step 4"):
        live.read(video(3))
    assert live.groups == 3
    rows = torch.cat([first, live.read(frames[:, :, 3:])], dim=1)
    torch.testing.assert_close(rows, model(frames), rtol=1e-5, atol=1e-5)

    live = stream(backbone())
    for wrong in (torch.rand(2, 3, 1, 8, 8), torch.rand(8, 8), torch.rand(2, 1, 1, 8), torch.rand(2, 1, 1, 8, 2)):
        with pytest.raises(ScanlabError, match="S614"):
            live.read(wrong)
    live.read(frames[:, :, :1])
    with pytest.raises(RuntimeError):
        live.read(frames.double())  # the first of them are computed until torch stops
    assert live.groups == 1
    assert torch.equal(read_one_by_one(live, frames[:, :, 1:], 3), stream(backbone()).read(frames)[:, 4:])


@torch.no_grad()
def test_frames_of_another_size_are_looked_at_before_they_are_read():
    """Rows of one patch: that the path restarts from row to row is seen where there are several alone."""
    model = backbone("by t, ~h, w restart by h", frames=4)
    model.input_size = (4, 4, 8)
    live = stream(model)
    assert live.read(video(2)[..., :4, :]).shape == (2, 4, 8)
    live.reset()
    with pytest.raises(ScanlabError, match="restarts amid the patches of t = 1"):
        live.read(video(2))
    assert live.groups == 0


@torch.no_grad()
def test_frames_that_wait_are_the_streams_own():
    model, frames = backbone(), video(4)
    want, buffer = model(frames), torch.empty(2, 1, 1, 8, 8)
    live, rows = stream(model, latency=2), []
    for t in range(4):
        buffer.copy_(frames[:, :, t : t + 1])
        rows.append(live.read(buffer))
    torch.testing.assert_close(torch.cat(rows, dim=1), want, rtol=1e-5, atol=1e-5)
    live.read(video(101, 2))
    assert live._kept.waiting is not None and live._kept.waiting.untyped_storage().nbytes() == 4 * 2 * 64


def test_the_graph_of_frames_that_wait_is_cut_too():
    live, frames = stream(backbone(), latency=2), video(2).requires_grad_()
    live.read(frames[:, :, :1])
    live.detach()
    (gradient,) = torch.autograd.grad(live.read(frames[:, :, 1:]).square().sum(), frames)
    assert not gradient[:, :, :1].any() and gradient[:, :, 1:].any()


def test_another_scan_asks_for_another_stream():
    model = backbone("cycle((by t, h, w), (by t, w, h))", depth=2)
    live = stream(model)
    live.read(video(1))
    for line in ("by t, w, h", "cycle((by t, w, h), (by t, h, w))"):
        set_scan(model, line)
        with pytest.raises(ScanlabError, match=r"S716.*set anew"):
            live.read(video(1))
    assert stream(model).read(video(1)).shape == (2, 4, 8)


@pytest.mark.parametrize("latency", ["2", 1.5, None, True, 0, -1, 10**9, 2**70])
def test_a_latency_is_a_whole_number(latency):
    with pytest.raises(ScanlabError, match="S716"):
        stream(backbone(), latency)


def test_a_step_cannot_look_around_on_the_grid():
    mixer = backbone(convolution="grid").blocks[0].mixer
    with pytest.raises(ScanlabError, match=r"S716.*convolution on the grid"):
        mixer.step(torch.zeros(1, 1, 8), index_table(torch.tensor([[0]]), 1), MixerState())
