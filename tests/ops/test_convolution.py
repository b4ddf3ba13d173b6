"""The causal convolution along paths: its defining equation, gradients, and backends against the reference."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from ops.agreement import TOLERANCE, poisoned
from ops.traversals import CASES, long_table, traversal, without_promises
from torch import Tensor

import scanlab
from scanlab.codegen import cache
from scanlab.codegen.cost import UNLIMITED
from scanlab.codegen.programs import generate
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops import PathTable, path_table
from scanlab.ops.conv.api import causal_conv1d
from scanlab.ops.path_tables import packed

_INTERPRETED = pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") != "1", reason="needs TRITON_INTERPRET=1")
BACKENDS = ["cpu", pytest.param("triton", marks=_INTERPRETED)]


def _arguments(
    table: PathTable, taps: int = 4, channels: int = 5, own_input: bool = False, shared: bool = False, seed: int = 0
) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    own = 1 if shared else table.paths
    shape = (2, table.paths, table.length, channels) if own_input else (2, table.length, channels)
    return {
        "x": torch.randn(*shape, generator=draw),
        "weight": torch.randn(own, channels, taps, generator=draw),
        "bias": torch.randn(own, channels, generator=draw),
    }


def _by_hand(x: Tensor, weight: Tensor, bias: Tensor, table: PathTable) -> Tensor:
    """The definition, read literally: a list of what was read so far."""
    y = x.new_zeros(len(x), table.paths, table.length, x.shape[-1])
    taps = weight.shape[2]
    for sample in range(len(x)):
        seen = []
        for _, path, row, anew in traversal(table, sample):
            seen = [] if anew else seen
            seen.append(x[sample, path if x.shape[1] > 1 else 0, row])
            k = path if len(weight) > 1 else 0
            past = [torch.zeros_like(seen[0])] * taps + seen
            y[sample, path, row] += F.silu(bias[k] + sum(weight[k, :, j] * past[j - taps] for j in range(taps)))
    return y


@pytest.mark.parametrize("taps", [2, 4, 8])
@pytest.mark.parametrize("own_input", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_reference_is_the_definition(case: str, own_input: bool, taps: int) -> None:
    table = CASES[case]
    given = {name: t.double() for name, t in _arguments(table, taps, own_input=own_input).items()}
    x = given["x"] if own_input else given["x"][:, None]
    expected = _by_hand(x, given["weight"], given["bias"], table)
    torch.testing.assert_close(causal_conv1d(**given, paths=table, backend="reference"), expected)


@pytest.mark.parametrize("case", ["two ways", "chain", "token twice"])
def test_gradients_of_the_reference(case: str) -> None:
    table = CASES[case]
    leaves = [t.double().requires_grad_() for t in _arguments(table, 3, 2).values()]
    assert torch.autograd.gradcheck(lambda *t: causal_conv1d(*t, paths=table, backend="reference"), leaves)


def test_rows_in_turn_are_a_plain_convolution() -> None:
    table = CASES["one"]
    given = {name: t.double() for name, t in _arguments(table).items()}
    padded = F.pad(given["x"].transpose(1, 2), (3, 0))
    expected = F.conv1d(padded, given["weight"][0][:, None], given["bias"][0], groups=5).transpose(1, 2)
    by_reference = causal_conv1d(**given, paths=table, activation=None, backend="reference")
    torch.testing.assert_close(by_reference[:, 0], expected)


def _outcome(arguments: dict[str, Tensor], table: PathTable, activation: str | None, backend: str) -> dict[str, Tensor]:
    leaves = {name: t.detach().clone().requires_grad_() for name, t in arguments.items()}
    y = causal_conv1d(**leaves, paths=table, activation=activation, backend=backend)
    y.backward(torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view(y.shape).cos())
    return {"y": y.detach()} | {f"d{name}": leaf.grad for name, leaf in leaves.items()}


def _assert_agrees(
    backend: str, arguments: dict[str, Tensor], table: PathTable, activation: str | None = "silu"
) -> None:
    expected = _outcome({name: t.double() for name, t in arguments.items()}, table, activation, "reference")
    with poisoned():
        computed = _outcome(arguments, table, activation, backend)
        # Triton's interpreter has no threads to come out of step, and is slow.
        again = _outcome(arguments, table, activation, backend) if backend == "cpu" else computed
    for name, want in expected.items():
        got = computed[name].double()
        assert got.shape == want.shape, name
        assert got.isfinite().all(), f"{name} has values that were never written"
        error = float((got - want).abs().max()) / max(float(want.abs().max()), 1e-6)
        assert error < TOLERANCE[arguments["x"].dtype], f"{name}: relative error {error:.1e}"
        assert torch.equal(computed[name], again[name]), f"{name} differs from run to run"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CASES)
def test_backends_agree(case: str, backend: str) -> None:
    _assert_agrees(backend, _arguments(CASES[case]), CASES[case])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", ["chain", "per sample", "restarts"])
def test_backends_agree_with_an_input_per_path(case: str, backend: str) -> None:
    _assert_agrees(backend, _arguments(CASES[case], own_input=True, shared=True), CASES[case])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", ["two ways", "chain"])
def test_nothing_need_be_promised(case: str, backend: str) -> None:
    _assert_agrees(backend, _arguments(CASES[case]), without_promises(CASES[case]))


@_INTERPRETED
@pytest.mark.parametrize("name", ["cross", "vim"])
def test_rows_by_arithmetic(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCANLAB_CACHE_DIR", str(tmp_path))
    scan = scanlab.compile(scanlab.load(name), (3, 4))
    made = generate(scan, limit=UNLIMITED)
    cache.store(made.name, made.source)
    table = path_table(scan, made.name)
    _assert_agrees("triton", _arguments(table), table)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(dtype: torch.dtype, backend: str) -> None:
    given = {name: t.to(dtype) for name, t in _arguments(CASES["two ways"], channels=130).items()}
    _assert_agrees(backend, given, CASES["two ways"])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 33])
def test_lengths(length: int, backend: str) -> None:
    table = long_table(length)
    _assert_agrees(backend, _arguments(table, taps=2, channels=3), table, None)


@pytest.mark.parametrize("backend", BACKENDS)
def test_strides_are_free(backend: str) -> None:
    table = CASES["two ways"]
    given = _arguments(table, channels=4)
    wide = torch.zeros(2, table.length, 9)
    wide[:, :, 3:7] = given["x"]
    of_a_view = causal_conv1d(wide[:, :, 3:7], given["weight"], None, paths=table, backend=backend)
    expected = causal_conv1d(given["x"], given["weight"], None, paths=table, backend="reference")
    torch.testing.assert_close(of_a_view, expected)


@pytest.mark.parametrize("backend", BACKENDS)
def test_operator_is_well_registered(backend: str) -> None:
    table = CASES["two ways"]
    given = [t.requires_grad_() for t in _arguments(table).values()]
    settings = (None, *packed(table), True, True, backend)
    call = (given[0].detach()[:, None].requires_grad_(), *given[1:], *settings)
    torch.library.opcheck(torch.ops.scanlab.causal_conv1d.default, call)


def test_compiles_whole() -> None:
    table = CASES["two ways"]
    given = {name: t.requires_grad_() for name, t in _arguments(table).items()}

    def loss(**tensors: Tensor) -> Tensor:
        return causal_conv1d(**tensors, paths=table, backend="cpu").square().sum()

    expected = torch.autograd.grad(loss(**given), list(given.values()))
    compiled = torch.autograd.grad(
        torch.compile(loss, fullgraph=True, backend="aot_eager")(**given), list(given.values())
    )
    torch.testing.assert_close(compiled, expected)


def test_autocast() -> None:
    given = _arguments(CASES["two ways"])
    with torch.autocast("cpu", torch.bfloat16):
        y = causal_conv1d(**given, paths=CASES["two ways"], backend="cpu")
    assert y.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"weight": torch.zeros(2, 5, 9)}, "S710"),
        ({"weight": torch.zeros(3, 5, 4)}, "S700"),
        ({"x": torch.zeros(2, 8, 5)}, "S704"),
        ({"x": torch.zeros(2, 9, 5, dtype=torch.int64)}, "S701"),
        ({"bias": torch.zeros(2, 4)}, "S700"),
        ({"activation": "relu"}, "S709"),
        ({"weight": torch.zeros(2, 5, 4, dtype=torch.float64)}, "S701"),
    ],
)
def test_errors(change: dict[str, object], code: str) -> None:
    given = _arguments(CASES["two ways"]) | change
    with pytest.raises(ScanlabError) as raised:
        causal_conv1d(**given, paths=CASES["two ways"])
    assert raised.value.code == code
