"""Compare a backend with the reference: values, last states and every gradient, outputs poisoned with NaN."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from scanlab.ops import PathTable, selective_scan

# Relative to the largest value of each tensor: half precision rounds inputs of the next layer as coarsely.
TOLERANCE = {torch.float32: 2e-5, torch.bfloat16: 2e-2, torch.float16: 3e-3}


def random_arguments(
    table: PathTable,
    *,
    batch: int = 2,
    channels: int = 6,
    states: int = 3,
    groups: int = 1,
    shared: bool = False,
    own_input: bool = False,
    constant: str = "",
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
) -> dict[str, Tensor]:
    """Every tensor argument of a scan over a table; `constant` names those of B and C that do not vary in time."""
    draw = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw)

    length, own = table.length, 1 if shared else table.paths

    def coefficients(name: str) -> Tensor:
        if name in constant:
            return normal(own, channels, states)
        return (
            normal(batch, own, groups, length, states).to(dtype)
            if groups > 1
            else normal(batch, own, length, states).to(dtype)
        )

    inputs = (batch, table.paths, length, channels) if own_input else (batch, length, channels)
    return {
        "u": normal(*inputs).to(dtype),
        "delta": normal(batch, own, length, channels).to(dtype),
        "A": -normal(own, channels, states).exp(),
        "B": coefficients("B"),
        "C": coefficients("C"),
        "D": normal(own, channels),
        "z": normal(batch, length, channels).to(dtype),
        "delta_bias": normal(own, channels),
    }


@contextmanager
def poisoned() -> Iterator[None]:
    """Memory that torch hands out uninitialised is NaN inside, so that whatever a kernel leaves out shows."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


def outcome(arguments: dict[str, Tensor], backend: str, **options: Any) -> dict[str, Tensor]:
    """y, last states where asked for, and every argument's gradient for upstream gradients that differ everywhere."""
    leaves = {name: t.detach().clone().requires_grad_() for name, t in arguments.items()}
    merge = options.get("merge")
    if isinstance(merge, Tensor):
        merge = options["merge"] = merge.detach().to(leaves["A"].dtype).requires_grad_()
    scanned = selective_scan(**leaves, backend=backend, **options)
    outputs = dict(zip(("y", "last"), scanned if isinstance(scanned, tuple) else (scanned,), strict=False))
    upstream = [torch.linspace(-1, 1, t.numel(), dtype=t.dtype).view(t.shape).cos() for t in outputs.values()]
    torch.autograd.backward([*outputs.values()], upstream)
    values = {name: t.detach() for name, t in outputs.items()} | {
        f"d{name}": leaf.grad for name, leaf in leaves.items()
    }
    return values | ({"dmerge": merge.grad} if isinstance(merge, Tensor) else {})


def assert_agrees(backend: str, arguments: dict[str, Tensor], **options: Any) -> None:
    """A backend gives the reference's float64 values and gradients, to the precision of the arguments' dtype."""
    options = {"delta_softplus": True} | options
    wide = {name: t.double() for name, t in arguments.items()}
    expected = outcome(wide, "reference", **options)
    with poisoned():
        computed = outcome(arguments, backend, **options)
    tolerance = TOLERANCE[arguments["u"].dtype]
    for name, want in expected.items():
        got = computed[name].double()
        assert got.shape == want.shape, name
        assert got.isfinite().all(), f"{name} has values that were never written, or overflowed"
        error = float((got - want).abs().max()) / max(float(want.abs().max()), 1e-6)
        assert error < tolerance, f"{name}: relative error {error:.1e}"
