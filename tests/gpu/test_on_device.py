"""The Triton kernels on a real device: the reference's values and gradients, the same bits in every run, no waits.

Skipped where there is no CUDA or ROCm device; elsewhere the same kernels run in Triton's interpreter on small sizes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from ops.agreement import poisoned, random_arguments
from ops.handmade import hand_path, hand_scan
from ops.traversals import CASES, long_table
from torch import Tensor

import scanlab
from scanlab.codegen.cache import store
from scanlab.codegen.cost import UNLIMITED
from scanlab.codegen.programs import generate
from scanlab.ops import PathTable, index_table, path_table, selective_scan
from scanlab.ops.conv.api import causal_conv1d
from scanlab.ops.mamba.gpu_plan import Division
from scanlab.ops.mamba2.api import ssd

DEVICE = "cuda"
BACKEND = "triton"

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA or ROCm device"),
]

# Relative to the largest value of each tensor. The sums over rows and samples of float32 grow with their number.
TOLERANCE = {torch.float32: 5e-5, torch.bfloat16: 2e-2, torch.float16: 3e-3}
# The products of the state space dual round their factors to TF32.
MATRIX_TOLERANCE = 5e-3
OPTIONS = {"delta_softplus": True}


def on_device(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.to(DEVICE) for name, tensor in tensors.items()}


def outcome(operator, arguments: dict[str, Tensor], **options) -> dict[str, Tensor]:
    """What an operator gives, and the gradient of each argument for an upstream gradient that differs everywhere."""
    leaves = {name: t.detach().clone().requires_grad_() for name, t in arguments.items()}
    y = operator(**leaves, **options)
    # In float32: half precision cannot count so far.
    y.backward(torch.linspace(-1, 1, y.numel(), device=y.device).view(y.shape).cos().to(y.dtype))
    return {"y": y.detach()} | {f"d{name}": leaf.grad for name, leaf in leaves.items()}


def assert_agrees(arguments: dict[str, Tensor], table: PathTable, *, operator=selective_scan, most=0.0, **options):
    """The kernels give the reference's float64 values and gradients, and the same bits again."""
    arguments, options = on_device(arguments), options | {"paths": table.to(DEVICE)}
    wide = {name: t.double() for name, t in arguments.items()}
    merge = options.get("merge")
    expected = outcome(
        operator, wide, backend="reference", **options | ({"merge": merge.double()} if torch.is_tensor(merge) else {})
    )
    with poisoned():
        computed, again = (outcome(operator, arguments, backend=BACKEND, **options) for _ in range(2))
    tolerance = most or TOLERANCE[next(iter(arguments.values())).dtype]
    for name, want in expected.items():
        got = computed[name].double()
        assert got.shape == want.shape, name
        assert got.isfinite().all(), f"{name} has values that were never written, or overflowed"
        error = float((got - want).abs().max()) / max(float(want.abs().max()), 1e-6)
        assert error < tolerance, f"{name}: relative error {error:.1e}"
        assert torch.equal(computed[name], again[name]), f"{name} differs from run to run"


def shuffled(length: int, seed: int = 0, **options):
    return hand_path(np.random.RandomState(seed).permutation(length), **options)


def table_of(*paths, merge: str = "sum") -> PathTable:
    return path_table(hand_scan(paths, (len(paths[0].indices),), merge))


@pytest.mark.parametrize("channels", [6, 96, 130])
@pytest.mark.parametrize("case", CASES)
def test_everything_a_table_can_say(case, channels):
    assert_agrees(random_arguments(CASES[case], channels=channels), CASES[case], **OPTIONS)


