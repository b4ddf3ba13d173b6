"""Published models by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from sys import modules
from types import MappingProxyType
from typing import Any

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import Extents
from scanlab.ir.guesses import nearest_text
from scanlab.nn.backbone import Backbone
from scanlab.nn.config import BackboneConfig, MixerConfig
from scanlab.nn.heads import Classifier
from scanlab.nn.layer_paths import Strategy
from scanlab.nn.swap import set_scan
from scanlab.renamed import renamed_fields
from scanlab.zoo.files import read_tensors
from scanlab.zoo.official import family_named, from_official

__all__ = ["PRESETS", "Preset", "create_model", "presets", "register_with_timm"]

PLUGINS = "scanlab.models"


@renamed_fields(sizes="config")
@dataclass(frozen=True)
class Preset:
    """A published model: its scan, its settings, its usual input, where it is from, and the family in
    `official.FAMILIES` whose names its official weights have. Raises S617 for an unknown family."""

    scan: str
    config: BackboneConfig
    input_size: tuple[int, ...]
    source: str
    family: str

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
_VMAMBA_SOURCE = "MzeroMiko/VMamba, vmamba.py; arXiv 2401.10166"


def _vim(dim: int, stride: int | None = None) -> Preset:
    return Preset("vim", replace(_ISOTROPIC, dim=dim, stride=stride), _IMAGE, _VIM, "vim")


def _vmamba(dim: int, depth: int, expand: float) -> Preset:
    config = replace(_VMAMBA, dim=dim, depth=(2, 2, depth, 2), mixer=replace(VMAMBA_MIXER, expand=expand))
    return Preset("vmamba", config, _IMAGE, _VMAMBA_SOURCE, "vmamba")


def _vanilla(dim: int, depth: int) -> Preset:
    config = replace(_VANILLA, dim=dim, depth=(2, 2, depth, 2))
    return Preset("vmamba", config, _IMAGE, _VMAMBA_SOURCE, "vmamba")


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


# What timm's create_model hands to every builder, None where nobody asked for it.
_TIMM_PASSES = ("pretrained_cfg", "pretrained_cfg_overlay", "cache_dir")
_TIMM_NAMES = {"num_classes": "classes", "in_chans": "channels", "img_size": "input_size"}
_TIMM_OWN = ("scan", "patch", "checkpoint")


def register_with_timm() -> None:
    """Let `timm.create_model("scanlab_vim_tiny", num_classes=…, in_chans=…, img_size=…)` build our models.

    scan, patch and checkpoint are taken as by `create_model`; what our models have not (global_pool, features_only,
    drop_path_rate, num_classes=0 …) raises TypeError by name. timm keeps names of its own (its ViT relatives among
    them), so ours carry a prefix. Raises ImportError without timm.

    >>> register_with_timm()  # doctest: +SKIP
    >>> timm.create_model("scanlab_vim_tiny", num_classes=10)  # doctest: +SKIP
    """
    registry = import_module("timm.models").register_model
    here = modules[__name__]
    for name in presets():

        def build(pretrained: bool = False, name: str = name, **options: Any) -> Classifier:
            if pretrained:
                raise ScanlabError.at("S617", "there are no weights to download", help="give checkpoint=PATH")
            return create_model(name, **_from_timm(name, options))

        build.__name__ = build.__qualname__ = f"scanlab_{name}"
        setattr(here, build.__name__, registry(build))


def _from_timm(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """timm's options in the words of `create_model`. Raises TypeError for those that our models have not."""
    given = {key: value for key, value in options.items() if not (key in _TIMM_PASSES and value is None)}
    unknown = sorted(set(given) - set(_TIMM_NAMES) - set(_TIMM_OWN))
    if unknown:
        known = ", ".join((*_TIMM_NAMES, *_TIMM_OWN))
        raise TypeError(f"scanlab_{name} takes no {', '.join(unknown)}; it takes {known}")
    if given.get("num_classes") == 0:
        raise TypeError(f"scanlab_{name} takes no num_classes=0: call pooled(images) for what the head reads")
    size = given.get("img_size")
    if isinstance(size, int):
        # A video keeps its number of frames.
        given["img_size"] = (*PRESETS[ALIASES.get(name, name)].input_size[:-2], size, size)
    return {_TIMM_NAMES.get(key, key): value for key, value in given.items()}


def presets() -> tuple[str, ...]:
    """The names that `create_model` knows.

    >>> presets()[:3]
    ('vim_tiny', 'vim_small', 'vim_base')
    """
    return (*PRESETS, *ALIASES)


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
) -> Classifier:
    """A published model, as its code builds it, or with another scan: 1000 classes, 3 channels, its own input size.

    num_classes, in_chans and img_size are timm's names for classes, channels and input_size. Weights are random, or
    from a local official checkpoint (.pth or .safetensors), read before the scan is swapped (see `set_scan`), from the
    container checkpoint_key where it holds several. new_head: whether a head of another number of classes than the
    checkpoint's may be left untrained, which is said; by default where that number is given. patch: sides of a patch,
    if not the published ones. A name that is not ours is looked for among the entry points "scanlab.models" of
    installed packages: functions with the arguments scan to checkpoint. Raises S617 for an unknown name or for two
    values of one setting, S611, S640, S641.

    >>> import torch
    >>> model = create_model("vim_tiny", scan="hilbert", num_classes=10, img_size=64)
    >>> model(torch.zeros(1, 3, 64, 64)).shape
    torch.Size([1, 10])
    """
    given = _one(classes, num_classes, "classes")
    outputs, channels = 1000 if given is None else given, _one(channels, in_chans, "channels")
    channels, input_size = 3 if channels is None else channels, _one(input_size, img_size, "input_size")
    known = PRESETS.get(ALIASES.get(name, name))
    if known is None:
        options = {"scan": scan, "classes": outputs, "channels": channels, "input_size": input_size, "patch": patch}
        for entry in entry_points(group=PLUGINS, name=name):
            return entry.load()(**options, checkpoint=checkpoint)
        help = nearest_text(name, presets(), f"there are {', '.join(presets())}")
        raise ScanlabError.at("S617", f"there is no model {name!r}", help=help)
    config = known.config if patch is None else replace(known.config, patch=patch)
    extents = known.input_size if input_size is None else input_size
    if isinstance(extents, int):
        extents = (extents,) * len(known.input_size)
    model = Classifier(Backbone(known.scan, config, input_size=extents, channels=channels), outputs)
    if checkpoint is not None:
        tensors, metadata = read_tensors(checkpoint, checkpoint_key)
        if "scanlab" in metadata:
            help = f"scanlab.zoo.load({str(checkpoint)!r}) builds the model that it holds"
            raise ScanlabError.at("S616", f"{checkpoint} was written by scanlab, not by {name}'s own code", help=help)
        new_head = given is not None if new_head is None else new_head
        from_official(model, tensors, str(checkpoint), new_head=new_head, family=known.family)
    return model if scan is None else set_scan(model, scan)


def _one(ours: Any, theirs: Any, name: str) -> Any:
    """The value of a setting that has two names. Raises S617 where both are given and differ."""
    if ours is not None and theirs is not None and ours != theirs:
        raise ScanlabError.at("S617", f"{name} is given twice: {ours} and {theirs}", help=f"give {name} once")
    return theirs if ours is None else ours
