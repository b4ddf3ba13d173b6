"""The arguments of a scan in the one form that every kernel takes."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

__all__ = ["Forward", "Gradients", "ScanArguments"]


@dataclass(frozen=True, eq=False)
class ScanArguments:
    """What a kernel reads; strides are free but for the last axis, which is contiguous.

    u [B, Ku, L, D], Ku = 1 or K. delta [B, Kp, L, D], Kp = 1 or K. A float32 [Kp, N, D], times log2(e), contiguous. B,
    C: [B, Kp, G, L, N] (group g serves channels g D/G to (g + 1) D/G - 1), or constant in time, float32 [Kp, N, D]. D,
    bias: float32 [Kp, D]. weights float32 [K, D]: factors on the input of each path. softplus: of delta + bias. u,
    delta and varying B, C share one dtype: float32, bfloat16 or float16.
    """

    u: Tensor
    delta: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor | None = None
    bias: Tensor | None = None
    weights: Tensor | None = None
    softplus: bool = False

    @property
    def groups(self) -> int:
        """G: 1 where B and C are both constant in time."""
        varying = [t.shape[2] for t in (self.B, self.C) if t.ndim == 5]
        return varying[0] if varying else 1


@dataclass(frozen=True, eq=False)
class Forward:
    """What a forward pass leaves.

    y: [B, L, D], or [B, T, L, D] with the tracks kept apart, in the dtype of u. checkpoints float32 [B, slots, N, D]:
    the state before each chunk that goes on from another. last_state float32 [B, T, N, D].
    """

    y: Tensor
    checkpoints: Tensor | None = None
    last_state: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Gradients:
    """The gradients of a scan's arguments, each shaped like the argument; A with respect to A times log2(e)."""

    u: Tensor
    delta: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor | None = None
    bias: Tensor | None = None
    weights: Tensor | None = None
