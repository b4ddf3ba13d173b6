"""Other implementations of the selective scan in the same process: what they need, and where they cannot be run.

They scan sequences. For one raster path rows are a sequence already. For several paths they do as VMamba: u is copied
into K sequences, delta, B and C are given by step, since VMamba computes them from the copies, and the outputs are put
back by row and added. The copies of u and y are part of their work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec

import torch
import torch.nn.functional as F
from torch import Tensor

from scanlab.bench.workloads import Problem, Size
from scanlab.ops import selective_scan

__all__ = ["PEERS", "Peer", "by_step", "peer_output"]

# u, delta [B K, L, D]; A [K, D, N]; B, C [B K, L, N]; K -> y without the skip, [B K, L, D].
Scan = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Peer:
    """An implementation to compare with.

    scan: along sequences; None for ScanLab's own backend of that name. package: what it needs besides torch.
    updates: the most state updates at which one forward, and one forward and backward, is worth waiting for.
    """

    name: str
    scan: Scan | None
    package: str = ""
    updates: tuple[float, float] = (float("inf"), float("inf"))
    reason: str = ""
    compiled: bool = False

    def missing(self) -> str:
        """What to install, "" where it can run."""
        return "" if not self.package or find_spec(self.package) else f"pip install {self.package}"

    def skipped(self, size: Size, backward: bool) -> str:
        """Why it is not run at a size, "" where it is."""
        return self.reason if size.updates > self.updates[backward] else ""


def peer_output(peer: Peer, given: Problem) -> Tensor:
    """y [B, L, D] of a problem: by row for ScanLab, with delta, B and C by step (`by_step`) for all others."""
    if peer.scan is None:
        values = given.leaves
        return selective_scan(*values, paths=given.table, delta_softplus=True, backend=peer.name.split()[-1])  # pyright: ignore[reportReturnType]
    paths = given.size.paths
    if paths == 1:
        u = given.u
    else:
        u = torch.stack([given.u.index_select(1, order) for order in given.orders], 1).flatten(0, 1)
    delta, B, C = (t.flatten(0, 1) for t in (given.delta, given.B, given.C))
    y = peer.scan(u, F.softplus(delta), given.A, B, C).unflatten(0, (-1, paths))
    merged = y[:, 0] if paths == 1 else sum(y[:, k].index_select(1, given.ranks[k]) for k in range(paths))
    return merged + given.u * given.D.sum(0)


def by_step(given: Problem) -> Problem:
    """The same problem with delta, B and C by step, as the peers' models would have computed them."""
    if given.size.paths == 1:
        return given
    delta, B, C = (_along(t, given.orders) for t in (given.delta, given.B, given.C))
    return replace(given, delta=delta, B=B, C=C)


def _along(values: Tensor, rows: Tensor) -> Tensor:
    """values [B, K, L, X] by row -> by step."""
    return values.gather(2, rows[None, :, :, None].expand(len(values), -1, -1, values.shape[-1]))


def _discretised(u: Tensor, delta: Tensor, A: Tensor, B: Tensor) -> tuple[Tensor, Tensor]:
    """exp(delta A) and delta B u, [B K, L, D, N]."""
    decays = A.repeat(len(u) // len(A), 1, 1)
    return torch.exp(delta[..., None] * decays[:, None]), (delta * u)[..., None] * B[:, :, None]


def _sequential(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
    """Step after step in torch, as mamba_ssm's reference does."""
    decay, drive = _discretised(u, delta, A, B)
    state, outputs = torch.zeros_like(drive[:, 0]), []
    for t in range(u.shape[1]):
        state = decay[:, t] * state + drive[:, t]
        outputs.append((state * C[:, t, None]).sum(-1))
    return torch.stack(outputs, 1)


def _pscan(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
    from mambapy.pscan import pscan  # pyright: ignore[reportMissingImports]

    return (pscan(*_discretised(u, delta, A, B)) @ C[..., None]).squeeze(-1)


def _transformers(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
    from transformers.models.mamba import modeling_mamba  # pyright: ignore[reportMissingImports]

    def one(k: int) -> Tensor:
        inputs = (t[k :: len(A)].transpose(1, 2) for t in (u, delta))
        coefficients = (t[k :: len(A)].transpose(1, 2) for t in (B, C))
        return modeling_mamba.mamba_selective_scan(*inputs, A[k], *coefficients)

    return torch.stack([one(k).transpose(1, 2) for k in range(len(A))], 1).flatten(0, 1)


def _associative(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
    from torch._higher_order_ops.associative_scan import associative_scan

    def combine(left: tuple[Tensor, Tensor], right: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return left[0] * right[0], right[0] * left[1] + right[1]

    _, states = associative_scan(combine, _discretised(u, delta, A, B), dim=1, combine_mode="generic")
    return (states @ C[..., None]).squeeze(-1)


_QUADRATIC = "its backward takes time with the square of the length"
_COMPILE = "its backward takes minutes to compile"
PEERS = (
    Peer("scanlab cpu", None),
    Peer("scanlab reference", None, updates=(5e7, 1.5e7), reason="step by step, for checking"),
    Peer("torch, sequential", _sequential, updates=(float("inf"), 2e6), reason=_QUADRATIC),
    Peer("mamba.py pscan", _pscan, "mambapy"),
    Peer("transformers, sequential", _transformers, "transformers", (float("inf"), 2e6), _QUADRATIC),
    Peer("torch associative_scan", _associative),
    Peer("torch associative_scan, compiled", _associative, updates=(float("inf"), 0), reason=_COMPILE, compiled=True),
)
