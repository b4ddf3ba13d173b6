"""The convolution and the state space dual on a real GPU: values, gradients, and the same bits in every run."""

from __future__ import annotations

import pytest
import torch
from ops.agreement import poisoned
from ops.traversals import CASES, long_table
from torch import Tensor

from scanlab.ops import PathTable
from scanlab.ops.conv.api import causal_conv1d
from scanlab.ops.mamba2.api import ssd

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA or ROCm device"),
]
DEVICE = "cuda"
TABLES = {**CASES, "long": long_table(1000)}
TOLERANCE = {torch.float32: 2e-4, torch.bfloat16: 3e-2, torch.float16: 5e-3}


def _normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _convolution(table: PathTable) -> dict[str, Tensor]:
    paths = table.paths
    return {
        "x": _normal(2, table.length, 200, seed=0),
        "weight": _normal(paths, 200, 4, seed=1),
        "bias": _normal(paths, 200, seed=2),
    }


def _dual(table: PathTable) -> dict[str, Tensor]:
    paths, length = table.paths, table.length
    return {
        "x": _normal(2, length, 3, 64, seed=0),
        "dt": _normal(2, paths, length, 3, seed=1).sigmoid(),
        "A": -_normal(paths, 3, seed=2).exp(),
        "B": _normal(2, paths, length, 64, seed=3),
        "C": _normal(2, paths, length, 64, seed=4),
        "D": _normal(paths, 3, seed=5),
    }


def _outcome(operator: str, arguments: dict[str, Tensor], table: PathTable, backend: str) -> dict[str, Tensor]:
    leaves = {name: t.detach().clone().requires_grad_() for name, t in arguments.items()}
    function = causal_conv1d if operator == "convolution" else ssd
    y = function(**leaves, paths=table, backend=backend)
    assert isinstance(y, Tensor)
    # In float32: half precision cannot count so far.
    y.backward(torch.linspace(-1, 1, y.numel(), device=y.device).view(y.shape).cos().to(y.dtype))
    return {"y": y.detach()} | {f"d{name}": leaf.grad for name, leaf in leaves.items() if leaf.grad is not None}


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("operator", ["convolution", "dual"])
@pytest.mark.parametrize("case", TABLES)
def test_device_agrees_with_the_reference(case: str, operator: str, dtype: torch.dtype) -> None:
    table = TABLES[case]
    given = _convolution(table) if operator == "convolution" else _dual(table)
    given = {name: t.to(dtype) if name in "xBC" else t for name, t in given.items()}
    expected = _outcome(operator, {name: t.double() for name, t in given.items()}, table, "reference")
    there = {name: t.to(DEVICE) for name, t in given.items()}
    with poisoned():
        computed = _outcome(operator, there, table.to(DEVICE), "triton")
        again = _outcome(operator, there, table.to(DEVICE), "triton")
    for name, want in expected.items():
        got = computed[name].cpu().double()
        assert got.isfinite().all(), f"{name} has values that were never written"
        error = float((got - want).abs().max()) / max(float(want.abs().max()), 1e-6)
        assert error < TOLERANCE[dtype], f"{name}: relative error {error:.1e}"
        assert torch.equal(computed[name], again[name]), f"{name} differs from run to run"
