"""The token mixer of VMamba's cascade2d: rows first, then columns."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from scanlab.nn.config import MixerConfig
from scanlab.nn.mixer import Mixer, ScanMixer
from scanlab.nn.mixer_state import Memory, Pack
from scanlab.ops import PathTable

__all__ = ["CascadeMixer"]


class CascadeMixer(ScanMixer):
    """Scan along rows, then what came out along columns, each both ways and with its input normalized.

    VMamba's `cascade2d` as its code has it, to the letter: what the reversed scans put out is added at mirrored places,
    since the code does not turn it back. Takes four paths over two axes: a row order and its reverse, a column order
    and its reverse, the state reset at the start of each row and column.
    """

    @classmethod
    def parts(cls, config: MixerConfig) -> tuple[tuple[int, int], ...]:
        """Rows both ways, and columns both ways."""
        return (*super().parts(config), (0, 2), (2, 4))

    # Its second half reads what the first puts out.
    scan_inputs = Mixer.scan_inputs

    def mix(self, rows: Tensor, table: PathTable, grid: tuple[int, ...] | Pack, memory: Memory | None = None) -> Tensor:
        """[B, L, dim] -> [B, L, dim]."""
        assert not isinstance(grid, Pack), "`packed` refuses mixers of this kind"
        u, z = self.project(rows)
        u = self.convolve(u, table, grid)
        for (first, last), axis in (((0, 2), 2), ((2, 4), 1)):
            both = self.scan(F.layer_norm(u, u.shape[-1:]), table.part(first, last), slice(first, last), "none")
            assert isinstance(both, Tensor)
            u = both[:, 0] + both[:, 1].unflatten(1, grid).flip(axis).flatten(1, 2)
        u = u if self.norm is None else self.norm(u)
        return self.project_out(u if z is None else u * F.silu(z))
