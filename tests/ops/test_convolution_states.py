"""The rows that a convolution takes from before a sequence and hands on: every backend, and sequences cut anywhere."""

import pytest
import torch
from handmade import hand_path
from test_selective_scan import BACKENDS, DRAW, needs, shuffled, table

import scanlab
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops import causal_conv1d, index_table, path_table

TAPS = 4
CASES = {
    "two paths": lambda: table(shuffled(35), shuffled(35)),
    "fewer steps than taps": lambda: table(hand_path([0, 1]), hand_path([1, 0])),
    "one step": lambda: table(hand_path([0]), hand_path([0])),
    "chain": lambda: table(shuffled(9), hand_path(DRAW.permutation(34)), length=34, merge="chain"),
    "a short chain": lambda: table(hand_path([1]), hand_path([2, 0]), length=3, merge="chain"),
    "partial paths": lambda: table(hand_path([4, 0, 2]), hand_path([3]), length=6),
    "a path without a step": lambda: table(hand_path(range(5)), hand_path([], restarts=()), length=5),
    "a row twice": lambda: table(hand_path(range(8), tokens=(("cls", 4), ("cls", 9)))),
    "per sample": lambda: index_table(torch.stack([torch.randperm(9)[None] for _ in range(2)]), 9),
}


def tensors(paths, *, own_input=False, shared=False, channels=5, dtype=torch.float32):
    draw = torch.Generator().manual_seed(4)

    def normal(*shape):
        return torch.randn(*shape, generator=draw)

    own = 1 if shared else paths.paths
    return {
        "x": normal(2, *((paths.paths,) if own_input else ()), paths.length, channels).to(dtype),
        "weight": normal(own, channels, TAPS),
        "bias": normal(own, channels),
        "initial_state": normal(2, paths.sequences, TAPS - 1, channels).to(dtype),
    }


def outcome(arguments, backend, **options):
    leaves = {n: t.detach().clone().requires_grad_() for n, t in arguments.items()}
    outputs = causal_conv1d(**leaves, return_last_state=True, backend=backend, **options)
    upstream = [torch.linspace(-1, 1, t.numel(), dtype=t.dtype).view(t.shape).cos() for t in outputs]
    torch.autograd.backward(outputs, upstream)
    return [t.detach().double() for t in outputs], {n: t.grad.double() for n, t in leaves.items()}


def wide(arguments):
    return {n: t.double() for n, t in arguments.items()}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("options", [{}, {"own_input": True}, {"shared": True}], ids=str)
