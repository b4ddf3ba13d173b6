"""The convolution and the state space dual along strategies of the library, on the CPU against the reference."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import scanlab
from scanlab.ops.conv.api import causal_conv1d
from scanlab.ops.mamba2.api import ssd

# Between them: class tokens at one end, in the middle and at both, partial paths, chains, restarts, curves.
NAMES = ("cross", "vim", "vim_double_cls", "videomamba", "efficient", "msvmamba_half", "mambavision", "hilbert")


def _agree(computed: Tensor, expected: Tensor, leaves: dict[str, Tensor]) -> None:
    upstream = torch.linspace(-1, 1, computed.numel()).view(computed.shape).cos()
    got = torch.autograd.grad(computed, list(leaves.values()), upstream)
    want = torch.autograd.grad(expected, list(leaves.values()), upstream.double())
    for name, a, b in zip(("y", *leaves), (computed, *got), (expected, *want), strict=True):
        difference, size = (a - b).detach().abs().max(), b.detach().abs().max()
        assert float(difference) < 2e-5 * max(float(size), 1e-6), name


@pytest.mark.parametrize("name", NAMES)
def test_strategies(name: str) -> None:
    table = scanlab.ops.path_table(_compiled(name))
    draw = torch.Generator().manual_seed(0)
    paths, length = table.paths, table.length

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw).requires_grad_()

    given = {"x": normal(2, length, 5), "weight": normal(paths, 5, 4), "bias": normal(paths, 5)}
    wide = {k: t.double() for k, t in given.items()}
    expected = causal_conv1d(**wide, paths=table, backend="reference")
    _agree(causal_conv1d(**given, paths=table, backend="cpu"), expected, given)

    given = {"x": normal(1, length, 2, 3), "B": normal(1, paths, length, 2), "C": normal(1, paths, length, 2)}
    given |= {"dt": normal(1, paths, length, 2), "A": (-torch.rand(paths, 2, generator=draw)).requires_grad_()}
    wide = {k: t.double() for k, t in given.items()}
    options = {"dt_softplus": True, "paths": table, "merge": "sum", "chunk": 16}
    expected = ssd(**wide, **options, backend="reference")
    _agree(ssd(**given, **options, backend="cpu"), expected, given)


def _compiled(name: str) -> object:
    try:
        return scanlab.compile(scanlab.load(name), (4, 6))
    except scanlab.ScanlabError:
        return scanlab.compile(scanlab.load(name), (2, 4, 4))
