"""Exported models equal torch's reference: every kind of mixer, convolution, parameters, merge, head, axes and form."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import nn

from scanlab.export import FORMS, compare_onnx, to_onnx
from scanlab.export.decoders import DECODERS as WRITTEN_DECODERS
from scanlab.export.heads import HEADS, POOLS
from scanlab.export.mixers import MIXERS as WRITTEN
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig, NextFrame, NextPatch, Segmenter, set_scan
from scanlab.nn.detector import Detector
from scanlab.nn.features import Features
from scanlab.nn.kinds import CONVOLUTIONS, DECODERS, MIXERS, PARAMETERS, READOUTS
from scanlab.zoo.checkpoints import HEADS as SAVED

pytest.importorskip("onnxruntime")
SCANS = (
    *("row", "cross", "gate(row, column)", "heads(row, sum(column, -column))", "mean(row, -row, column)", "efficient"),
    *(
        "by h, w where h > 0",
        "sum(row, -row) with cls at middle",
        "chain(row, column)",
        "sum(row, -row) with mean at start",
    ),
    *("sum((by h // 2, w, h restart by h // 2), -(by w, h restart by w))", "gate(row, chain(column, -row))"),
)


def shaken(model: nn.Module) -> nn.Module:
    """With weights that all count: gates, biases and tokens start where they do nothing."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    return model.eval()


def agree(model: nn.Module, form: str = "onnxruntime", batches: tuple[int, ...] = (2,), **how: object) -> None:
    exported = to_onnx(shaken(model), form=form, **how)
    for row in compare_onnx(model, exported, batches, runs=0):
        assert row.difference <= 1e-5 * max(1, row.largest), row


def classifier(scan: str, size: tuple[int, ...] = (8, 6), **settings: object) -> Classifier:
    readout = "cls" if "cls" in scan else "mean"
    config = BackboneConfig(**{"dim": 16, "depth": 1, "readout": readout} | settings)
    return Classifier(Backbone(scan, config, input_size=size, channels=2), classes=5)


KINDS = [
    (kind, convolution, parameters)
    for kind, convolution, parameters in product(MIXERS, CONVOLUTIONS, PARAMETERS)
    if kind not in ("cascade", "attention", "lstm", "convolution") or (convolution, parameters) == ("grid", "per_path")
]


@pytest.mark.parametrize("number", range(len(KINDS)), ids=lambda n: "-".join(map(str, KINDS[n])))
def test_every_kind_of_mixer(number: int) -> None:
    kind, convolution, parameters = KINDS[number]
    mixer = MixerConfig(kind=kind, convolution=convolution, parameters=parameters, head=8, average=number % 2 == 0)
    scans = [SCANS[(number + i) % len(SCANS)] for i in (0, 5)]
    if kind == "cascade":
        scans = ["sum(orbit((by h, w restart by h), reverse), orbit((by w, h restart by w), reverse))"]
    if convolution == "first_path":
        scans = [scan for scan in scans if "chain" not in scan]
    if kind == "lstm":
        scans = ["chain(column, row)", "sum(hilbert, -row) with cls at middle"]
    for form, scan in zip(("onnxruntime", "portable", "plain"), [*scans, scans[0], scans[-1]][:3], strict=True):
        agree(classifier(scan, mixer=mixer), form, batches=(2,))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("scan", SCANS)
def test_every_merge_and_token(scan: str, form: str) -> None:
    agree(classifier(scan, mixer=MixerConfig(parameters="per_path", convolution="path")), form, batches=(1,))


LSTM_SCANS = (
    *("snake", "sum(row, -row) with cls at middle", "sum(column, row) with mean at start"),
    *("by h, w restart by h", "gate(hilbert, row)"),
)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("scan", LSTM_SCANS)
def test_an_lstm_along_the_path_and_back(scan: str, form: str) -> None:
    model = classifier(scan, (8, 10), depth=2, mixer=MixerConfig(kind="lstm"))
    agree(model, form, batches=(1, 3))
    nodes = [node for node in to_onnx(model, form=form).model.graph.node if node.op_type == "LSTM"]
    # Of each layer one there and one back, of the standard operators.
    assert [node.domain for node in nodes] == [""] * 4


def test_a_path_that_leaves_patches_out_is_none_for_an_lstm() -> None:
    model = classifier("row", mixer=MixerConfig(kind="lstm"))
    set_scan(model, "by h, w where h > 0")
    with pytest.raises(ScanlabError, match="does not visit every patch"):
        to_onnx(model)


def test_both_class_tokens() -> None:
    scan = "sum(row, -row) with cls at both"
    config = BackboneConfig(dim=16, readout="both", mixer=MixerConfig(convolution="path"))
    agree(Classifier(Backbone(scan, config, input_size=(8, 8)), 3))
    # One token that is visited twice.
    agree(classifier(scan, mixer=MixerConfig(convolution="path", parameters="per_path")))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["scan", "ssd"])
def test_stages_of_both_kinds(kind: str, form: str) -> None:
    mixer = MixerConfig(kind=kind, convolution="grid", head=8, state=1 if kind == "scan" else 4)
    for stem, downsample in (("patch_norm", "merge"), ("overlapping", "overlapping")):
        config = {"dim": 16, "depth": (1, 1), "mixer": mixer, "patch": 4, "positions": "none", "mlp": 2.0}
        agree(classifier("cross", (22, 17), stem=stem, downsample=downsample, **config), form)


