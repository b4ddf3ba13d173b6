"""The operator LSTM of the standard, which every runtime has, with the weights of torch's."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from scanlab.export.graph import BATCH, Graph, Value

__all__ = ["BACKWARDS", "FORWARDS", "lstm"]

# What the names of torch's parameters end with, by direction.
FORWARDS, BACKWARDS = "_l0", "_l0_reverse"
# The operator's gates are those of input, output, forgetting and cell; torch's lie as input, forgetting, cell, output.
GATES = (0, 3, 1, 2)


def lstm(graph: Graph, x: Value, module: nn.LSTM, direction: str) -> Value:
    """One direction of nn.LSTM over rows [B, L, D], in the order in which it reads them: [B, L, H].

    The operator has the steps first: onnxruntime has no other form of it.
    """
    hidden, length = module.hidden_size, x.shape[1]
    weights = [_gates(module, f"{part}{direction}")[None] for part in ("weight_ih", "weight_hh")]
    bias = torch.cat([_gates(module, f"{part}{direction}") for part in ("bias_ih", "bias_hh")])[None]
    read = [graph.constant(own) for own in (*weights, bias)]
    steps = graph.op("Transpose", x, shape=(length, BATCH, x.shape[2]), perm=[1, 0, 2])
    given = graph.op("LSTM", steps, *read, shape=(length, 1, BATCH, hidden), hidden_size=hidden)
    rows = graph.op("Transpose", given, shape=(BATCH, length, 1, hidden), perm=[2, 0, 1, 3])
    return graph.reshape(rows, length, hidden)


def _gates(module: nn.LSTM, name: str) -> Tensor:
    """A parameter of four gates, in the operator's order."""
    parts = getattr(module, name).detach().float().cpu().chunk(4)
    return torch.cat([parts[gate] for gate in GATES])
