"""The operator on every backend: the reference's values and gradients, torch's own checks, and clear refusals."""

import warnings

import numpy as np
import pytest
import torch
from agreement import assert_agrees, outcome, poisoned, random_arguments
from handmade import hand_path, hand_scan

import scanlab
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops import PathTable, ScanlabWarning, dispatch, index_table, path_table, selective_scan
from scanlab.ops.path_tables import packed

BACKENDS = ("cpu", "triton")
DRAW = np.random.RandomState(0)


def table(*paths, length=None, merge="sum"):
    return path_table(hand_scan(paths, (length or len(paths[0].indices),), merge))


def shuffled(length):
    return hand_path(DRAW.permutation(length))


def needs(backend):
    if backend == "triton" and not (torch.cuda.is_available() or dispatch._interpreted()):
        pytest.skip("the Triton kernels need a GPU, or TRITON_INTERPRET=1")


def arguments_for(backend, paths, **options):
    needs(backend)
    arguments = random_arguments(paths, **options)
    if backend == "triton" and torch.cuda.is_available():
        arguments = {name: t.cuda() for name, t in arguments.items()}
    return arguments


SHAPES = {
    "two paths": (lambda: table(shuffled(17), shuffled(17)), {}),
    "one step": (lambda: table(hand_path([0]), hand_path([0])), {}),
    "restarts": (lambda: table(hand_path(DRAW.permutation(20), restarts=(0, 3, 11)), shuffled(20)), {}),
    "chain": (lambda: table(shuffled(9), hand_path(DRAW.permutation(9), restarts=(0, 4)), merge="chain"), {}),
    "partial paths": (lambda: table(hand_path([4, 0, 2]), hand_path([3]), length=6), {}),
    "class token at both ends": (lambda: table(hand_path(range(8), tokens=(("cls", 0), ("cls", 9)))), {}),
    "shared parameters": (lambda: table(shuffled(12), shuffled(12)), {"shared": True}),
    "an input per path": (lambda: table(shuffled(12), shuffled(12)), {"own_input": True}),
    "groups": (lambda: table(shuffled(12), shuffled(12)), {"groups": 3}),
    "B constant in time": (lambda: table(shuffled(10)), {"constant": "B"}),
    "C constant in time": (lambda: table(shuffled(10)), {"constant": "C", "groups": 2}),
    "both constant in time": (lambda: table(shuffled(10)), {"constant": "BC"}),
    "a path without a step": (lambda: table(hand_path(range(5)), hand_path([], restarts=()), length=5), {}),
    "many channels": (lambda: table(shuffled(6)), {"channels": 37, "states": 1, "batch": 1}),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_values_and_gradients_equal_the_reference(shape, backend):
    make, options = SHAPES[shape]
    paths = make()
    assert_agrees(backend, arguments_for(backend, paths, **options), paths=paths)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("merge", ["mean", "none", "weights"])
def test_every_merge_equals_the_reference(merge, backend):
    paths = table(shuffled(11), shuffled(11))
    weights = torch.tensor([[1.0, 0, 0.5, 2, 0, 1], [0, 1, -2, 0.1, 1, 1]])
    assert_agrees(backend, arguments_for(backend, paths), paths=paths, merge=weights if merge == "weights" else merge)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_keeps_float32_states(dtype, backend):
    paths = table(shuffled(24), shuffled(24))
    assert_agrees(backend, arguments_for(backend, paths, dtype=dtype), paths=paths)


@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 196, 1000])
def test_every_length_on_the_cpu(length):
    paths = table(shuffled(length), shuffled(length))
    assert_agrees("cpu", random_arguments(paths, channels=20, states=4), paths=paths)


@pytest.mark.parametrize("states", [1, 2, 5, 8, 16])
def test_every_number_of_states_on_the_cpu(states):
    paths = table(shuffled(40))
    assert_agrees("cpu", random_arguments(paths, channels=19, states=states), paths=paths)


@pytest.mark.parametrize("backend", BACKENDS)
def test_orders_per_sample(backend):
    draw = torch.Generator().manual_seed(1)
    indices = torch.rand(3, 2, 9, generator=draw).argsort(-1)
    paths = index_table(indices, 9)
    assert paths.complete and not paths.revisits
    arguments = arguments_for(backend, paths, batch=3)
    assert_agrees(backend, arguments, paths=paths)
    assert_agrees(backend, arguments, paths=index_table(indices, 9, permutations=False))


def test_orders_per_sample_equal_each_sample_alone():
    indices = torch.stack([torch.randperm(9)[None] for _ in range(3)])
    arguments = random_arguments(index_table(indices, 9), batch=3)
    together = selective_scan(**arguments, paths=indices)
    varying = ("u", "delta", "B", "C", "z")
    for b in range(3):
        alone = {n: t[b : b + 1] if n in varying else t for n, t in arguments.items()}
        torch.testing.assert_close(together[b : b + 1], selective_scan(**alone, paths=indices[b]))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("merge", ["sum", "none"])
