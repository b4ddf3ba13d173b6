"""What VMamba and Vim run on a GPU, where it is installed: their own kernels on sequences laid out as they want them.

Inputs by step are made before the clock starts, since both models compute delta, B and C from permuted copies; the
copies of u and the putting back of y are theirs to pay for. Where only mamba_ssm's kernels can be had, in a C library,
plain copies by torch stand in for VMamba's cross-scan and merge and for Vim's flips, and are called so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from scanlab.bench.gpu_peer_library import library_missing, library_scan
from scanlab.bench.gpu_shapes import GpuInputs

__all__ = ["PEERS", "GpuPeer", "PeerCall"]

_CUDA = "selective_scan_cuda", "fwd", "pip install mamba_ssm, built with CUDA"
_CROSS = "csm_triton", "cross_scan_fn", "put the classification/models of a current VMamba on PYTHONPATH"


@dataclass(frozen=True, eq=False)
class PeerCall:
    """A peer ready to run: y as it leaves it, from leaves; by_row: that y as ours, [B, L, D].

    by_row is None for a part of the work, whose output is not the scan's.
    """

    leaves: tuple[Tensor, ...]
    output: Callable[[], Tensor]
    by_row: Callable[[Tensor], Tensor] | None


@dataclass(frozen=True)
class GpuPeer:
    """An implementation of the scans of one strategy, or a part of one.

    missing: what lacks, and how to get it; "" where the peer can run. whole: whether it does all that ours does.
    """

    name: str
    strategy: str
    missing: Callable[[], str]
    prepare: Callable[[GpuInputs], PeerCall]
    whole: bool = True


def _unimportable(*needs: tuple[str, str, str]) -> str:
    """needs: (module, a function of it, how to get it)."""
    for module, function, how in needs:
        try:
            getattr(import_module(module), function)
        except Exception as error:  # extensions built for another torch raise whatever they like
            return f"{module}.{function} cannot be imported ({type(error).__name__}): {how}"
    return ""


class _CudaScan(torch.autograd.Function):
    """mamba_ssm's compiled extension on u, delta [B, K D, L], A [K D, N], B, C [B, K, N, L], D, bias [K D]."""

    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> Tensor:
        u, delta, A, B, C, D, bias = tensors
        out, states, *_ = import_module("selective_scan_cuda").fwd(u, delta, A, B, C, D, None, bias, True)
        ctx.save_for_backward(*tensors, states)
        return out

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, ...]:
        u, delta, A, B, C, D, bias, states = ctx.saved_tensors
        [dy] = upstream
        gradients = import_module("selective_scan_cuda").bwd(
            u, delta, A, B, C, D, None, bias, dy.contiguous(), states, None, None, True, False
        )
        return tuple(gradients[:7])


def _scan(*tensors: Tensor) -> Tensor:
    y = _CudaScan.apply(*tensors)
    assert isinstance(y, Tensor), "one output"
    return y


def _by_step(values: Tensor, orders: Tensor) -> Tensor:
    """values [B, K, L, X] by row -> [B, K, X, L] by step, contiguous."""
    index = orders[None, :, :, None].expand(len(values), -1, -1, values.shape[3])
    return values.gather(2, index).transpose(2, 3).contiguous()


def _leaf(values: Tensor) -> Tensor:
    return values.detach().contiguous().requires_grad_()


def _cross(given: GpuInputs) -> PeerCall:
    """VMamba: cross scan, one call of the scan for all four paths, cross merge."""
    size, side = given.shape.size, given.shape.side
    orders = given.table.steps[0].long()
    x = _leaf(given.u.transpose(1, 2).unflatten(2, (side, side)))
    delta = _leaf(_by_step(given.delta, orders).flatten(1, 2))
    B, C = (_leaf(_by_step(t, orders)) for t in (given.B, given.C))
    A, D, bias = (_leaf(t.flatten(0, 1)) for t in (given.A, given.D, given.bias))

    def output() -> Tensor:
        cross = import_module("csm_triton")
        sequences = cross.cross_scan_fn(x, in_channel_first=True, out_channel_first=True).flatten(1, 2)
        y = _scan(sequences, delta, A, B, C, D, bias).view(size.samples, size.paths, size.channels, side, side)
        return cross.cross_merge_fn(y, in_channel_first=True, out_channel_first=True)

    return PeerCall((x, delta, A, B, C, D, bias), output, lambda y: y.transpose(1, 2))


