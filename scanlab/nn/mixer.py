"""The token mixer: project, scan along the paths, gate, project."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scanlab.compiler.bind import CompiledScan
from scanlab.nn.merge import Merge
from scanlab.ops import PathTable, path_table, selective_scan
from scanlab.ops.programs import program_for

# Ten times Mamba's, whose sequences are thousands of tokens long: a state here is to last for tens of patches.
SHORTEST_STEP = 1e-2
LONGEST_STEP = 1.0
Alteration = Callable[[PathTable], PathTable]


@dataclass(frozen=True)
class MixerSizes:
    """What a mixer is made of, whatever it scans.

    dim: width of the tokens; inner: width of the scan; state: N. convolution: a 3x3 depthwise convolution on the grid
    before the scan; off in studies of order, since it sees 2-D neighbours whatever the order. per_path: own scan
    parameters for every path instead of one set for all, so that strategies with more paths have more parameters.
    """

    dim: int
    inner: int
    state: int
    convolution: bool = False
    per_path: bool = False


class ScanMixer(nn.Module):
    """Mix tokens [B, L, dim] along the paths of one scan.

    L counts the patches, then the class token where the network has one. A mean token is made here: the average of the
    patches before the scan, whose output is dropped (Adventurer, arXiv 2410.07599). The rest follows Mamba's block
    (arXiv 2312.00752, figure 3), with VMamba's layer norm on the merged output. `alter` may replace
    the table of steps, as a study's controls do.
    """

    steps: Tensor

    def __init__(self, scan: CompiledScan, sizes: MixerSizes, alter: Alteration | None = None) -> None:
        super().__init__()
        # Made before the model is moved; kernels of a CPU have no use for a program and do not mind one.
        where = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        table = path_table(scan, program_for(scan, where))
        self._table = alter(table) if alter else table
        self.register_buffer("steps", self._table.steps, persistent=False)
        self.grid = tuple(scan.grid)
        self.state = sizes.state
        self.rank = math.ceil(sizes.dim / 16)
        sets = len(scan.paths) if sizes.per_path else 1
        self.project_in = nn.Linear(sizes.dim, 2 * sizes.inner, bias=False)
        self.convolution = _grid_convolution(sizes.inner, len(self.grid)) if sizes.convolution else None
        self.project_scan = nn.Linear(sizes.inner, sets * (self.rank + 2 * sizes.state), bias=False)
        self.delta_weight = nn.Parameter(torch.empty(sets, self.rank, sizes.inner).uniform_(-1, 1) / self.rank**0.5)
        self.delta_bias = nn.Parameter(_first_delta_bias(sets, sizes.inner))
        decays = torch.arange(1, sizes.state + 1).log()
        self.decay_log = nn.Parameter(decays.expand(sets, sizes.inner, -1).clone())
        self.skip = nn.Parameter(torch.ones(sets, sizes.inner))
        self.norm = nn.LayerNorm(sizes.inner)
        self.project_out = nn.Linear(sizes.inner, sizes.dim, bias=False)
        self.merge = Merge(scan, sizes.inner)

    @property
    def table(self) -> PathTable:
        """The steps this mixer walks, on the device of its parameters."""
        return replace(self._table, steps=self.steps)

    def forward(self, x: Tensor) -> Tensor:
        """[B, L, dim] -> [B, L, dim]."""
        length = x.shape[1]
        x = self._with_tokens(x)
        u, z = self.project_in(x).chunk(2, dim=-1)
        u = F.silu(self._convolve(u))
        delta, B, C = self._scan_parameters(u)
        y = selective_scan(
            u,
            delta,
            -self.decay_log.exp(),
            B,
            C,
            self.skip,
            delta_bias=self.delta_bias,
            delta_softplus=True,
            paths=self.table,
            merge=self.merge(),
        )
        mixed = self.project_out(self.norm(y) * F.silu(z))[:, : self._table.grid_size + ("cls" in self._table.tokens)]
        # A class token that this layer's paths do not visit passes by.
        return F.pad(mixed, (0, 0, 0, length - mixed.shape[1]))

    def _with_tokens(self, x: Tensor) -> Tensor:
        """The patches, then the virtual tokens in the order of the table's rows."""
        patches = x[:, : self._table.grid_size]
        rows = {"cls": x[:, self._table.grid_size :], "mean": patches.mean(1, keepdim=True)}
        return torch.cat([patches, *(rows[name] for name in self._table.tokens)], dim=1)

    def _scan_parameters(self, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """delta [B, K, L, inner], B and C [B, K, L, N], with K = 1 where all paths share them."""
        sets = self.skip.shape[0]
        per_set = self.project_scan(u).unflatten(-1, (sets, -1)).transpose(1, 2)
        low, B, C = per_set.split([self.rank, self.state, self.state], dim=-1)
        return low @ self.delta_weight, B, C

    def _convolve(self, u: Tensor) -> Tensor:
        if self.convolution is None:
            return u
        patches, others = u[:, : self._table.grid_size], u[:, self._table.grid_size :]
        picture = patches.transpose(1, 2).unflatten(-1, self.grid)
        return torch.cat([self.convolution(picture).flatten(2).transpose(1, 2), others], dim=1)


def _first_delta_bias(sets: int, inner: int) -> Tensor:
    """The bias that makes softplus(bias) log-uniform between the shortest and the longest step, as Mamba does."""
    low, high = math.log(SHORTEST_STEP), math.log(LONGEST_STEP)
    step = torch.exp(torch.rand(sets, inner) * (high - low) + low)
    return step + torch.log(-torch.expm1(-step))


def _grid_convolution(channels: int, ndim: int) -> nn.Module:
    kinds = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
    return kinds[ndim](channels, channels, 3, padding=1, groups=channels)
