"""The kernel benchmark: every peer computes the same scan, nothing is left out silently, and promises are checked."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from scanlab.bench import kernels, peers, roofline, timing
from scanlab.bench.continued import CASES, PACK, QUICK_CASES, ContinuedFigure
from scanlab.bench.kernels import LIMIT, OURS, Figure, OrderFigure, Report
from scanlab.bench.peers import PEERS, by_step, peer_output
from scanlab.bench.plot import draw
from scanlab.bench.roofline import Roofline
from scanlab.bench.targets import checks
from scanlab.bench.timing import Times, in_turns, peak_extra_memory
from scanlab.bench.workloads import QUICK, SIZES, Problem, Size, problem
from scanlab.cli.app import app
from scanlab.ir.diagnostics import ScanlabError

PROBLEMS = {
    "raster": lambda: problem(Size(2, 21, 8, 3)),
    "cross": lambda: problem(Size(2, 20, 8, 1, 4)),
    "random orders": lambda: problem(Size(1, 12, 4, 2, 2), shuffled=True),
}
LIGHT = [peer for peer in PEERS if not peer.compiled]
SKETCH = Path(__file__).parents[2] / "../shared/research/prototypes/cpp_scan_limit.cpp"


def gradients(peer, given: Problem):
    """The gradients of u, A and D, the same tensors for all; those of delta, B and C are by row or by step."""
    leaves = (given.u, given.A, given.D)
    for leaf in leaves:
        leaf.requires_grad_()
    return torch.autograd.grad(peer_output(peer, given), leaves, given.upstream)


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("peer", LIGHT, ids=lambda peer: peer.name)
def test_every_peer_computes_the_same_scan(peer, name):
    if peer.missing():
        pytest.skip(peer.missing())
    given = PROBLEMS[name]()
    inputs = given if peer.scan is None else by_step(given)
    reference = PEERS[1]
    torch.testing.assert_close(peer_output(peer, inputs), peer_output(reference, given), rtol=1e-4, atol=1e-4)
    for found, expected in zip(gradients(peer, inputs), gradients(reference, given), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(peers, "find_spec", lambda name: None)
    absent = {peer.name: peer.missing() for peer in PEERS if peer.missing()}
    assert absent == {"mamba.py pscan": "pip install mambapy", "transformers, sequential": "pip install transformers"}


def test_what_would_take_minutes_is_skipped_with_its_reason():
    sequential = next(p for p in PEERS if p.name == "torch, sequential")
    assert "square" in sequential.skipped(SIZES["S3"], True)
    assert sequential.skipped(SIZES["S3"], False) == "" == sequential.skipped(SIZES["S1"], True)


def test_the_sizes_are_the_five_of_the_research():
    assert [str(s) for s in SIZES.values()] == [
        "B=1 L=196 D=384 N=16 K=1",
        "B=8 L=196 D=384 N=16 K=1",
        "B=1 L=4096 D=192 N=16 K=1",
        "B=2 L=3136 D=96 N=1 K=4",
        "B=1 L=32768 D=64 N=16 K=1",
    ]


def test_the_paths_of_a_problem_are_permutations_with_their_inverse():
    for make in PROBLEMS.values():
        given = make()
        rows = torch.arange(given.size.length).expand_as(given.orders)
        assert torch.equal(given.orders.sort(-1).values, rows)
        assert torch.equal(given.orders.gather(1, given.ranks), rows)


@pytest.mark.parametrize("case", QUICK_CASES, ids=lambda c: f"{c.what}-{c.backward}")
def test_both_ways_of_a_case_scan_the_same(case):
    one, other = (scan() for scan in case.ways(problem(case.size)))
    rows = [y for y in one if y.ndim == 3]
    whole = torch.cat(other, 1)
    torch.testing.assert_close(torch.cat(rows, 1), whole if case.beside != "it and all before it" else whole[:, -1:])


def test_cases_of_states_and_packs():
    assert len(set(PACK)) == len(PACK) and {c.what for c in QUICK_CASES} == {c.what for c in CASES}
    assert all(c.size.length == sum(h * w for h, w in PACK) for c in CASES if "pack" in c.what)


@pytest.fixture
def passes(monkeypatch) -> Callable[[float], None]:
    """A clock that goes on by what it is told and by nothing else: a busy machine changes no turn."""
    now = 0.0

    def passes(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(timing, "perf_counter", lambda: now)
    return passes


def test_slow_calls_run_in_turns(passes):
    order: list[str] = []
    calls = {name: lambda name=name: (order.append(name), passes(2**-5)) for name in "ab"}
    times = in_turns(calls, 0.25, most=4)
    assert order == ["a", "b"] * 6 and times["a"].runs == times["b"].runs == 4
    assert times["a"].fastest_ms == times["a"].median_ms == times["a"].high_ms == pytest.approx(31.25)


def test_quick_calls_take_turns_in_bursts_after_an_unmeasured_run(passes):
    order: list[str] = []
    times = in_turns({name: lambda name=name: (order.append(name), passes(0.001)) for name in "ab"}, 1.0, most=4)
    assert order == ["a", "b"] * 2 + ["a"] * 5 + ["b"] * 5
    assert times["a"].runs == 4


def test_a_slow_first_run_does_not_make_later_ones_few(passes):
    waits = iter([0.1])
    times = in_turns({"compiles": lambda: passes(next(waits, 0.001))}, 0.2, most=50)
    assert times["compiles"].runs == 50
    assert (times["compiles"].first_ms, times["compiles"].median_ms) == pytest.approx((100, 1))


def test_what_outlasts_the_budget_runs_once_more(passes):
    runs: list[float] = []
    times = in_turns({"long": lambda: (runs.append(0), passes(0.03))}, 0.01)
    assert len(runs) == 2 and times["long"].runs == 1


def test_peak_memory_sees_what_is_freed_again():
    found = peak_extra_memory(lambda: np.ones(1 << 23).sum())
    if found is None:
        pytest.skip("only Linux tells")
    assert 60e6 < found < 100e6
    # Small blocks come out of what the C library keeps, unless it is given back first.
    again = peak_extra_memory(lambda: [np.ones(1 << 13) for _ in range(512)])
    assert again is not None and again > 25e6


def _measured(monkeypatch, **options) -> Report:
    monkeypatch.setattr(kernels, "QUICK", {"tiny": Size(1, 33, 16, 16), "tiny K=4": Size(1, 16, 16, 1, 4)})
    monkeypatch.setattr(kernels, "LENGTHS", (16,))
    monkeypatch.setattr(kernels, "QUICK_CASES", QUICK_CASES[:1])
    monkeypatch.setattr(kernels, "PEERS", tuple(LIGHT))
    monkeypatch.setattr(kernels, "measure_roofline", lambda: Roofline(10.0, 5.0, 2))
    said: list[str] = []
    report = kernels.measure(True, options.get("limit"), 0.01, said.append)
    assert len(said) == kernels.stages(True)
    return report


def test_a_whole_run(monkeypatch):
    report = _measured(monkeypatch)
    data = json.loads(json.dumps(report.as_data()))
    assert data["versions"]["torch"] == torch.__version__ and data["command"].startswith("scanlab")
    assert {f["name"] for f in data["figures"]} == {peer.name for peer in LIGHT}
    assert {(f["size"], f["backward"]) for f in data["figures"]} == {
        (s, b) for s in ("tiny", "tiny K=4") for b in (False, True)
    }
    ours = [f for f in report.figures if f.name == OURS]
    assert all(f.times_ours == 1.0 for f in ours)
    # L=33 in chunks of 32: one state of 16 x 16 float32 is kept; L=16 needs none.
    assert [f.kept_bytes for f in ours if f.backward] == [1024, 0]
    assert len(report.orders) == 4
    assert [(f["size"], f["most"]) for f in data["continued"]] == [(str(QUICK_CASES[0].size), 1.05)]


def test_the_limit_by_hand_is_compiled_and_measured(monkeypatch):
    if not SKETCH.exists():
        pytest.skip("needs ../shared/research/prototypes")
    if "avx512f" not in Path("/proc/cpuinfo").read_text(encoding="ascii"):
        pytest.skip("the sketch needs AVX-512")
    report = _measured(monkeypatch, limit=SKETCH)
    assert sum(f.name == LIMIT for f in report.figures) == 4


def test_a_limit_that_does_not_compile_is_refused(tmp_path):
    broken = tmp_path / "broken.cpp"
    broken.write_text("not C++", encoding="utf-8")
    with pytest.raises(ScanlabError, match="S752"):
        kernels.measure(True, broken, 0.01, lambda what: None)


def _times(median: float) -> Times:
    return Times(median, median, median, median, 3, median)


def _report() -> Report:
    def figure(name, backward, ratio):
        return Figure("S1", name, backward, _times(ratio), ratio, 10**6, 4096)

    skipped = (Figure("S1", "mamba.py pscan", b, None, note="pip install mambapy") for b in (False, True))
    figures = (
        figure(OURS, False, 1.0),
        figure("torch, sequential", False, 60.0),
        figure(LIMIT, False, 0.5),
        figure(OURS, True, 1.0),
        *skipped,
    )
    orders = (OrderFigure(196, 16, 1, False, _times(1.0), _times(1.05)),)
    continued = (
        ContinuedFigure("packed", "one by one", SIZES["S1"], True, 1.1, _times(1.2), _times(1.0)),
        ContinuedFigure("parts", "at once", SIZES["S1"], False, None, _times(1.2), _times(1.0)),
    )
    return Report({"S1": SIZES["S1"]}, figures, orders, Roofline(40.0, 18.0, 2), continued=continued)


def test_promises_are_checked_where_there_is_a_figure():
    found = {check.text: (round(check.measured, 2), check.holds) for check in checks(_report())}
    first = "seconds (kernels compiled by an earlier run)"
    assert found == {
        f"first call, forward: {first}": (0.0, True),
        f"first call, forward + backward: {first}": (0.0, True),
        "S1, forward: torch, sequential over ours": (60.0, True),
        f"S1, forward: ours over {LIMIT}": (2.0, False),
        "L=196 N=16 K=1, forward: random over row": (1.05, True),
        "B=1 L=196 D=384 N=16 K=1, forward + backward: packed over one by one": (1.2, False),
    }


def test_the_command_prints_tables_and_writes_files(monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(kernels, "measure", lambda *_: _report())
    files = ["--json", str(tmp_path / "k.json"), "--plot", str(tmp_path / "k.png")]
    result = CliRunner().invoke(app, ["bench", "kernels", "--quick", *files])
    assert result.exit_code == 0, result.output
    assert "pip install mambapy" in result.stdout and "missed" in result.stdout and "40.0 GB/s" in result.stdout
    assert "states, streams and packs" in result.stdout and "at once" in result.stdout
    assert len(json.loads((tmp_path / "k.json").read_text(encoding="utf-8"))["figures"]) == 6
    assert (tmp_path / "k.png").read_bytes().startswith(b"\x89PNG")


def test_a_plot_is_drawn_as_svg_too(tmp_path):
    draw(_report(), tmp_path / "k.svg")
    assert "<svg" in (tmp_path / "k.svg").read_text(encoding="utf-8")


def test_the_limits_of_the_machine_are_plausible():
    found = roofline.measure_roofline(0.05)
    assert 0.1 < found.copy_gb_s < 5000
    assert 0.05 < found.exp2_g_s < 5000
    assert found.threads == torch.get_num_threads()


def test_the_shortest_time_is_by_exponentials_or_by_bytes():
    size = SIZES["S1"]
    # B K L D (N + 2) exponentials; 4 (B L D (2 + K) + 2 B K L N) bytes.
    assert Roofline(1e9, 1.0, 2).shortest_ms(size) == pytest.approx(196 * 384 * 18 * 1e-6)
    assert Roofline(1.0, 1e9, 2).shortest_ms(size) == pytest.approx(4 * (196 * 384 * 3 + 2 * 196 * 16) * 1e-6)


def test_quick_is_small():
    assert all(size.updates < 2e6 for size in QUICK.values())
