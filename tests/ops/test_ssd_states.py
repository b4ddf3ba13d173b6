"""States that the state space dual takes and gives back: values and gradients of every backend, and cut sequences."""

import pytest
import torch
from handmade import hand_path
from test_selective_scan import BACKENDS, DRAW, needs, shuffled, table

import scanlab
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops import index_table, path_table, ssd

HEADS, WIDTH, STATES = 2, 5, 3
CASES = {
    "two paths": lambda: table(shuffled(35), shuffled(35)),
    "one step": lambda: table(hand_path([0]), hand_path([0])),
    "chain": lambda: table(shuffled(9), hand_path(DRAW.permutation(34)), length=34, merge="chain"),
    "partial paths": lambda: table(hand_path([4, 0, 2]), hand_path([3]), length=6),
    "a path without a step": lambda: table(hand_path(range(5)), hand_path([], restarts=()), length=5),
    "a class token at the end": lambda: table(hand_path(range(8), tokens=(("cls", 8),))),
    "per sample": lambda: index_table(torch.stack([torch.randperm(9)[None] for _ in range(2)]), 9),
}


def tensors(paths, *, shared=False, dtype=torch.float32):
    draw = torch.Generator().manual_seed(4)

    def normal(*shape):
        return torch.randn(*shape, generator=draw)

    own, length = 1 if shared else paths.paths, paths.length
    return {
        "x": normal(2, length, HEADS, WIDTH).to(dtype),
        "dt": normal(2, own, length, HEADS),
        "A": -normal(own, HEADS).exp(),
        "B": normal(2, own, length, STATES).to(dtype),
        "C": normal(2, own, length, STATES).to(dtype),
        "D": normal(own, HEADS),
        "initial_state": normal(2, paths.sequences, HEADS, WIDTH, STATES),
    }


def outcome(arguments, backend, **options):
    leaves = {n: t.detach().clone().requires_grad_() for n, t in arguments.items()}
    outputs = ssd(**leaves, dt_softplus=True, chunk=16, return_last_state=True, backend=backend, **options)
    upstream = [torch.linspace(-1, 1, t.numel(), dtype=t.dtype).view(t.shape).cos() for t in outputs]
    torch.autograd.backward(outputs, upstream)
    return [t.detach().double() for t in outputs], {n: t.grad.double() for n, t in leaves.items()}


def wide(arguments):
    return {n: t.double() for n, t in arguments.items()}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CASES)
def test_values_states_and_gradients_equal_the_reference(case, backend):
    needs(backend)
    paths = CASES[case]()
    arguments = tensors(paths, shared=case == "two paths")
    computed, want = outcome(arguments, backend, paths=paths), outcome(wide(arguments), "reference", paths=paths)
    torch.testing.assert_close(computed, want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_end_alone_and_restarts(backend):
    """A last state of sequences that restart has a gradient, too; it goes no further back than the last restart."""
    needs(backend)
    paths = table(hand_path(DRAW.permutation(40), restarts=(0, 3, 20)), shuffled(40))
    arguments = tensors(paths)
    del arguments["initial_state"]
    for merge in (None, "none"):
        options = {"paths": paths, "merge": merge}
        computed, want = outcome(arguments, backend, **options), outcome(wide(arguments), "reference", **options)
        torch.testing.assert_close(computed, want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_half_precision(backend):
    needs(backend)
    paths = table(shuffled(20))
    arguments = tensors(paths, dtype=torch.bfloat16)
    computed, want = outcome(arguments, backend, paths=paths), outcome(wide(arguments), "reference", paths=paths)
    torch.testing.assert_close(computed, want, rtol=5e-2, atol=2e-1)


@pytest.mark.parametrize("backend", ["cpu", "triton", "reference"])
@pytest.mark.parametrize("cut", [1, 16, 32, 37])
def test_a_sequence_cut_anywhere_gives_the_values_of_the_whole(cut, backend):
    """Bit for bit on a CPU where a chunk of 16 steps ends, else but for rounding."""
    needs(backend)
    rows = torch.from_numpy(DRAW.permutation(40))
    arguments = tensors(index_table(rows[None], 40))

    def both(parts):
        leaves = {n: t.clone().requires_grad_() for n, t in arguments.items()}
        y, state = 0, leaves["initial_state"]
        for steps in parts:
            paths = index_table(rows[None, steps], 40, permutations=False)
            given = leaves | {"initial_state": state}
            options = {"dt_softplus": True, "chunk": 16, "return_last_state": True, "backend": backend}
            more, state = ssd(**given, paths=paths, **options)
            y = y + more
        loss = (y * torch.linspace(-1, 1, y.numel()).view(y.shape).cos()).sum() + state.sin().sum()
        loss.backward()
        return [y.detach(), state.detach()], [t.grad for t in leaves.values()]

    whole, gradients = both([slice(None)])
    parted, parted_gradients = both([slice(cut), slice(cut, None)])
    if backend == "cpu" and cut % 16 == 0:
        assert all(torch.equal(a, b) for a, b in zip(whole, parted, strict=True))
    torch.testing.assert_close(whole, parted, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(gradients, parted_gradients, rtol=1e-4, atol=1e-4)


def test_torch_compile_and_vmap_know_of_states():
    paths = table(shuffled(9), shuffled(9))
    paths.continued()
    arguments = tensors(paths)

    def both(state):
        return ssd(**(arguments | {"initial_state": state}), paths=paths, return_last_state=True)

    state = arguments["initial_state"]
    want = both(state)
    torch.testing.assert_close(torch.compile(both, fullgraph=True, backend="aot_eager")(state), want)
    mapped = torch.func.vmap(both)(torch.stack([state, 2 * state]))
    torch.testing.assert_close([t[1] for t in mapped], [*both(2 * state)])


STATE = torch.zeros(2, 1, HEADS, WIDTH, STATES)
WRONG = {
    "a shape": ({"initial_state": torch.zeros(2, 1, HEADS, STATES, WIDTH)}, "S700"),
    "sequences": ({"initial_state": torch.zeros(2, 2, HEADS, WIDTH, STATES)}, "S700"),
    "a dtype": ({"initial_state": STATE.half()}, "S701"),
    "a device": ({"initial_state": STATE.to("meta")}, "S702"),
    "weights": ({"initial_state": STATE, "merge": torch.ones(1, HEADS * WIDTH)}, "S707"),
}


@pytest.mark.parametrize("case", WRONG)
def test_states_that_do_not_fit_are_refused(case):
    given, code = WRONG[case]
    paths = table(shuffled(9))
    with pytest.raises(ScanlabError, match=code):
        ssd(**(tensors(paths) | given), paths=paths)


@pytest.mark.parametrize("line", ["by h, w restart by h", "row with cls at start"])
def test_a_state_that_nothing_takes_up_is_refused(line):
    paths = path_table(scanlab.compile(scanlab.parse(line, axes="h w"), (3, 3)))
    with pytest.raises(ScanlabError, match="S715"):
        ssd(**tensors(paths), paths=paths)
