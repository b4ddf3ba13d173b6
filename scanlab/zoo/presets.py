"""Published models by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypedDict, Unpack, overload

from torch import nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import Extents
from scanlab.ir.guesses import nearest_text
from scanlab.nn.backbone import Backbone, backbone_of
from scanlab.nn.config import BackboneConfig, MixerConfig
from scanlab.nn.features import Features
from scanlab.nn.heads import Classifier
from scanlab.nn.kinds import INPUTS
from scanlab.nn.layer_paths import Strategy
from scanlab.nn.swap import set_scan
from scanlab.renamed import renamed_fields
from scanlab.zoo.files import read_tensors
from scanlab.zoo.official import family_named, from_official

__all__ = ["ALIASES", "PRESETS", "Preset", "create_model", "evaluation_of", "presets", "published_config"]

PLUGINS = "scanlab.models"


@renamed_fields(sizes="config")
@dataclass(frozen=True)
class Preset:
    """A published model: its scan, its settings, its usual input, where it is from, and the family in
    `official.FAMILIES` whose names its official weights have. evaluated: how its authors prepare images to measure it,
    in timm's words, None where we do not know. Raises S617 for an unknown family."""

    scan: str
    config: BackboneConfig
    input_size: tuple[int, ...]
    source: str
    family: str
    evaluated: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        family_named(self.family)


_MAMBA = MixerConfig(state=16, shortest_step=1e-3, longest_step=0.1)
VIM_MIXER = replace(_MAMBA, convolution="path", taps=4, norm=False, parameters="per_path", average=True)
VIDEOMAMBA_MIXER = replace(VIM_MIXER, average=False)
VANILLA_MIXER = replace(_MAMBA, convolution="grid", parameters="per_path")
VMAMBA_MIXER = replace(VANILLA_MIXER, state=1, convolution_bias=False, gate=False)
PLAINMAMBA_MIXER = replace(_MAMBA, convolution="grid", taps=7, norm=False)

_ISOTROPIC = BackboneConfig(patch=16, depth=24, norm_kind="rms", position_spread=0.02, readout="cls", mixer=VIM_MIXER)
_VMAMBA = BackboneConfig(patch=4, stem="overlapping", positions="none", mlp=4.0, mixer=VMAMBA_MIXER)
_VANILLA = replace(_VMAMBA, stem="patch_norm", downsample="merge", mlp=0.0, mixer=VANILLA_MIXER)
_IMAGE = (224, 224)
_VIM = "hustvl/Vim, vim/models_mamba.py; arXiv 2401.09417"
# Both repositories: the shorter side to 256 by a bicubic filter, the middle 224x224, ImageNet's mean and deviation.
_IMAGENET: Mapping[str, Any] = MappingProxyType(
    {
        "interpolation": "bicubic",
        "crop_pct": 0.875,
        "crop_mode": "center",
        "mean": INPUTS["imagenet"].mean,
        "std": INPUTS["imagenet"].std,
    }
)
_VMAMBA_SOURCE = "MzeroMiko/VMamba, vmamba.py; arXiv 2401.10166"


def _vim(dim: int, stride: int | None = None) -> Preset:
    return Preset("vim", replace(_ISOTROPIC, dim=dim, stride=stride), _IMAGE, _VIM, "vim", _IMAGENET)


def _vmamba(dim: int, depth: int, expand: float) -> Preset:
    config = replace(_VMAMBA, dim=dim, depth=(2, 2, depth, 2), mixer=replace(VMAMBA_MIXER, expand=expand))
    return Preset("vmamba", config, _IMAGE, _VMAMBA_SOURCE, "vmamba", _IMAGENET)


def _vanilla(dim: int, depth: int) -> Preset:
    config = replace(_VANILLA, dim=dim, depth=(2, 2, depth, 2))
    return Preset("vmamba", config, _IMAGE, _VMAMBA_SOURCE, "vmamba", _IMAGENET)


