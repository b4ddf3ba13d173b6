"""States that a scan takes and gives back: values and gradients of every backend, and sequences cut anywhere."""

import numpy as np
import pytest
import torch
from agreement import assert_agrees, random_arguments
from handmade import hand_path
from test_gpu_divisions import dealt
from test_selective_scan import BACKENDS, DRAW, arguments_for, needs, shuffled, table

import scanlab
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops import index_table, path_table, selective_scan, selective_scan_fn
from scanlab.ops.mamba.gpu_plan import Division

CASES = {
    "two paths": (lambda: table(shuffled(35), shuffled(35)), {}),
    "one step": (lambda: table(hand_path([0]), hand_path([0])), {}),
    "chain": (lambda: table(shuffled(9), hand_path(DRAW.permutation(34)), length=34, merge="chain"), {}),
    "partial paths": (lambda: table(hand_path([4, 0, 2]), hand_path([3]), length=6), {}),
    "a path without a step": (lambda: table(hand_path(range(5)), hand_path([], restarts=()), length=5), {}),
    "a class token at the end": (lambda: table(hand_path(range(8), tokens=(("cls", 8),))), {}),
    "groups": (lambda: table(shuffled(12), shuffled(12)), {"groups": 3}),
    "shared parameters": (lambda: table(shuffled(12), shuffled(12)), {"shared": True}),
    "constant in time": (lambda: table(shuffled(34)), {"constant": "BC"}),
    "many channels": (lambda: table(shuffled(6)), {"channels": 37, "states": 1, "batch": 1}),
}


def stateful(backend, paths, **options):
    arguments = arguments_for(backend, paths, **options)
    samples, channels, states = len(arguments["delta"]), *arguments["A"].shape[1:]
    draw = torch.Generator().manual_seed(9)
    state = torch.randn(samples, paths.sequences, channels, states, generator=draw)
    return arguments | {"initial_state": state.to(arguments["u"].device)}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CASES)
def test_values_states_and_gradients_equal_the_reference(case, backend):
    make, options = CASES[case]
    paths = make()
    assert_agrees(backend, stateful(backend, paths, **options), paths=paths, return_last_state=True)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("merge", ["mean", "none"])
def test_every_merge_that_takes_states(merge, backend):
    paths = table(shuffled(11), shuffled(11))
    assert_agrees(backend, stateful(backend, paths), paths=paths, merge=merge, return_last_state=True)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_initial_state_alone_and_a_last_one_alone(backend):
    paths = table(shuffled(35), shuffled(35))
    arguments = stateful(backend, paths)
    assert_agrees(backend, arguments, paths=paths)
    del arguments["initial_state"]
    assert_agrees(backend, arguments, paths=paths, return_last_state=True)


@pytest.mark.parametrize("backend", BACKENDS)
def test_orders_per_sample(backend):
    indices = torch.stack([torch.from_numpy(DRAW.permutation(18).reshape(2, 9)) for _ in range(3)])
    paths = index_table(indices % 9, 9, permutations=False)
    assert_agrees(backend, stateful(backend, paths, batch=3), paths=paths, return_last_state=True)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_states_of_half_precision_are_float32(dtype, backend):
    # The same rows in every run: how far half precision is off depends on them.
    paths = table(hand_path(np.random.RandomState(0).permutation(20)))
    arguments = stateful(backend, paths, dtype=dtype)
    assert_agrees(backend, arguments, paths=paths, return_last_state=True)
    _, last = selective_scan(**arguments, paths=paths, backend=backend, return_last_state=True)
    assert last.dtype == torch.float32


@pytest.mark.parametrize("division", [Division(2), Division(chunks=1)], ids=str)
@pytest.mark.parametrize("given", ["both", "initial", "last"])
def test_however_chunks_are_dealt_out(division, given, monkeypatch):
    needs("triton")
    paths = table(shuffled(35), shuffled(35))
    dealt(monkeypatch, division)
    arguments = stateful("triton", paths, batch=1, channels=4, states=2)
    if given == "last":
        del arguments["initial_state"]
    assert_agrees("triton", arguments, paths=paths, return_last_state=given != "initial")


def test_parts_of_a_chain(monkeypatch):
    needs("triton")
    paths = table(shuffled(9), hand_path(DRAW.permutation(40)), length=40, merge="chain")
    dealt(monkeypatch, Division(chunks=1))
    arguments = stateful("triton", paths, batch=1, channels=4, states=2)
    assert_agrees("triton", arguments, paths=paths, return_last_state=True)


