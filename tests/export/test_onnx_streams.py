"""Graphs with state in and out: one part after the other gives what the whole gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from scanlab.export import FORMS, compare_onnx, open_onnx, run_stream, to_onnx
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig, NextFrame, NextPatch, Segmenter, TextReader

pytest.importorskip("onnxruntime")


def shaken(model: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    return model.eval()


def agree(model: nn.Module, form: str = "onnxruntime", **how: object) -> None:
    exported = to_onnx(shaken(model), form=form, state=True, **how)
    for row in compare_onnx(model, exported, (1, 3), runs=0):
        assert row.difference <= 1e-5 * max(1, row.largest), row


def video(scan: str, size: tuple[int, ...] = (6, 8, 8), **settings: object) -> Backbone:
    mixer = {"convolution": "path"} | settings.pop("mixer", {})
    config = {"patch": (1, 4, 4), "dim": 16, "positions": "none", "mixer": MixerConfig(**mixer)} | settings
    return Backbone(scan, BackboneConfig(**config), input_size=size, channels=2)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["scan", "ssd", "none"])
def test_a_video_frame_by_frame(kind: str, form: str) -> None:
    agree(video("by t, h, ~w", mixer={"kind": kind, "head": 8}), form)


@pytest.mark.parametrize(
    ("scan", "latency"),
    [
        ("sum((by t, h, w), (by t, w, h))", 1),
        ("gate((by t, h, w), (by t, ~w, h))", 1),
        ("by t // 2, h, w, t % 2", 2),
        ("by t, ~h, ~w", 1),  # two phases: frames are read up and down in turn
        ("by t, h, w restart by t", 1),
        ("by t, h, w restart by t // 2", 1),
        ("by t, h, w restart by t, h", 1),
    ],
)
def test_orders_of_groups(scan: str, latency: int) -> None:
    agree(video(scan, mixer={"parameters": "per_path"}), latency=latency)


@pytest.mark.parametrize("readout", ["mean", "max"])
def test_a_classifier_of_all_frames_so_far(readout: str) -> None:
    model = Classifier(video("by t, h, w", readout=readout), 3)
    agree(model)
    with torch.no_grad():
        model.backbone.norm.bias -= 9  # all rows are below 0, where a state of zeros would be the greatest
    exported = to_onnx(model, state=True)
    assert all(row.agrees for row in compare_onnx(model, exported, (2,), runs=0))


@pytest.mark.parametrize("positions", ["learned", "factored"])
def test_positions_of_the_first_frames(positions: str) -> None:
    agree(video("by t, h, w", positions=positions))


@pytest.mark.parametrize("scan", ["hilbert", "by h, ~w restart by h", "by w, h"])
@pytest.mark.parametrize("kind", ["scan", "ssd"])
def test_the_next_patch_one_after_the_other(kind: str, scan: str) -> None:
    config = BackboneConfig(dim=16, mixer=MixerConfig(kind=kind, convolution="path", head=8))
    agree(NextPatch(Backbone(scan, config, input_size=(6, 8)), loss="bits", levels=16))


def next_frame(scan: str = "by t, h, ~w", size: tuple[int, ...] = (6, 8, 8), **settings: object) -> NextFrame:
    return NextFrame(video(scan, size, **settings))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["scan", "ssd", "none"])
def test_the_next_frame_one_after_the_other(kind: str, form: str) -> None:
    agree(next_frame(mixer={"kind": kind, "head": 8}), form)


@pytest.mark.parametrize(
    ("scan", "settings"),
    [
        ("sum((by t, h, w), (by t, -h, -w))", {"size": (5, 9, 11)}),
        ("by t, ~h, ~w", {"positions": "learned"}),
        ("by h, w", {"size": (4, 7), "patch": (1, 2)}),
        ("by t, h, w restart by t // 2", {}),
    ],
)
def test_frames_that_patches_do_not_divide_and_orders_in_turn(scan: str, settings: dict[str, object]) -> None:
    agree(next_frame(scan, **settings))


@pytest.mark.parametrize("form", FORMS)
def test_twenty_frames_are_the_whole_video(form: str) -> None:
    """Of a model that was built for six: after every frame what the whole expects there."""
    model = shaken(next_frame("sum((by t, h, w), (by t, -h, -w))"))
    frames = torch.rand(2, 1, 20, 8, 8, generator=torch.Generator().manual_seed(0))
    session = open_onnx(to_onnx(model, form=form, state=True).model)
    answers = run_stream(session, [frame.numpy() for frame in frames.split(1, dim=2)])
    with torch.no_grad():
        wanted = model(frames).numpy()
    got = np.concatenate([out["expected"] for out in answers], axis=2)
    assert got.shape == wanted.shape == (2, 1, 20, 8, 8)
    assert np.abs(got - wanted).max() <= 1e-5 * max(1, np.abs(wanted).max())
    assert np.abs(got[:, :, 0] - frames[:, :, 0].numpy()).max() > 1e-2  # the model expects some change


def test_the_frame_before_is_a_state() -> None:
    graph = to_onnx(next_frame(), state=True).model.graph
    assert {"frames", "state.frame", "state.step"} <= {value.name for value in graph.input}
    assert {"expected", "state.frame.next", "state.step.next"} <= {value.name for value in graph.output}


def test_states_have_names_and_sizes_of_their_layers_and_paths() -> None:
    exported = to_onnx(video("sum((by t, h, w), (by t, w, h))"), state=True)
    names = {value.name for value in exported.model.graph.input}
    states = {f"state.{layer}.{path}{kind}" for layer in (0, 1) for path in (0, 1) for kind in ("", ".convolution")}
    assert names == {"frames", "state.step", *states}
    assert {f"{name}.next" for name in names - {"frames"}} <= {value.name for value in exported.model.graph.output}


def test_the_state_does_not_grow_and_two_runs_are_equal() -> None:
    session = open_onnx(to_onnx(shaken(video("by t, h, w")), state=True).model)
    frames = [np.random.default_rng(i).random((1, 2, 1, 8, 8), np.float32) for i in range(20)]
    first, again = run_stream(session, frames), run_stream(session, frames)
    assert len(first) == 20
    assert all(np.array_equal(a["rows"], b["rows"]) for a, b in zip(first, again, strict=True))
    assert np.isfinite(first[-1]["rows"]).all()


def test_models_without_a_state_are_refused() -> None:
    segmenter = Segmenter(Backbone("cross", BackboneConfig(dim=8), input_size=(8, 8)), 2)
    with pytest.raises(ScanlabError, match="follows one frame"):
        to_onnx(next_frame(), state=True, latency=2)
    for model, word in (
        (segmenter, "Segmenter"),
        (video("by h, w, t"), "cannot be followed"),
        (video("by t, h, w", mixer={"convolution": "grid"}), "convolution on the grid"),
        (video("by t, (h + t) % 37, w"), "more than 16 ways"),
        (video("by t, h, w", mixer={"kind": "lstm"}), "keeps no state"),
        (TextReader(Backbone("column", BackboneConfig(dim=8), input_size=(8, 8)), "ab"), "TextReader"),
    ):
        with pytest.raises(ScanlabError, match=word):
            to_onnx(model, state=True)