def _videomamba(dim: int, depth: int) -> Preset:
    config = replace(_ISOTROPIC, patch=(1, 16, 16), dim=dim, depth=depth, positions="factored", mixer=VIDEOMAMBA_MIXER)
    source = "OpenGVLab/VideoMamba, videomamba/video_sm/models/videomamba.py; arXiv 2403.06977"
    return Preset("videomamba", config, (8, 224, 224), source, "vim")


def _plainmamba(dim: int, depth: int) -> Preset:
    config = replace(_ISOTROPIC, dim=dim, depth=depth, norm_kind="layer", readout="mean", mixer=PLAINMAMBA_MIXER)
    source = (
        "in the style of ChenhongyiYang/PlainMamba, plain_mamba_layer.py; arXiv 2403.17695; without its "
        "direction embeddings and convolutions between blocks"
    )
    return Preset("plainmamba", config, _IMAGE, source, "nameless")


def _localmamba(dim: int) -> Preset:
    config = replace(_ISOTROPIC, dim=dim, depth=20, readout="mean")
    source = (
        "in the style of hunto/LocalMamba, local_vim.py; arXiv 2403.09338; without its "
        "rotary positions and channel attention"
    )
    return Preset("localmamba_vim", config, _IMAGE, source, "vim")


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "vim_tiny": _vim(192),
        "vim_small": _vim(384),
        "vim_base": _vim(768),
        "vim_tiny_stride8": _vim(192, stride=8),
        "vim_small_stride8": _vim(384, stride=8),
        "vmamba_tiny_s1l8": _vmamba(96, 8, 1.0),
        "vmamba_small_s1l20": _vmamba(96, 20, 1.0),
        "vmamba_base_s1l20": _vmamba(128, 20, 1.0),
        "vmamba_tiny_s2l5": _vmamba(96, 5, 2.0),
        "vmamba_small_s2l15": _vmamba(96, 15, 2.0),
        "vmamba_base_s2l15": _vmamba(128, 15, 2.0),
        "vmamba_tiny_v0": _vanilla(96, 9),
        "vmamba_small_v0": _vanilla(96, 27),
        "vmamba_base_v0": _vanilla(128, 27),
        "videomamba_tiny": _videomamba(192, 24),
        "videomamba_small": _videomamba(384, 24),
        "videomamba_middle": _videomamba(576, 32),
        "plainmamba_l1": _plainmamba(192, 24),
        "plainmamba_l2": _plainmamba(384, 24),
        "plainmamba_l3": _plainmamba(448, 36),
        "localmamba_vim_tiny": _localmamba(192),
        "localmamba_vim_small": _localmamba(384),
    }
)
# The versions that VMamba's own table of results calls its tiny, small and base.
ALIASES: Mapping[str, str] = MappingProxyType(
    {"vmamba_tiny": "vmamba_tiny_s1l8", "vmamba_small": "vmamba_small_s2l15", "vmamba_base": "vmamba_base_s2l15"}
)


def presets() -> tuple[str, ...]:
    """The names that `create_model` knows.

    >>> presets()[:3]
    ('vim_tiny', 'vim_small', 'vim_base')
    """
    return (*PRESETS, *ALIASES)


def published_config(name: str) -> BackboneConfig:
    """The settings of a published model that reads pixels in [0, 1]: what its authors do to them before, it does.
    Raises S617.

    >>> published_config("vim_tiny").dim, published_config("vim_tiny").inputs
    (192, 'imagenet')
    """
    preset = _preset(name)
    normalized = preset.evaluated is not None and preset.evaluated["mean"] == INPUTS["imagenet"].mean
    return replace(preset.config, inputs="imagenet") if normalized else preset.config


