"""Heads as ONNX operators: a row for each, which says what goes in and comes out."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from torch import nn

from scanlab.export.backbones import features, rows_of
from scanlab.export.basic import conv, linear, norm, to_picture, to_rows
from scanlab.export.context import Context
from scanlab.export.decoders import decoded, pyramid, tower
from scanlab.export.frames import next_frame, video
from scanlab.export.graph import Value
from scanlab.export.reading import lines, said_of_text, text_reader
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, Classifier, NextFrame, NextPatch, Segmenter, TextReader
from scanlab.nn.backbone import backbone_of
from scanlab.nn.detector import FARTHEST, Detector
from scanlab.nn.features import Features
from scanlab.nn.head import Head
from scanlab.nn.kinds import READOUTS

__all__ = ["HEADS", "HeadForm", "classified", "head_form", "patches_of", "pooled"]

Stages = list[tuple[Value, tuple[int, ...]]]


def _images(context: Context, model: nn.Module, extents: tuple[int, ...]) -> tuple[Context, Value]:
    return context, context.graph.input("images", backbone_of(model).channels, *extents)


def _class_names(model: nn.Module) -> Mapping[str, str]:
    names = model.class_names if isinstance(model, Head) else ()
    return {"scanlab.class_names": json.dumps(list(names))} if names else {}


@dataclass(frozen=True)
class HeadForm:
    """How a head is written. write: images [B, C, *extents] to its outputs by name. gives: what they are. reads: the
    input for images of some extents, and the context to write in. says: what the file is to say of the head."""

    write: Callable[[Context, nn.Module, Value], Mapping[str, Value]]
    gives: str
    reads: Callable[[Context, nn.Module, tuple[int, ...]], tuple[Context, Value]] = _images
    says: Callable[[nn.Module], Mapping[str, str]] = _class_names


POOLS: Mapping[str, str] = MappingProxyType(
    {"mean": "ReduceMean", "max": "ReduceMax", "cls": "ReduceMean", "both": "ReduceMean"}
)


def pooled(context: Context, backbone: Backbone, rows: Value) -> Value:
    """What a classifier's head reads of a backbone's rows: [B, dim]."""
    graph, kind = context.graph, backbone.config.readout
    patches = rows.shape[1] - backbone.tokens
    first, last = (patches, rows.shape[1]) if READOUTS[kind].of_tokens else (0, patches)
    return graph.reduce(POOLS[kind], graph.slice(rows, 1, first, last), 1)


def _backbone(context: Context, model: nn.Module, images: Value) -> Mapping[str, Value]:
    assert isinstance(model, Backbone)
    return {"rows": rows_of(context, model, images)}


def _classifier(context: Context, model: nn.Module, images: Value) -> Mapping[str, Value]:
    assert isinstance(model, Classifier)
    rows = rows_of(context, model.backbone, images)
    return classified(context, model, pooled(context, model.backbone, rows))


def classified(context: Context, model: Classifier, read: Value) -> Mapping[str, Value]:
    """Logits of what a classifier's head reads [B, dim]; that itself where there are no classes, as timm has it."""
    with context.graph.at("head"):
        if isinstance(model.head, nn.Identity):
            return {"features": read}
        return {"logits": linear(context.graph, read, model.head, "head")}


def _segmenter(context: Context, model: nn.Module, images: Value) -> Mapping[str, Value]:
    assert isinstance(model, Segmenter)
    stages = patches_of(context, model.backbone, features(context, model.backbone, images))
    upper = decoded(context, model.decoder, images, stages, "decoder")
    with context.graph.at("head"):
        return {"logits": conv(context.graph, upper, model.head, "head")}


def patches_of(context: Context, backbone: Backbone, stages: Stages) -> Stages:
    """The rows of all stages without their class tokens."""
    return [(context.graph.slice(rows, 1, 0, rows.shape[1] - backbone.tokens), grid) for rows, grid in stages]


