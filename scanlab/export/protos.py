"""A written graph as ONNX's own messages, checked."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

import scanlab
from scanlab.export.extras import need
from scanlab.export.forms import Form
from scanlab.export.graph import KINDS, NAMES, Graph, Node, Value
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["model_of"]


def model_of(graph: Graph, form: Form, name: str, metadata: Mapping[str, str]) -> Any:
    """The ModelProto of a graph. Raises S787, a mistake of ours, where onnx refuses it, and S780."""
    onnx = need("onnx")
    helper = need("onnx.helper")
    tensors = [_tensor(key, array) for key, array in graph.constants.items()]
    proto = helper.make_graph(
        [_node(node) for node in graph.nodes],
        name,
        [_info(value, NAMES) for value in graph.inputs],
        [_info(value, NAMES) for value in graph.outputs],
        tensors,
    )
    # What onnx cannot infer, since it does not know the operator.
    proto.value_info.extend(_info(value) for value in graph.foreign)
    domains = sorted({"", *(node.domain for node in graph.nodes)})
    opsets = [helper.make_opsetid(domain, form.opset if not domain else 1) for domain in domains]
    version = {"producer_name": "scanlab", "producer_version": scanlab.__version__, "ir_version": form.ir}
    model = helper.make_model(proto, opset_imports=opsets, **version)
    helper.set_model_props(model, dict(metadata))
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ScanlabError.at("S787", "onnx refuses the graph that was written", note=str(error)[:2000]) from error
    return model


def _node(node: Node) -> Any:
    helper = need("onnx.helper")
    attributes = dict(node.attributes)
    if node.body is not None:
        inner = node.body
        attributes["body"] = helper.make_graph(
            [_node(one) for one in inner.nodes],
            f"{node.name}.body",
            [_info(value) for value in inner.inputs],
            [_info(value) for value in inner.outputs],
        )
    names = {"name": node.name, "domain": node.domain, "doc_string": node.doc or None}
    return helper.make_node(node.kind, list(node.inputs), list(node.outputs), **names, **attributes)


def _tensor(name: str, array: np.ndarray) -> Any:
    return need("onnx.numpy_helper").from_array(array, name)


def _info(value: Value, names: Mapping[int, str] = MappingProxyType({})) -> Any:
    """The type of a value; the size of a batch is open, and has a name where it is the whole graph's."""
    sizes = [names.get(size) if size < 0 else size for size in value.shape]
    return need("onnx.helper").make_tensor_value_info(value.name, KINDS[value.dtype], sizes)
