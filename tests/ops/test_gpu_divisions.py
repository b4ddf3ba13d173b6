"""The Triton scan gives the reference's values and gradients however its chunks are dealt out, by table or program."""

import numpy as np
import pytest
import torch
from agreement import assert_agrees, random_arguments
from handmade import hand_path, hand_scan
from test_selective_scan import needs, shuffled, table

import scanlab
from scanlab.codegen.cache import store
from scanlab.codegen.cost import UNLIMITED
from scanlab.codegen.programs import generate
from scanlab.ops import path_table, selective_scan
from scanlab.ops.mamba.gpu_plan import Division

DRAW = np.random.RandomState(0)
SMALL = {"batch": 1, "channels": 4, "states": 2}


def tangled():
    """Two sequences over 37 rows: a chain of two paths, and a restart where no chunk would end."""
    first, second = (hand_path(part) for part in np.split(DRAW.permutation(37), [3]))
    return path_table(hand_scan((hand_path(DRAW.permutation(37), restarts=(0, 34)), first, second), (37,), "sum"))


CASES = {
    "two paths": (lambda: table(shuffled(35), shuffled(35)), {}),
    "restarts and parts of the grid": (tangled, {}),
    "chain": (lambda: table(shuffled(9), hand_path(DRAW.permutation(34)), length=34, merge="chain"), {}),
    "shared parameters and groups": (lambda: table(shuffled(5), shuffled(5)), {"shared": True, "groups": 2}),
    "constant in time": (lambda: table(shuffled(34), shuffled(34)), {"constant": "BC"}),
    "an input per path": (lambda: table(shuffled(34), shuffled(34)), {"own_input": True}),
}


@pytest.fixture(autouse=True)
def interpreted():
    needs("triton")


def dealt(monkeypatch, division):
    from scanlab.ops.mamba import gpu

    monkeypatch.setattr(gpu, "division_for", lambda *_, **__: division)


@pytest.mark.parametrize("division", [Division(2), Division(chunks=1)], ids=str)
@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients_equal_the_reference(case, division, monkeypatch):
    make, options = CASES[case]
    paths = make()
    if paths.sequences % division.together:
        pytest.skip("sequences are scanned together by a divisor of their number")
    if division.chunks and paths.revisits:
        pytest.skip("a sequence that visits a row twice is never cut")
    dealt(monkeypatch, division)
    assert_agrees("triton", random_arguments(paths, **SMALL | options), paths=paths)


# A restart within the last part, which owes nothing to what came before; within the first, whose end is handed on; and
# where a part begins through which nothing may pass.
@pytest.mark.parametrize(("length", "restart", "chunks"), [(100, 70, 2), (70, 20, 2), (80, 33, 1)])
def test_parts_of_several_chunks(length, restart, chunks, monkeypatch):
    paths = table(hand_path(DRAW.permutation(length), restarts=(0, restart)))
    dealt(monkeypatch, Division(chunks=chunks))
    assert_agrees("triton", random_arguments(paths, **SMALL), paths=paths)


@pytest.mark.parametrize("division", [Division(), Division(chunks=1)], ids=str)
def test_last_states(division, monkeypatch):
    paths = table(shuffled(40), hand_path([2, 1]), length=40)
    dealt(monkeypatch, division)
    arguments = random_arguments(paths, **SMALL)
    _, computed = selective_scan(**arguments, paths=paths, backend="triton", return_last_state=True)
    wide = {name: tensor.double() for name, tensor in arguments.items()}
    _, want = selective_scan(**wide, paths=paths, backend="reference", return_last_state=True)
    torch.testing.assert_close(computed.double(), want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("division", [Division(2), Division(chunks=1)], ids=str)
def test_nothing_carries_over_steps_that_decay_everything(division, monkeypatch):
    paths = table(shuffled(34), shuffled(34))
    arguments = random_arguments(paths, **SMALL)
    arguments["A"] = arguments["A"] * 1e30
    dealt(monkeypatch, division)
    leaves = {name: tensor.requires_grad_() for name, tensor in arguments.items()}
    selective_scan(**leaves, paths=paths, backend="triton", delta_softplus=True).sum().backward()
    assert all(leaf.grad is not None and leaf.grad.isfinite().all() for leaf in leaves.values())


@pytest.mark.parametrize("strategy", ["snake", "hilbert", "cross"])
def test_a_generated_program_takes_the_place_of_the_table(strategy, tmp_path, monkeypatch):
    monkeypatch.setenv("SCANLAB_CACHE_DIR", str(tmp_path))
    scan = scanlab.compile(strategy, grid=(4, 4))
    made = generate(scan, limit=UNLIMITED)
    store(made.name, made.source)
    by_table, by_program = path_table(scan), path_table(scan, made.name)
    arguments = random_arguments(by_table, **SMALL)
    options = {"backend": "triton", "delta_softplus": True}
    results = [selective_scan(**arguments, paths=paths, **options) for paths in (by_table, by_program)]
    assert made.name and torch.equal(*results)
