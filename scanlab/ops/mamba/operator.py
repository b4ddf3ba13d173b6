"""The fused scan as a torch operator: one forward, one backward, whichever kernels run underneath.

Tensors go in and out, tables included, so that the operator can be traced, compiled and checked like torch's own. What
plans the loops (segments) stays on the CPU.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from scanlab.ops.derivatives import Operator, any_requires_grad, apply, register
from scanlab.ops.dispatch import implementation
from scanlab.ops.modes import transformed
from scanlab.ops.path_tables import CHECKPOINT_COUNT, TABLE, PathTable, packed, unpacked

__all__ = ["Forward", "Gradients", "ScanArguments", "ScanCall", "fused_scan"]

LOG2_E = math.log2(math.e)
_ARGUMENTS = (
    "Tensor u, Tensor delta, Tensor A, Tensor B, Tensor C, Tensor? D, Tensor? bias, Tensor? weights, Tensor? initial, "
    f"{TABLE}, bool softplus, bool separate, bool last, str backend, bool keep"
)
_TENSORS = 9
torch.library.define("scanlab::selective_scan", f"({_ARGUMENTS}) -> (Tensor, Tensor, Tensor)")
torch.library.define(
    "scanlab::selective_scan_backward",
    f"(Tensor dy, Tensor? dlast, Tensor checkpoints, {_ARGUMENTS}) -> ({', '.join(['Tensor'] * _TENSORS)})",
)


@dataclass(frozen=True, eq=False)
class ScanCall:
    """The checked arguments of one scan: u is [B, Ku, L, D], B and C are [B, Kp, G, L, N] or [Kp, D, N], initial [B, T,
    D, N].
    """

    u: Tensor
    delta: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor | None
    bias: Tensor | None
    weights: Tensor | None
    initial: Tensor | None
    softplus: bool
    separate: bool
    last: bool

    @property
    def tensors(self) -> tuple[Any, ...]:
        """The tensors in the order of the operator's arguments."""
        return (self.u, self.delta, self.A, self.B, self.C, self.D, self.bias, self.weights, self.initial)


def fused_scan(call: ScanCall, table: PathTable, backend: str) -> tuple[Tensor, Tensor]:
    """y [B, L, D], or [B, T, L, D] where separate, in the dtype of u; the last states [B, T, D, N], or none."""
    # Under a transform a tensor may not tell that a gradient will be asked for.
    keep = transformed() or (torch.is_grad_enabled() and any_requires_grad(call.tensors))
    settings = (call.softplus, call.separate, call.last, backend, keep)
    table = table if call.initial is None else table.continued()
    y, last, _ = apply(_OPERATOR, *call.tensors, *packed(table, call.u), *settings)
    return y, last


def _unpacked(arguments: tuple[Any, ...]) -> tuple[ScanArguments, PathTable, bool, bool, str]:
    """The kernels' form of the operator's arguments, and: separate, last, backend."""
    u, delta, A, B, C, D, bias, weights, initial = arguments[:_TENSORS]
    softplus, separate, last, backend, _ = arguments[_TENSORS + 4 :]
    table = unpacked(arguments[_TENSORS : _TENSORS + 4], u.shape[2])
    prepared = ScanArguments(
        u,
        delta,
        A.float(),
        B if B.ndim == 5 else _by_state(B),
        C if C.ndim == 5 else _by_state(C),
        _float(D),
        _float(bias),
        _float(weights),
        None if initial is None else _by_state(initial),
        softplus,
    )
    return prepared, table, separate, last, backend


def _float(parameter: Tensor | None) -> Tensor | None:
    if parameter is None or (parameter.dtype == torch.float32 and parameter.is_contiguous()):
        return parameter
    return parameter.float().contiguous()


def _by_state(parameter: Tensor, factor: float = 1.0) -> Tensor:
    """[..., D, N] -> float32 [..., N, D], where neighbouring channels lie side by side."""
    turned = parameter.float().transpose(-1, -2)
    return (turned * factor if factor != 1 else turned).contiguous()


def _forward(*arguments: Any) -> tuple[Tensor, Tensor, Tensor]:
    prepared, table, separate, last, backend = _unpacked(arguments)
    outputs = implementation("mamba", backend).forward(
        prepared, table, separate=separate, keep=arguments[-1], last=last
    )
    empty = prepared.rates.new_empty(0)
    states = empty if outputs.last_state is None else outputs.last_state.transpose(2, 3)
    return outputs.y, states, empty.clone() if outputs.checkpoints is None else outputs.checkpoints


def _forward_fake(u: Tensor, delta: Tensor, A: Tensor, *arguments: Any) -> tuple[Tensor, Tensor, Tensor]:
    steps, numbers, separate, last, keep = (arguments[i] for i in (6, 8, 11, 12, 14))
    batch, _, length, channels = u.shape
    sequences, states = steps.shape[1], A.shape[2]
    y = u.new_empty((batch, sequences, length, channels) if separate else (batch, length, channels))
    state = A.new_empty((batch, sequences, states, channels), dtype=torch.float32).transpose(2, 3)
    empty = A.new_empty(0, dtype=torch.float32)
    checkpoints = A.new_empty((batch, numbers[CHECKPOINT_COUNT], states, channels), dtype=torch.float32)
    return y, state if last else empty, checkpoints if keep else empty.clone()


