"""Whole models in files: weights, and the configuration to build them again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from torch import Tensor, nn

from scanlab.facade import parse
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import Entry, Order, Plan, Scan
from scanlab.nn import Backbone, Classifier, Detector, Features, NextFrame, NextPatch, Segmenter, TextReader, set_scan
from scanlab.nn.backbone import backbone_of
from scanlab.nn.config import from_stored, stored
from scanlab.nn.head import Head
from scanlab.zoo.files import read_tensors, write_tensors
from scanlab.zoo.fitting import copy_into
from scanlab.zoo.unwrap import inside, plain_names

__all__ = ["built_from", "described", "load", "save"]

HEADS: dict[str, type[Head]] = {
    "classifier": Classifier,
    "detector": Detector,
    "segmenter": Segmenter,
    "next patch": NextPatch,
    "features": Features,
    "next frame": NextFrame,
    "text reader": TextReader,
}


def save(model: nn.Module, path: str | Path) -> None:
    """Write a Classifier, Detector, Segmenter, NextPatch or Features with its configuration to a .safetensors file.

    Of one that torch.compile, DataParallel, DistributedDataParallel or an average of weights wraps, the model inside is
    written. Raises S641, S616.

    >>> from scanlab.nn import Backbone, BackboneConfig, Classifier
    >>> save(Classifier(Backbone("hilbert", BackboneConfig(dim=8), input_size=(8, 8))), "small.safetensors")
    >>> [str(value) for value in load("small.safetensors").backbone.built]
    ['sum((by hilbert(h, w)))', 'sum((by hilbert(h, w)))']
    """
    model, about = described(model)
    write_tensors(path, plain_names(model.state_dict()), {"scanlab": json.dumps(about)})


def described(model: nn.Module) -> tuple[nn.Module, dict[str, Any]]:
    """The model inside of wrappers, and the configuration to build it again, in JSON's types. Raises S616."""
    model = inside(model)
    kind = next((name for name, cls in HEADS.items() if type(model) is cls), None)
    if kind is None:
        within = [name for name, child in model.named_children() if isinstance(child, tuple(HEADS.values()))]
        help = f"save the model inside: save(model.{within[0]}, path)" if within else "build one of scanlab.nn's models"
        raise ScanlabError.at("S616", f"a {type(model).__name__} has no head that can be saved", help=help)
    backbone = backbone_of(model)
    layers = [block.mixer.paths.value for block in backbone.blocks]
    return model, {
        "head": kind,
        "sizes": stored(backbone.config),
        "built": _texts(backbone.built),
        "layers": _texts(layers),
        "axes": list(layers[0].axes),
        "name": backbone.strategy.name,
        "input_size": list(backbone.input_size),
        "channels": backbone.channels,
        "options": cast(Head, model).options(),
        "class_names": list(cast(Head, model).class_names),
        "ink": cast(Head, model).ink,
        **({"published": dict(published)} if (published := getattr(model, "published", {})) else {}),
    }


def load(path: str | Path) -> nn.Module:
    """A model as `save` wrote it, in evaluation mode. Raises S616 for other files, S611, S640 and S641.

    >>> from scanlab.nn import Backbone, BackboneConfig, NextPatch
    >>> save(NextPatch(Backbone("snake", BackboneConfig(dim=8), input_size=(8, 8))), "next.safetensors")
    >>> type(load("next.safetensors")).__name__
    'NextPatch'
    """
    tensors, metadata = read_tensors(path)
    if "scanlab" not in metadata:
        raise ScanlabError.at(
            "S616",
            f"{path} does not say what model it holds",
            help="give the model's name for an official checkpoint, as in create_model(name, checkpoint=path)",
        )
    return built_from(json.loads(metadata["scanlab"]), tensors, str(path))


def built_from(about: Mapping[str, Any], tensors: Mapping[str, Tensor], source: str) -> nn.Module:
    """The model that `described` tells of, with its tensors, in evaluation mode. Raises S611."""
    axes = tuple(about["axes"])
    backbone = Backbone(
        _plan(about["built"], axes, about["name"]),
        from_stored(about["sizes"]),
        input_size=about["input_size"],
        channels=about["channels"],
    )
    model = HEADS[about["head"]](backbone, **about["options"])
    model.class_names = tuple(about.get("class_names", ()))
    model.ink = about.get("ink", "")
    if isinstance(model, Classifier):
        model.published = {
            key: tuple(value) if isinstance(value, list) else value for key, value in about.get("published", {}).items()
        }
    # Of a model of features the last layers may be gone.
    if about["layers"] != about["built"][: len(about["layers"])]:
        set_scan(model, _plan(about["layers"], axes, about["name"]))
    renamed = model.names_now(tensors)
    tensors = {renamed.get(name, name): tensor for name, tensor in tensors.items()}
    copy_into({name: [t] for name, t in model.state_dict().items()}, tensors, source)
    return model.eval()


def _texts(values: Sequence[Order | Scan]) -> list[str]:
    return [str(value) for value in values]


def _plan(texts: Sequence[str], axes: tuple[str, ...], name: str) -> Plan:
    scans = [parse(text, axes) for text in texts]
    entries = tuple(Entry(s if isinstance(s, Scan) else Scan("sum", (cast(Order, s),))) for s in scans)
    return Plan("layers", entries, name=name)
