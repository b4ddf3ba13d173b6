"""A peer of the scan: a long short-term memory that goes along a path both ways."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn.mixer import LayerSpec, Mixer
from scanlab.nn.mixer_state import Memory, Pack
from scanlab.ops import PathTable

__all__ = ["LstmMixer", "whole_path"]


class LstmMixer(Mixer):
    """An LSTM along the first path of the scan and back (BLSTM, doi 10.1016/j.neunet.2005.06.042), and a projection.

    Each direction has half of the mixer's inner width. The other paths of the scan are not followed, and restarts are
    passed over: the path is one sequence. Learned: torch's LSTM, project_out [dim, inner]. Raises S612 for an inner
    width below 2, or a path that does not visit every patch and token once.

    >>> from scanlab.nn import Backbone, BackboneConfig, MixerConfig
    >>> config = BackboneConfig(dim=8, mixer=MixerConfig(kind="lstm"))
    >>> mixer = Backbone("snake", config, input_size=(8, 8)).blocks[0].mixer
    >>> mixer(torch.zeros(1, 16, 8), grid=(4, 4)).shape, mixer.lstm.hidden_size
    (torch.Size([1, 16, 8]), 8)
    """

    def __init__(self, spec: LayerSpec) -> None:
        super().__init__(spec)
        hidden = self.inner // 2
        if hidden < 1:
            raise ScanlabError.at("S612", f"an LSTM both ways needs an inner width of 2, and has {self.inner}")
        self.lstm = nn.LSTM(spec.dim, hidden, batch_first=True, bidirectional=True)
        self.project_out = nn.Linear(2 * hidden, spec.dim)

    def mix(self, rows: Tensor, table: PathTable, grid: tuple[int, ...] | Pack, memory: Memory | None = None) -> Tensor:
        """[B, L, dim] -> [B, L, dim]."""
        path = whole_path(table, rows.shape[1]).expand(rows.shape[0], -1)[..., None]
        read, _ = self.lstm(rows.gather(1, path.expand(-1, -1, rows.shape[2])))
        mixed = self.project_out(read)
        return torch.empty_like(mixed).scatter(1, path.expand(-1, -1, mixed.shape[2]), mixed)


def whole_path(table: PathTable, length: int) -> Tensor:
    """The first path, int64 [Bt, L]. Raises S612 where it does not visit every row once."""
    path = table.steps[:, 0, :length].long()
    each = torch.arange(length, device=path.device)
    if path.shape[1] < length or bool((path.sort(1).values != each).any()):
        raise ScanlabError.at(
            "S612",
            "an LSTM goes along the first path of the scan, which does not visit every patch and token once",
            help="put an order that visits all of them first",
        )
    return path