def _cut(arguments, rows, cut, backend):
    """The rows of a path from one call, and from two that hand the state on: y, the last states, and gradients."""
    leaves = {n: t.detach().clone().requires_grad_() for n, t in arguments.items()}

    def part(steps, state):
        paths = index_table(rows[None, steps], len(rows), permutations=False)
        given = leaves | {"initial_state": state}
        return selective_scan(**given, paths=paths, delta_softplus=True, return_last_state=True, backend=backend)

    if cut is None:
        y, last = part(slice(None), leaves["initial_state"])
    else:
        before, state = part(slice(cut), leaves["initial_state"])
        after, last = part(slice(cut, None), state)
        y = before + after
    loss = (y * torch.linspace(-1, 1, y.numel()).view(y.shape).cos()).sum() + last.sin().sum()
    loss.backward()
    return [y.detach(), last.detach()], {n: t.grad for n, t in leaves.items()}


BY_ROW = ("u", "delta", "B", "C", "z", "initial_state")


@pytest.mark.parametrize("cut", [1, 31, 32, 45, 64, 69])
def test_a_sequence_cut_anywhere_gives_the_bits_of_the_whole_on_the_cpu(cut):
    """Values and the gradients of all that has rows; those of parameters, which are sums over chunks, where the cut
    lies between two chunks: elsewhere they are equal but for rounding."""
    rows = torch.from_numpy(DRAW.permutation(70))
    arguments = stateful("cpu", index_table(rows[None], 70), channels=20)
    values, gradients = _cut(arguments, rows, None, "cpu")
    parted_values, parted_gradients = _cut(arguments, rows, cut, "cpu")
    assert all(torch.equal(a, b) for a, b in zip(values, parted_values, strict=True))
    for name, whole in gradients.items():
        if name in BY_ROW:
            assert torch.equal(whole, parted_gradients[name]), name
        else:
            torch.testing.assert_close(whole, parted_gradients[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("backend", ["triton", "reference"])
def test_a_sequence_cut_elsewhere_than_on_the_cpu(backend):
    rows = torch.from_numpy(DRAW.permutation(50))
    arguments = stateful(backend, index_table(rows[None], 50), batch=1, channels=4, states=2)
    values, gradients = _cut(arguments, rows, None, backend)
    parted_values, parted_gradients = _cut(arguments, rows, 33, backend)
    torch.testing.assert_close(values, parted_values, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(gradients, parted_gradients, rtol=1e-5, atol=1e-5)


def test_a_state_without_steps_comes_back():
    paths = table(hand_path(range(5)), hand_path([], restarts=()), length=5)
    arguments = stateful("cpu", paths)
    state = arguments["initial_state"].requires_grad_()
    for backend in ("reference", "cpu"):
        _, last = selective_scan(**arguments, paths=paths, return_last_state=True, backend=backend)
        assert torch.equal(last[:, 1], state[:, 1])
        (gradient,) = torch.autograd.grad(last[:, 1].sum(), state)
        assert bool((gradient[:, 1] == 1).all()) and not gradient[:, 0].any()


def test_the_drop_in_hands_its_state_on():
    draw = torch.Generator().manual_seed(3)
    u, delta = (torch.randn(2, 6, 20, generator=draw) for _ in range(2))
    B, C = (torch.randn(2, 3, 20, generator=draw) for _ in range(2))
    A = -torch.rand(6, 3, generator=draw)
    y, last = selective_scan_fn(u, delta, A, B, C, delta_softplus=True, return_last_state=True)
    parts, state = [], None
    for steps in (slice(7), slice(7, 20)):
        rows = (t[..., steps] for t in (u, delta))
        coefficients = (t[..., steps] for t in (B, C))
        options = {"delta_softplus": True, "initial_state": state, "return_last_state": True}
        part, state = selective_scan_fn(*rows, A, *coefficients, **options)
        parts.append(part)
    assert torch.equal(torch.cat(parts, -1), y) and torch.equal(state, last)
    for wrong in (torch.zeros(1, 6, 4), torch.zeros(2, 1, 6, 3), torch.tensor(0.0), [0.0]):
        with pytest.raises(ScanlabError, match=r"S700.*not \[B, D, N\] = \[2, 6, 3\]"):
            selective_scan_fn(u, delta, A, B, C, initial_state=wrong)


def test_torch_compile_takes_states_of_paths_that_it_sees_first():
    draw = torch.Generator().manual_seed(3)
    u, B = torch.randn(2, 6, 40, generator=draw), torch.randn(2, 3, 40, generator=draw)
    A, state = -torch.rand(6, 3, generator=draw), torch.randn(2, 6, 3, generator=draw)
    order = torch.randperm(40, generator=draw)[None]

    def drop_in(state):
        return selective_scan_fn(u, u, A, B, B, initial_state=state, return_last_state=True, delta_softplus=True)

    def by_indices(state, order):
        rows = (t.mT.contiguous()[:, None] for t in (u, B, B))
        options = {"initial_state": state[:, None], "return_last_state": True, "delta_softplus": True}
        given, *coefficients = rows
        return selective_scan(given[:, 0], given, A[None], *coefficients, paths=order, **options)

    for call, arguments in ((drop_in, (state,)), (by_indices, (state, order))):
        compiled = torch.compile(call, fullgraph=True, backend="aot_eager")
        torch.testing.assert_close(compiled(*arguments), call(*arguments))


def test_torch_compile_vmap_and_opcheck_know_of_states():
    paths = table(shuffled(9), shuffled(9))
    paths.continued()
    arguments = stateful("cpu", paths)
    options = {"paths": paths, "delta_softplus": True, "return_last_state": True}

    def both(state):
        return selective_scan(**(arguments | {"initial_state": state}), **options)

    state = arguments["initial_state"]
    want = both(state)
    compiled = torch.compile(both, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(state), want)
    leaf = state.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(sum(t.sum() for t in both(leaf)), leaf)
    again = state.clone().requires_grad_()
    (compiled_gradient,) = torch.autograd.grad(sum(t.sum() for t in compiled(again)), again)
    torch.testing.assert_close(compiled_gradient, gradient)
    mapped = torch.func.vmap(both)(torch.stack([state, 2 * state]))
    torch.testing.assert_close([t[1] for t in mapped], [*both(2 * state)])
    pulled = torch.func.grad(lambda s: sum(t.sum() for t in both(s)))(state)
    torch.testing.assert_close(pulled, gradient)


STATE = torch.zeros(2, 1, 6, 3)
WRONG = {
    "a shape": ({"initial_state": torch.zeros(2, 1, 6, 4)}, "S700", "[2, 1, 6, 3]"),
    "sequences": ({"initial_state": torch.zeros(2, 2, 6, 3)}, "S700", "[2, 1, 6, 3]"),
    "a dtype": ({"initial_state": STATE.bfloat16()}, "S701", "states are torch.float32"),
    "whole numbers": ({"initial_state": STATE.long()}, "S701", "torch.int64"),
    "a device": ({"initial_state": STATE.to("meta")}, "S702", "meta"),
    "no tensor": ({"initial_state": np.zeros((2, 1, 6, 3))}, "S700", "ndarray"),
    "weights": ({"initial_state": STATE, "merge": torch.ones(1, 6)}, "S707", "not weighted"),
}


@pytest.mark.parametrize("case", WRONG)
def test_states_that_do_not_fit_are_refused(case):
    given, code, said = WRONG[case]
    paths = table(shuffled(9))
    with pytest.raises(ScanlabError, match=code) as caught:
        selective_scan(**random_arguments(paths), **given, paths=paths)
    assert said in str(caught.value)


@pytest.mark.parametrize("backend", ["cpu", "reference"])
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("by h, w restart by h", "sequence 0, which starts anew at step 3"),
        ("row with cls at start", "begins with a virtual token"),
        ("sum(row, -(row with cls at end))", "begins with a virtual token"),
    ],
)
def test_a_state_that_nothing_takes_up_is_refused(line, said, backend):
    paths = path_table(scanlab.compile(scanlab.parse(line, axes="h w"), (3, 3)))
    arguments = random_arguments(paths)
    state = torch.zeros(2, paths.sequences, 6, 3)
    with pytest.raises(ScanlabError, match="S715") as caught:
        selective_scan(**arguments, paths=paths, initial_state=state, backend=backend)
    assert said in str(caught.value)
    # Without a state such a path is scanned as ever, and gives its last one back.
    options = {"delta_softplus": True, "return_last_state": True, "backend": backend}
    _, last = selective_scan(**arguments, paths=paths, **options)
    assert last.shape == state.shape and np.isfinite(last.numpy()).all()