FORMS = {
    "shared parameters": {"shared": True},
    "an input per path": {"own_input": True},
    "groups": {"groups": 3},
    "groups with B constant in time": {"groups": 2, "constant": "B"},
    "C constant in time": {"constant": "C"},
    "both constant in time": {"constant": "BC"},
    "bfloat16": {"dtype": torch.bfloat16},
    "float16": {"dtype": torch.float16},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_arguments(form):
    paths = long_table(75)
    assert_agrees(random_arguments(paths, channels=102, states=4, **FORMS[form]), paths, **OPTIONS)


@pytest.mark.parametrize("form", ["shared parameters", "groups", "both constant in time"])
def test_every_form_of_the_arguments_where_rows_are_visited_again(form):
    paths = CASES["token twice"]
    assert_agrees(random_arguments(paths, channels=66, **FORMS[form]), paths, **OPTIONS)


@pytest.mark.parametrize("left_out", ["D", "delta_bias", "z"])
def test_arguments_may_be_left_out(left_out):
    paths = long_table(40)
    arguments = random_arguments(paths, channels=40)
    del arguments[left_out]
    assert_agrees(arguments, paths, **OPTIONS)


def test_steps_may_go_without_a_softplus():
    paths = long_table(40)
    arguments = random_arguments(paths, channels=40)
    arguments["delta"], arguments["delta_bias"] = arguments["delta"].abs(), arguments["delta_bias"].abs()
    assert_agrees(arguments, paths)


@pytest.mark.parametrize("merge", ["mean", "none", "weights"])
@pytest.mark.parametrize("batch", [1, 64])
def test_every_merge(batch, merge):
    paths = long_table(70)
    weights = torch.linspace(-1, 2, 2 * 64, device=DEVICE).view(2, 64)
    arguments = random_arguments(paths, batch=batch, channels=64)
    assert_agrees(arguments, paths, merge=weights if merge == "weights" else merge, **OPTIONS)


@pytest.mark.parametrize("states", [1, 2, 3, 8, 16, 32])
def test_every_number_of_states(states):
    paths = long_table(70)
    assert_agrees(random_arguments(paths, channels=72, states=states), paths, **OPTIONS)


@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 31, 32, 33, 196, 1000])
def test_every_length(length):
    paths = long_table(length)
    assert_agrees(random_arguments(paths, channels=32, states=4), paths, **OPTIONS)


