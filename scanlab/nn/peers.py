"""Peers of the scan in the same harness: token mixers that attend, convolve, or leave the scan out.

They stand where a scanning mixer stands, so that patches, positions, read-outs and heads are the same: with mlp=4 the
first makes a ViT (arXiv 2010.11929), the second a convolutional MetaFormer (arXiv 2111.11418). They follow no path: the
strategy of the backbone only tells how many class tokens there are.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn.embed import convolution, to_picture, to_rows
from scanlab.nn.mixer import LayerSpec, Mixer, convolution_for
from scanlab.nn.mixer_state import Memory, Pack
from scanlab.ops import PathTable

__all__ = ["AttentionMixer", "ConvolutionMixer", "NoScanMixer"]


class AttentionMixer(Mixer):
    """Softmax attention between all tokens, by torch's fused kernel; heads of `head` channels; `expand` is not used.

    Raises S612 for a width that heads do not divide.
    """

    def __init__(self, spec: LayerSpec) -> None:
        super().__init__(spec)
        dim, config = spec.dim, spec.config
        self.heads, rest = divmod(dim, config.head)
        if rest:
            raise ScanlabError.at("S612", f"heads of {config.head} channels do not divide the width of {dim}")
        self.project_in = nn.Linear(dim, 3 * dim)
        self.project_out = nn.Linear(dim, dim)

    def mix(self, rows: Tensor, table: PathTable, grid: tuple[int, ...] | Pack, memory: Memory | None = None) -> Tensor:
        """[B, L, dim] -> [B, L, dim]."""
        queries, keys, values = self.project_in(rows).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.project_out(F.scaled_dot_product_attention(queries, keys, values).transpose(1, 2).flatten(2))


class ConvolutionMixer(Mixer):
    """A depthwise convolution on the grid, `taps` wide, between two projections; class tokens pass by unconvolved."""

    def __init__(self, spec: LayerSpec) -> None:
        super().__init__(spec)
        grid, dim, config = spec.grid, spec.dim, spec.config
        self.project_in = nn.Linear(dim, self.inner)
        taps = config.taps
        self.spatial = convolution(len(grid))(self.inner, self.inner, taps, padding=taps // 2, groups=self.inner)
        self.project_out = nn.Linear(self.inner, dim)

    def mix(self, rows: Tensor, table: PathTable, grid: tuple[int, ...] | Pack, memory: Memory | None = None) -> Tensor:
        """[B, L, dim] -> [B, L, dim]."""
        assert not isinstance(grid, Pack), "`packed` refuses mixers of this kind"
        u = F.gelu(self.project_in(rows))
        patches = to_rows(self.spatial(to_picture(u[:, : table.grid_size], grid)))
        return self.project_out(torch.cat([patches, u[:, table.grid_size :]], dim=1))


class NoScanMixer(Mixer):
    """The scanning mixer without its scan: projection, convolution, skip, norm, gate, projection.

    What is left of a scan without a state is its skip, y = D u. Along paths, the convolutions' outputs are added.
    """

    def __init__(self, spec: LayerSpec) -> None:
        super().__init__(spec)
        grid, dim, config = spec.grid, spec.dim, spec.config
        self.project_in = nn.Linear(dim, (2 if config.gate else 1) * self.inner, bias=False)
        self.convolution = convolution_for(config, self.inner, self.sets, len(grid))
        self.skip = nn.Parameter(torch.ones(self.sets, self.inner))
        self.norm = nn.LayerNorm(self.inner) if config.norm else None
        self.project_out = nn.Linear(self.inner, dim, bias=False)

    def mix(self, rows: Tensor, table: PathTable, grid: tuple[int, ...] | Pack, memory: Memory | None = None) -> Tensor:
        """[B, L, dim] -> [B, L, dim]."""
        u, z = self.project(rows)
        u = self.convolve(u, table, grid, memory)
        skip = self.own(self.skip, table.paths)
        skip = skip.expand(table.paths, -1)
        u = u * skip.sum(0) if u.ndim == 3 else (u * skip[:, None]).sum(1)
        u = u / table.paths if self.config.average else u
        u = u if self.norm is None else self.norm(u)
        return self.project_out(u if z is None else u * F.silu(z))