@pytest.mark.parametrize("case", CASES)
def test_values_states_and_gradients_equal_the_reference(case, options, backend):
    needs(backend)
    paths = CASES[case]()
    arguments = tensors(paths, **options)
    torch.testing.assert_close(
        outcome(arguments, backend, paths=paths),
        outcome(wide(arguments), "reference", paths=paths),
        rtol=1e-5,
        atol=1e-5,
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_half_precision_and_no_activation(backend):
    needs(backend)
    paths = table(shuffled(20))
    arguments = tensors(paths, dtype=torch.bfloat16)
    options = {"paths": paths, "activation": None}
    computed, want = outcome(arguments, backend, **options), outcome(wide(arguments), "reference", **options)
    torch.testing.assert_close(computed, want, rtol=2e-2, atol=5e-2)
    _, last = causal_conv1d(**arguments, return_last_state=True, backend=backend, **options)
    assert last.dtype == torch.bfloat16


@pytest.mark.parametrize("backend", ["cpu", "triton", "reference"])
@pytest.mark.parametrize("cut", [1, 2, 3, 19])
def test_a_sequence_cut_anywhere_gives_the_values_of_the_whole(cut, backend):
    """Bit for bit from the kernels; torch's own sigmoid is not the same in every place of a tensor."""
    needs(backend)
    rows = torch.from_numpy(DRAW.permutation(20))
    arguments = tensors(index_table(rows[None], 20))

    def part(leaves, steps, state):
        paths = index_table(rows[None, steps], 20, permutations=False)
        given = leaves | {"initial_state": state}
        return causal_conv1d(**given, paths=paths, return_last_state=True, backend=backend)

    def both(parts):
        leaves = {n: t.clone().requires_grad_() for n, t in arguments.items()}
        y, state = 0, leaves["initial_state"]
        for steps in parts:
            more, state = part(leaves, steps, state)
            y = y + more
        loss = (y * torch.linspace(-1, 1, y.numel()).view(y.shape).cos()).sum() + state.sin().sum()
        loss.backward()
        return [y.detach(), state.detach()], [t.grad for t in leaves.values()]

    whole, gradients = both([slice(None)])
    parted, parted_gradients = both([slice(cut), slice(cut, None)])
    if backend != "reference":
        assert all(torch.equal(a, b) for a, b in zip(whole, parted, strict=True))
    torch.testing.assert_close(whole, parted, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(gradients, parted_gradients, rtol=1e-5, atol=1e-5)


def test_the_state_is_what_the_last_steps_read():
    x = torch.arange(6.0)[None, :, None]
    paths = torch.tensor([[5, 0, 4, 1]])
    _, last = causal_conv1d(
        x, torch.ones(1, 1, 3), paths=index_table(paths, 6, permutations=False), return_last_state=True
    )
    assert last.flatten().tolist() == [4, 1]


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_state_holds_nothing_from_before_a_restart(backend):
    needs(backend)
    paths = table(hand_path([2, 0, 1, 4, 3], restarts=(0, 1, 4)), hand_path([0, 1, 2, 3, 4], restarts=(0, 3)))
    x = torch.arange(1.0, 6.0)[None, :, None].requires_grad_()
    options = {"paths": paths, "activation": None, "return_last_state": True, "backend": backend}
    _, last = causal_conv1d(x, torch.ones(1, 1, 4), **options)
    assert last.flatten(2).tolist() == [[[0, 0, 4], [0, 4, 5]]]
    (gradient,) = torch.autograd.grad(last.sum(), x)
    assert gradient.flatten().tolist() == [0, 0, 0, 2, 1]


def test_autocast_casts_the_state_as_x():
    paths = table(shuffled(9))
    arguments = tensors(paths)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, last = causal_conv1d(**arguments, paths=paths, return_last_state=True)
        causal_conv1d(**(arguments | {"initial_state": last}), paths=paths)
    assert y.dtype == last.dtype == torch.bfloat16


def test_torch_compile_and_vmap_know_of_states():
    paths = table(shuffled(9), shuffled(9))
    paths.continued()
    arguments = tensors(paths)

    def both(state):
        return causal_conv1d(**(arguments | {"initial_state": state}), paths=paths, return_last_state=True)

    state = arguments["initial_state"]
    want = both(state)
    torch.testing.assert_close(torch.compile(both, fullgraph=True, backend="aot_eager")(state), want)
    mapped = torch.func.vmap(both)(torch.stack([state, 2 * state]))
    torch.testing.assert_close([t[1] for t in mapped], [*both(2 * state)])


STATE = torch.zeros(2, 1, 3, 5)
WRONG = {
    "taps": (torch.zeros(2, 1, 4, 5), "S700"),
    "sequences": (torch.zeros(2, 2, 3, 5), "S700"),
    "a dtype": (STATE.bfloat16(), "S701"),
    "wider than x": (STATE.double(), "S701"),
    "a device": (STATE.to("meta"), "S702"),
    "no tensor": ([0.0, 0.0], "S700"),
}


@pytest.mark.parametrize("case", WRONG)
def test_states_that_do_not_fit_are_refused(case):
    state, code = WRONG[case]
    paths = table(shuffled(9))
    with pytest.raises(ScanlabError, match=code):
        causal_conv1d(**(tensors(paths) | {"initial_state": state}), paths=paths)


@pytest.mark.parametrize("backend", ["cpu", "reference"])
@pytest.mark.parametrize("line", ["by h, w restart by h", "row with cls at start"])
def test_a_state_that_nothing_takes_up_is_refused(line, backend):
    paths = path_table(scanlab.compile(scanlab.parse(line, axes="h w"), (3, 3)))
    with pytest.raises(ScanlabError, match="S715"):
        causal_conv1d(**tensors(paths), paths=paths, backend=backend)
