"""Every derivative of every operator is true or refused: second, forward mode, torch.func, compiled or not."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import func
from torch.autograd import forward_ad
from torch.utils._python_dispatch import TorchDispatchMode

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops import causal_conv1d, index_table, selective_scan, selective_scan_fn, ssd, use_backend

ORDER = index_table(torch.stack([torch.arange(6), torch.arange(6).flip(0)]), 6)


def draw(*shape):
    """The same numbers for a shape; drawn by NumPy, since vmap lets torch draw none."""
    return torch.from_numpy(np.random.RandomState(sum(shape)).standard_normal(shape).astype(np.float32))


# Of one sample's input x [L, D], by each operator; everything else is fixed.
def by_scan(x, A=None, backend=None):
    A = -draw(2, 4, 3).exp() if A is None else A
    A = A.to(x.dtype)
    rest = (draw(1, 2, 6, 4), A, draw(1, 2, 6, 3), draw(1, 2, 6, 3), draw(2, 4))
    return selective_scan(x[None], *(t.to(x.dtype) for t in rest), paths=ORDER, delta_softplus=True, backend=backend)[0]


def by_drop_in(x, A=None, backend=None):
    with use_backend(backend) if backend else nullcontext():
        A = -draw(4, 3).exp() if A is None else A
        rest = (draw(1, 4, 6), A, draw(1, 3, 6), draw(1, 3, 6))
        return selective_scan_fn(x.T[None], *(t.to(x.dtype) for t in rest), delta_softplus=True)[0].T


def by_convolution(x, weight=None, backend=None):
    weight = draw(2, 4, 3) if weight is None else weight
    return causal_conv1d(x[None], weight.to(x.dtype), paths=ORDER, backend=backend)[0]


def by_ssd(x, A=None, backend=None):
    A = -draw(2, 2).exp() if A is None else A
    rest = (draw(1, 2, 6, 2), A, draw(1, 2, 6, 3), draw(1, 2, 6, 3))
    heads = x.unflatten(-1, (2, 2))[None]
    return ssd(heads, *(t.to(x.dtype) for t in rest), dt_softplus=True, paths=ORDER, backend=backend)[0].flatten(1)


OPERATORS = {"scan": by_scan, "drop-in": by_drop_in, "convolution": by_convolution, "ssd": by_ssd}
PARAMETERS = {
    "scan": -draw(2, 4, 3).exp(),
    "drop-in": -draw(4, 3).exp(),
    "convolution": draw(2, 4, 3),
    "ssd": -draw(2, 2).exp(),
}
every = pytest.mark.parametrize("name", OPERATORS)


def refused(call):
    """The refusal of what the kernels do not compute, itself or as the cause of what torch.compile raises."""
    with pytest.raises(Exception) as caught:
        call()
    assert "S712" in str(caught.value), caught.value
    assert 'backend="reference"' in str(caught.value)


@every
def test_second_derivatives_are_refused_and_the_reference_has_them(name):
    run = OPERATORS[name]

    def second(backend, dtype):
        x = draw(6, 4).to(dtype).requires_grad_()
        (first,) = torch.autograd.grad(run(x, backend=backend).pow(3).sum(), x, create_graph=True)
        return torch.autograd.grad(first.pow(2).sum(), x)[0]

    refused(lambda: second("cpu", torch.float32))
    wanted = second("reference", torch.float64)
    torch.testing.assert_close(second("reference", torch.float32).double(), wanted, rtol=1e-3, atol=1e-3)
    assert wanted.abs().max() > 0


@every
def test_create_graph_alone_changes_nothing(name):
    x = draw(6, 4).requires_grad_()
    plain, graphed = (
        torch.autograd.grad(OPERATORS[name](x).pow(3).sum(), x, create_graph=graph)[0] for graph in (False, True)
    )
    assert torch.equal(plain, graphed)
    assert graphed.requires_grad


@every
def test_forward_mode_is_refused_and_the_reference_has_it(name):
    run, x, t = OPERATORS[name], draw(6, 4), draw(6, 4).flip(0)

    def dual():
        with forward_ad.dual_level():
            run(forward_ad.make_dual(x, t))

    refused(lambda: func.jvp(run, (x,), (t,)))
    refused(dual)
    refused(lambda: func.jacfwd(run)(x))
    refused(lambda: func.hessian(lambda v: run(v).sum())(x))
    _, tangent = func.jvp(lambda v: run(v, backend="reference"), (x.double(),), (t.double(),))
    step = 1e-6
    nearby = (run(x.double() + step * t, backend="reference") - run(x.double() - step * t, backend="reference")) / 2
    torch.testing.assert_close(tangent, nearby / step, rtol=1e-4, atol=1e-4)


@every
def test_forward_mode_of_something_else_runs(name):
    """A tangent that does not pass through the operator is nobody's business here."""
    y = OPERATORS[name](draw(6, 4))
    out, tangent = func.jvp(lambda s: s * OPERATORS[name](draw(6, 4)), (torch.tensor(2.0),), (torch.tensor(1.0),))
    torch.testing.assert_close(tangent, y)
    torch.testing.assert_close(out, 2 * y)


