"""What a model consists of, and where its time goes: parameters and operations by part."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import nn

from scanlab.ir.grids import Extents, grid_of
from scanlab.nn.backbone import Backbone, backbone_of
from scanlab.nn.measure import counted

__all__ = ["Part", "count_parts"]


@dataclass(frozen=True)
class Part:
    """A part of a model. stage: from 1, 0 outside of the stages; name: embed, projections, convolution, scan, …."""

    stage: int
    name: str
    parameters: int
    flops: int


# Of a mixer: what belongs to the scan itself, by the names of its parameters, and which part an operation belongs to.
_OF_MIXERS: tuple[tuple[str, str], ...] = (
    (r"(?:decay_log|skip|delta_bias)$", "scan"),
    (r"(?:convolution|spatial)\.", "convolution"),
    (r"merge\.", "merge"),
    (r"norm\.", "norm"),
    (r"", "projections"),
)
_OPERATIONS: Mapping[str, str] = MappingProxyType(
    {
        "scanlab.selective_scan": "scan",
        "scanlab.ssd": "scan",
        "scanlab.causal_conv1d": "convolution",
        "aten.convolution": "convolution",
        "aten._scaled_dot_product_flash_attention_for_cpu": "attention",
        "aten._scaled_dot_product_flash_attention": "attention",
        "aten._scaled_dot_product_efficient_attention": "attention",
        "aten._scaled_dot_product_cudnn_attention": "attention",
        "aten._scaled_dot_product_fused_attention_overrideable": "attention",
    }
)
_BLOCK = re.compile(r"stages\.(\d+)\.blocks\.\d+\.(\w+)(?:\.(.*))?$")
_DOWNSAMPLE = re.compile(r"stages\.(\d+)\.downsample(?:\.|$)")
# The order in which parts of a stage are shown.
_SHOWN = ("projections", "convolution", "scan", "attention", "merge", "norm", "mlp", "downsample")
Key = tuple[int, str]


def count_parts(model: nn.Module, extents: Extents) -> tuple[Part, ...]:
    """The parameters and the operations of one forward pass over one image of these extents, by part.

    Parts are the embedding (with positions and class tokens), of every stage its projections, convolution, scan, merge,
    norms, mlp and the way to the next stage, the last norm, and each module beside the backbone. The parameters add up
    to `parameter_count`, the operations to what torch's FlopCounterMode gives, a multiply-add counted as two: norms,
    activations and sums of paths count nothing there. Scans are counted by the formulas of scanlab/ops/flops.py.
    Nothing is computed. Raises S614 for extents that the model does not read, S616 for a model without a backbone.

    >>> from scanlab.nn import Backbone, BackboneConfig, Classifier
    >>> model = Classifier(Backbone("hilbert", BackboneConfig(patch=4, dim=8, depth=1), input_size=(16, 16)), classes=5)
    >>> [(part.stage, part.name, part.parameters) for part in count_parts(model, (16, 16)) if part.stage == 0]
    [(0, 'embed', 264), (0, 'norm', 16), (0, 'head', 45)]
    """
    backbone = backbone_of(model)
    sides = grid_of(extents, what="size")
    backbone.grid_of(sides)
    prefix = "" if model is backbone else "backbone."
    parameters: dict[Key, int] = {}
    for name, parameter in model.named_parameters():
        key = _part_of(name, prefix)
        parameters[key] = parameters.get(key, 0) + parameter.numel()
    flops = _flops(model, backbone, sides, prefix)
    keys = sorted(set(parameters) | set(flops), key=lambda key: _place(key, list(parameters)))
    return tuple(Part(*key, parameters.get(key, 0), flops.get(key, 0)) for key in keys)


def _part_of(name: str, prefix: str) -> Key:
    """The part of a parameter, or of a module within the backbone."""
    if not name.startswith(prefix):
        return 0, name.partition(".")[0]
    inner = name.removeprefix(prefix)
    if match := _DOWNSAMPLE.match(inner):
        return int(match[1]) + 1, "downsample"
    if match := _BLOCK.match(inner):
        stage, module, rest = int(match[1]) + 1, match[2], match[3] or ""
        if module == "mixer":
            return stage, next(part for pattern, part in _OF_MIXERS if re.match(pattern, rest))
        return stage, "mlp" if module == "mlp" else "norm"
    if prefix == "" and not inner.startswith(("embed", "positions", "class_tokens", "norm")):
        return 0, inner.partition(".")[0]
    return 0, "norm" if inner.startswith("norm") else "embed"


def _flops(model: nn.Module, backbone: Backbone, sides: tuple[int, ...], prefix: str) -> dict[Key, int]:
    images = torch.zeros(1, backbone.channels, *sides, device=next(model.parameters()).device)
    counts = {_inner(name): operations for name, operations in counted(model, images).items()}
    parts: dict[Key, int] = {}

    def add(key: Key, number: int) -> None:
        if number:
            parts[key] = parts.get(key, 0) + number

    for number, stage in enumerate(backbone.all_stages()):
        for at in range(len(stage.blocks)):
            here = f"{prefix}stages.{number}.blocks.{at}"
            for operation, count in counts.get(f"{here}.mixer", {}).items():
                add((number + 1, _OPERATIONS.get(operation, "projections")), count)
            add((number + 1, "mlp"), _total(counts, f"{here}.mlp"))
        add((number + 1, "downsample"), _total(counts, f"{prefix}stages.{number}.downsample"))
    add((0, "embed"), _total(counts, f"{prefix}embed"))
    for name, _ in model.named_children():
        if model is not backbone and name != "backbone":
            add((0, name), _total(counts, name))
    # What no module of these computed, such as a product in a head's own forward.
    add((0, "other"), _total(counts, "") - sum(parts.values()))
    return parts


def _inner(name: str) -> str:
    """A module's name within the model: the counter puts the model's class before it, "Global" being all."""
    return name.partition(".")[2]


def _total(counts: Mapping[str, Mapping[str, int]], name: str) -> int:
    return sum(counts.get(name, {}).values())


def _place(key: Key, known: list[Key]) -> tuple[int, int]:
    """Where a part is shown: the embedding, the stages, the last norm, what stands beside the backbone."""
    stage, name = key
    if stage:
        return stage, _SHOWN.index(name)
    if name == "embed":
        return 0, 0
    beside = 1 << 20
    return beside, -1 if name == "norm" else (known.index(key) if key in known else len(known))