def evaluation_of(model: str | nn.Module) -> tuple[str, Mapping[str, Any], tuple[int, ...]]:
    """A published model's name, how its authors prepare pictures in timm's words (empty where we do not know), and its
    input's extents; by its name, or of one that was built by it: "" for a name where it was not. Raises S617."""
    if isinstance(model, str):
        preset = _preset(model)
        return model, preset.evaluated or {}, preset.input_size
    published: Mapping[str, Any] = getattr(model, "published", {})
    how = {key: value for key, value in published.items() if key != "architecture"}
    return published.get("architecture", ""), how, tuple(backbone_of(model).input_size)


def _preset(name: str) -> Preset:
    preset = PRESETS.get(ALIASES.get(name, name))
    if preset is None:
        raise ScanlabError.at("S617", f"there is no model {name!r}", help=_known_names(str(name)))
    return preset


def _known_names(name: str) -> str:
    return nearest_text(name, presets(), f"there are {', '.join(presets())}")


class ModelOptions(TypedDict, total=False):
    """What `create_model` takes beside the name, as its own lines say."""

    scan: Strategy | None
    classes: int | None
    channels: int | None
    input_size: Extents | None
    patch: int | tuple[int, ...] | None
    checkpoint: str | Path | None
    checkpoint_key: str
    new_head: bool | None
    num_classes: int | None
    in_chans: int | None
    img_size: Extents | None
    drop_path_rate: float | None
    global_pool: str | None
    out_indices: int | Sequence[int] | None


@overload
def create_model(name: str, *, features_only: Literal[True], **options: Unpack[ModelOptions]) -> Features: ...


@overload
def create_model(
    name: str, *, features_only: Literal[False] = False, **options: Unpack[ModelOptions]
) -> Classifier: ...


def create_model(
    name: str,
    *,
    scan: Strategy | None = None,
    classes: int | None = None,
    channels: int | None = None,
    input_size: Extents | None = None,
    patch: int | tuple[int, ...] | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_key: str = "",
    new_head: bool | None = None,
    num_classes: int | None = None,
    in_chans: int | None = None,
    img_size: Extents | None = None,
    drop_path_rate: float | None = None,
    global_pool: str | None = None,
    features_only: bool = False,
    out_indices: int | Sequence[int] | None = None,
) -> Classifier | Features:
    """A published model, as its code builds it, or with another scan: 1000 classes, 3 channels, its own input size.

    num_classes, in_chans and img_size are timm's names for classes, channels and input_size; 0 classes leave the head
    out. Weights are random, or from a local official checkpoint (.pth or .safetensors), read before the scan is swapped
    (see `set_scan`), from the container checkpoint_key where it holds several. new_head: whether a head of another
    number of classes than the checkpoint's may be left untrained, which is said; by default where that number is given.
    patch: sides of a patch, if not the published ones. drop_path_rate: of the last block. global_pool: another read-out
    (`Classifier.reset_classifier`). features_only: the maps of its stages in place of classes, those of out_indices
    (`scanlab.nn.Features`). A name that is not ours is looked for among the entry points "scanlab.models" of installed
    packages: functions with the arguments scan to checkpoint. Raises S617 for an unknown name or for two values of one
    setting, S605, S611, S619, S640, S641.

    >>> import torch
    >>> model = create_model("vim_tiny", scan="hilbert", num_classes=10, img_size=64)
    >>> model(torch.zeros(1, 3, 64, 64)).shape
    torch.Size([1, 10])
    >>> maps = create_model("vmamba_tiny", features_only=True, out_indices=(1, 3), img_size=64)
    >>> maps.feature_info.channels(), maps.feature_info.reduction()
    ([192, 768], [8, 32])
    """
    heads = {"classes": classes, "num_classes": num_classes, "global_pool": global_pool}
    _check_asked(features_only, out_indices, heads, drop_path_rate)
    given, channels = _one(classes, num_classes, "classes"), _one(channels, in_chans, "channels")
    asked = {
        "scan": scan,
        "classes": 1000 if given is None else given,
        "channels": 3 if channels is None else channels,
        "input_size": _one(input_size, img_size, "input_size"),
        "patch": patch,
    }
    known = PRESETS.get(ALIASES.get(name, name))
    if known is None:
        if drop_path_rate is not None:
            raise ScanlabError.at("S617", f"drop_path_rate is for models of ours, and {name!r} is none of them")
        model = _from_package(name, asked, checkpoint)
    else:
        new_head = given is not None or features_only if new_head is None else new_head
        weights = None if checkpoint is None else _Weights(checkpoint, checkpoint_key, new_head)
        model = _built(name, known, drop_path_rate, weights, **asked)
    if global_pool is not None:
        model.reset_pooling(global_pool)
    return Features(model.backbone, out_indices) if features_only else model


