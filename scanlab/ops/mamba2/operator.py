"""The state space dual along paths as a torch operator, whichever kernels run underneath."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from scanlab.ops.derivatives import Operator, apply, register
from scanlab.ops.dispatch import implementation
from scanlab.ops.path_tables import TABLE, PathTable, packed, unpacked

__all__ = ["SsdArguments", "SsdForward", "SsdGradients", "fused_ssd"]

_ARGUMENTS = (
    "Tensor x, Tensor dt, Tensor decay, Tensor B, Tensor C, Tensor? D, Tensor? weights, Tensor? initial, "
    f"{TABLE}, int chunk, bool separate, bool last, str backend"
)
_TENSORS = 8
torch.library.define("scanlab::ssd", f"({_ARGUMENTS}) -> (Tensor, Tensor)")
torch.library.define(
    "scanlab::ssd_backward",
    f"(Tensor dy, Tensor? dlast, {_ARGUMENTS}) -> ({', '.join(['Tensor'] * _TENSORS)})",
)


@dataclass(frozen=True, eq=False)
class SsdArguments:
    """What a kernel reads.

    x [B, K or 1, L, H, P], B and C [B, K or 1, L, G, N] in one dtype, float32, bfloat16 or float16, with free strides
    but for the last axis. dt and decay float32 [B, K or 1, L, H], contiguous; a step multiplies the state by 2 **
    decay. D float32 [K or 1, H, P]; weights float32 [K, H, P], factors on the input of each path. initial float32 [B,
    T, H, N, P], contiguous: the states before the first steps, where not zero. chunk: steps between two kept states.
    """

    x: Tensor
    dt: Tensor
    decay: Tensor
    B: Tensor
    C: Tensor
    D: Tensor | None
    weights: Tensor | None
    initial: Tensor | None
    table: PathTable
    chunk: int


@dataclass(frozen=True, eq=False)
class SsdForward:
    """What a forward pass leaves.

    y: [B, L, H, P], or [B, T, L, H, P] with the sequences kept apart, in the dtype of x. last_state float32 [B, T, H,
    N, P], or None where not asked for.
    """

    y: Tensor
    last_state: Tensor | None


@dataclass(frozen=True, eq=False)
class SsdGradients:
    """The gradients of SsdArguments, each shaped like the argument; None where what may be left out is."""

    x: Tensor
    dt: Tensor
    decay: Tensor
    B: Tensor
    C: Tensor
    D: Tensor | None
    weights: Tensor | None
    initial: Tensor | None


def fused_ssd(
    tensors: tuple[Tensor | None, ...], table: PathTable, chunk: int, separate: bool, last: bool, backend: str
) -> tuple[Tensor, Tensor]:
    """y [B, L, H, P], or [B, T, L, H, P] where separate; the last states [B, T, H, P, N], or nothing.

    tensors: x, dt, decay, B, C, D and weights of SsdArguments, and initial states [B, T, H, P, N].
    """
    x, *_ = tensors
    assert x is not None
    return apply(_OPERATOR, *tensors, *packed(table, x), chunk, separate, last, backend)


def _unpacked(arguments: tuple[Any, ...]) -> tuple[SsdArguments, bool, bool, Any]:
    """The kernels' form of the operator's arguments; separate, last, and the module that takes them."""
    x, dt, decay, B, C, D, weights, initial, *table, chunk, separate, last, backend = arguments
    D, weights = (None if t is None else t.float().contiguous() for t in (D, weights))
    before = None if initial is None else _by_state(initial)
    prepared = SsdArguments(
        x, dt.contiguous(), decay.contiguous(), B, C, D, weights, before, unpacked((*table,), x.shape[2]), chunk
    )
    return prepared, separate, last, implementation("mamba2", backend)


def _forward(*arguments: Any) -> tuple[Tensor, Tensor]:
    prepared, separate, last, module = _unpacked(arguments)
    outputs = module.forward(prepared, separate=separate, last=last)
    none = prepared.dt.new_empty(0)
    return outputs.y, none if outputs.last_state is None else outputs.last_state.transpose(3, 4)


def _forward_fake(x: Tensor, dt: Tensor, decay: Tensor, B: Tensor, *arguments: Any) -> tuple[Tensor, Tensor]:
    steps, separate, last = arguments[4], arguments[9], arguments[10]
    batch, _, length, heads, width = x.shape
    sequences, states = steps.shape[1], B.shape[4]
    y = x.new_empty((batch, sequences, length, heads, width) if separate else (batch, length, heads, width))
    state = dt.new_empty((batch, sequences, heads, states, width)).transpose(3, 4)
    return y, state if last else dt.new_empty(0)


def _by_state(states: Tensor) -> Tensor:
    """[B, T, H, P, N] -> float32 [B, T, H, N, P], where neighbouring channels lie side by side."""
    return states.float().transpose(3, 4).contiguous()


def _backward(dy: Tensor, dlast: Tensor | None, *arguments: Any) -> tuple[Tensor, ...]:
    prepared, separate, _, module = _unpacked(arguments)
    x = prepared.x
    ends = None if dlast is None else _by_state(dlast)
    g = module.backward(prepared, dy.contiguous(), ends, separate=separate)
    initial = None if g.initial is None else g.initial.transpose(3, 4).contiguous()
    gradients: tuple[Any, ...] = (g.x, g.dt, g.decay, g.B, g.C, g.D, g.weights, initial)
    return tuple(
        x.new_empty(0) if t is None else f.to(t.dtype) for f, t in zip(gradients, arguments[:_TENSORS], strict=True)
    )


def _backward_fake(dy: Tensor, dlast: Tensor | None, *arguments: Any) -> tuple[Tensor, ...]:
    x = arguments[0]
    return tuple(x.new_empty(0) if t is None else t.new_empty(t.shape) for t in arguments[:_TENSORS])


for _device in ("cpu", "cuda"):
    torch.library.impl("scanlab::ssd", _device, _forward)
    torch.library.impl("scanlab::ssd_backward", _device, _backward)
torch.library.register_fake("scanlab::ssd", _forward_fake)
torch.library.register_fake("scanlab::ssd_backward", _backward_fake)
_OPERATOR = Operator(
    "ssd",
    _TENSORS,
    samples={0: 5, 1: 4, 2: 4, 3: 5, 4: 5, 7: 5},
    channels=({5: 3}, {4: 3}, {4: 3}, {5: 3}, {5: 3}, {3: 1}, {3: 1}, {5: 2}),
    outputs=(-2, 2),
    kernels=(_forward, _backward),
    states=True,
)
register(_OPERATOR)