def _backward(dy: Tensor, dlast: Tensor | None, checkpoints: Tensor, *arguments: Any) -> tuple[Tensor, ...]:
    prepared, table, separate, _, backend = _unpacked(arguments)
    # The gradient of a sum is one number repeated; the kernels read rows.
    dy = dy if dy.stride(-1) == 1 or dy.shape[-1] == 1 else dy.contiguous()
    ends = None if dlast is None else _by_state(dlast)
    g = implementation("mamba", backend).backward(prepared, table, checkpoints, dy, ends, separate=separate)
    A, B, C = arguments[2:5]
    d_b = g.B if B.ndim == 5 else g.B.transpose(1, 2)
    d_c = g.C if C.ndim == 5 else g.C.transpose(1, 2)
    initial = None if g.initial is None else g.initial.transpose(2, 3)
    gradients: tuple[Any, ...] = (g.u, g.delta, g.A, d_b, d_c, g.D, g.bias, g.weights, initial)
    return tuple(
        A.new_empty(0) if t is None else _like(f, t) for f, t in zip(gradients, arguments[:_TENSORS], strict=True)
    )


def _like(gradient: Tensor, argument: Tensor) -> Tensor:
    """Contiguous, in the dtype of the argument. Asking is quicker than calling what would do nothing."""
    if gradient.dtype == argument.dtype and gradient.is_contiguous():
        return gradient
    return gradient.to(argument.dtype).contiguous()


def _backward_fake(dy: Tensor, dlast: Tensor | None, checkpoints: Tensor, *arguments: Any) -> tuple[Tensor, ...]:
    A = arguments[2]
    # What is compiled relies on these strides; those of the arguments may be anything.
    return tuple(A.new_empty(0) if t is None else t.new_empty(t.shape) for t in arguments[:_TENSORS])


for _device in ("cpu", "cuda"):
    torch.library.impl("scanlab::selective_scan", _device, _forward)
    torch.library.impl("scanlab::selective_scan_backward", _device, _backward)
torch.library.register_fake("scanlab::selective_scan", _forward_fake)
torch.library.register_fake("scanlab::selective_scan_backward", _backward_fake)
_OPERATOR = Operator(
    "selective_scan",
    _TENSORS,
    samples={0: 4, 1: 4, 3: 5, 4: 5, 8: 4},
    channels=({4: 3}, {4: 3}, {3: 1}, {5: 2, 3: 1}, {5: 2, 3: 1}, {2: 1}, {2: 1}, {2: 1}, {4: 2}),
    outputs=(-1, 2, 3),
    kernels=(_forward, _backward),
    states=True,
)
register(_OPERATOR)


@dataclass(frozen=True, eq=False)
class ScanArguments:
    """What a kernel reads; strides are free but for the last axis, which is contiguous.

    u [B, Ku, L, D], Ku = 1 or K. delta [B, Kp, L, D], Kp = 1 or K. rates: A as it is given, float32 [Kp, D, N], all its
    strides free. B, C: [B, Kp, G, L, N] (group g serves channels g D/G to (g + 1) D/G - 1), or constant in time,
    float32 [Kp, N, D]. D, bias: float32 [Kp, D]. weights float32 [K, D]: factors on the input of each path. initial
    float32 [B, T, N, D], contiguous: the states before the first steps, where not zero; the table is then a continued
    one. softplus: of delta + bias. u, delta and varying B, C share one dtype: float32, bfloat16 or float16.
    """

    u: Tensor
    delta: Tensor
    rates: Tensor
    B: Tensor
    C: Tensor
    D: Tensor | None = None
    bias: Tensor | None = None
    weights: Tensor | None = None
    initial: Tensor | None = None
    softplus: bool = False

    @cached_property
    def A(self) -> Tensor:
        """The rates as exp2 takes them, by state: float32 [Kp, N, D], times log2(e), contiguous."""
        return _by_state(self.rates, LOG2_E)

    @property
    def groups(self) -> int:
        """G: 1 where B and C are both constant in time."""
        varying = self.B if self.B.ndim == 5 else self.C
        return varying.shape[2] if varying.ndim == 5 else 1


@dataclass(frozen=True, eq=False)
class Forward:
    """What a forward pass leaves.

    y: [B, L, D], or [B, T, L, D] with the sequences kept apart, in the dtype of u. checkpoints float32 [B, checkpoints,
    N, D]: the state before each chunk that goes on from another. last_state float32 [B, T, N, D].
    """

    y: Tensor
    checkpoints: Tensor | None = None
    last_state: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Gradients:
    """The gradients of a scan's arguments, each shaped like the argument."""

    u: Tensor
    delta: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor | None = None
    bias: Tensor | None = None
    weights: Tensor | None = None
    initial: Tensor | None = None
