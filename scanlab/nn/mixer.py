"""The token mixer: project, convolve, scan along the paths, norm, gate, project."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import CLASS, MEAN, Order, Scan
from scanlab.nn.config import MixerConfig
from scanlab.nn.embed import convolution, to_picture, to_rows
from scanlab.nn.exempt import Exempt
from scanlab.nn.kinds import CONVOLUTIONS, MIXERS, PARAMETERS
from scanlab.nn.layer_paths import Alteration, LayerPaths, compiled, path_sets
from scanlab.nn.merge import Merge
from scanlab.nn.mixer_state import Memory, MixerState, Pack, ScanInputs
from scanlab.ops import PathTable, causal_conv1d, selective_scan
from scanlab.renamed import renamed_fields, renamed_names

__all__ = [
    "LayerSpec",
    "Mixer",
    "PathConvolution",
    "ScanMixer",
    "convolution_for",
    "first_delta_bias",
    "own_sets",
    "plain_linear",
    "unwrapped",
    "with_tokens",
]


@renamed_fields(sizes="config")
@dataclass(frozen=True)
class LayerSpec:
    """Where a mixer stands: the scan of its layer, the usual grid, the width of the tokens, what it is made of.

    alter, ends: see LayerPaths.
    """

    value: Order | Scan
    grid: tuple[int, ...]
    dim: int
    config: MixerConfig
    alter: Alteration | None = None
    ends: bool = False


@renamed_fields(sizes="config")
class Mixer(Exempt):
    """What every mixer over paths has: tables for its grids, a merge, and parameters for some number of paths.

    Tokens [B, L, dim] are the patches in raster order, then the class tokens where the network has some. A mean token
    is made here: the average of the patches before the scan, whose output is dropped (Adventurer, arXiv 2410.07599).

    >>> from scanlab.nn import Backbone, BackboneConfig
    >>> mixer = Backbone("sum(row, -row)", BackboneConfig(dim=8), input_size=(8, 8)).blocks[0].mixer
    >>> type(mixer).__name__, str(mixer.paths.value), mixer.inner
    ('ScanMixer', 'sum((by h, w), -(by h, w))', 16)
    """

    exempt = ("decay_log", "skip", "delta_bias")
    project_in: nn.Module
    convolution: nn.Module | None

    def __init__(self, spec: LayerSpec) -> None:
        super().__init__()
        config = self.config = spec.config
        self.dim, self.inner = spec.dim, config.inner(spec.dim)
        self.paths = LayerPaths(spec.value, spec.grid, spec.alter, spec.ends, self.parts(config))
        scan = compiled(spec.value, spec.grid)
        kind = PARAMETERS[config.parameters]
        self.own_sets = len(scan.paths) if kind.own_decay else 1
        self.sets = self.own_sets if kind.own else 1
        self.merge = Merge(scan, self.inner)
        self.scale = 1 / len(scan.paths) if config.average else 1.0

    def following(self, value: Order | Scan, grid: tuple[int, ...]) -> tuple[LayerPaths, Merge, float]:
        """Paths, merge and scale for another scan with the same weights; see `scanlab.nn.set_scan`."""
        scan = compiled(value, grid)
        where = next(self.parameters()).device
        paths = LayerPaths(value, grid, self.paths.alter, self.paths.ends, self.paths.parts).to(where)
        merge = Merge(scan, self.inner).to(where)
        for new, old in zip(merge.gates, self.merge.gates, strict=False):
            if new.shape == old.shape:
                new.data.copy_(old.data)
        trained = 1 if self.config.average or self.own_sets == 1 else self.own_sets
        keeps = trained == 1 and not self.config.average
        return paths, merge, 1.0 if keeps else trained / len(scan.paths)

    @classmethod
    def parts(cls, config: MixerConfig) -> tuple[tuple[int, int], ...]:
        """The parts of its tables that a mixer scans by themselves, first sequence and last + 1."""
        along = CONVOLUTIONS[config.convolution].along
        return ((0, along),) if along else ()

    @abstractmethod
    def mix(self, rows: Tensor, table: PathTable, grid: tuple[int, ...] | Pack, memory: Memory | None = None) -> Tensor:
        """[B, L, dim] of patches and tokens -> [B, L, dim]; with a memory, paths go on from it, and leave theirs."""

    def step(self, rows: Tensor, table: PathTable, state: MixerState) -> tuple[Tensor, MixerState]:
        """Read the next part of every path: [B, M, dim] of M patches -> [B, M, dim], and the state after them.

        table: the steps of that part over these M rows; of one row for one step. Parts one after the other give what
        the whole gives at once, to rounding. Raises S716 for a mixer that has no such state.

        >>> import torch
        >>> from scanlab.nn import Backbone, BackboneConfig
        >>> from scanlab.ops import index_table
        >>> mixer = Backbone("row", BackboneConfig(dim=8), input_size=(8, 8)).blocks[0].mixer
        >>> first = index_table(torch.tensor([[0]]), 1)
        >>> mixed, state = mixer.step(torch.zeros(2, 1, 8), first, MixerState())
        >>> mixed.shape, state.scan.shape
        (torch.Size([2, 1, 8]), torch.Size([2, 1, 16, 4]))
        """
        if not MIXERS[self.config.kind].streams:
            raise ScanlabError.at("S716", f"a mixer of the kind {self.config.kind!r} keeps no state between parts")
        if CONVOLUTIONS[self.config.convolution].on_grid:
            raise ScanlabError.at(
                "S716",
                "the convolution on the grid shows every patch its neighbours, which a part of a path may not hold",
                help='use convolution="path"',
            )
        memory = Memory(state)
        mixed = self.mix(rows, table, (), memory)
        return mixed, MixerState(memory.scan, memory.convolution)

    def forward(self, x: Tensor, grid: tuple[int, ...]) -> Tensor:
        """[B, L, dim] over a grid -> [B, L, dim]."""
        return self.through(x, grid, self.mix)

    def through(self, x: Tensor, grid: tuple[int, ...], mix: Callable[..., Tensor]) -> Tensor:
        """`forward`, with what computes `mix` of patches and tokens."""
        length = x.shape[1]
        table = self.paths(grid)
        mixed = mix(with_tokens(x, table), table, grid)
        mixed = mixed[:, : table.grid_size + table.tokens.count(CLASS)]
        # A class token that this layer's paths do not visit passes by.
        return mixed if mixed.shape[1] == length else F.pad(mixed, (0, 0, 0, length - mixed.shape[1]))

    def scan_inputs(self, x: Tensor, grid: tuple[int, ...]) -> ScanInputs:
        """What the scan reads of tokens [B, L, dim] over a grid. Raises S848 for a mixer without one scan."""
        raise ScanlabError.at(
            "S848",
            f"a mixer of the kind {self.config.kind!r} keeps no state that one scan reads and writes",
            help='a layer of the kind "scan" or "ssd" has one',
        )

    def packed(self, rows: Tensor, pack: Pack) -> Tensor:
        """[1, L1 + L2 + …, dim] of images side by side -> the same, as `forward` gives each alone. Raises S717."""
        if not MIXERS[self.config.kind].streams:
            parts = zip(rows.split(list(pack.lengths), dim=1), pack.grids, strict=True)
            return torch.cat([self(part, grid) for part, grid in parts], dim=1)
        return self.mix(rows, self.paths.packed(pack.grids, pack.lengths), pack)

    def project(self, rows: Tensor) -> tuple[Tensor, Tensor | None]:
        """The input of the scan, and that of the gate where there is one: [B, L, dim] -> [B, L, inner] each."""
        projected = self.project_in(rows)
        if not self.config.gate:
            return projected, None
        u, z = projected.chunk(2, dim=-1)
        return u, z

    def merged(
        self, scan: Callable[..., Tensor | tuple[Tensor, Tensor]], memory: Memory | None, axes: int = 1
    ) -> Tensor:
        """What an operator returns for the merge of this mixer, at the mixer's scale: [B, L, inner].

        scan takes `merge`, weights [K, inner] or a word, and the arguments of states; its outputs have so many axes of
        channels.
        """
        weights = self.merge()
        if memory is None:
            y = scan(merge="sum" if weights is None else weights)
            assert isinstance(y, Tensor)
            y = y.flatten(-axes)
        else:
            # States are those of paths that are not weighted.
            merge = "sum" if weights is None else "none"
            y, memory.scan = scan(merge=merge, initial_state=memory.scan, return_last_state=True)
            y = y.flatten(-axes)
            y = y if weights is None else (y * weights[:, None].to(y.dtype)).sum(1)
        return y if self.scale == 1 else y * self.scale

    def own(self, parameter: Tensor, paths: int, part: slice = slice(None)) -> Tensor:
        """A parameter with its first axis over sets, or a part of them, for each of K paths: [1, …] or [K, …]."""
        return own_sets(parameter if len(parameter) == 1 else parameter[part], paths)

    def convolve(
        self, u: Tensor, table: PathTable, grid: tuple[int, ...] | Pack, memory: Memory | None = None
    ) -> Tensor:
        """silu of the convolution of [B, L, D]: [B, L, D], or [B, K, L, D] along every path."""
        module, kind = self.convolution, CONVOLUTIONS[self.config.convolution]
        if module is None:
            return F.silu(u)
        if kind.along_paths:
            convolved = module(u, table.part(0, kind.along) if kind.along else table, memory)
            return convolved[:, 0] if kind.along else convolved
        if isinstance(grid, Pack):
            parts = zip(u.split(list(grid.lengths), dim=1), grid.grids, strict=True)
            return torch.cat([_convolved(module, part, own) for part, own in parts], dim=1)
        return _convolved(module, u, grid)


def _convolved(module: nn.Module, u: Tensor, grid: tuple[int, ...]) -> Tensor:
    """silu of a convolution on the grid, of the patches [B, L, D]; of the tokens after them, silu alone."""
    patches = math.prod(grid)
    convolved = to_rows(module(to_picture(u[:, :patches], grid)))
    return F.silu(torch.cat([convolved, u[:, patches:]], dim=1) if u.shape[1] > patches else convolved)


class ScanMixer(Mixer):
    """Mix tokens by a selective scan (Mamba, arXiv 2312.00752, figure 3).

    With a convolution along every path, a gate and parameters per path it is Vim's and VideoMamba's (arXiv 2401.09417);
    with one on the grid and a norm, VMamba's SS2D (arXiv 2401.10166). Learned: project_in [inner or 2 inner, dim],
    convolution, project_scan [S (R + 2 N), inner], delta_weight [S, R, inner], delta_bias [S, inner], decay_log
    [S', inner, N], skip [S, inner], norm, project_out [dim, inner], with S sets of parameters, and S' = S unless each
    path has its own decay.

    >>> import torch
    >>> from scanlab.nn import Backbone, BackboneConfig, MixerConfig
    >>> config = BackboneConfig(dim=8, mixer=MixerConfig(state=2, parameters="per_path"))
    >>> mixer = Backbone("sum(row, -row)", config, input_size=(8, 8)).blocks[0].mixer
    >>> mixer(torch.zeros(1, 16, 8), grid=(4, 4)).shape, mixer.decay_log.shape
    (torch.Size([1, 16, 8]), torch.Size([2, 16, 2]))
    """

    def __init__(self, spec: LayerSpec) -> None:
        super().__init__(spec)
        grid, dim, config = spec.grid, spec.dim, spec.config
        inner, sets = self.inner, self.sets
        self.rank = config.rank(dim)
        self.project_in = nn.Linear(dim, (2 if config.gate else 1) * inner, bias=False)
        self.convolution = convolution_for(config, inner, sets, len(grid))
        self.project_scan = nn.Linear(inner, sets * (self.rank + 2 * config.state), bias=False)
        self.delta_weight = nn.Parameter(torch.empty(sets, self.rank, inner).uniform_(-1, 1) / self.rank**0.5)
        self.delta_bias = nn.Parameter(first_delta_bias((sets, inner), config))
        decays = torch.arange(1, config.state + 1).log()
        self.decay_log = nn.Parameter(decays.expand(self.own_sets, inner, -1).clone())
        self.skip = nn.Parameter(torch.ones(sets, inner))
        self.norm = nn.LayerNorm(inner) if config.norm else None
        self.project_out = nn.Linear(inner, dim, bias=False)

    def mix(self, rows: Tensor, table: PathTable, grid: tuple[int, ...] | Pack, memory: Memory | None = None) -> Tensor:
        """[B, L, dim] -> [B, L, dim]."""
        u, z = self.project(rows)
        u = self.convolve(u, table, grid, memory)
        y = self.merged(partial(self.scan, u, table, slice(None)), memory)
        y = y if self.norm is None else self.norm(y)
        return self.project_out(y if z is None else y * F.silu(z))

    def scan(
        self, u: Tensor, table: PathTable, part: slice, merge: Tensor | str, **states: Any
    ) -> Tensor | tuple[Tensor, Tensor]:
        """[B, L, inner] or [B, K, L, inner] along the paths of a table, with a part of the parameters, merged.

        states: initial_state and return_last_state of `selective_scan`.
        """
        paths = table.paths
        delta, B, C = self._scan_parameters(u, paths, part)
        decay = -self.own(self.decay_log, paths, part).exp()
        sets = max(delta.shape[1], len(decay))
        return selective_scan(
            u,
            delta.expand(-1, sets, -1, -1),
            decay.expand(sets, -1, -1),
            B.expand(-1, sets, -1, -1),
            C.expand(-1, sets, -1, -1),
            self.own(self.skip, paths, part).expand(sets, -1),
            delta_bias=self.own(self.delta_bias, paths, part).expand(sets, -1),
            delta_softplus=True,
            paths=table,
            merge=merge,
            **states,
        )

    def scan_inputs(self, x: Tensor, grid: tuple[int, ...]) -> ScanInputs:
        """See `Mixer.scan_inputs`."""
        table = self.paths(grid)
        u = self.convolve(self.project(with_tokens(x, table))[0], table, grid)
        u = u if u.ndim == 4 else u[:, None]
        delta, B, C = self._scan_parameters(u if u.shape[1] > 1 else u[:, 0], table.paths, slice(None))
        bias = self.own(self.delta_bias, table.paths)[:, None]
        decay = -self.own(self.decay_log, table.paths).exp()
        return ScanInputs(u, F.softplus(delta + bias), decay, B, C, table)

    def _scan_parameters(self, u: Tensor, paths: int, part: slice) -> tuple[Tensor, Tensor, Tensor]:
        """delta [B, K, L, inner], B and C [B, K, L, N], with K = 1 where all paths share them."""
        rows = self._projected(u, paths, part)
        state = self.config.state
        low, B, C = rows.split([self.rank, state, state], dim=-1)
        return low @ self.own(self.delta_weight, paths, part), B, C

    def _projected(self, u: Tensor, paths: int, part: slice) -> Tensor:
        """project_scan of u [B, L, inner] or [B, K, L, inner], with each path's own set: [B, K or 1, L, R + 2 N]."""
        if plain_linear(self.project_scan):
            # Each path's rows times its own set of weights alone.
            weight = self.own(self.project_scan.weight.unflatten(0, (self.sets, -1)), paths, part)
            if u.ndim == 4:
                return u @ weight.mT
            rows = F.linear(u, weight.flatten(0, 1)).unflatten(-1, (-1, weight.shape[1]))
            return rows.transpose(1, 2)
        rows = self.project_scan(u).unflatten(-1, (self.sets, -1)).movedim(-2, 0)
        rows = self.own(rows, paths, part)
        if u.ndim == 3:
            return rows.movedim(0, 1)
        return torch.stack([rows[min(k, len(rows) - 1), :, k] for k in range(u.shape[1])], dim=1)


class PathConvolution(Exempt):
    """silu of a depthwise causal convolution along paths: weight [S, D, W], bias [S, D]."""

    exempt = ("bias",)

    def __init__(self, sets: int, channels: int, taps: int, bias: bool) -> None:
        super().__init__()
        bound = 1 / math.sqrt(taps)
        self.weight = nn.Parameter(torch.empty(sets, channels, taps).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(sets, channels).uniform_(-bound, bound)) if bias else None

    def forward(self, rows: Tensor, table: PathTable, memory: Memory | None = None) -> Tensor:
        """[B, L, D] or [B, K, L, D] -> [B, K, L, D], path k with the set k modulo S."""
        weight, bias = (None if p is None else own_sets(p, table.paths) for p in (self.weight, self.bias))
        assert weight is not None
        if memory is None:
            y = causal_conv1d(rows, weight, bias, paths=table)
            assert isinstance(y, Tensor)
            return y
        before = memory.convolution
        y, memory.convolution = causal_conv1d(
            rows, weight, bias, paths=table, initial_state=before, return_last_state=True
        )
        return y


def own_sets(parameter: Tensor, paths: int) -> Tensor:
    """A parameter with its first axis over sets for each of K paths: [1, …] or [K, …]."""
    chosen = path_sets(paths, len(parameter))
    return parameter if chosen is None else parameter[chosen]


def plain_linear(module: nn.Module) -> bool:
    """Whether calling a module is nothing but a product with its weight: no adapter, hook, or quantised weight."""
    return unwrapped(module, nn.Linear) and module.bias is None and type(module.weight) in (nn.Parameter, Tensor)


def unwrapped(module: nn.Module, *kinds: type[nn.Module]) -> bool:
    """Whether a module is of one of these kinds and no other, without an adapter or a hook."""
    if type(module) not in kinds or "forward" in vars(module):
        return False
    hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks)
    return not any(hooks)