# name: (strategy, grid, channels, states): the stages of VMamba-T as it is trained today (N = 1), of its first
# version (N = 16), and Vim-T.
MODELS = {
    "VMamba stage 1": ("cross", (56, 56), 96, 1),
    "VMamba stage 2": ("cross", (28, 28), 192, 1),
    "VMamba stage 3": ("cross", (14, 14), 384, 1),
    "VMamba stage 4": ("cross", (7, 7), 768, 1),
    "VMamba stage 3, N = 16": ("cross", (14, 14), 768, 16),
    "Vim-T": ("vim", (14, 14), 384, 16),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("model", MODELS)
def test_sizes_of_models(model, dtype):
    strategy, grid, channels, states = MODELS[model]
    paths = path_table(scanlab.compile(strategy, grid=grid))
    arguments = random_arguments(paths, batch=4, channels=channels, states=states, dtype=dtype)
    assert_agrees(arguments, paths, **OPTIONS)


LONG = {
    "two ways": lambda: long_table(4096),
    "restarts": lambda: table_of(shuffled(2048, restarts=(0, 1, 700, 1500, 1503)), shuffled(2048, 1)),
    "chain": lambda: table_of(shuffled(1024), shuffled(1024, 1, restarts=(0, 300)), shuffled(1024, 2), merge="chain"),
    "class token at both ends": lambda: table_of(shuffled(1500, tokens=(("cls", 0), ("cls", 1501)))),
    "one path": lambda: table_of(shuffled(3000)),
}


@pytest.mark.parametrize("states", [1, 16])
@pytest.mark.parametrize("case", LONG)
def test_long_sequences_of_one_sample(case, states):
    """Too few programs for a device: sequences are cut into work items that run side by side."""
    paths = LONG[case]()
    assert_agrees(random_arguments(paths, batch=1, channels=48, states=states), paths, **OPTIONS)


@pytest.mark.parametrize("case", ["restarts", "chain", "token twice", "partial"])
def test_batches_that_fill_the_device(case):
    """Enough programs without the sequences: one program adds all sequences up."""
    paths = CASES[case]
    assert_agrees(random_arguments(paths, batch=600, channels=256, states=2), paths, **OPTIONS)


def test_a_sample_does_not_depend_on_its_batch():
    """Whatever formulation the size of the batch asks for."""
    paths = long_table(256).to(DEVICE)
    arguments = on_device(random_arguments(paths.to("cpu"), batch=512, channels=64))
    varying = ("u", "delta", "B", "C", "z")
    alone = {name: t[:1] if name in varying else t for name, t in arguments.items()}
    together, single = (
        selective_scan(**given, backend=BACKEND, paths=paths, **OPTIONS) for given in (arguments, alone)
    )
    torch.testing.assert_close(single, together[:1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("merge", ["sum", "none"])
@pytest.mark.parametrize("length", [9, 900])
def test_last_states(length, merge):
    paths = table_of(shuffled(length, restarts=(0, 4)), shuffled(length, 1)).to(DEVICE)
    arguments = on_device(random_arguments(paths.to("cpu"), batch=1, channels=40))
    options = OPTIONS | {"paths": paths, "merge": merge, "return_last_state": True}
    with poisoned():
        _, last = selective_scan(**arguments, backend=BACKEND, **options)
    _, want = selective_scan(**{n: t.double() for n, t in arguments.items()}, backend="reference", **options)
    torch.testing.assert_close(last.double(), want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("length", [33, 2000])
@pytest.mark.parametrize("size", [1e3, 1e30])
def test_extreme_steps_give_no_nan(size, length):
    paths = long_table(length).to(DEVICE)
    arguments = on_device(random_arguments(paths.to("cpu"), batch=1, channels=40))
    arguments["A"] = arguments["A"] * size
    computed = outcome(selective_scan, arguments, backend=BACKEND, paths=paths, **OPTIONS)
    assert all(t.isfinite().all() for t in computed.values())
    wide = {n: t.double() for n, t in arguments.items()}
    want = selective_scan(**wide, backend="reference", paths=paths, **OPTIONS)
    torch.testing.assert_close(computed["y"].double(), want, rtol=1e-4, atol=1e-4)


def test_an_order_is_a_permutation_of_the_rows():
    """The same numbers in the same sequence, so the same bits."""
    order = torch.randperm(300, generator=torch.Generator().manual_seed(0)).to(DEVICE)
    arguments = on_device(random_arguments(long_table(300, paths=1), channels=64))
    rows = {name: t.index_select(-2, order) if name in ("u", "delta", "B", "C", "z") else t
            for name, t in arguments.items()}  # fmt: skip
    scanned = selective_scan(**arguments, paths=index_table(order[None], 300), backend=BACKEND, **OPTIONS)
    turn = index_table(torch.arange(300, device=DEVICE)[None], 300)
    assert torch.equal(scanned[:, order], selective_scan(**rows, paths=turn, backend=BACKEND, **OPTIONS))


@pytest.mark.parametrize("strategy", ["row", "snake", "cross", "hilbert", "vim"])
def test_generated_path_functions_give_the_bits_of_the_table(strategy, tmp_path, monkeypatch):
    monkeypatch.setenv("SCANLAB_CACHE_DIR", str(tmp_path / "cache"))
    compiled = scanlab.compile(strategy, grid=(8, 8))
    # Arithmetic at any price: what is asked here is whether it is right.
    made = generate(compiled, "triton", limit=UNLIMITED)
    store(made.name, made.source)
    table = path_table(compiled).to(DEVICE)
    arguments = on_device(random_arguments(table.to("cpu"), channels=64))
    by_table, generated = (
        outcome(selective_scan, arguments, backend=BACKEND, paths=replace(table, program=name), **OPTIONS)
        for name in ("", made.name)
    )
    assert made.name and "arithmetic" in made.forms
    assert all(torch.equal(by_table[name], generated[name]) for name in by_table)


@pytest.mark.skipif(DEVICE != "cuda", reason="counts the memory of a CUDA device")
def test_nothing_of_the_size_of_all_states_is_allocated():
    """B L D N floats would be 268 MB here."""
    paths = long_table(4096, paths=1).to(DEVICE)
    arguments = on_device(random_arguments(paths.to("cpu"), batch=4, channels=256, states=16))
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    outcome(selective_scan, arguments, backend=BACKEND, paths=paths, **OPTIONS)
    extra = torch.cuda.max_memory_allocated() - before
    assert extra < 268e6, f"{extra / 1e6:.0f} MB"


@pytest.mark.parametrize("samples", [65_536, 70_001])
def test_more_samples_than_the_last_axis_of_a_grid_has_programs(samples):
    table = table_of(shuffled(2))
    assert_agrees(random_arguments(table, batch=samples, channels=4, states=1), table, **OPTIONS)


def test_more_parts_than_the_second_axis_of_a_grid_has_programs(monkeypatch):
    """The reference would take as many steps, one after the other; a sequence in one program is tested elsewhere."""
    from scanlab.ops.mamba import gpu

    length = 66_000
    table = table_of(hand_path(range(length), restarts=tuple(range(length)))).to(DEVICE)
    arguments = on_device(random_arguments(table.to("cpu"), batch=1, channels=4, states=1))
    results = []
    for division in (Division(), Division(chunks=1)):
        monkeypatch.setattr(gpu, "division_for", lambda *_, d=division, **__: d)
        results.append(outcome(selective_scan, arguments, backend=BACKEND, paths=table, **OPTIONS))
    whole, parts = results
    for name, want in whole.items():
        torch.testing.assert_close(parts[name], want, rtol=1e-4, atol=1e-4)


def calls_of_every_operator(device):
    """Forward and backward of each operator, on the same tensors in every call."""
    draw = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=draw).to(device).requires_grad_()

    one, two = (table_of(*paths).to(device) for paths in ((shuffled(70),), (shuffled(70), shuffled(70, 1))))
    plain = random_arguments(one.to("cpu"), channels=32)
    given = {n: t.to(device).requires_grad_() for n, t in plain.items()}
    x, taps = normal(2, 70, 32), normal(2, 32, 4)
    heads, dt, B = normal(2, 70, 2, 16), normal(2, 2, 70, 2).detach().abs(), normal(2, 2, 70, 1, 16)
    decay = -torch.ones(2, 2, device=device)

    def differentiated(y, leaves):
        return (y.detach(), *torch.autograd.grad(y.sum(), leaves))

    return [
        lambda: differentiated(selective_scan(**given, paths=one, backend=BACKEND, **OPTIONS), list(given.values())),
        lambda: differentiated(causal_conv1d(x, taps, paths=two, backend=BACKEND), [x, taps]),
        lambda: differentiated(ssd(heads, dt, decay, B, B, paths=two, backend=BACKEND), [heads, B]),
    ]


OPERATORS = pytest.mark.parametrize("number", range(3), ids=("scan", "convolution", "ssd"))


@pytest.mark.skipif(DEVICE != "cuda", reason="records a CUDA graph")
@OPERATORS
def test_a_graph_takes_forward_and_backward_and_gives_the_same_bits(number):
    run = calls_of_every_operator(DEVICE)[number]
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        expected = run()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        values = run()
    graph.replay()
    torch.cuda.synchronize()
    assert all(map(torch.equal, values, expected))


@pytest.mark.skipif(DEVICE != "cuda" or torch.cuda.device_count() < 2, reason="needs two GPUs")
@OPERATORS
def test_tensors_may_lie_on_a_device_that_is_not_the_current_one(number):
    here, there = (calls_of_every_operator(device)[number]() for device in ("cuda:0", "cuda:1"))
    assert torch.cuda.current_device() == 0
    for a, b in zip(here, there, strict=True):
        torch.testing.assert_close(a, b.to("cuda:0"))


@pytest.mark.skipif(DEVICE != "cuda", reason="asks CUDA whether anything waited")
def test_a_known_table_costs_no_wait_for_the_device():
    paths = long_table(500).to(DEVICE)
    arguments = on_device(random_arguments(paths.to("cpu"), channels=64))
    outcome(selective_scan, arguments, backend=BACKEND, paths=paths, **OPTIONS)
    torch.cuda.set_sync_debug_mode("error")
    try:
        outcome(selective_scan, arguments, backend=BACKEND, paths=paths, **OPTIONS)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_compiled_by_inductor():
    paths = long_table(60).to(DEVICE)
    arguments = on_device(random_arguments(paths.to("cpu"), channels=64))

    def scan(**leaves: Tensor) -> Tensor:
        return selective_scan(**leaves, paths=paths, backend=BACKEND, delta_softplus=True)

    eager, compiled = (outcome(f, arguments) for f in (scan, torch.compile(scan, fullgraph=True)))
    for name, want in eager.items():
        torch.testing.assert_close(compiled[name], want, rtol=1e-4, atol=1e-4)


def test_autocast_keeps_parameters_in_float32():
    paths = long_table(60).to(DEVICE)
    arguments = on_device(random_arguments(paths.to("cpu"), channels=64))
    leaves = {name: t.requires_grad_() for name, t in arguments.items()}
    with torch.autocast(DEVICE, dtype=torch.bfloat16):
        y = selective_scan(**leaves, paths=paths, backend=BACKEND, delta_softplus=True)
    assert y.dtype == torch.bfloat16
    y.sum().backward()
    assert all(t.grad is not None and t.grad.dtype == torch.float32 for t in leaves.values())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("case", CASES)
def test_convolutions_along_paths(case, dtype):
    paths, draw = CASES[case], torch.Generator().manual_seed(0)
    shapes = {"x": (2, paths.length, 130), "weight": (paths.paths, 130, 4), "bias": (paths.paths, 130)}
    arguments = {name: torch.randn(*shape, generator=draw).to(dtype) for name, shape in shapes.items()}
    assert_agrees(arguments, paths, operator=causal_conv1d)


@pytest.mark.parametrize("case", [*CASES, "long"])
def test_state_space_duals(case):
    paths, draw = CASES.get(case) or long_table(300), torch.Generator().manual_seed(0)
    shapes = {
        "x": (2, paths.length, 3, 32),
        "dt": (2, paths.paths, paths.length, 3),
        "A": (paths.paths, 3),
        "B": (2, paths.paths, paths.length, 16),
        "C": (2, paths.paths, paths.length, 16),
        "D": (paths.paths, 3),
        "dt_bias": (paths.paths, 3),
    }
    arguments = {name: torch.randn(*shape, generator=draw) for name, shape in shapes.items()}
    arguments["A"] = -arguments["A"].exp()
    assert_agrees(arguments, paths, operator=ssd, most=MATRIX_TOLERANCE, dt_softplus=True)
