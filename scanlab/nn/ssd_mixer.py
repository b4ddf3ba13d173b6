"""The token mixer of Mamba-2: one projection, a convolution, the state space dual along the paths, norm, projection."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn.mixer import LayerSpec, Mixer, convolution_for, first_delta_bias, with_tokens
from scanlab.nn.mixer_state import Memory, Pack, ScanInputs
from scanlab.ops import PathTable, ssd

__all__ = ["SsdMixer"]


class SsdMixer(Mixer):
    """Mix tokens by the state space dual (Mamba-2, arXiv 2405.21060, figure 6), whose decay is one number per head.

    H = inner / head heads. x, B and C pass through the convolution together; delta does not depend on it. Learned:
    project_in [2 inner + 2 N + H, dim] to z, x, B, C and delta, convolution, delta_bias, decay_log and skip [S, H],
    norm (of the gated output), project_out [dim, inner]. Raises S612 for a width that heads do not divide.

    >>> import torch
    >>> from scanlab.nn import Backbone, BackboneConfig, MixerConfig
    >>> config = BackboneConfig(dim=8, mixer=MixerConfig(kind="ssd", state=8, head=4))
    >>> mixer = Backbone("hilbert", config, input_size=(8, 8)).blocks[0].mixer
    >>> mixer(torch.zeros(1, 16, 8), grid=(4, 4)).shape, mixer.heads
    (torch.Size([1, 16, 8]), 4)
    """

    def __init__(self, spec: LayerSpec) -> None:
        super().__init__(spec)
        grid, dim, config = spec.grid, spec.dim, spec.config
        self.heads, rest = divmod(self.inner, config.head)
        if rest:
            raise ScanlabError.at(
                "S612", f"heads of {config.head} channels do not divide the scan's width of {self.inner}"
            )
        mixed, sets = self.inner + 2 * config.state, self.sets
        self.project_in = nn.Linear(dim, self.inner + mixed + self.heads, bias=False)
        self.convolution = convolution_for(config, mixed, sets, len(grid))
        self.delta_bias = nn.Parameter(first_delta_bias((sets, self.heads), config))
        self.decay_log = nn.Parameter(torch.arange(1.0, self.heads + 1).log().expand(self.own_sets, -1).clone())
        self.skip = nn.Parameter(torch.ones(sets, self.heads))
        self.norm = nn.RMSNorm(self.inner, eps=1e-5) if config.norm else None
        self.project_out = nn.Linear(self.inner, dim, bias=False)

    def scan_inputs(self, x: Tensor, grid: tuple[int, ...]) -> ScanInputs:
        """See `Mixer.scan_inputs`; a head's decay and delta are those of each of its channels."""
        table, state, width = self.paths(grid), self.config.state, self.inner // self.heads
        _, u, B, C, delta = self._projected(with_tokens(x, table), table, grid)
        delta = F.softplus(delta[:, None] + self.own(self.delta_bias, table.paths)[:, None])
        decay = -self.own(self.decay_log, table.paths).exp().repeat_interleave(width, -1)
        return ScanInputs(u, delta.repeat_interleave(width, -1), decay[..., None].expand(-1, -1, state), B, C, table)

    def mix(self, rows: Tensor, table: PathTable, grid: tuple[int, ...] | Pack, memory: Memory | None = None) -> Tensor:
        """[B, L, dim] -> [B, L, dim]."""
        z, x, B, C, delta = self._projected(rows, table, grid, memory)
        own = [self.own(p, table.paths) for p in (self.decay_log, self.skip, self.delta_bias)]
        sets = max(x.shape[1], *map(len, own))
        decay, skip, bias = (p.expand(sets, -1) for p in own)
        heads = x.unflatten(-1, (self.heads, -1))
        scan = partial(
            ssd,
            heads if x.shape[1] > 1 else heads[:, 0],
            delta[:, None].expand(-1, sets, -1, -1),
            -decay.exp(),
            B.expand(-1, sets, -1, -1),
            C.expand(-1, sets, -1, -1),
            skip,
            dt_bias=bias,
            dt_softplus=True,
            paths=table,
        )
        y = self.merged(scan, memory, axes=2)
        y = y * F.silu(z) if self.config.gate else y
        # Under autocast torch casts to float32 before a layer norm, but not before this one.
        return self.project_out(y if self.norm is None else self.norm(y.to(self.skip.dtype)))

    def _projected(
        self, rows: Tensor, table: PathTable, grid: tuple[int, ...] | Pack, memory: Memory | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """z [B, L, inner]; x [B, K, L, inner], B and C [B, K, L, N], convolved, K = 1 where paths share them; and delta
        [B, L, H] as it is projected."""
        state = self.config.state
        z, mixed, delta = self.project_in(rows).split([self.inner, self.inner + 2 * state, self.heads], dim=-1)
        mixed = self.convolve(mixed, table, grid, memory)
        mixed = mixed if mixed.ndim == 4 else mixed[:, None]
        x, B, C = mixed.split([self.inner, state, state], dim=-1)
        return z, x, B, C, delta
