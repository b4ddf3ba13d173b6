"""The state space dual over paths: published arrays, its recurrence, gradients, and backends against the reference."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from ops.agreement import poisoned
from ops.traversals import CASES, long_table, traversal, without_promises
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops import PathTable
from scanlab.ops.mamba2.api import ssd
from scanlab.ops.mamba2.cpu import PARTS
from scanlab.ops.path_tables import packed
from scanlab.ops.resolve_paths import raster_table

_INTERPRETED = pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") != "1", reason="needs TRITON_INTERPRET=1")
BACKENDS = ["cpu", pytest.param("triton", marks=_INTERPRETED)]
GOLDEN = Path(__file__).parents[1] / "golden" / "ssd.npz"
# Relative to the largest value. Half precision rounds the matrices that it multiplies, as Mamba-2's kernels do.
TOLERANCE = {torch.float64: 1e-9, torch.float32: 2e-5, torch.bfloat16: 3e-2, torch.float16: 4e-3}


def _arguments(
    table: PathTable,
    heads: int = 2,
    width: int = 5,
    states: int = 3,
    groups: int = 1,
    own_input: bool = False,
    shared: bool = False,
    batch: int = 2,
) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw)

    own, length = 1 if shared else table.paths, table.length
    coefficients = (batch, own, length, groups, states) if groups > 1 else (batch, own, length, states)
    return {
        "x": normal(*((batch, table.paths) if own_input else (batch,)), length, heads, width),
        "dt": normal(batch, own, length, heads),
        "A": -normal(own, heads).exp(),
        "B": normal(*coefficients),
        "C": normal(*coefficients),
        "D": normal(own, heads),
        "dt_bias": normal(own, heads),
    }


def _golden() -> dict[str, dict[str, Tensor]]:
    """The arrays of tests/golden/ssd.npz by case."""
    cases: dict[str, dict[str, Tensor]] = {}
    with np.load(GOLDEN) as arrays:
        for key in arrays:
            case, name = key.split("/")
            cases.setdefault(case, {})[name] = torch.from_numpy(arrays[key])
    return cases


def _assert_published(case: dict[str, Tensor], backend: str) -> None:
    """The arrays are about X = x dt and A dt, step by step; the chain rule leads to x, dt and A."""
    leaves = {name: case[name].clone().requires_grad_() for name in ("x_raw", "dt", "A_cont", "in_B", "in_C")}
    y, last = ssd(
        leaves["x_raw"],
        leaves["dt"][:, None],
        leaves["A_cont"][None],
        leaves["in_B"][:, None],
        leaves["in_C"][:, None],
        paths=raster_table(case["dt"].shape[1], torch.device("cpu")),
        return_last_state=True,
        backend=backend,
    )
    y.backward(case["dY"].to(y.dtype))
    values = {"y": y.detach(), "state": last[:, 0]} | {name: leaf.grad for name, leaf in leaves.items()}
    expected = {
        "y": case["out_Y"],
        "state": case["final_state"],
        "x_raw": case["grad_X"] * case["dt"][..., None],
        "dt": (case["grad_X"] * case["x_raw"]).sum(-1) + case["grad_A"] * case["A_cont"],
        "A_cont": (case["grad_A"] * case["dt"]).sum((0, 1)),
        "in_B": case["grad_B"],
        "in_C": case["grad_C"],
    }
    for name, want in expected.items():
        error = float((values[name] - want).abs().max()) / float(want.abs().max())
        assert error < TOLERANCE[y.dtype], f"{name}: {error:.1e}"


@pytest.mark.parametrize("case", ["L64", "L196"])
def test_reference_gives_published_values(case: str) -> None:
    _assert_published(_golden()[case], "reference")


@pytest.mark.parametrize("backend", BACKENDS)
def test_backends_give_published_values(backend: str) -> None:
    _assert_published({name: t.float() for name, t in _golden()["L64"].items()}, backend)


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("case", ["L64_H4_P8_N16_blk16", "L196_H2_P16_N8_blk49", "L256_H2_P8_N64_blk64"])
def test_reference_gives_all_published_values(case: str, dtype: str) -> None:
    file = GOLDEN.parents[3] / "shared" / "golden" / "selective_scan" / f"ssd_minimal_{case}_{dtype}.npz"
    if not file.exists():
        pytest.skip("needs ../shared/golden/selective_scan")
    with np.load(file) as arrays:
        _assert_published({name: torch.from_numpy(arrays[name]) for name in arrays}, "reference")


def _by_hand(given: dict[str, Tensor], table: PathTable) -> tuple[Tensor, Tensor]:
    """The recurrence, one outer product at a time, for parameters per path without groups."""
    x, B, C = given["x"], given["B"], given["C"]
    dt = torch.nn.functional.softplus(given["dt"] + given["dt_bias"][:, None])
    y = x.new_zeros(len(x), table.sequences, *x.shape[1:])
    last = x.new_zeros(len(x), table.sequences, x.shape[2], x.shape[3], B.shape[-1])
    for sample in range(len(x)):
        for sequence, k, row, anew in traversal(table, sample):
            h = last[sample, sequence] * (0 if anew else 1)
            h = torch.exp(dt[sample, k, row] * given["A"][k])[:, None, None] * h
            h = h + (dt[sample, k, row][:, None] * x[sample, row])[..., None] * B[sample, k, row]
            y[sample, sequence, row] += h @ C[sample, k, row] + given["D"][k][:, None] * x[sample, row]
            last[sample, sequence] = h
    return y, last


@pytest.mark.parametrize("case", CASES)
def test_reference_is_the_recurrence(case: str) -> None:
    given = {name: t.double() for name, t in _arguments(CASES[case]).items()}
    expected = _by_hand(given, CASES[case])
    by_reference = ssd(
        **given, dt_softplus=True, paths=CASES[case], merge="none", return_last_state=True, backend="reference"
    )
    torch.testing.assert_close(by_reference, expected)


def test_gradients_of_the_reference() -> None:
    table = CASES["chain"]
    leaves = [t.double().requires_grad_() for t in _arguments(table, 2, 2, 2, batch=1).values()]
    settings = {"dt_softplus": True, "paths": table, "backend": "reference"}
    assert torch.autograd.gradcheck(lambda *t: ssd(*t, **settings), leaves)


def _outcome(arguments: dict[str, Tensor], table: PathTable, backend: str, **options: object) -> dict[str, Tensor]:
    leaves = {name: t.detach().clone().requires_grad_() for name, t in arguments.items()}
    merge = options.get("merge")
    if isinstance(merge, Tensor):
        merge = options["merge"] = merge.detach().to(leaves["A"].dtype).requires_grad_()
    y = ssd(**leaves, dt_softplus=True, paths=table, backend=backend, **options)
    last = None
    if isinstance(y, tuple):
        y, last = y
    y.backward(torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view(y.shape).cos())
    values = {"y": y.detach()} | {f"d{name}": leaf.grad for name, leaf in leaves.items()}
    values |= {} if last is None else {"last": last}
    return values | ({"dmerge": merge.grad} if isinstance(merge, Tensor) else {})


def _assert_agrees(backend: str, arguments: dict[str, Tensor], table: PathTable, **options: object) -> None:
    wide = {name: t.double() for name, t in arguments.items()}
    expected = _outcome(wide, table, "reference", **options)
    with poisoned():
        computed = _outcome(arguments, table, backend, **options)
        # Triton's interpreter has no threads to come out of step, and is slow.
        again = _outcome(arguments, table, backend, **options) if backend == "cpu" else computed
    for name, want in expected.items():
        got = computed[name].double()
        assert got.shape == want.shape, name
        assert got.isfinite().all(), f"{name} has values that were never written, or overflowed"
        error = float((got - want).abs().max()) / max(float(want.abs().max()), 1e-6)
        assert error < TOLERANCE[arguments["x"].dtype], f"{name}: relative error {error:.1e}"
        assert torch.equal(computed[name], again[name]), f"{name} differs from run to run"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CASES)
def test_backends_agree(case: str, backend: str) -> None:
    _assert_agrees(backend, _arguments(CASES[case]), CASES[case], merge="sum")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", ["chain", "restarts", "partial"])
def test_sequences_kept_apart(case: str, backend: str) -> None:
    _assert_agrees(backend, _arguments(CASES[case]), CASES[case], merge="none", return_last_state=True)


@pytest.mark.parametrize("backend", BACKENDS)
def test_groups_shared_parameters_and_inputs_per_path(backend: str) -> None:
    table = CASES["two ways"]
    _assert_agrees(backend, _arguments(table, heads=4, groups=2, shared=True), table)
    _assert_agrees(backend, _arguments(table, heads=4, groups=4, own_input=True), table)


def test_one_task_goes_through_several_groups_on_the_cpu() -> None:
    """With so many samples no task is left for the heads of one."""
    table = CASES["two ways"]
    _assert_agrees("cpu", _arguments(table, heads=4, groups=2, batch=PARTS), table)


@pytest.mark.parametrize("backend", BACKENDS)
def test_weights(backend: str) -> None:
    weights = torch.linspace(-1, 2, 2 * 2 * 5).view(2, 10)
    _assert_agrees(backend, _arguments(CASES["two ways"]), CASES["two ways"], merge=weights)


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_need_be_promised(backend: str) -> None:
    _assert_agrees(backend, _arguments(CASES["chain"]), without_promises(CASES["chain"]))


@pytest.mark.parametrize(
    ("dtype", "backend"),
    # Every dtype is compiled anew on the CPU, which takes longest here.
    [
        (torch.bfloat16, "cpu"),
        *(pytest.param(d, "triton", marks=_INTERPRETED) for d in (torch.bfloat16, torch.float16)),
    ],
)
def test_half_precision(dtype: torch.dtype, backend: str) -> None:
    given = _arguments(CASES["two ways"], width=20)
    given |= {name: given[name].to(dtype) for name in "xBC"}
    _assert_agrees(backend, given, CASES["two ways"])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("length", [2, 16, 17, 70])
def test_lengths(length: int, backend: str) -> None:
    table = long_table(length, paths=1)
    _assert_agrees(backend, _arguments(table, heads=1, states=18, width=17, batch=1), table, chunk=16)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_slow_state_passes_through_whole_chunks(backend: str) -> None:
    """What enters a chunk and leaves it: a gradient of the decays that no pair of steps in it has."""
    table = long_table(64, paths=1)
    given = _arguments(table, heads=1, batch=1) | {"A": torch.tensor([[-0.01]])}
    _assert_agrees(backend, given, table, chunk=16)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("decay", [-1e30, -50.0, 0.0])
def test_extreme_decays(decay: float, backend: str) -> None:
    """A memory that is cut off, or kept for good, or both in turn, is neither a NaN nor less exact."""
    table = long_table(40, paths=1)
    given = _arguments(table, batch=1) | {"A": torch.tensor([[decay, -0.1]])}
    given["dt"] = torch.where(torch.arange(40) % 7 == 0, 1.0, -20.0)[None, None, :, None].expand(1, 1, 40, 2).clone()
    _assert_agrees(backend, given, table)


@pytest.mark.parametrize("backend", BACKENDS)
def test_operator_is_well_registered(backend: str) -> None:
    table = CASES["two ways"]
    given = _arguments(table)
    x, dt, B, C = given["x"][:, None], given["dt"].exp(), given["B"][:, :, :, None], given["C"][:, :, :, None]
    tensors = [t.clone().requires_grad_() for t in (x, dt, -dt, B, C)]
    settings = (*packed(table), 64, False, True, backend)
    torch.library.opcheck(torch.ops.scanlab.ssd.default, (*tensors, None, None, None, *settings))


def test_compiles_whole() -> None:
    table = CASES["two ways"]
    given = {name: t.requires_grad_() for name, t in _arguments(table).items()}

    def loss(**tensors: Tensor) -> Tensor:
        y = ssd(**tensors, dt_softplus=True, paths=table, backend="cpu")
        assert isinstance(y, Tensor)
        return y.square().sum()

    expected = torch.autograd.grad(loss(**given), list(given.values()))
    compiled = torch.autograd.grad(
        torch.compile(loss, fullgraph=True, backend="aot_eager")(**given), list(given.values())
    )
    torch.testing.assert_close(compiled, expected)


def test_autocast() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        y = ssd(**_arguments(CASES["two ways"]), paths=CASES["two ways"], backend="cpu")
    assert isinstance(y, Tensor)
    assert y.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"chunk": 8}, "S711"),
        ({"A": torch.zeros(2, 3)}, "S700"),
        ({"A": torch.full((2, 2), torch.inf)}, "S703"),
        ({"dt": torch.zeros(2, 2, 9, 3)}, "S700"),
        ({"B": torch.zeros(2, 2, 8, 3)}, "S700"),
        ({"x": torch.zeros(2, 8, 2, 5)}, "S704"),
        ({"C": torch.zeros(2, 2, 9, 3, dtype=torch.float64)}, "S701"),
        ({"merge": "most"}, "S706"),
        ({"merge": torch.ones(2, 10), "return_last_state": True}, "S707"),
    ],
)
def test_errors(change: dict[str, object], code: str) -> None:
    given = _arguments(CASES["two ways"]) | change
    with pytest.raises(ScanlabError) as raised:
        ssd(**given, paths=CASES["two ways"])
    assert raised.value.code == code
