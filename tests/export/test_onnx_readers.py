"""Exported readers of text: the text that another runtime decodes, lines of other widths, and what the file says."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

import numpy as np
import pytest
import torch

from scanlab.data import load
from scanlab.export import FORMS, compare_onnx, open_onnx, to_onnx
from scanlab.export import reading as written
from scanlab.nn import Backbone, BackboneConfig, MixerConfig, TextReader

pytest.importorskip("onnxruntime")
ALONG = MixerConfig(convolution="path")
LINES = {
    "columns both ways": ("sum(column, -column)", (16, 40), {"mixer": ALONG}),
    "another order for every width": ("hilbert", (32, 45), {"mixer": ALONG}),
    "learned positions": ("sum(row, -column)", (16, 40), {"positions": "learned", "stem": "patch_norm"}),
    "stages": ("cross", (32, 50), {"depth": (1, 1), "patch": 4, "mixer": MixerConfig(convolution="grid")}),
    "stages that overlap": (
        *("cross", (32, 50)),
        {"depth": (1, 1), "patch": 4, "stem": "overlapping", "downsample": "overlapping"},
    ),
    "a stem that halves": ("sum(row, -row)", (48, 90), {"patch": (16, 8), "stem": "halving", "mixer": ALONG}),
    "real heads": ("sum(row, -column)", (16, 40), {"mixer": MixerConfig(kind="ssd", head=8, convolution="path")}),
    "an LSTM": ("snake", (16, 40), {"mixer": MixerConfig(kind="lstm")}),
    "attention": ("row with cls at middle", (16, 40), {"mixer": MixerConfig(kind="attention", head=8)}),
    "a convolution": ("row", (16, 40), {"mixer": MixerConfig(kind="convolution")}),
    "no scan": ("sum(row, -row)", (16, 40), {"mixer": MixerConfig(kind="none", convolution="path")}),
    "a class token": ("sum(row, -row) with cls at middle", (16, 40), {"mixer": ALONG}),
    "a mean token": ("sum(row, -row) with mean at start", (16, 40), {"mixer": ALONG}),
    "restarts at every column": ("by w, h restart by w", (16, 40), {"mixer": ALONG}),
}


def reader(line: str = "sum(column, -column)", size: tuple[int, int] = (16, 40), **settings: Any) -> TextReader:
    torch.manual_seed(0)
    steps = settings.pop("steps", "columns")
    config = {"patch": (8, 4), "dim": 16, "depth": 1, "positions": "none", **settings}
    model = TextReader(Backbone(line, BackboneConfig(**config), input_size=size), "abcdé \U0001d538", steps)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
        model.head.weight *= 8  # so that texts have many symbols
    return model.eval()


def said_by(exported: Any) -> dict[str, str]:
    return {entry.key: entry.value for entry in exported.model.metadata_props}


def decoded(logits: np.ndarray, said: dict[str, str]) -> list[str]:
    """As a person would in another language: by what the file says, without ScanLab."""
    alphabet, blank = json.loads(said["scanlab.alphabet"]), int(said["scanlab.blank"])
    return ["".join(alphabet[n] for n, _ in groupby(line.tolist()) if n != blank) for line in logits.argmax(2)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", LINES)
def test_lines_of_every_width_equal_torch(name: str, form: str) -> None:
    line, size, settings = LINES[name]
    model = reader(line, size, **settings)
    exported = to_onnx(model, form=form)
    session, side = open_onnx(exported.model), model.backbone.embed.patch[1]
    for width in (side, side + 1, 2 * side, size[1] // 2, size[1] - side, size[1] - 1, size[1]):
        images = torch.rand(2, 1, size[0], width, generator=torch.Generator().manual_seed(width))
        with torch.no_grad():
            wanted = model(images).numpy()
        got = session.run(None, {"images": images.numpy()})[0]
        assert got.shape == wanted.shape, width
        assert np.abs(got - wanted).max() <= 2e-5 * max(1, np.abs(wanted).max()), width


@pytest.mark.parametrize("scan", ["by w // 5, h, w", "by h, w where h > 0", "sum(row, -row) with cls at middle"])
@pytest.mark.parametrize("form", FORMS)
def test_pages_are_read_in_the_order_of_the_path(scan: str, form: str) -> None:
    model = reader(scan, (32, 52), steps="path", mixer=ALONG)
    exported = to_onnx(model, form=form)
    session = open_onnx(exported.model)
    for width in (4, 30, 52):
        images = torch.rand(1, 1, 32, width, generator=torch.Generator().manual_seed(width))
        texts = decoded(session.run(None, {"images": images.numpy()})[0], said_by(exported))
        assert texts == model.read(images) and texts[0], width


def test_the_text_of_lines_is_that_of_the_reader() -> None:
    """Lines of handwritten digits, of several widths, by what the file says alone."""
    lines = load("digit-lines")
    torch.manual_seed(0)
    images = [torch.tensor(lines.images[number]) for number in lines.test[:8]]
    widest = max(image.shape[2] for image in images)
    assert len({image.shape for image in images}) > 2
    config = BackboneConfig(patch=(4, 2), dim=16, depth=1, positions="none", mixer=ALONG)
    backbone = Backbone("sum(column, -column)", config, input_size=(images[0].shape[1], widest))
    model = TextReader(backbone, "".join(lines.class_names)).eval()
    exported = to_onnx(model)
    session, said = open_onnx(exported.model), said_by(exported)
    texts = [decoded(session.run(None, {"images": image[None].numpy()})[0], said)[0] for image in images]
    assert texts == model.read(images)
    assert len(set(texts)) > 1


@pytest.mark.parametrize("form", ["portable", "plain"])
@pytest.mark.parametrize("kind", ["scan", "lstm"])
def test_onnxs_own_evaluator_reads_other_widths(kind: str, form: str) -> None:
    """So that nothing rests on what onnxruntime alone does: in any runtime the filling is read last."""
    from onnx.reference import ReferenceEvaluator

    model = reader(mixer=MixerConfig(kind=kind))
    evaluator = ReferenceEvaluator(to_onnx(model, form=form).model)
    for width in (40, 17):
        images = torch.rand(2, 1, 16, width, generator=torch.Generator().manual_seed(width))
        got = evaluator.run(None, {"images": images.numpy()})[0]
        assert np.abs(got - model(images).detach().numpy()).max() < 1e-5


def test_a_file_says_the_alphabet_the_blank_and_its_widths() -> None:
    exported = to_onnx(reader())
    said = said_by(exported)
    assert json.loads(said["scanlab.alphabet"]) == ["a", "b", "c", "d", "é", " ", "\U0001d538"]
    assert said["scanlab.blank"] == "7" and said["scanlab.steps"] == "columns"
    assert said["scanlab.widths"].startswith("4 to 40 pixels") and "4 to 40 pixels" in exported.notes()[-1]
    [given], [put_out] = exported.model.graph.input, exported.model.graph.output
    assert [d.dim_param or d.dim_value for d in given.type.tensor_type.shape.dim] == ["B", 1, 16, "W"]
    assert [d.dim_param or d.dim_value for d in put_out.type.tensor_type.shape.dim] == ["B", "steps", 8]


def test_a_line_that_is_too_wide_is_refused_by_the_runtime() -> None:
    """And never cut: twice the width is the size of a batch of two."""
    session = open_onnx(to_onnx(reader()).model)
    for batch, width in ((1, 41), (1, 44), (1, 80), (2, 60)):
        with pytest.raises(Exception, match=r"(?i)reshape"):
            session.run(None, {"images": np.zeros((batch, 1, 16, width), np.float32)})


@pytest.mark.parametrize(
    ("line", "settings", "why"),
    [
        ("by h, w restart by h", {}, "begin anew at other steps"),
        ("chain(row, column)", {}, "begin anew at other steps"),
        ("by h, w where w > 0", {}, "cannot be followed over 2x1 patches"),
        ("row", {"patch": 8, "stride": 4}, "patches overlap"),
        (
            "sum(orbit((by h, w restart by h), reverse), orbit((by w, h restart by w), reverse))",
            {"mixer": MixerConfig(kind="cascade", convolution="grid", parameters="per_path")},
            "a cascade",
        ),
    ],
)
def test_one_width_alone_is_said_with_its_reason(line: str, settings: dict[str, Any], why: str) -> None:
    model = reader(line, **settings)
    for size in ((16, 40), (16, 24), (16, 61)):  # a file for each
        exported = to_onnx(model, size=size)
        assert why in exported.widths and exported.widths.startswith(f"{size[1]} pixels, no others")
        assert all(row.difference < 2e-5 for row in compare_onnx(model, exported, (1, 3), runs=0))


def test_tables_have_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanlab.export.widths.MOST_NUMBERS", 100)
    assert "tables for 10 widths would be too large" in to_onnx(reader()).widths
    assert "positions, resized to 10 widths" in to_onnx(reader(positions="learned")).widths


def test_the_check_looks_at_other_widths(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is right at its own width alone does not pass."""
    model = reader()
    assert all(row.agrees for row in compare_onnx(model, to_onnx(model), (2,), runs=0))
    right = written.in_widths

    def wrong(*given: Any) -> Any:
        layouts = right(*given)
        for layout in layouts.values():
            layout.rows[1:, :, :2] = layout.rows[1:, :, [1, 0]]
        return layouts

    monkeypatch.setattr(written, "in_widths", wrong)
    assert not any(row.agrees for row in compare_onnx(model, to_onnx(model), (2,), runs=0))


def test_the_model_keeps_the_tables_of_its_usual_grids() -> None:
    model = reader(size=(16, 160))
    before = [name for name, _ in model.named_buffers()]
    to_onnx(model)
    assert [name for name, _ in model.named_buffers()] == before