def convolution_for(config: MixerConfig, channels: int, sets: int, axes: int) -> nn.Module | None:
    """The convolution that the sizes ask for."""
    kind, taps, bias = CONVOLUTIONS[config.convolution], config.taps, config.convolution_bias
    if kind.along_paths:
        return PathConvolution(sets, channels, taps, bias)
    if kind.on_grid:
        return convolution(axes)(channels, channels, taps, padding=taps // 2, groups=channels, bias=bias)
    return None


def first_delta_bias(shape: tuple[int, ...], config: MixerConfig) -> Tensor:
    """The bias that makes softplus(bias) log-uniform between the shortest and the longest step, as Mamba does."""
    low, high = math.log(config.shortest_step), math.log(config.longest_step)
    step = torch.exp(torch.rand(shape) * (high - low) + low)
    return step + torch.log(-torch.expm1(-step))


def with_tokens(x: Tensor, table: PathTable) -> Tensor:
    """The patches, then the virtual tokens in the order of the table's rows."""
    if MEAN not in table.tokens:
        return x[:, : table.length]
    patches = x[:, : table.grid_size]
    rows = {CLASS: x[:, table.grid_size :], MEAN: patches.mean(1, keepdim=True)}
    return torch.cat([patches, *(rows[name] for name in table.tokens)], dim=1)


__getattr__ = renamed_names(__name__, {"Place": "LayerSpec"})