@every
def test_the_transforms_of_torch_func_give_the_gradients_of_autograd(name):
    run, x, dy = OPERATORS[name], draw(6, 4), draw(*OPERATORS[name](draw(6, 4)).shape)
    leaf = x.clone().requires_grad_()
    (wanted,) = torch.autograd.grad(run(leaf), leaf, dy)
    torch.testing.assert_close(func.grad(lambda v: (run(v) * dy).sum())(x), wanted)
    torch.testing.assert_close(func.vjp(run, x)[1](dy)[0], wanted)
    jacobian = func.jacrev(run)(x).flatten(0, dy.ndim - 1)
    torch.testing.assert_close((jacobian * dy.flatten()[:, None, None]).sum(0), wanted, rtol=1e-4, atol=1e-5)
    refused(lambda: func.grad(lambda v: func.grad(lambda w: run(w).pow(2).sum())(v).sum())(x))


@every
@pytest.mark.parametrize("axis", [0, 1])
def test_vmap_is_a_loop_over_samples_forward_and_backward(name, axis):
    run, many, p = OPERATORS[name], draw(3, 6, 4), PARAMETERS[name]
    stacked = many.movedim(0, axis).contiguous()
    torch.testing.assert_close(torch.vmap(run, in_dims=axis)(stacked), torch.stack([run(x) for x in many]))

    def loss(parameter, x):
        return run(x, parameter).pow(2).sum()

    per_sample = torch.vmap(func.grad(loss), in_dims=(None, axis))(p, stacked)
    alone = []
    for x in many:
        leaf = p.clone().requires_grad_()
        alone.append(torch.autograd.grad(loss(leaf, x), leaf)[0])
    torch.testing.assert_close(per_sample, torch.stack(alone))
    together = p.clone().requires_grad_()
    (summed,) = torch.autograd.grad(torch.vmap(loss, in_dims=(None, axis))(together, stacked).sum(), together)
    torch.testing.assert_close(summed, torch.stack(alone).sum(0), rtol=1e-4, atol=1e-5)


@every
def test_vmap_over_parameters_and_over_both(name):
    run, x, p = OPERATORS[name], draw(6, 4), PARAMETERS[name]
    models = torch.stack([p, p / 2])
    torch.testing.assert_close(torch.vmap(lambda q: run(x, q))(models), torch.stack([run(x, q) for q in models]))
    many = torch.stack([x, -x])
    nested = torch.vmap(torch.vmap(lambda q, v: run(v, q), in_dims=(None, 0)), in_dims=(0, None))(models, many)
    torch.testing.assert_close(nested, torch.stack([torch.stack([run(v, q) for v in many]) for q in models]))
    of_vmap = func.grad(lambda q: torch.vmap(lambda v: run(v, q))(many).sum())(p)
    leaf = p.clone().requires_grad_()
    sum(run(v, leaf).sum() for v in many).backward()
    torch.testing.assert_close(of_vmap, leaf.grad, rtol=1e-4, atol=1e-5)


def test_vmap_over_orders():
    orders, u = torch.stack([torch.randperm(6) for _ in range(3)]), draw(1, 6, 4)
    rest = (draw(1, 1, 6, 4), -draw(1, 4, 2).exp(), draw(1, 1, 6, 2), draw(1, 1, 6, 2))
    run = lambda order: selective_scan(u, *rest, paths=order[None], delta_softplus=True)  # noqa: E731
    torch.testing.assert_close(torch.vmap(run)(orders), torch.stack([run(order) for order in orders]))


@pytest.mark.filterwarnings("ignore")
@every
def test_compiled_functions_give_true_derivatives_or_refuse(name):
    run, x, t = OPERATORS[name], draw(6, 4), draw(6, 4).flip(0)
    torch._dynamo.reset()
    compiled = torch.compile(run, backend="aot_eager")
    torch.testing.assert_close(compiled(x), run(x))
    wanted = func.grad(lambda v: run(v).pow(2).sum())(x)

    def dual():
        with forward_ad.dual_level():
            compiled(forward_ad.make_dual(x, t))

    def second():
        leaf = x.clone().requires_grad_()
        (first,) = torch.autograd.grad(compiled(leaf).pow(3).sum(), leaf, create_graph=True)
        first.sum().backward()

    refused(dual)
    refused(lambda: func.jvp(compiled, (x,), (t,)))
    refused(lambda: torch.compile(lambda v: func.jvp(run, (v,), (t,)), backend="aot_eager")(x))
    inside = torch.compile(lambda v: func.grad(lambda w: run(w).pow(2).sum())(v), backend="aot_eager")
    torch.testing.assert_close(inside(x), wanted)
    torch.testing.assert_close(func.grad(lambda v: compiled(v).pow(2).sum())(x), wanted)
    # torch refuses by itself, for one of three reasons. The last is aot_autograd saying it, without any operator of
    # ours, too: where an output is transposed, as the drop-in's, it copies the incoming gradient into a leaf.
    with pytest.raises(RuntimeError, match=r"double backward|create_graph|leaf Variable"):
        second()