def test_last_states_equal_the_reference(backend, merge):
    paths = table(hand_path(DRAW.permutation(9), restarts=(0, 4)), hand_path([2, 1]), length=9)
    arguments = arguments_for(backend, paths)
    options = {"delta_softplus": True, "paths": paths, "merge": merge, "return_last_state": True}
    with poisoned():
        _, last = selective_scan(**arguments, backend=backend, **options)
    _, want = selective_scan(**{n: t.double() for n, t in arguments.items()}, backend="reference", **options)
    assert last.dtype == torch.float32
    torch.testing.assert_close(last.double(), want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_rows_may_lie_anywhere(backend):
    """Slices, broadcasts and permuted axes: any strides but the last."""
    paths = table(shuffled(7), shuffled(7))
    plain = arguments_for(backend, paths)
    strided = dict(plain)
    strided["u"] = torch.stack([plain["u"], plain["u"]], 1)[:, 0]
    strided["delta"] = plain["delta"].permute(2, 0, 1, 3).contiguous().permute(1, 2, 0, 3)
    strided["B"] = torch.cat([plain["B"], plain["C"]], -1)[..., :3]
    strided["C"] = plain["C"][:, :1].expand(-1, 2, -1, -1)
    plain["C"] = strided["C"].contiguous()
    options = {"paths": paths, "backend": backend, "delta_softplus": True}
    assert torch.equal(selective_scan(**strided, **options), selective_scan(**plain, **options))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("size", [1e3, 1e30])
def test_extreme_steps_give_no_nan(size, backend):
    """exp(delta A) underflows to 0: the state is forgotten, and nothing else breaks."""
    paths = table(shuffled(12), shuffled(12))
    arguments = arguments_for(backend, paths)
    arguments["A"] = arguments["A"] * size
    computed = outcome(arguments, backend, paths=paths, delta_softplus=True)
    assert all(t.isfinite().all() for t in computed.values())
    want = outcome({n: t.double() for n, t in arguments.items()}, "reference", paths=paths, delta_softplus=True)
    torch.testing.assert_close(computed["y"].double(), want["y"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_large_steps_do_not_overflow_the_softplus(backend):
    paths = table(shuffled(5))
    arguments = arguments_for(backend, paths)
    arguments["delta"] = arguments["delta"].sign() * 200
    assert_agrees(backend, arguments, paths=paths)


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_runs_give_the_same_bits(backend):
    paths = table(shuffled(19), shuffled(19))
    arguments = arguments_for(backend, paths, channels=20)
    first, second = (outcome(arguments, backend, paths=paths, delta_softplus=True) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_torch_accepts_the_operator():
    paths = table(shuffled(6), shuffled(6))
    a = {n: t.requires_grad_() for n, t in random_arguments(paths).items()}
    flags = (*packed(paths), True, False, True, "cpu", True)
    tensors = (a["u"][:, None].detach().requires_grad_(), a["delta"], a["A"])
    coefficients = (a["B"][:, :, None].detach().requires_grad_(), a["C"][:, :, None].detach().requires_grad_())
    rest = (a["D"], a["delta_bias"], None, None)
    torch.library.opcheck(torch.ops.scanlab.selective_scan, (*tensors, *coefficients, *rest, *flags))


@pytest.mark.parametrize("compiler", ["aot_eager", "inductor"])
def test_compiles_into_one_graph_with_the_same_gradients(compiler):
    paths = table(shuffled(40), shuffled(40))
    arguments = random_arguments(paths)
    compiled = torch.compile(
        lambda **leaves: selective_scan(**leaves, paths=paths, delta_softplus=True), fullgraph=True, backend=compiler
    )
    leaves = [{n: t.clone().requires_grad_() for n, t in arguments.items()} for _ in range(2)]
    results = compiled(**leaves[0]), selective_scan(**leaves[1], paths=paths, delta_softplus=True)
    for result in results:
        result.square().sum().backward()
    torch.testing.assert_close(*results)
    for name in arguments:
        torch.testing.assert_close(leaves[0][name].grad, leaves[1][name].grad)


def test_orders_computed_from_the_data_compile():
    arguments = random_arguments(index_table(torch.arange(8)[None], 8))

    def by_saliency(**leaves):
        order = leaves["u"].sum(-1).argsort(-1)[:, None]
        return selective_scan(**leaves, paths=order, delta_softplus=True)

    compiled = torch.compile(by_saliency, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(**arguments), by_saliency(**arguments))


def test_autocast_runs_activations_in_half_precision_and_parameters_in_float32():
    paths = table(shuffled(12))
    arguments = {n: t.requires_grad_() for n, t in random_arguments(paths).items()}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = selective_scan(**arguments, paths=paths, delta_softplus=True)
    assert y.dtype == torch.bfloat16
    y.sum().backward()
    assert all(t.grad is not None and t.grad.dtype == torch.float32 for t in arguments.values())
    exact = selective_scan(**arguments, paths=paths, delta_softplus=True)
    torch.testing.assert_close(y.float(), exact, rtol=5e-2, atol=5e-2)


def test_a_compiled_scan_brings_its_own_merge():
    arguments = random_arguments(path_table(scanlab.compile("cross", grid=(3, 4))), channels=8)
    order = scanlab.compile("mean((by h, w), (by w, h))", grid=(3, 4))
    two = {n: t[:, :2] if n in ("delta", "B", "C") else t[:2] if n in ("A", "D", "delta_bias") else t
           for n, t in arguments.items()}  # fmt: skip
    options = {"delta_softplus": True}
    mean = selective_scan(**two, paths=order, **options)
    torch.testing.assert_close(mean, selective_scan(**two, paths=path_table(order), merge="mean", **options))
    assert not torch.allclose(mean, selective_scan(**two, paths=path_table(order), **options))


def test_nothing_of_the_size_of_all_states_is_allocated():
    """B L D N floats would be 8 MB here; checkpoints are one thirty-second of them."""
    paths = table(hand_path(range(1024)))
    arguments = {n: t.requires_grad_() for n, t in random_arguments(paths, batch=1, channels=128, states=16).items()}
    selective_scan(**arguments, paths=paths).sum().backward()
    with torch.profiler.profile(profile_memory=True) as profile:
        selective_scan(**arguments, paths=paths).sum().backward()
    largest = max(e.self_cpu_memory_usage for e in profile.events())
    assert 0 < largest <= 1024 * 128 * 4 * 2, f"{largest} bytes in one tile"


WRONG = {
    "S700": {"delta": torch.zeros(2, 4, 6)},
    "S701": {"B": torch.zeros(2, 1, 4, 3, dtype=torch.bfloat16)},
    "S703": {"A": torch.full((1, 6, 3), float("nan"))},
    "S704": {"u": torch.zeros(2, 5, 6)},
    "S705": {"u": torch.zeros(2, 6, 4).transpose(1, 2)},
    "S706": {"merge": "product"},
    "S707": {"merge": torch.ones(1, 6), "return_last_state": True},
    "S708": {"paths": torch.tensor([[0, 1, 2, 4]])},
    "S750": {"backend": "fortran"},
    "S751": {"backend": "cpu", "u": torch.zeros(2, 4, 6, dtype=torch.float64)},
}


@pytest.mark.parametrize("code", WRONG)
def test_wrong_arguments_are_refused_by_name(code):
    paths = table(hand_path(range(4)))
    arguments = {"paths": paths} | random_arguments(paths) | WRONG[code]
    if code == "S751":
        arguments = {n: t.double() if isinstance(t, torch.Tensor) else t for n, t in arguments.items()}
    with pytest.raises(ScanlabError) as caught:
        selective_scan(**arguments)
    assert caught.value.code == code


def test_overlapping_paths_are_no_scatter():
    paths = table(hand_path([0, 1, 2]), hand_path([2, 3]), length=4)
    with pytest.raises(ScanlabError, match="S706"):
        selective_scan(**random_arguments(paths), paths=paths, merge="scatter")


def test_the_paths_of_a_chain_have_one_weight():
    paths = table(hand_path(range(4)), hand_path(range(4)), merge="chain")
    arguments = random_arguments(paths)
    options = {"paths": paths, "delta_softplus": True, "merge": torch.full((2, 6), 0.5)}
    ours = outcome(arguments, "cpu", **options)
    wanted = outcome({n: t.double() for n, t in arguments.items()}, "reference", **options)
    for name in wanted:
        # How the gradient is shared out among the rows of one weight is nobody's business.
        a, b = (t[name].sum(0) if name == "dmerge" else t[name] for t in (ours, wanted))
        torch.testing.assert_close(a.double(), b, rtol=1e-4, atol=1e-4, msg=lambda m, n=name: f"{n}: {m}")
    with pytest.raises(ScanlabError, match="S706"):
        selective_scan(**arguments, paths=paths, merge=torch.tensor([[1.0], [2.0]]).expand(2, 6))


def test_a_missing_fast_backend_is_said_once(monkeypatch):
    monkeypatch.setattr(dispatch, "missing", lambda backend: "numba cannot be imported; pip install numba")
    dispatch.say_once.cache_clear()
    paths = table(hand_path(range(4)))
    arguments = random_arguments(paths)
    with pytest.warns(ScanlabWarning, match="pip install numba"):
        selective_scan(**arguments, paths=paths)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        selective_scan(**arguments, paths=paths)


def test_a_table_can_be_moved_and_keeps_its_plan_on_the_cpu():
    paths = table(hand_path(range(4))).to("meta")
    assert isinstance(paths, PathTable)
    assert (paths.steps.device.type, paths.segments.device.type) == ("meta", "cpu")


def test_an_order_by_a_generated_function_gives_the_bits_of_the_table():
    from scanlab.codegen import program

    needs("triton")
    scan = scanlab.compile("row", grid=(4, 5))
    made = program(scan)
    assert made.forms == ("arithmetic",)
    tables = path_table(scan), path_table(scan, made.name)
    arguments = arguments_for("triton", tables[0])
    outcomes = [outcome(arguments, "triton", paths=paths, delta_softplus=True) for paths in tables]
    assert all(torch.equal(outcomes[0][name], outcomes[1][name]) for name in outcomes[0])
