"""A video read as it comes gives what the whole gives at once, or is refused with the reason."""

import pytest
import torch

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig, MixerState, Segmenter, stream
from scanlab.nn.frame_groups import MOST_TABLES
from scanlab.ops import index_table

SIZE = (6, 8, 8)


def backbone(line, positions="factored", size=SIZE, **mixer):
    torch.manual_seed(0)
    config = BackboneConfig(
        patch=(1, *[4] * (len(size) - 1)),
        dim=8,
        positions=positions,
        mixer=MixerConfig(**{"convolution": "path", **mixer}),
    )
    return Backbone(line, config, input_size=size, channels=2).eval()


def video(frames=6):
    return torch.rand(2, 2, frames, 8, 8, generator=torch.Generator().manual_seed(1))


STREAMS = {
    "a frame after the other": ("by t, h, ~w", 1, {}),
    "frames that alternate": ("by t, ~h, ~w", 1, {}),
    "two paths": ("sum((by t, h, w), (by t, -h, -w))", 1, {}),
    "a learned gate": ("gate((by t, h, w), (by t, w, h))", 1, {}),
    "a mean": ("mean((by t, h, w), (by t, w, h))", 1, {}),
    "parts of the frame": ("scatter((by t, h, w where h == 0), (by t, w, h where h > 0))", 1, {}),
    "tubelets": ("by t // 2, hilbert(h, w), t % 2", 2, {}),
    "three frames at once": ("by t, h, w", 3, {}),
    "frames apart": ("by t, h, w restart by t", 1, {}),
    "a cycle of two scans": ("cycle((by t, h, w), (by t, w, h))", 1, {}),
    "the state space dual": ("by t, h, w", 1, {"kind": "ssd", "head": 8}),
    "no scan": ("by t, h, w", 1, {"kind": "none"}),
    "no convolution": ("by t, h, w", 1, {"convolution": None}),
    "a convolution along the first path": ("sum((by t, h, w), (by t, w, h))", 1, {"convolution": "first_path"}),
    "parameters per path": ("sum((by t, h, w), (by t, w, h))", 1, {"parameters": "per_path"}),
}


@torch.no_grad()
@pytest.mark.parametrize("case", STREAMS)
def test_parts_give_what_the_whole_gives(case):
    line, latency, mixer = STREAMS[case]
    model = backbone(line, **mixer)
    frames, whole = video(), model(video())
    for sizes in ([1] * 6, [4, 2], [6]):
        live = stream(model, latency)
        rows = torch.cat([live.read(part) for part in frames.split(sizes, dim=2)], dim=1)
        torch.testing.assert_close(rows, whole, rtol=1e-5, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("readout", ["mean", "max"])
def test_a_classifier_says_what_it_thinks_so_far(readout):
    torch.manual_seed(0)
    config = BackboneConfig(patch=(1, 4, 4), dim=8, positions="none", readout=readout)
    config = BackboneConfig(**{**vars(config), "mixer": MixerConfig(convolution="path")})
    model = Classifier(Backbone("by t, h, ~w", config, input_size=SIZE, channels=2), 3).eval()
    live = stream(model)
    for last in range(1, 7):
        so_far = live.read(video()[:, :, last - 1 : last])
        torch.testing.assert_close(so_far, model(video()[:, :, :last]), rtol=1e-5, atol=1e-5)


def test_gradients_go_back_through_the_state_until_it_is_cut():
    model = backbone("by t, h, w", "none")
    frames = video(3).requires_grad_()
    live = stream(model)
    rows = torch.cat([live.read(part) for part in frames.split(1, dim=2)], dim=1)
    (streamed,) = torch.autograd.grad(rows.square().sum(), frames)
    (whole,) = torch.autograd.grad(model(frames).square().sum(), frames)
    torch.testing.assert_close(streamed, whole, rtol=1e-4, atol=1e-5)
    live = stream(model)
    live.read(frames[:, :, :2])
    live.detach()
    (cut,) = torch.autograd.grad(live.read(frames[:, :, 2:]).square().sum(), frames)
    assert not cut[:, :, :2].any() and cut[:, :, 2].any()


@torch.no_grad()
def test_memory_does_not_grow_with_the_video():
    """Tables and states are all that is kept: as many after a thousand frames as after a few."""
    model = backbone("by t, ~h, ~w", "none", (4, 4, 4))
    live = stream(model)
    frame = torch.rand(1, 2, 1, 4, 4)

    def kept():
        states = sum(t.numel() for s in live._kept.states for t in (s.scan, s.convolution) if t is not None)
        return states, [len(groups._tables) for groups in live._groups.values()]

    for _ in range(10):
        live.read(frame)
    few = kept()
    for _ in range(1000):
        live.read(frame)
    assert kept() == few and max(few[1]) <= min(2, MOST_TABLES)


@torch.no_grad()
def test_torch_compile_takes_the_step():
    mixer = backbone("by t, h, w").blocks[0].mixer
    table = index_table(torch.tensor([[0]]), 1)
    table.continued()
    rows = torch.rand(2, 3, 1, 8)
    state, compiled_state = MixerState(), MixerState()
    compiled = torch.compile(mixer.step, fullgraph=True, backend="aot_eager")
    for i in range(3):
        want, state = mixer.step(rows[:, i], table, state)
        mixed, compiled_state = compiled(rows[:, i], table, compiled_state)
        torch.testing.assert_close(mixed, want)


REFUSED = {
    "frames last": (lambda: backbone("by h, w, t"), "(0, 0, 1)"),
    "backwards": (lambda: backbone("-(by t, h, w)"), "(0, 0, 0)"),
    "a chain": (lambda: backbone("chain((by t, h, w), (by t, w, h))"), "chain begins a path where another has ended"),
    "a mean token": (lambda: backbone("by t, h, w with mean at end"), "virtual tokens"),
    "the number of frames": (lambda: backbone("by t, (h + T) % 2, h, w"), "depends on T"),
    "a convolution on the grid": (lambda: backbone("by t, h, w", convolution="grid"), "in the next frame"),
    "attention": (lambda: backbone("by t, h, w", kind="attention", head=8, convolution=None), "'attention'"),
    "another head": (lambda: Segmenter(backbone("by t, h, w"), 2), "Segmenter"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_followed_is_refused(case):
    make, said = REFUSED[case]
    with pytest.raises(ScanlabError, match="S716") as caught:
        stream(make())
    assert said in str(caught.value)


def test_frames_that_do_not_fit_are_refused():
    live = stream(backbone("by t, h, w"))
    live.read(video(2))
    for frames in (torch.rand(2, 2, 1, 8, 4), torch.rand(3, 2, 1, 8, 8)):
        with pytest.raises(ScanlabError, match="S614"):
            live.read(frames)
    live.read(video(4))
    with pytest.raises(ScanlabError, match=r"S716.*6 steps") as caught:
        live.read(video(1))
    assert "this is step 6" in str(caught.value)
    live.reset()
    assert live.read(video(1)).shape == (2, 4, 8)
    with pytest.raises(ScanlabError, match="S716"):
        stream(backbone("by t, h, w"), latency=0)
    with pytest.raises(ScanlabError, match="S716"):
        stream(Classifier(backbone("by t // 2, h, w, t % 2"), 3), latency=2).read(video(1))