def _check_asked(maps: bool, places: object, heads: Mapping[str, Any], drop_path: float | None) -> None:
    """Raise S617 for settings of a head beside maps, of maps beside a head, and those out of range."""
    if places is not None and not maps:
        raise ScanlabError.at("S617", "out_indices choose maps", help="give features_only=True with them")
    if maps and (given := [name for name, value in heads.items() if value is not None]):
        raise ScanlabError.at("S617", f"maps have no head, and {given[0]} is of one", help=f"leave {given[0]} out")
    if drop_path is not None and not 0 <= drop_path < 1:
        raise ScanlabError.at("S617", f"drop_path_rate is {drop_path}", help="give a share from 0 to less than 1")
    if (odd := next((heads[n] for n in ("classes", "num_classes") if (heads[n] or 0) < 0), None)) is not None:
        raise ScanlabError.at("S617", f"a model has no {odd} classes", help="give 0 for no head, or more")


@dataclass(frozen=True)
class _Weights:
    """Official ones: their file, the container within it, and whether they may lack a head of the model's classes."""

    path: str | Path
    key: str
    new_head: bool


def _built(
    name: str,
    preset: Preset,
    drop_path_rate: float | None,
    weights: _Weights | None,
    *,
    scan: Strategy | None,
    classes: int,
    channels: int,
    input_size: Extents | None,
    patch: int | tuple[int, ...] | None,
) -> Classifier:
    config = preset.config if patch is None else replace(preset.config, patch=patch)
    config = config if drop_path_rate is None else replace(config, drop_path=drop_path_rate)
    extents = preset.input_size if input_size is None else input_size
    if isinstance(extents, int):
        extents = (extents,) * len(preset.input_size)
    model = Classifier(Backbone(preset.scan, config, input_size=extents, channels=channels), classes)
    model.published = {"architecture": name, **(preset.evaluated or {})}
    if weights is not None:
        tensors, metadata = read_tensors(weights.path, weights.key)
        if "scanlab" in metadata:
            help = f"scanlab.zoo.load({str(weights.path)!r}) builds the model that it holds"
            problem = f"{weights.path} was written by scanlab, not by {name}'s own code"
            raise ScanlabError.at("S616", problem, help=help)
        from_official(model, tensors, str(weights.path), new_head=weights.new_head, family=preset.family)
    return model if scan is None else set_scan(model, scan)


def _from_package(name: str, options: Mapping[str, Any], checkpoint: str | Path | None) -> Classifier:
    """A model of another package. Raises S617 where there is none."""
    for entry in entry_points(group=PLUGINS, name=name):
        return entry.load()(**options, checkpoint=checkpoint)
    raise ScanlabError.at("S617", f"there is no model {name!r}", help=_known_names(str(name)))


def _one(ours: Any, theirs: Any, name: str) -> Any:
    """The value of a setting that has two names. Raises S617 where both are given and differ."""
    if ours is not None and theirs is not None and ours != theirs:
        raise ScanlabError.at("S617", f"{name} is given twice: {ours} and {theirs}", help=f"give {name} once")
    return theirs if ours is None else ours
