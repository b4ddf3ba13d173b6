"""ONNX files: what they say of themselves, what they need, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from scanlab.export import FORMS, compare_onnx, open_onnx, to_onnx, write_onnx
from scanlab.export.check import Agreement
from scanlab.export.layout import layout_of
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig
from scanlab.ops import index_table

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def small(scan: str = "cross", **mixer: Any) -> Classifier:
    torch.manual_seed(0)
    config = BackboneConfig(dim=8, depth=1, mixer=MixerConfig(**mixer))
    return Classifier(Backbone(scan, config, input_size=(6, 8)), 3).eval()


def metadata_of(model: Any) -> dict[str, str]:
    return {entry.key: entry.value for entry in model.metadata_props}


@pytest.mark.parametrize("form", FORMS)
def test_a_file_says_what_it_is_and_needs(form: str, tmp_path: Path) -> None:
    model = small(kind="ssd", head=4, convolution="path")
    write_onnx(model, tmp_path / "m.onnx", form=form, metadata={"mine": "too"})
    file = onnx.load(tmp_path / "m.onnx")
    onnx.checker.check_model(file, full_check=True)
    said = metadata_of(file)
    assert said["scanlab.strategy_name"] == "cross" and said["scanlab.grid"] == "3x4" and said["mine"] == "too"
    assert said["scanlab.needs"] == FORMS[form].needs
    kinds = {node.op_type for node in file.graph.node}
    assert ("LinearAttention" in kinds) == FORMS[form].attention
    opsets = {opset.domain: opset.version for opset in file.opset_import}
    domain = {"com.microsoft": 1} if form == "onnxruntime" else {}
    assert opsets == {"": FORMS[form].opset, **domain}
    assert file.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "B"


def test_plain_graphs_have_no_control_flow() -> None:
    kinds = {node.op_type for node in to_onnx(small(state=512), form="plain").model.graph.node}
    assert not kinds & {"Scan", "Loop", "If", "LinearAttention"}
    assert "Scan" in {node.op_type for node in to_onnx(small(state=512)).model.graph.node}


def test_nodes_have_the_names_of_modules_and_orders_are_said() -> None:
    graph = to_onnx(small("hilbert")).model.graph
    names = [node.name for node in graph.node]
    assert len(set(names)) == len(names)
    assert any(name.startswith("backbone.stages.0.blocks.0.mixer.project_in.") for name in names)
    said = {node.doc_string for node in graph.node if node.op_type == "Gather"}
    assert "by hilbert(h, w)" in said
    assert "backbone.stages.0.blocks.0.mixer.project_in.weight" in {t.name for t in graph.initializer}


def test_orders_that_layers_share_are_held_once() -> None:
    model = Classifier(Backbone("hilbert", BackboneConfig(dim=8, depth=5), input_size=(8, 8)), 3)
    tables = [
        t for t in to_onnx(model).model.graph.initializer if t.data_type == onnx.TensorProto.INT64 and len(t.dims)
    ]
    assert len({t.raw_data for t in tables if t.dims[0] == 16}) == sum(t.dims[0] == 16 for t in tables) <= 3


@pytest.mark.parametrize("form", ["portable", "plain"])
def test_onnxs_own_evaluator_agrees(form: str) -> None:
    """The semantics of the standard, by its reference implementation: slow, and no runtime of anybody's."""
    from onnx.reference import ReferenceEvaluator

    for kind in ("scan", "ssd", "lstm"):
        model = small("sum(row, -row)", kind=kind, head=8, convolution="path")
        images = torch.rand(2, 1, 6, 8)
        exported = to_onnx(model, form=form).model
        got = ReferenceEvaluator(exported).run(None, {"images": images.numpy()})[0]
        assert np.abs(got - model(images).detach().numpy()).max() < 1e-5


def test_two_sessions_give_the_same_bits_for_any_batch() -> None:
    exported = to_onnx(small()).model
    images = np.random.default_rng(0).random((5, 1, 6, 8), np.float32)
    one, other = (open_onnx(exported).run(None, {"images": images})[0] for _ in range(2))
    assert np.array_equal(one, other) and one.shape == (5, 3)
    assert open_onnx(exported).run(None, {"images": images[:2]})[0].shape == (2, 3)


def test_a_runtime_without_the_operator(tmp_path: Path) -> None:
    """As an older onnxruntime refuses the file: here by an operator that none has yet."""
    model = to_onnx(small(kind="ssd", head=4)).model
    for node in model.graph.node:
        if node.op_type == "LinearAttention":
            node.op_type = "LinearAttentionOfTheFuture"
    with pytest.raises(ScanlabError, match="lacks an operator") as caught:
        open_onnx(model)
    diagnostic = caught.value.diagnostics[0]
    assert (
        diagnostic.code == "S783"
        and "com.microsoft.LinearAttention" in diagnostic.note
        and "--plain" in diagnostic.help
    )
    path = tmp_path / "future.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ScanlabError, match="the file needs onnxruntime with its contrib operator"):
        open_onnx(path)


def test_what_is_no_file_of_onnx(tmp_path: Path) -> None:
    (tmp_path / "not.onnx").write_bytes(b"a text")
    for path in (tmp_path / "not.onnx", tmp_path / "missing.onnx"):
        with pytest.raises(ScanlabError, match="S784"):
            open_onnx(path)
    with pytest.raises(ScanlabError, match="S784"):
        write_onnx(small(), tmp_path / "no folder" / "m.onnx")


class _Adapter(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x) * 2


class _Doubled(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2


def test_what_would_be_left_out_is_refused() -> None:
    adapted, hooked, other = small(), small(), small()
    adapted.backbone.blocks[0].mixer.project_in = _Adapter(adapted.backbone.blocks[0].mixer.project_in)
    hooked.head.register_forward_hook(lambda module, given, y: y + 1)
    other.head = nn.Sequential(nn.Dropout(), other.head)
    for model, name in (
        (adapted, "project_in"),
        (hooked, "head is a Linear with a hook"),
        (other, "head is a Sequential"),
    ):
        with pytest.raises(ScanlabError, match=name) as caught:
            to_onnx(model)
        assert caught.value.diagnostics[0].code == "S782"
    with pytest.raises(ScanlabError, match="S782"):
        to_onnx(nn.Linear(2, 2))


def test_parametrised_weights_are_as_they_compute() -> None:
    model = small()
    parametrize.register_parametrization(model.head, "weight", _Doubled())
    for row in compare_onnx(model, to_onnx(model), (2,), runs=0):
        assert row.difference < 1e-5


def test_an_order_per_sample_is_refused() -> None:
    orders = torch.stack([torch.randperm(4)[None] for _ in range(3)])
    with pytest.raises(ScanlabError, match="S781"):
        layout_of([index_table(orders, 4)])


def test_forms_that_there_are_not() -> None:
    with pytest.raises(ScanlabError, match="S785"):
        to_onnx(small(), form="onnxrt")


def test_disagreement_is_a_share_of_large_outputs() -> None:
    assert Agreement(1, 1e-3, 20.0, 1.0, 1.0).agrees
    assert not Agreement(1, 1e-3, 2.0, 1.0, 1.0).agrees


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_without_the_extra(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    exported = to_onnx(small())
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ScanlabError, match=missing) as caught:
        to_onnx(small()) if missing == "onnx" else open_onnx(exported.model)
    assert caught.value.diagnostics[0].code == "S780"
    assert 'pip install "scanlab[export]"' in caught.value.diagnostics[0].help


def test_onnx_is_imported_when_it_is_used() -> None:
    code = "import sys, scanlab, scanlab.export; assert not {'onnx', 'onnxruntime'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