def _both_ways(given: GpuInputs) -> PeerCall:
    """Vim: the sequence, and the sequence flipped, each with its own parameters."""
    orders = given.table.steps[0].long()
    u = _leaf(_by_step(given.u[:, None], orders[:1])[:, 0])
    deltas, Bs, Cs = ([_leaf(t[:, k]) for k in (0, 1)] for t in (_by_step(v, orders) for v in _activations(given)))
    parameters = [[_leaf(t[k]) for t in (given.A, given.D, given.bias)] for k in (0, 1)]

    def one(k: int, sequence: Tensor) -> Tensor:
        A, D, bias = parameters[k]
        return _scan(sequence, deltas[k], A, Bs[k][:, None], Cs[k][:, None], D, bias)

    def output() -> Tensor:
        return one(0, u) + one(1, u.flip(-1)).flip(-1)

    leaves = (u, *deltas, *Bs, *Cs, *parameters[0], *parameters[1])
    ranks = orders[0].argsort()
    return PeerCall(leaves, output, lambda y: y.transpose(1, 2)[:, ranks])


def _activations(given: GpuInputs) -> tuple[Tensor, Tensor, Tensor]:
    return given.delta, given.B, given.C


@dataclass(frozen=True, eq=False)
class _Sequences:
    """The inputs of all paths by step, for one call of the kernels: u, delta [B, K D, L], and copies in and out."""

    given: GpuInputs

    @property
    def orders(self) -> Tensor:
        """int64 [K, L]: the row at each step."""
        return self.given.table.steps[0].long()

    def activations(self) -> list[Tensor]:
        """delta, A, B, C, D and bias as leaves."""
        given, orders = self.given, self.orders
        A, D, bias = (_leaf(t.flatten(0, 1)) for t in (given.A, given.D, given.bias))
        B, C = (_leaf(_by_step(t, orders)) for t in (given.B, given.C))
        return [_leaf(_by_step(given.delta, orders).flatten(1, 2)), A, B, C, D, bias]

    def image(self) -> Tensor:
        """u [B, D, L] by row, a leaf."""
        return _leaf(self.given.u.transpose(1, 2))

    def copied_in(self, image: Tensor, orders: list[Tensor]) -> Tensor:
        """[B, D, L] by row -> [B, K D, L] by step."""
        return torch.cat([image.index_select(2, order) for order in orders], 1)

    def copied_out(self, y: Tensor, ranks: list[Tensor]) -> Tensor:
        """[B, K D, L] by step -> the sum of the paths [B, D, L] by row."""
        first, *others = (part.index_select(2, rank) for part, rank in zip(y.chunk(len(ranks), 1), ranks, strict=True))
        for other in others:
            first = first + other
        return first


def _library_alone(given: GpuInputs) -> PeerCall:
    """The kernels alone, on sequences that lie ready."""
    made = _Sequences(given)
    ranks = [order.argsort() for order in made.orders]
    u = _leaf(made.copied_in(given.u.transpose(1, 2), list(made.orders)))
    leaves = (u, *made.activations())
    return PeerCall(leaves, lambda: library_scan(*leaves), lambda y: made.copied_out(y, ranks).transpose(1, 2))


def _copies_alone(given: GpuInputs) -> PeerCall:
    """The copies into sequences and out of them, without a scan between."""
    made = _Sequences(given)
    orders, ranks, image = list(made.orders), [order.argsort() for order in made.orders], made.image()
    return PeerCall((image,), lambda: made.copied_out(made.copied_in(image, orders), ranks), None)


def _library_between_copies(given: GpuInputs) -> PeerCall:
    """Copies in, the kernels, copies out: all that a model must do around these kernels."""
    made = _Sequences(given)
    orders, ranks, image = list(made.orders), [order.argsort() for order in made.orders], made.image()
    others = made.activations()

    def output() -> Tensor:
        return made.copied_out(library_scan(made.copied_in(image, orders), *others), ranks)

    return PeerCall((image, *others), output, lambda y: y.transpose(1, 2))


def _library_peers(strategy: str, stand_in: str) -> tuple[GpuPeer, ...]:
    """The rows of the C library; stand_in: what the copies stand in for."""
    copies = f"copies by torch that stand in for {stand_in}"
    return (
        GpuPeer(f"mamba_ssm's kernels and {copies}", strategy, library_missing, _library_between_copies),
        GpuPeer("mamba_ssm's kernels alone", strategy, library_missing, _library_alone, whole=False),
        GpuPeer(f"{copies}, alone", strategy, lambda: "", _copies_alone, whole=False),
    )


PEERS = (
    GpuPeer(
        "VMamba: Triton cross scan and merge, mamba_ssm CUDA", "cross", partial(_unimportable, _CUDA, _CROSS), _cross
    ),
    *_library_peers("cross", "VMamba's cross-scan"),
    GpuPeer("Vim: two mamba_ssm CUDA scans and flips", "vim", partial(_unimportable, _CUDA), _both_ways),
    *_library_peers("vim", "Vim's flips"),
)
