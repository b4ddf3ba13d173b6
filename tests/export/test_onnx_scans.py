"""Scans and convolutions as ONNX operators against the references of `scanlab.ops`, over tables of every kind."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import scanlab
from scanlab.export import scans
from scanlab.export.basic import softplus
from scanlab.export.diagonal import Diagonal
from scanlab.export.forms import FORMS, Form
from scanlab.export.graph import Graph, Value
from scanlab.export.heads_scan import Heads
from scanlab.export.layout import layout_of
from scanlab.export.protos import model_of
from scanlab.export.scans import causal_conv1d, collected, scan_heads, skipped
from scanlab.ops import PathTable, path_table, selective_scan, ssd
from scanlab.ops import causal_conv1d as convolve

onnxruntime = pytest.importorskip("onnxruntime")
STRATEGIES = {
    "one path": ("hilbert", (4, 4)),
    "four paths": ("cross", (3, 5)),
    "restarts of equal runs": ("sum((by h, w restart by h), -(by w, h restart by w))", (4, 4)),
    "restarts of unequal runs": ("by h // 3, w // 3, h, w restart by h // 3, w // 3", (5, 7)),
    "parts of the grid": ("efficient", (5, 4)),
    "patches left out": ("by h, w where h > 0", (4, 3)),
    "a chain": ("chain(row, -row)", (3, 4)),
    "a chain and a path": ("sum(chain(row, column), snake)", (3, 3)),
    "a class token": ("sum(row, -row) with cls at middle", (3, 3)),
    "a class token twice": ("sum(row, column) with cls at both", (3, 3)),
    "one patch": ("row", (1, 1)),
    "a prime number of steps": ("snake", (1, 23)),
}
WAYS = ("attention", "blocked", "stepped")
BATCH, D, N, TAPS = 2, 6, 3, 3


def table_of(name: str) -> PathTable:
    line, grid = STRATEGIES[name]
    try:
        value = scanlab.load(line)
    except scanlab.ScanlabError:
        value = scanlab.parse(line, "h w")
    return path_table(scanlab.compile(value, grid))


def run(graph: Graph, form: Form, outputs: list[Value], feeds: dict[str, np.ndarray]) -> list[torch.Tensor]:
    for number, value in enumerate(outputs):
        graph.output(value, f"out{number}")
    model = model_of(graph, form, "test", {})
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return [torch.from_numpy(a) for a in session.run(None, feeds)]


def close(got: torch.Tensor, wanted: torch.Tensor, within: float = 2e-5) -> None:
    assert got.shape == wanted.shape
    assert (got - wanted).abs().max() <= within * max(1, wanted.abs().max())


def inputs_of(table: PathTable, sets: int, per_path: bool, states: int = N) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(len(table.steps[0, 0]) + sets)
    draw = lambda *shape: torch.randn(*shape, generator=random)  # noqa: E731
    kp = table.paths if sets > 1 else 1
    u = draw(BATCH, table.paths, table.length, D) if per_path else draw(BATCH, table.length, D)
    return {
        "u": u,
        "delta": draw(BATCH, kp, table.length, D),
        "A": -draw(kp, D, states).exp(),
        "B": draw(BATCH, kp, table.length, states),
        "C": draw(BATCH, kp, table.length, states),
        "D": draw(kp, D),
    }


def exported(
    way: str, table: PathTable, given: dict[str, torch.Tensor], state: torch.Tensor | None = None
) -> list[torch.Tensor]:
    """y [B, L, D], and with a state the last."""
    form = FORMS["portable" if way == "attention" else "onnxruntime"]
    graph, layout = Graph(form.opset), layout_of([table])
    layout = layout if state is not None else layout.apart()
    values = {k: graph.input(k, *given[k].shape[1:]) for k in ("u", "delta", "B", "C")}
    u = values["u"] if given["u"].ndim == 4 else graph.reshape(values["u"], 1, table.length, D)
    delta = softplus(graph, values["delta"])
    x = graph.mul(delta, u)
    bc = graph.concat([values["B"], values["C"]], 3)
    flat = [graph.reshape(v, v.shape[1] * table.length, v.shape[3]) for v in (delta, x, bc)]
    initial = None if state is None else graph.input("state", *state.shape[1:])
    problem = Diagonal(layout, *flat, given["A"].numpy(), initial, state is not None)
    scanned = scans.OF_CHANNELS[way](graph, problem, form.domain if way == "attention" else "")
    y = collected(graph, scanned.y, scanned.positions, layout)
    y = graph.add(y, skipped(graph, u, given["D"].expand(table.paths, -1).numpy(), layout))
    feeds = {k: given[k].numpy() for k in values} | ({} if state is None else {"state": state.numpy()})
    return run(graph, form, [y] + ([] if scanned.last is None else [scanned.last]), feeds)


@pytest.mark.parametrize("per_path", [False, True], ids=["shared input", "an input per path"])
@pytest.mark.parametrize("sets", [1, 2], ids=["shared parameters", "parameters per path"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", STRATEGIES)
def test_a_selective_scan_equals_the_reference(name: str, way: str, sets: int, per_path: bool) -> None:
    table = table_of(name)
    given = inputs_of(table, sets, per_path)
    wanted = selective_scan(**given, delta_softplus=True, paths=table, backend="reference")
    close(exported(way, table, given)[0], wanted)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "name", ["one path", "four paths", "patches left out", "a prime number of steps", "parts of the grid"]
)
@pytest.mark.parametrize("states", [1, N])
def test_states_go_on(name: str, way: str, states: int) -> None:
    table = table_of(name)
    given = inputs_of(table, 2, False, states)
    state = torch.randn(BATCH, table.sequences, D, states)
    wanted = selective_scan(
        **given, delta_softplus=True, paths=table, initial_state=state, return_last_state=True, backend="reference"
    )
    for got, want in zip(exported(way, table, given, state), wanted, strict=True):
        close(got, want)


@pytest.mark.parametrize("way", WAYS)
def test_extreme_decays_and_steps_of_no_length(way: str) -> None:
    """delta A from -1e4 to 0: neither overflows, and nothing is divided by what vanished."""
    table = table_of("four paths")
    given = inputs_of(table, 2, False)
    given["delta"][:, :, ::3] = 1e4
    given["delta"][:, :, 1::3] = -1e3  # softplus is exactly 0
    given["A"][:, ::2] = -1.0
    got = exported(way, table, given)[0]
    assert got.isfinite().all()
    close(got, selective_scan(**given, delta_softplus=True, paths=table, backend="reference"))


HEADS, WIDTH = 2, 3


@pytest.mark.parametrize("state", [False, True], ids=["alone", "from a state"])
@pytest.mark.parametrize("extreme", [False, True], ids=["usual", "extreme"])
@pytest.mark.parametrize("form", ["onnxruntime", "portable", "plain"])
@pytest.mark.parametrize("name", STRATEGIES)
def test_a_scan_of_heads_equals_the_reference(name: str, form: str, extreme: bool, state: bool) -> None:
    table = table_of(name)
    if state and ("restart" in name or "token" in name or "chain" in name):
        pytest.skip("takes no state")
    random = torch.Generator().manual_seed(1)
    x = torch.randn(BATCH, table.length, HEADS, WIDTH, generator=random)
    dt = torch.rand(BATCH, table.paths, table.length, HEADS, generator=random)
    if extreme:
        dt[:, :, ::3], dt[:, :, 1::3] = 1e4, 0
    A = -torch.rand(table.paths, HEADS, generator=random) - 0.5
    B, C = torch.randn(2, BATCH, table.paths, table.length, N, generator=random)
    first = torch.randn(BATCH, table.sequences, HEADS, WIDTH, N) if state else None
    wanted = ssd(x, dt, A, B, C, paths=table, backend="reference", initial_state=first, return_last_state=True)
    graph, layout = Graph(FORMS[form].opset), layout_of([table])
    layout = layout if state else layout.apart()
    given = {"x": x[:, None] * dt[..., None], "g": dt * A[:, None], "bc": torch.cat([B, C], -1)}
    given = {k: v.flatten(1, 2).flatten(2).contiguous() for k, v in given.items()}
    values = [graph.input(k, *v.shape[1:]) for k, v in given.items()]
    initial = graph.input("state", *first.shape[1:]) if first is not None else None
    scanned, _ = scan_heads(graph, Heads(layout, *values, initial, state), FORMS[form])
    y = collected(graph, scanned.y, scanned.positions, layout)
    feeds = {k: v.numpy() for k, v in given.items()} | ({"state": first.numpy()} if first is not None else {})
    got = run(graph, FORMS[form], [y] + ([] if scanned.last is None else [scanned.last]), feeds)
    close(got[0], wanted[0].flatten(2))
    if state:
        close(got[1], wanted[1])


@pytest.mark.parametrize("state", [False, True], ids=["alone", "from a state"])
@pytest.mark.parametrize("sets", [1, 2])
@pytest.mark.parametrize("name", STRATEGIES)
def test_a_convolution_along_paths_equals_the_reference(name: str, sets: int, state: bool) -> None:
    table = table_of(name)
    if state and ("restart" in name or "token" in name):
        pytest.skip("takes no state")
    x = torch.randn(BATCH, table.length, D)
    kp = table.paths if sets > 1 else 1
    weight, bias = torch.randn(kp, D, TAPS), torch.randn(kp, D)
    first = torch.randn(BATCH, table.sequences, TAPS - 1, D) if state else None
    wanted = convolve(x, weight, bias, paths=table, initial_state=first, return_last_state=True, backend="reference")
    graph = Graph(21)
    initial = graph.input("state", *first.shape[1:]) if first is not None else None
    given = graph.input("x", *x.shape[1:])
    outputs = causal_conv1d(graph, given, weight.numpy(), bias.numpy(), layout_of([table]), initial)
    feeds = {"x": x.numpy()} | ({"state": first.numpy()} if first is not None else {})
    for got, want in zip(run(graph, FORMS["plain"], list(outputs), feeds), wanted, strict=True):
        close(got, want)
