"""Models as ONNX files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

import scanlab
from scanlab.export.context import Context, check_modules
from scanlab.export.forms import WAYS, Choice, form_named
from scanlab.export.graph import Graph
from scanlab.export.heads import head_form
from scanlab.export.protos import model_of
from scanlab.export.streams import write_stream
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import Extents, grid_of
from scanlab.ir.text import count_text, grid_text, reason_of
from scanlab.nn import Backbone
from scanlab.nn.backbone import backbone_of
from scanlab.places import FOR_ALL, write_whole

__all__ = ["Exported", "to_onnx", "write_onnx"]

STATE_PROTOCOL = (
    "Feed zeros for every input whose name begins with `state.` at first, and the output of the same name with `.next` "
    "after that."
)


@dataclass(frozen=True)
class Exported:
    """A model as it was written. model: onnx's ModelProto. form: a row of `FORMS`. extents: of what it reads, in
    pixels. choices: by the name of a mixer, how its scan is written and why. state: whether it goes on from a state.
    widths: of lines of text, which widths it reads, in words.

    >>> from scanlab.nn import Backbone, BackboneConfig, Classifier
    >>> model = Classifier(Backbone("cross", BackboneConfig(dim=8), input_size=(8, 8)), classes=3)
    >>> to_onnx(model, form="plain").notes()
    ['2 scans: blocks of steps side by side, plain operators; plain operators were asked for']
    """

    model: Any
    form: str
    extents: tuple[int, ...]
    choices: Mapping[str, Choice]
    state: bool = False
    widths: str = ""

    def notes(self) -> list[str]:
        """How many scans were written in which way, and why, and which widths of lines are read, a sentence each."""
        ways = Counter((choice.way, choice.why) for choice in self.choices.values())
        scans = [f"{count_text(n, 'scan')}: {WAYS[way].what}; {why}" for (way, why), n in ways.items()]
        return scans + ([f"widths of lines: {self.widths}"] if self.widths else [])


def to_onnx(
    model: nn.Module,
    *,
    size: Extents | None = None,
    form: str = "onnxruntime",
    state: bool = False,
    latency: int = 1,
    metadata: Mapping[str, str] | None = None,
) -> Exported:
    """A model as a graph of ONNX operators, for inputs of one size and any number of them at once.

    model: any head of `scanlab.nn`, or a Backbone, as in evaluation mode and float32. size: extents of the inputs in
    pixels, by default the model's own; the orders are tables in the graph, so another size is another file. The file
    of a TextReader holds those of all widths up to its own, where its paths allow it.
    form: "onnxruntime" takes its contrib operator for scans of real heads and what was fastest there for others;
    "portable" the LinearAttention of ONNX's opset 27; "plain" operators of opset 21, without control flow. state: a
    graph that reads a video group of `latency` frames by group, or the next patch, and takes and gives the state;
    see `scanlab.nn.stream`. metadata: more for the file to say. Raises S780 to S787, S614, and S716 for a model without
    such a state.

    >>> from scanlab.nn import Backbone, BackboneConfig, Classifier
    >>> model = Classifier(Backbone("hilbert", BackboneConfig(dim=8), input_size=(8, 8)), classes=3)
    >>> exported = to_onnx(model)
    >>> [(value.name, len(value.type.tensor_type.shape.dim)) for value in exported.model.graph.input]
    [('images', 4)]
    """
    row, head = form_named(form), head_form(model)
    check_modules(model)
    backbone = backbone_of(model)
    extents = backbone.input_size if size is None else grid_of(size, what="size")
    grid = backbone.grid_of(extents)
    graph = Graph(row.opset)
    context = Context(graph, row, () if isinstance(model, Backbone) else ("backbone",))
    with torch.no_grad():
        if state:
            gives = write_stream(context, model, extents, latency)
        else:
            inner, images = head.reads(context, model, extents)
            for name, value in head.write(inner, model, images).items():
                graph.output(value, name)
            gives = head.gives
    about = {
        "scanlab.version": scanlab.__version__,
        "scanlab.strategy": str(backbone.strategy),
        "scanlab.strategy_name": backbone.strategy.name,
        "scanlab.layers": json.dumps([str(block.mixer.paths.value) for block in backbone.blocks]),
        "scanlab.grid": grid_text(grid),
        "scanlab.input_size": grid_text(extents),
        "scanlab.outputs": gives,
        "scanlab.form": form,
        "scanlab.needs": row.needs,
        "scanlab.scans": json.dumps({name: choice.way for name, choice in context.choices.items()}),
        **({"scanlab.state": STATE_PROTOCOL, "scanlab.latency": str(latency)} if state else {}),
        **head.says(model),
        **context.about,
        **(metadata or {}),
    }
    name = f"{type(model).__name__.lower()}-{grid_text(extents)}"
    said = context.about.get("scanlab.widths", "")
    return Exported(model_of(graph, row, name, about), form, extents, context.choices, state, said)


def write_onnx(model: nn.Module, path: str | Path, **how: Any) -> Exported:
    """Write a model to an .onnx file, whole or not at all.

    how: as `to_onnx` takes it. Raises S784, and what that raises.

    >>> from scanlab.nn import Backbone, BackboneConfig, Classifier
    >>> model = Classifier(Backbone("hilbert", BackboneConfig(dim=8), input_size=(8, 8)), classes=3)
    >>> write_onnx(model, "hilbert.onnx", form="portable").extents
    (8, 8)
    """
    path = Path(path)
    exported = to_onnx(model, **how)
    try:
        content = exported.model.SerializeToString()
    except ValueError as error:
        raise ScanlabError.at("S784", f"{path} would be larger than the 2 GB of one file", note=str(error)) from error
    try:
        write_whole(path, content, FOR_ALL)
    except OSError as error:
        raise ScanlabError.at("S784", f"{path} cannot be written: {reason_of(error)}") from error
    return exported
