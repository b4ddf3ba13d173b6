"""The reference scan against published values, its defining equation and its own promises."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from handmade import ORDER, hand_path, hand_scan
from torch.autograd import gradcheck

from scanlab import ops
from scanlab.ir.values import Scan
from scanlab.ops import path_table

SHARED = Path(__file__).parents[2] / "../shared"
GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "selective_scan.npz")
SINGLE = sorted({key.split("/")[0] for key in GOLDEN.files if key.startswith("selective_scan")})
CROSS = "cross_selective_scan_cross2d_B1_D8_H14_W14_N8_f64"
selective_scan = partial(ops.selective_scan, backend="reference")
NAMES = ("u", "delta", "A", "B", "C", "D")


def golden(case: str) -> dict[str, torch.Tensor]:
    return {key.split("/")[1]: torch.from_numpy(GOLDEN[key]) for key in GOLDEN.files if key.startswith(case + "/")}


def table(*paths, grid=None, merge="sum", tree=None):
    return path_table(hand_scan(paths, grid or (len(paths[0].indices),), merge, tree))


def random_inputs(length, paths=1, channels=3, state=2, batch=2, seed=0):
    """Inputs by name, float64, with delta positive and A negative."""
    draw = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=draw, dtype=torch.float64)

    return {
        "u": normal(batch, length, channels),
        "delta": normal(batch, paths, length, channels).exp() / 3,
        "A": -normal(paths, channels, state).exp(),
        "B": normal(batch, paths, length, state),
        "C": normal(batch, paths, length, state),
        "D": normal(paths, channels),
    }


def by_the_equation(values, steps, resets=()):
    """One sequence, by (path, patch), in numpy loops straight from the definition."""
    u, delta, A, B, C, D = (values[n].numpy() for n in NAMES)
    y = np.zeros_like(u)
    for b in range(len(u)):
        h = np.zeros(A.shape[1:])
        for p, (k, i) in enumerate(steps):
            h = np.zeros_like(h) if p in resets else h
            h = np.exp(delta[b, k, i][:, None] * A[k]) * h + np.outer(delta[b, k, i] * u[b, i], B[b, k, i])
            y[b, i] += h @ C[b, k, i] + D[k] * u[b, i]
    return torch.from_numpy(y)


def check_equals_mamba(g):
    leaves = {name[3:]: g[name].requires_grad_() for name in g if name.startswith("in_")}
    turned = {n: v.transpose(1, 2)[:, None] for n, v in leaves.items() if n in ("delta", "B", "C")}
    turned |= {n: v[None] for n, v in leaves.items() if n in ("A", "D", "delta_bias")}
    turned |= {n: v.transpose(1, 2) for n, v in leaves.items() if n in ("u", "z")}
    length = leaves["u"].shape[2]
    y = selective_scan(**turned, delta_softplus=bool(g["delta_softplus"]), paths=table(hand_path(range(length))))
    torch.testing.assert_close(y.transpose(1, 2), g["out"], rtol=1e-11, atol=1e-11)
    (y.transpose(1, 2) * g["dout"]).sum().backward()
    for name, leaf in leaves.items():
        torch.testing.assert_close(
            leaf.grad, g[f"grad_{name}"], rtol=1e-9, atol=1e-9, msg=lambda m, n=name: f"{n}: {m}"
        )


@pytest.mark.parametrize("case", SINGLE)
def test_values_and_gradients_equal_mamba(case):
    check_equals_mamba(golden(case))


@pytest.mark.parametrize("family", ["varBC", "noz", "noD"])
def test_every_published_case_of_a_family_equals_mamba(family):
    files = sorted((SHARED / "golden" / "selective_scan").glob(f"selective_scan_{family}_*_f64.npz"))
    if not files:
        pytest.skip("needs the whole set in ../shared/golden/selective_scan")
    for file in files:
        with np.load(file) as arrays:
            check_equals_mamba({name: torch.from_numpy(arrays[name]) for name in arrays.files})


def test_values_and_gradients_equal_vmambas_cross_scan():
    g = golden(CROSS)
    flat = np.arange(196)
    column = flat.reshape(14, 14).T.reshape(-1)
    orders = [flat, column, flat[::-1], column[::-1]]
    ranks = torch.from_numpy(np.stack([np.argsort(o) for o in orders]))
    leaves = {name[3:]: g[name].requires_grad_() for name in g if name.startswith("in_")}

    def by_patch(sequences):
        """[B, 4, X, L] by step -> [B, 4, L, X] by patch."""
        index = ranks[None, :, None].expand(*sequences.shape[:3], -1)
        return sequences.gather(3, index).transpose(2, 3)

    y = selective_scan(
        leaves["x"].flatten(2).transpose(1, 2),
        by_patch(leaves["dts"].unflatten(1, (4, 8))),
        leaves["As"].unflatten(0, (4, 8)),
        by_patch(leaves["Bs"]),
        by_patch(leaves["Cs"]),
        leaves["Ds"].unflatten(0, (4, 8)),
        delta_bias=leaves["delta_bias"].unflatten(0, (4, 8)),
        delta_softplus=True,
        paths=table(*map(hand_path, orders), grid=(14, 14)),
    ).transpose(1, 2)
    torch.testing.assert_close(y, g["out_y"], rtol=1e-11, atol=1e-11)
    (y * g["dy"]).sum().backward()
    for name in ("x", "dts", "As", "Ds", "delta_bias"):
        torch.testing.assert_close(leaves[name].grad, g[f"grad_{name}"], rtol=1e-9, atol=1e-9)


def test_every_gradient_equals_finite_differences():
    values = random_inputs(4, paths=2, channels=2)
    merge = torch.tensor([[0.3, -1.0], [2.0, 0.5]], dtype=torch.float64)
    leaves = [v.requires_grad_() for v in (*values.values(), merge)]
    paths = table(hand_path([2, 0, 3, 1], restarts=(0, 2)), hand_path([3, 2, 0]), grid=(4,))
    assert gradcheck(lambda *v: selective_scan(*v[:6], paths=paths, merge=v[6]), leaves)


def test_a_chain_carries_the_state_over_and_adds_both_visits():
    values = random_inputs(4, paths=2)
    paths = table(hand_path(range(4)), hand_path([3, 1, 2, 0], restarts=(0, 2)), merge="chain")
    steps = [(0, i) for i in range(4)] + [(1, i) for i in (3, 1, 2, 0)]
    torch.testing.assert_close(selective_scan(**values, paths=paths), by_the_equation(values, steps, resets={0, 6}))


def test_a_restart_forgets_everything_before_it():
    values = random_inputs(6)
    paths = table(hand_path(range(6), restarts=(0, 3)))
    before = selective_scan(**values, paths=paths)
    values["u"][:, :3] = 100.0
    after = selective_scan(**values, paths=paths)
    assert torch.equal(before[:, 3:], after[:, 3:])
    assert not torch.equal(before[:, :3], after[:, :3])


def test_a_patch_that_no_path_visits_puts_out_zero():
    y = selective_scan(**random_inputs(4), paths=table(hand_path([2, 0]), grid=(4,)))
    assert torch.equal(y[:, [1, 3]], torch.zeros(2, 2, 3, dtype=torch.float64))


def test_disjoint_partial_paths_scatter_into_one_output():
    values = random_inputs(5, paths=2)
    both = selective_scan(**values, paths=table(hand_path([4, 0, 2]), hand_path([3, 1]), grid=(5,), merge="scatter"))
    first = by_the_equation(values, [(0, i) for i in (4, 0, 2)])
    second = by_the_equation(values, [(1, i) for i in (3, 1)])
    torch.testing.assert_close(both, first + second)


def test_merge_weighs_every_path_by_channel():
    values = random_inputs(4, paths=2)
    orders = ([1, 3, 0, 2], [0, 2, 1, 3])
    merge = torch.tensor([[1.0, 0.0, 0.5], [0.0, 1.0, -2.0]], dtype=torch.float64)
    y = selective_scan(**values, paths=table(*map(hand_path, orders)), merge=merge)
    parts = [by_the_equation(values, [(k, i) for i in order]) for k, order in enumerate(orders)]
    torch.testing.assert_close(y, parts[0] * merge[0] + parts[1] * merge[1])


def test_shared_parameters_equal_the_same_parameters_for_every_path():
    values = random_inputs(4)
    paths = table(hand_path([1, 3, 0, 2]), hand_path([0, 2, 1, 3]))
    repeated = {n: v.expand(-1, 2, -1, -1) if n in ("delta", "B", "C") else v for n, v in values.items()}
    repeated |= {"A": values["A"].expand(2, -1, -1), "D": values["D"].expand(2, -1)}
    assert torch.equal(selective_scan(**values, paths=paths), selective_scan(**repeated, paths=paths))


def test_the_order_that_undoes_a_relabelling_gives_the_relabelled_output():
    values = random_inputs(6)
    order = torch.tensor([4, 2, 0, 5, 1, 3])
    y = selective_scan(**values, paths=table(hand_path(order)))
    moved = {
        n: v[:, order] if n == "u" else v[:, :, order] if n in ("delta", "B", "C") else v for n, v in values.items()
    }
    torch.testing.assert_close(y[:, order], selective_scan(**moved, paths=table(hand_path(range(6)))))


def test_a_chain_inside_a_sum_keeps_each_sequence_apart():
    values = random_inputs(3, paths=3)
    tree = Scan("sum", (Scan("chain", (ORDER, ORDER)), ORDER))
    paths = table(hand_path([0, 1, 2]), hand_path([2, 1, 0]), hand_path([1, 0, 2]), tree=tree)
    chained = by_the_equation(values, [(0, 0), (0, 1), (0, 2), (1, 2), (1, 1), (1, 0)])
    alone = by_the_equation(values, [(2, 1), (2, 0), (2, 2)])
    torch.testing.assert_close(selective_scan(**values, paths=paths), chained + alone)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_result_has_the_inputs_dtype(dtype):
    values = {n: v.to(dtype) for n, v in random_inputs(3).items()}
    assert selective_scan(**values, paths=table(hand_path(range(3)))).dtype == dtype