def test_an_exported_program_refuses_forward_mode():
    class Scans(torch.nn.Module):
        def forward(self, x):
            return by_scan(x)

    program = torch.export.export(Scans(), (draw(6, 4),)).module()
    torch.testing.assert_close(program(draw(6, 4)), by_scan(draw(6, 4)))
    with pytest.raises(ScanlabError, match="S712"):
        func.jvp(program, (draw(6, 4),), (draw(6, 4),))


def test_the_operators_backward_is_well_registered():
    call = [t.clone().requires_grad_() for t in (draw(1, 1, 6, 4), draw(1, 1, 4, 3)[0], draw(1, 4))]
    from scanlab.ops.path_tables import packed

    one = packed(index_table(torch.arange(6)[None], 6))
    arguments = (draw(1, 1, 6, 4), None, *call, None, *one, False, True, "cpu")
    names = ("test_schema", "test_faketensor")
    torch.library.opcheck(torch.ops.scanlab.causal_conv1d_backward, arguments, test_utils=names)


def test_a_graph_has_the_backend_that_is_asked_for():
    x = draw(6, 4).requires_grad_()
    torch._dynamo.reset()
    compiled = torch.compile(by_scan, backend="aot_eager")
    for backend, refuses in (("cpu", True), ("reference", False), (None, True)):
        with use_backend(backend):
            (first,) = torch.autograd.grad(by_scan(x).pow(3).sum(), x, create_graph=True)
            if refuses:
                refused(lambda g=first: g.sum().backward())
            else:
                first.sum().backward()
            torch.testing.assert_close(compiled(x), by_scan(x, backend="reference"), rtol=1e-4, atol=1e-5)
    with pytest.raises(ScanlabError, match="S750"), use_backend("fortran"):
        pass


@pytest.mark.parametrize("dtype", [torch.bool, torch.complex64])
def test_paths_are_whole_numbers(dtype):
    with pytest.raises(ScanlabError, match="S708"):
        causal_conv1d(draw(1, 6, 4), draw(1, 4, 3), paths=torch.arange(6)[None].to(dtype))


@every
def test_graphs_of_one_call_are_refused(name):
    from torch.fx.experimental.proxy_tensor import make_fx

    run = lambda x: OPERATORS[name](x)  # noqa: E731
    for record in (lambda: make_fx(run)(draw(6, 4)), lambda: func.linearize(run, draw(6, 4))):
        with pytest.raises(ScanlabError, match="S714"):
            record()


def test_vmap_of_transposed_rows():
    order, weight, rows = torch.randperm(9)[None], draw(1, 4, 3), draw(2, 1, 4, 9)
    run = lambda v: causal_conv1d(v.mT, weight, paths=order)  # noqa: E731
    wanted = torch.stack([causal_conv1d(v.mT.contiguous(), weight, paths=order) for v in rows])
    torch.testing.assert_close(torch.vmap(run)(rows), wanted)


@every
def test_without_the_dispatcher_all_is_as_through_it(name, monkeypatch):
    def results():
        leaf = draw(6, 4).requires_grad_()
        y = OPERATORS[name](leaf)
        (gradient,) = torch.autograd.grad(y.pow(2).sum(), leaf)
        return y.detach(), gradient

    calls = []

    class Seen(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            calls.append(func.namespace)
            return func(*args, **(kwargs or {}))

    quick = results()
    with Seen():
        watched = results()
    assert calls.count("scanlab") == 2
    through = []
    monkeypatch.setattr("scanlab.ops.derivatives._straight", lambda arguments: through.append(1))
    for other in (watched, results()):
        assert all(torch.equal(a, b) for a, b in zip(quick, other, strict=True))
    assert len(through) == 2


def test_what_looks_on_sees_the_operators():
    x = draw(6, 4).requires_grad_()
    with torch.profiler.profile() as profile:
        by_scan(x).sum().backward()
    names = {event.key for event in profile.key_averages()}
    assert {"scanlab::selective_scan", "scanlab::selective_scan_backward"} <= names


def test_a_tensor_whose_values_are_not_those_of_its_memory_is_read_as_torch_reads_it():
    u = draw(6, 4)
    negated = torch.complex(torch.zeros_like(u), -u).conj().imag
    assert negated.is_neg() and torch.equal(negated.resolve_neg(), u)
    run = lambda v: causal_conv1d(v.contiguous()[None], draw(2, 4, 3), paths=ORDER)  # noqa: E731
    by_rows = lambda v: selective_scan(u[None], draw(1, 2, 6, 4), v, *[draw(1, 2, 6, 3)] * 2, paths=ORDER)  # noqa: E731
    A = -draw(2, 4, 3).exp()
    hidden = torch.complex(torch.zeros_like(A), -A).conj().imag
    assert hidden.is_neg()
    torch.testing.assert_close(by_rows(hidden), by_rows(A), rtol=0, atol=0)
    torch.testing.assert_close(run(negated), run(u), rtol=0, atol=0)
