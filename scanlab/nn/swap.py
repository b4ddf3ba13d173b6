"""Another scan order for a model that is there, and whole models in files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar, cast

from torch import nn

from scanlab.facade import parse
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import Entry, Order, Plan, Scan, orders_of
from scanlab.nn.backbone import Backbone, class_tokens
from scanlab.nn.files import read_tensors, write_tensors
from scanlab.nn.heads import Classifier, NextPatch, Segmenter
from scanlab.nn.official import copy_into
from scanlab.nn.paths import Strategy, fitted, has_class_token, layer_values, strategy_value
from scanlab.nn.sizes import BackboneSizes, MixerSizes

__all__ = ["load", "save", "set_scan"]

M = TypeVar("M", bound=nn.Module)
HEADS: dict[str, type[nn.Module]] = {"classifier": Classifier, "segmenter": Segmenter, "next patch": NextPatch}


def set_scan(model: M, strategy: Strategy) -> M:
    """Let a model read its patches along another scan or plan, in place, with all its weights. Returns the model.

    Virtual tokens stay where the model's own scan has them unless the strategy places some. Where every path has its
    own parameters, path k takes those of path k modulo their number S, and none is left unused: an order is walked both
    ways for S = 2, transposed as well for S = 4 over two axes; any other scan with fewer paths is repeated. More
    paths than S are scaled so that their sum stays as large. Gates of the old scan are kept where the new one has as
    many, and start at 1 otherwise. Raises S603 and S605 for a plan or tokens that do not fit; the model then stays as
    it was.
    """
    backbone = _backbone(model)
    value = strategy_value(strategy, len(backbone.input_size))
    places = list(backbone.block_grids(backbone.input_size))
    wanted = layer_values(value, len(places))
    values = [
        fitted(_with_tokens(new, block.mixer.paths.value), block.mixer.own_sets)
        for new, (block, _) in zip(wanted, places, strict=True)
    ]
    if class_tokens(values, backbone.sizes) != backbone.tokens:
        raise ScanlabError.at(
            "S605",
            f"the model has {backbone.tokens} class tokens, and {value.name or 'the strategy'} another number",
            help="leave virtual tokens out of the strategy: those of the model stay in place",
        )
    mixers = [block.mixer.walking(new, grid) for new, (block, grid) in zip(values, places, strict=True)]
    for (block, _), (paths, merge, scale) in zip(places, mixers, strict=True):
        block.mixer.paths, block.mixer.merge, block.mixer.scale = paths, merge, scale
    backbone.strategy = value
    return model


def save(model: nn.Module, path: str | Path) -> None:
    """Write a Classifier, Segmenter or NextPatch with its configuration to a .safetensors file. Raises S641, S616."""
    backbone = _backbone(model)
    kind = next((name for name, cls in HEADS.items() if type(model) is cls), None)
    if kind is None:
        raise ScanlabError.at("S616", f"a {type(model).__name__} has no head that can be saved")
    layers = [block.mixer.paths.value for block in backbone.blocks]
    about = {
        "head": kind,
        "sizes": asdict(backbone.sizes),
        "built": _texts(backbone.built),
        "layers": _texts(layers),
        "axes": list(layers[0].axes),
        "name": backbone.strategy.name,
        "input_size": list(backbone.input_size),
        "channels": backbone.channels,
        "options": _options(model),
    }
    write_tensors(path, model.state_dict(), {"scanlab": json.dumps(about)})


def load(path: str | Path) -> nn.Module:
    """A model as `save` wrote it, in evaluation mode. Raises S616 for other files, S611, S640 and S641."""
    tensors, metadata = read_tensors(path)
    if "scanlab" not in metadata:
        raise ScanlabError.at(
            "S616",
            f"{path} does not say what model it holds",
            help="give the model's name for an official checkpoint, as in create_model(name, checkpoint=path)",
        )
    about = json.loads(metadata["scanlab"])
    sizes: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in about["sizes"].items()}
    axes = tuple(about["axes"])
    backbone = Backbone(
        _plan(about["built"], axes, about["name"]),
        BackboneSizes(**{**sizes, "mixer": MixerSizes(**sizes["mixer"])}),
        input_size=about["input_size"],
        channels=about["channels"],
    )
    model = HEADS[about["head"]](backbone, **about["options"])
    if about["layers"] != about["built"]:
        set_scan(model, _plan(about["layers"], axes, about["name"]))
    copy_into({name: [t] for name, t in model.state_dict().items()}, tensors, str(path))
    return model.eval()


def _backbone(model: nn.Module) -> Backbone:
    found = model if isinstance(model, Backbone) else getattr(model, "backbone", None)
    if not isinstance(found, Backbone):
        raise ScanlabError.at("S616", f"a {type(model).__name__} has no backbone that scans")
    return found


def _options(model: nn.Module) -> dict[str, int | str]:
    """What the head is built with, beside the backbone."""
    if isinstance(model, Segmenter):
        return {"classes": model.head.weight.shape[0], "width": model.pixels.weight.shape[0]}
    if isinstance(model, NextPatch):
        return {"loss": model.kind, "levels": model.levels}
    assert isinstance(model, Classifier)
    return {"classes": model.head.out_features}


def _with_tokens(new: Order | Scan, old: Order | Scan) -> Scan | Order:
    """A scan with the virtual tokens of another, if it has none of its own."""
    whole = new if isinstance(new, Scan) else Scan("sum", (new,), name=new.name)
    tokens = old.tokens or next(orders_of(old)).tokens
    places_some = any(part.tokens for part in (whole, *orders_of(whole))) or has_class_token(whole)
    return new if places_some or not tokens else replace(whole, tokens=tokens)


def _texts(values: Sequence[Order | Scan]) -> list[str]:
    return [str(value) for value in values]


def _plan(texts: Sequence[str], axes: tuple[str, ...], name: str) -> Plan:
    scans = [parse(text, axes) for text in texts]
    entries = tuple(Entry(s if isinstance(s, Scan) else Scan("sum", (cast(Order, s),))) for s in scans)
    return Plan("layers", entries, name=name)