@pytest.mark.parametrize("norm_kind", ["layer", "rms"])
@pytest.mark.parametrize(
    ("scan", "size"), [("by w", (19,)), ("by t, ~h, w", (3, 4, 6)), ("sum((by t, h, w), (by w, h, t))", (4, 4, 3))]
)
def test_one_and_three_axes(scan: str, size: tuple[int, ...], norm_kind: str) -> None:
    factored = "factored" if len(size) == 3 else "learned"
    mixer = MixerConfig(convolution="grid")
    agree(classifier(scan, size, norm_kind=norm_kind, positions=factored, mixer=mixer))


@pytest.mark.parametrize("size", [(8, 8), (12, 10), (7, 9)])
def test_three_sizes_of_images(size: tuple[int, int]) -> None:
    """Positions are resized, and the order is that of the other grid; extents that patches do not divide are filled."""
    agree(classifier("hilbert", (8, 8)), size=size)
    agree(classifier("cross", (8, 8), stride=1, patch=3), size=size)


def test_a_stem_that_halves() -> None:
    agree(classifier("cross", (16, 24), stem="halving", patch=8))


def test_a_plan_of_layers() -> None:
    agree(classifier("layers(cross, hilbert)", depth=2))


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("scan", ["cross", "by w", "by t, h, w"])
def test_segmenters(scan: str, decoder: str) -> None:
    size = {"cross": (10, 9), "by w": (21,), "by t, h, w": (4, 5, 6)}[scan]
    config = BackboneConfig(dim=16, depth=(1, 1), mixer=MixerConfig(convolution="grid"))
    agree(Segmenter(Backbone(scan, config, input_size=size, channels=2), 3, width=8, decoder=decoder))


def test_patches_that_overlap_under_a_pyramid() -> None:
    config = BackboneConfig(dim=16, depth=1, patch=4, stride=2)
    agree(Segmenter(Backbone("cross", config, input_size=(10, 9), channels=2), classes=3, width=8))


def test_detectors() -> None:
    config = BackboneConfig(patch=4, dim=16, depth=(1, 1))
    agree(Detector(Backbone("cross", config, input_size=(32, 20), channels=2), classes=3, width=8))


@pytest.mark.parametrize("depth", [(1, 1, 1), 4])
def test_maps_for_other_heads(depth: int | tuple[int, ...]) -> None:
    config = BackboneConfig(dim=16, depth=depth)
    agree(Features(Backbone("cross", config, input_size=(16, 12), channels=2), out_indices=(0, 2)))
    agree(Features(Backbone("cross", config, input_size=(16, 12), channels=2), out_indices=(1,)))


def test_a_classifier_of_no_classes() -> None:
    model = Classifier(Backbone("cross", BackboneConfig(dim=16), input_size=(8, 8)), 0)
    agree(model)
    assert [value.name for value in to_onnx(model).model.graph.output] == ["features"]


@pytest.mark.parametrize("loss", ["mse", "bits"])
def test_the_next_patch(loss: str) -> None:
    agree(NextPatch(Backbone("hilbert", BackboneConfig(dim=16), input_size=(8, 6), channels=2), loss, levels=16))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("scan", "size", "patch", "channels"),
    [
        ("sum((by t, h, w), (by t, -h, -w))", (5, 9, 11), (1, 4, 2), 6),
        ("by t, ~h, ~w", (1, 8, 8), (1, 4, 4), 2),
        ("by h, w", (4, 7), (1, 2), 2),
    ],
)
def test_the_next_frame(scan: str, size: tuple[int, ...], patch: tuple[int, ...], channels: int, form: str) -> None:
    """Frames that patches do not divide, a video of one frame, frames of one axis."""
    config = BackboneConfig(dim=16, patch=patch, mixer=MixerConfig(convolution="path"))
    model = NextFrame(Backbone(scan, config, input_size=size, channels=channels))
    agree(model, form, batches=(1, 3))
    for other in ((3, *size[1:]), (7, *size[1:])):
        agree(model, form, size=other)
    [given], [put_out] = (getattr(to_onnx(model).model.graph, side) for side in ("input", "output"))
    sizes = [[d.dim_value for d in value.type.tensor_type.shape.dim] for value in (given, put_out)]
    assert sizes[0] == sizes[1] == [0, channels // 2, *size] and put_out.name == "expected"


def test_a_backbone_alone() -> None:
    config = BackboneConfig(dim=16)
    agree(Backbone("sum(row, -row) with cls at middle", config, input_size=(8, 6)))


@pytest.mark.parametrize("readout", READOUTS)
def test_readouts(readout: str) -> None:
    scan = {"cls": "sum(row, -row) with cls at end", "both": "sum(row, -row) with cls at both"}.get(readout, "row")
    config = BackboneConfig(dim=16, readout=readout)
    agree(Classifier(Backbone(scan, config, input_size=(4, 4)), 3))


def test_there_is_a_row_for_all_that_there_is() -> None:
    assert set(POOLS) == set(READOUTS)
    assert {kind.mixer for kind in MIXERS.values()} == set(WRITTEN)
    assert {*SAVED.values(), Backbone} == set(HEADS)
    assert set(WRITTEN_DECODERS) == {kind.decoder for kind in DECODERS.values()}
