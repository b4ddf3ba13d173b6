"""What a mixer and a backbone are made of, whatever they scan."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text
from scanlab.nn.kinds import CONVOLUTIONS, DOWNSAMPLES, INPUTS, MIXERS, NORMS, PARAMETERS, POSITIONS, READOUTS, STEMS
from scanlab.renamed import read_name, renamed_names, renamed_value, spaced, stored_name

__all__ = ["BackboneConfig", "MixerConfig", "from_stored", "stored"]


@dataclass(frozen=True)
class Choice:
    """A setting whose values are the names of a table. what, code: how an error calls it, and that error."""

    names: Iterable[str | None]
    what: str
    code: str = "S612"


_OF_MIXERS: Mapping[str, Choice] = MappingProxyType(
    {
        "kind": Choice(MIXERS, "kind"),
        "convolution": Choice(CONVOLUTIONS, "convolution"),
        "parameters": Choice(PARAMETERS, "parameters"),
    }
)
_OF_BACKBONES: Mapping[str, Choice] = MappingProxyType(
    {
        "stem": Choice(STEMS, "stem"),
        "downsample": Choice(DOWNSAMPLES, "downsample"),
        "positions": Choice(POSITIONS, "positions"),
        "norm_kind": Choice(NORMS, "norm kind"),
        "readout": Choice(READOUTS, "read-out", "S605"),
        "inputs": Choice(INPUTS, "inputs"),
    }
)


_LATER: Mapping[str, Any] = MappingProxyType({"inputs": "plain"})


@dataclass(frozen=True)
class MixerConfig:
    """The parts of a mixer: projection, convolution, scan, norm, gate, projection.

    kind: "scan" is the selective scan of Mamba (arXiv 2312.00752), "ssd" that of Mamba-2 (arXiv 2405.21060), "cascade"
    the first along rows and then columns (VMamba). Peers without a scan are "attention" (a ViT's), "lstm" (along the
    first path, both ways), "convolution" (on the grid) and "none" (the first without its scan). state: N. expand: width
    of the scan over that of the tokens; head: channels per head of "ssd". convolution: depthwise and causal along every
    "path", along the "first_path" alone, or centred on the "grid", which shows a patch its neighbours whatever the
    order; taps: its width. gate: the output is multiplied by silu of a second projection. norm: the merged output is
    normalized before the gate. parameters: one set of scan parameters "shared" by all paths, a set "per_path", or
    shared but for each path's "own_decay" A. average: the paths' sum is divided by their number. Steps delta start
    log-uniform between shortest_step and longest_step: ten times Mamba's, whose sequences are thousands of tokens long,
    so that a state lasts for tens of patches.

    >>> MixerConfig(kind="ssd", state=16, head=8).inner(32)
    64
    >>> MixerConfig(parameters="own")
    Traceback (most recent call last):
    ...
    scanlab.ir.diagnostics.ScanlabError: ...there is no parameters 'own'...
    """

    kind: str = "scan"
    state: int = 4
    expand: float = 2.0
    convolution: str | None = None
    taps: int = 3
    convolution_bias: bool = True
    gate: bool = True
    norm: bool = True
    parameters: str = "shared"
    average: bool = False
    shortest_step: float = 1e-2
    longest_step: float = 1.0
    head: int = 16

    def __post_init__(self) -> None:
        _check_choices(self, _OF_MIXERS)
        on_grid = CONVOLUTIONS[self.convolution].on_grid or self.kind == "convolution"
        if on_grid and self.taps % 2 == 0:
            problem = f"a convolution centred on the grid has an odd width, and taps is {self.taps}"
            raise ScanlabError.at("S612", problem, help=f"give taps={self.taps + 1}")

    def inner(self, dim: int) -> int:
        """The width of the scan over tokens of width dim."""
        return int(self.expand * dim)

    def rank(self, dim: int) -> int:
        """R: through how many channels delta is projected, as in Mamba."""
        return math.ceil(dim / 16)


@dataclass(frozen=True)
class BackboneConfig:
    """The parts of a backbone, for images, volumes and videos alike.

    patch: its sides in pixels, one number for all axes; stride: from patch to patch where they overlap. dim: width of
    the (first stage's) tokens. depth: number of blocks; a tuple makes stages, each with half the grid and twice the
    width of the one before. mlp: hidden width over dim of the second branch of a block, 0 for none. stem: patches by
    one "patch" convolution, that with a norm ("patch_norm"), two "overlapping" ones of stride 2, or as many "halving"
    ones as bring sides that are powers of two down to 1, such as four for (16, 4). downsample: between
    stages, "merge" 2x2 patches (Swin, arXiv 2103.14030) or an "overlapping" convolution. positions: a "learned"
    embedding per patch and class token, as in ViT and Vim; "factored" into one per place in a frame and one per frame;
    or "none", so that the scan alone tells where a patch is. position_spread: their standard deviation at first; the
    default is as large as the embedded patches, since with the usual 0.02 a short training run ends before positions
    matter. readout: what a classifier reads: the "mean" or "max" over patches, the "cls" token, or the mean of two
    different class tokens at "both" ends.
    drop_path: the last block's rate of stochastic depth (arXiv 1603.09382); it grows in a line from 0. inputs: pixels
    in [0, 1] are read "plain", or with "imagenet" less its mean and over its standard deviation, by channel.

    >>> BackboneConfig(patch=4, depth=(2, 2, 9, 2)).depths
    (2, 2, 9, 2)
    >>> BackboneConfig(patch=(2, 4, 4)).patch_sides(axes=3)
    (2, 4, 4)
    """

    patch: int | tuple[int, ...] = 2
    stride: int | None = None
    dim: int = 32
    depth: int | tuple[int, ...] = 2
    mixer: MixerConfig = field(default_factory=MixerConfig)
    mlp: float = 0.0
    stem: str = "patch"
    downsample: str = "overlapping"
    positions: str = "learned"
    position_spread: float = 0.3
    norm_kind: str = "layer"
    readout: str = "mean"
    drop_path: float = 0.0
    inputs: str = "plain"

    def __post_init__(self) -> None:
        _check_choices(self, _OF_BACKBONES)

    @property
    def depths(self) -> tuple[int, ...]:
        """Blocks per stage."""
        return (self.depth,) if isinstance(self.depth, int) else self.depth

    def patch_sides(self, axes: int) -> tuple[int, ...]:
        """The sides of a patch along so many axes. Raises S612 when they are listed for another number of axes."""
        if isinstance(self.patch, int):
            return (self.patch,) * axes
        if len(self.patch) != axes:
            raise ScanlabError.at(
                "S612",
                f"patches have {count_text(len(self.patch), 'side')}, {grid_text(self.patch)}, "
                f"but the grid has {count_text(axes, 'axis')}",
            )
        return self.patch


def _check_choices(config: Any, choices: Mapping[str, Choice]) -> None:
    for name, choice in choices.items():
        names = tuple(choice.names)
        value = renamed_value(getattr(config, name), spaced(names), f"{type(config).__name__}.{name}")
        object.__setattr__(config, name, value)
        if value not in names:
            help = f"choose one of {', '.join(map(str, names))}"
            raise ScanlabError.at(choice.code, f"there is no {choice.what} {value!r}", help=help)


def stored(config: BackboneConfig) -> dict[str, Any]:
    """The settings in JSON's types, as files and keys of trials have them."""
    made = _with_names(asdict(config), stored_name)
    # What came later is in files and keys only where it is set: those from before stay as they are.
    return {name: value for name, value in made.items() if name not in _LATER or value != _LATER[name]}


def from_stored(table: Mapping[str, Any]) -> BackboneConfig:
    """The settings that `stored` gave, which may have been through JSON."""
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
    named = _with_names(values, read_name)
    return BackboneConfig(**{**named, "mixer": MixerConfig(**named["mixer"])})


def _with_names(values: Mapping[str, Any], rename: Callable[[str], str]) -> dict[str, Any]:
    chosen = {name: rename(values[name]) for name in (*_OF_BACKBONES, *_OF_MIXERS) if isinstance(values.get(name), str)}
    within = {"mixer": _with_names(values["mixer"], rename)} if "mixer" in values else {}
    return {**values, **chosen, **within}


__getattr__ = renamed_names(__name__, {"BackboneSizes": "BackboneConfig", "MixerSizes": "MixerConfig"})