def _features(context: Context, model: nn.Module, images: Value) -> Mapping[str, Value]:
    assert isinstance(model, Features)
    graph, backbone = context.graph, model.backbone
    after: dict[str, tuple[Value, tuple[int, ...]]] = {}
    features(context, backbone, images, after)
    maps = {}
    for number, place in enumerate(model.feature_info.module_name()):
        rows, grid = patches_of(context, backbone, [after[place]])[0]
        own = number < len(model.norms)
        module, name = (model.norms[number], f"norms.{number}") if own else (backbone.norm, "backbone.norm")
        with graph.at(name):
            maps[f"map_{number}"] = to_picture(graph, norm(graph, rows, module, name), grid)
    return maps


def _detector(context: Context, model: nn.Module, images: Value) -> Mapping[str, Value]:
    assert isinstance(model, Detector)
    graph, backbone = context.graph, model.backbone
    stages = patches_of(context, backbone, features(context, backbone, images))
    sides, logits = [], []
    for level, picture in enumerate(pyramid(context, model.levels, stages, "levels")):
        with graph.at(f"level.{level}"):
            away = conv(graph, tower(graph, model.box_tower, picture, "box_tower"), model.sides, "sides")
            sides.append(to_rows(graph, graph.add(away, float(model.level_sizes[level]))))
            read = tower(graph, model.score_tower, picture, "score_tower")
            logits.append(to_rows(graph, conv(graph, read, model.scores, "scores")))
    places = model.places(torch.zeros(1, backbone.channels, *images.shape[2:], device=model.level_sizes.device))
    away = graph.unary("Exp", graph.binary("Min", graph.concat(sides, 1), math.log(FARTHEST)))
    # The sides before and above the centre, then those after and below it.
    steps = places.steps.repeat(1, 2) * torch.tensor([-1, -1, 1, 1], device=places.steps.device)
    boxes = graph.add(graph.mul(away, graph.constant(steps)), graph.constant(places.centres.repeat(1, 2)))
    return {"places": graph.concat([boxes, graph.concat(logits, 1)], 2)}


def _next_patch(context: Context, model: nn.Module, images: Value) -> Mapping[str, Value]:
    assert isinstance(model, NextPatch)
    graph = context.graph
    rows = rows_of(context, model.backbone, images)
    with graph.at("head"):
        order = model.order_of(torch.zeros(1, 1, *images.shape[2:], device=model.start.device)).cpu().numpy()
        # The row before each patch on the path; the one after the last row is the start.
        before = np.empty(len(order), np.int64)
        before[order] = [rows.shape[1], *order[:-1]]
        start = graph.spread(graph.constant(model.start[None], "start"), rows, 1, rows.shape[2])
        with graph.along(str(model.backbone.blocks[0].mixer.paths.value)):
            read = graph.rows(graph.concat([rows, start], 1), graph.constant(before))
        return {"expected": linear(graph, read, model.head, "head")}


HEADS: Mapping[type[nn.Module], HeadForm] = MappingProxyType(
    {
        Backbone: HeadForm(_backbone, "rows [B, L + T, dim] of patches and class tokens"),
        Classifier: HeadForm(_classifier, "logits [B, classes]; features [B, dim] where there are no classes"),
        Features: HeadForm(_features, "maps [B, channels, *grid], one for each place"),
        Segmenter: HeadForm(_segmenter, "logits [B, classes, *extents]"),
        Detector: HeadForm(_detector, "a box in pixels and logits for every place [B, P, 4 + classes], all of them"),
        NextPatch: HeadForm(_next_patch, "what every patch is expected to be after those before it [B, L, outputs]"),
        NextFrame: HeadForm(next_frame, "what is expected after every frame [B, C, T, *extents]", video),
        TextReader: HeadForm(
            text_reader, "logits [B, steps, symbols + 1] of symbols and the blank, the last", lines, said_of_text
        ),
    }
)


def head_form(model: nn.Module) -> HeadForm:
    """The row of a model's head. Raises S782 where there is none."""
    form = HEADS.get(type(model))
    if form is None:
        known = ", ".join(cls.__name__ for cls in HEADS)
        raise ScanlabError.at(
            "S782", f"how a {type(model).__name__} is written as ONNX operators is not known", help=f"export a {known}"
        )
    return form
