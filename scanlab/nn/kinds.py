"""What a model's parts may be: a row for every kind, read by all who need to know.

`nn.config` refuses names that are in no table, so that whoever looks a kind up here finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

__all__ = [
    "CONVOLUTIONS",
    "DECODERS",
    "DOWNSAMPLES",
    "INPUTS",
    "MIXERS",
    "NORMS",
    "PARAMETERS",
    "POSITIONS",
    "READOUTS",
    "STEMS",
]


@dataclass(frozen=True)
class MixerKind:
    """module, name: where the class of the mixer is, within scanlab.nn. looks_ahead: it shows a patch others that come
    after it on the path. streams: it takes up its state from one part of a path to the next (`Mixer.step`)."""

    module: str
    name: str
    looks_ahead: bool = False
    streams: bool = False

    @property
    def mixer(self) -> Any:
        """The class, which builds a mixer from its LayerSpec."""
        return getattr(import_module(f"scanlab.nn.{self.module}"), self.name)


MIXERS: Mapping[str, MixerKind] = MappingProxyType(
    {
        "scan": MixerKind("mixer", "ScanMixer", streams=True),
        "ssd": MixerKind("ssd_mixer", "SsdMixer", streams=True),
        "cascade": MixerKind("cascade", "CascadeMixer"),
        "attention": MixerKind("peers", "AttentionMixer", looks_ahead=True),
        "lstm": MixerKind("lstm", "LstmMixer", looks_ahead=True),
        "convolution": MixerKind("peers", "ConvolutionMixer", looks_ahead=True),
        "none": MixerKind("peers", "NoScanMixer", streams=True),
    }
)


@dataclass(frozen=True)
class ConvolutionKind:
    """along: how many of a mixer's paths it is causal along, all of them for None; 0 where there is no convolution, or
    none along paths. on_grid: centred on the grid, so that it shows a patch its neighbours whatever the order."""

    along: int | None = 0
    on_grid: bool = False

    @property
    def along_paths(self) -> bool:
        """Whether it is along paths."""
        return self.along != 0


CONVOLUTIONS: Mapping[str | None, ConvolutionKind] = MappingProxyType(
    {
        None: ConvolutionKind(),
        "path": ConvolutionKind(along=None),
        "first_path": ConvolutionKind(along=1),
        "grid": ConvolutionKind(on_grid=True),
    }
)


@dataclass(frozen=True)
class ParameterKind:
    """own: every path has a set of scan parameters for itself. own_decay: it has its decay A for itself."""

    own: bool = False
    own_decay: bool = False


PARAMETERS: Mapping[str, ParameterKind] = MappingProxyType(
    {
        "shared": ParameterKind(),
        "per_path": ParameterKind(own=True, own_decay=True),
        "own_decay": ParameterKind(own_decay=True),
    }
)


@dataclass(frozen=True)
class StemKind:
    """overlapping: two convolutions of stride 2 instead of one over patches, so that a patch sees its neighbours. norm:
    a norm follows. halving: as many convolutions of stride 2 as the longest side of a patch is halved to 1."""

    overlapping: bool = False
    norm: bool = True
    halving: bool = False


STEMS: Mapping[str, StemKind] = MappingProxyType(
    {
        "patch": StemKind(norm=False),
        "patch_norm": StemKind(),
        "overlapping": StemKind(overlapping=True),
        "halving": StemKind(overlapping=True, halving=True),
    }
)


@dataclass(frozen=True)
class DownsampleKind:
    """overlapping: by a convolution, and a norm after it; else cells of patches side by side, with a norm before the
    projection."""

    overlapping: bool


DOWNSAMPLES: Mapping[str, DownsampleKind] = MappingProxyType(
    {"merge": DownsampleKind(overlapping=False), "overlapping": DownsampleKind(overlapping=True)}
)


@dataclass(frozen=True)
class PositionKind:
    """learned: there are embeddings of positions. factored: one per place in a frame and one per frame."""

    learned: bool = True
    factored: bool = False


POSITIONS: Mapping[str, PositionKind] = MappingProxyType(
    {"none": PositionKind(learned=False), "learned": PositionKind(), "factored": PositionKind(factored=True)}
)


@dataclass(frozen=True)
class InputKind:
    """mean, std: by channel, which pixels are brought to before anything else; empty for pixels as they come."""

    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


# ImageNet's own, of its training part in red, green and blue, as torchvision and timm have them.
INPUTS: Mapping[str, InputKind] = MappingProxyType(
    {"plain": InputKind(), "imagenet": InputKind((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))}
)

# The norm over so many channels, each with Mamba's epsilon.
NORMS: Mapping[str, Callable[[int], nn.Module]] = MappingProxyType(
    {"layer": nn.LayerNorm, "rms": lambda dim: nn.RMSNorm(dim, eps=1e-5)}
)


@dataclass(frozen=True)
class ReadOutKind:
    """pool: rows [B, L, dim] to what the head reads, [B, dim]. of_tokens: the rows are those of class tokens, which
    every layer must have then, and not of patches. ends: a class token at each end in place of one. timm: what timm
    calls it, "" where it has no such pooling."""

    pool: Callable[[Tensor], Tensor]
    of_tokens: bool = False
    ends: bool = False
    timm: str = ""


def _mean(rows: Tensor) -> Tensor:
    return rows.mean(1)


READOUTS: Mapping[str, ReadOutKind] = MappingProxyType(
    {
        "mean": ReadOutKind(_mean, timm="avg"),
        "max": ReadOutKind(lambda rows: rows.amax(1), timm="max"),
        "cls": ReadOutKind(_mean, of_tokens=True, timm="token"),
        "both": ReadOutKind(_mean, of_tokens=True, ends=True),
    }
)


@dataclass(frozen=True)
class DecoderKind:
    """name: of the class within scanlab.nn.decoders. about: in a few words."""

    name: str
    about: str

    @property
    def decoder(self) -> Any:
        """The class, which builds a decoder from a backbone and its width."""
        return getattr(import_module("scanlab.nn.decoders"), self.name)


DECODERS: Mapping[str, DecoderKind] = MappingProxyType(
    {
        "pyramid": DecoderKind("PyramidDecoder", "a feature pyramid"),
        "unet": DecoderKind("UNetDecoder", "a U-Net with a skip connection at every stage and resolution"),
    }
)
