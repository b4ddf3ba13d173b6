"""How every operator here is differentiated, and transformed by torch.func: one set of rules for all of them.

The kernels give first derivatives, backwards. Second derivatives and forward mode are refused with S712 rather than
left out without a word; the reference, which is plain torch, has them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch._C._functorch import TransformType, is_functorch_wrapped_tensor
from torch._functorch.pyfunctorch import retrieve_all_functorch_interpreters
from torch.autograd import forward_ad

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops.marks import untraced
from scanlab.ops.modes import nobody_looks_on

__all__ = ["Operator", "any_requires_grad", "apply", "register"]

# Below the rules that are registered here; torch.library's own does the same.
_below_autograd = torch._C._AutoDispatchBelowAutograd


@dataclass(frozen=True)
class Operator:
    """One torch operator and its backward, both of the namespace "scanlab".

    The forward takes `tensors` differentiable tensors (some may be None), then the table's steps and segments, then
    settings. Its first output is differentiable, and the second is not unless the operator has `states`: then it holds
    the last states, where it has more than one axis. All others are kept for the backward, which is called with (dy,
    *kept, *arguments of the forward), with states (dy, dlast, *kept, …), the latter of which may be None, and gives one
    gradient for every differentiable tensor. samples: which arguments have the samples of a batch as their first axis,
    and how many axes they have then. channels: of every tensor, by the number of its axes, the axis along which several
    models lie side by side (channels, their groups, heads); outputs: that of every output. kernels: what forward and
    backward compute on CPUs and GPUs, without autograd.
    """

    name: str
    tensors: int
    samples: Mapping[int, int]
    channels: tuple[Mapping[int, int], ...]
    outputs: tuple[int, ...]
    kernels: tuple[Callable[..., Any], Callable[..., tuple[Tensor, ...]]]
    states: bool = False

    def forward(self, *arguments: Any) -> Any:
        """The operator itself, through torch's dispatcher."""
        return getattr(torch.ops.scanlab, self.name)(*arguments)

    def backward(self, *arguments: Any) -> tuple[Tensor, ...]:
        """Its backward, likewise."""
        gradients: tuple[Tensor, ...] = getattr(torch.ops.scanlab, f"{self.name}_backward")(*arguments)
        return gradients


def register(operator: Operator) -> None:
    """Register the rules of a defined operator: autograd of forward and backward, and vmap of both."""
    name, backward = operator.name, f"{operator.name}_backward"
    for which, kind in ((name, _Forward), (backward, _Backward)):
        packet = getattr(torch.ops.scanlab, which)
        torch.library.impl(f"scanlab::{which}", "Autograd", func=partial(_by_autograd, operator, kind, packet))
    torch.library.register_vmap(f"scanlab::{name}", partial(_vmapped, operator, True))
    torch.library.register_vmap(f"scanlab::{backward}", partial(_vmapped, operator, False))


def apply(operator: Operator, *arguments: Any) -> Any:
    """The outputs of an operator, however its arguments are transformed."""
    if torch._C._are_functorch_transforms_active():
        from scanlab.ops.marked import MARKED

        return MARKED["_transformed"](operator, *arguments)
    if not _straight(arguments):
        return operator.forward(*arguments)
    kernel = operator.kernels[0]
    if torch.is_grad_enabled() and any_requires_grad(arguments):
        return _Forward.apply(operator, kernel, *arguments)
    return kernel(*arguments)


def _backward(operator: Operator, *arguments: Any) -> tuple[Tensor, ...]:
    if torch.is_grad_enabled() or not _straight(arguments):
        return operator.backward(*arguments)
    return operator.kernels[1](*arguments)


_PLAIN = (Tensor, nn.Parameter)


def _straight(arguments: tuple[Any, ...]) -> bool:
    """Whether torch's dispatcher would do nothing for a call but to find its kernel and its rule for autograd.

    That takes it as long as a scan of a small image. So it is for plain tensors on the CPU, where nobody looks on.
    """
    if not nobody_looks_on():
        return False
    # As in `any_requires_grad`.
    for argument in arguments:  # noqa: SIM110
        if isinstance(argument, Tensor) and not _as_it_lies(argument):
            return False
    return True


def _as_it_lies(tensor: Tensor) -> bool:
    """Whether the values of a tensor are those of its memory, on the CPU."""
    return type(tensor) in _PLAIN and tensor.is_cpu and not (tensor.is_neg() or tensor._is_zerotensor())


# torch.compile leaves the transforms of torch.func to eager execution here.
@untraced()
def _transformed(operator: Operator, *arguments: Any) -> Any:
    if all(level.key() == TransformType.Vmap for level in retrieve_all_functorch_interpreters()):
        # The rules below vmap are then those of plain tensors, which autograd sees.
        return operator.forward(*arguments)
    outputs: Any = _TransformedForward.apply(operator, *arguments)
    return outputs


def _by_autograd(operator: Operator, kind: Any, packet: Any, *arguments: Any) -> Any:
    if torch._C._are_functorch_transforms_active() and not _plain(arguments):
        raise ScanlabError.at(
            "S712",
            f"{operator.name} cannot be transformed by torch.func from inside a graph",
            help="transform the function before it is exported or compiled",
        )
    if forward_ad._current_level < 0 and not (torch.is_grad_enabled() and any_requires_grad(arguments)):
        with _below_autograd():
            return packet(*arguments)
    return kind.apply(operator, packet, *arguments)


def _plain(arguments: tuple[Any, ...]) -> bool:
    return not any(isinstance(a, Tensor) and is_functorch_wrapped_tensor(a) for a in arguments)


def any_requires_grad(arguments: tuple[Any, ...]) -> bool:
    """Whether a gradient is asked for of one of an operator's arguments."""
    # A loop: any(…) calls its generator once per argument, at every scan.
    for argument in arguments:  # noqa: SIM110
        if isinstance(argument, Tensor) and argument.requires_grad:
            return True
    return False


def _refused(name: str, what: str) -> ScanlabError:
    return ScanlabError.at(
        "S712",
        f"{what} of {name} are not computed by its kernels",
        help='choose backend="reference", or run a whole model inside `with scanlab.ops.use_backend("reference"):`',
    )


class _Rules(torch.autograd.Function):
    """What forward and backward have in common: no forward mode."""

    @staticmethod
    def jvp(ctx: Any, *_: Any) -> Any:
        raise _refused(ctx.operator.name, "derivatives in forward mode")


def _keep(ctx: Any, operator: Operator, arguments: tuple[Any, ...], outputs: Any) -> None:
    """What the backward needs of a forward."""
    ctx.operator = operator
    _, *others = outputs if isinstance(outputs, tuple) else (outputs,)
    tensors = operator.tensors + 2
    ctx.save_for_backward(*others[1:], *arguments[:tensors])
    ctx.settings, ctx.kept = arguments[tensors:], len(others[1:])
    # Where the last states alone are read, the gradient of this is zero. It has the dtype of the first tensor.
    ctx.shape = (outputs[0] if isinstance(outputs, tuple) else outputs).shape
    # States that were not asked for are empty, or None.
    fixed = others[1:] if operator.states and others[0] is not None and others[0].ndim > 1 else others
    ctx.mark_non_differentiable(*(t for t in fixed if t is not None))
    # Else torch makes zeros as large as the kept states.
    ctx.set_materialize_grads(False)


def _gradients(ctx: Any, outputs: tuple[Tensor | None, ...], backward: Any) -> list[Tensor | None]:
    """A gradient, or None, for every argument of the forward; outputs: those of its outputs."""
    operator, settings = ctx.operator, ctx.settings
    nothing = [None] * (2 + len(settings))
    given = outputs[: 2 if operator.states else 1]
    if all(g is None for g in given):
        return [None] * operator.tensors + nothing
    saved = ctx.saved_tensors
    tensors = saved[ctx.kept :]
    dy = tensors[0].new_zeros(ctx.shape) if given[0] is None else given[0]
    gradients = backward(dy, *given[1:], *saved, *settings)
    needed = ctx.needs_input_grad[-len(nothing) - operator.tensors :]
    wanted = zip(gradients, tensors[: operator.tensors], needed, strict=False)
    return [g if t is not None and n else None for g, t, n in wanted] + nothing


class _Forward(_Rules):
    """The autograd rule of an operator inside torch's dispatcher."""

    @staticmethod
    def forward(ctx: Any, operator: Operator, packet: Any, *arguments: Any) -> Any:
        with _below_autograd():
            outputs = packet(*arguments)
        _keep(ctx, operator, arguments, outputs)
        return outputs

    @staticmethod
    def backward(ctx: Any, *dy: Tensor | None) -> Any:
        return None, None, *_gradients(ctx, dy, partial(_backward, ctx.operator))


class _Backward(_Rules):
    """The autograd rule of an operator's backward: there are no second derivatives."""

    @staticmethod
    def forward(ctx: Any, operator: Operator, packet: Any, *arguments: Any) -> Any:
        ctx.operator = operator
        with _below_autograd():
            return packet(*arguments)

    @staticmethod
    def backward(ctx: Any, *_: Any) -> Any:
        raise _refused(ctx.operator.name, "second derivatives")


class _TransformedForward(_Rules):
    """As `_Forward`, for the transforms of torch.func, which see functions and not operators."""

    generate_vmap_rule = True

    @staticmethod
    def forward(operator: Operator, *arguments: Any) -> Any:
        return operator.forward(*arguments)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        _keep(ctx, inputs[0], inputs[1:], output)

    @staticmethod
    def backward(ctx: Any, *dy: Tensor | None) -> Any:
        return None, *_gradients(ctx, dy, partial(_TransformedBackward.apply, ctx.operator))


class _TransformedBackward(_Rules):
    """As `_Backward`, for the transforms of torch.func."""

    generate_vmap_rule = True

    @staticmethod
    def forward(operator: Operator, *arguments: Any) -> Any:
        return operator.backward(*arguments)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.operator = inputs[0]

    @staticmethod
    def backward(ctx: Any, *_: Any) -> Any:
        raise _refused(ctx.operator.name, "second derivatives")


def _vmapped(operator: Operator, forward: bool, info: Any, given: tuple[Any, ...], *arguments: Any) -> Any:
    """Over the axis that vmap adds: as more samples of one batch where only they vary, as more channels where
    parameters do, else one after the other."""
    # Lists have a list of axes.
    axes = tuple(axis if isinstance(axis, int) else None for axis in given)
    if forward and _only_samples(operator, axes, arguments):
        return _folded(operator, info.batch_size, axes, arguments)
    if forward and not any(axis is not None for axis in axes[operator.tensors :]):
        return _side_by_side(operator, info.batch_size, axes, arguments)
    op = operator.forward if forward else operator.backward
    turns = []
    for turn in range(info.batch_size):
        own = [a if axis is None else _rows(a.select(axis, turn)) for a, axis in zip(arguments, axes, strict=True)]
        outputs = op(*own)
        turns.append(outputs if isinstance(outputs, tuple) else (outputs,))
    return _as_given(tuple(torch.stack(parts) for parts in zip(*turns, strict=True)))


def _only_samples(operator: Operator, axes: tuple[Any, ...], arguments: tuple[Any, ...]) -> bool:
    """Whether nothing varies over vmap's axis but what has samples anyway, and all samples have the same paths."""
    steps = arguments[operator.tensors]
    varying = {i for i, axis in enumerate(axes) if axis is not None}
    return varying <= set(_with_samples(operator, axes, arguments)) and steps.shape[0] == 1


def _with_samples(operator: Operator, axes: tuple[Any, ...], arguments: tuple[Any, ...]) -> list[int]:
    """The arguments whose first axis, besides vmap's, is that of the samples."""
    given = [i for i in operator.samples if isinstance(arguments[i], Tensor)]
    return [i for i in given if arguments[i].ndim - (axes[i] is not None) == operator.samples[i]]


def _folded(operator: Operator, count: int, axes: tuple[Any, ...], arguments: tuple[Any, ...]) -> Any:
    """The axis of vmap as more samples: [V, B, ...] -> [V B, ...] and back."""
    folded, batch = list(arguments), 0
    for i in _with_samples(operator, axes, arguments):
        tensor = arguments[i]
        spread = tensor.expand(count, *tensor.shape) if axes[i] is None else tensor.movedim(axes[i], 0)
        batch = spread.shape[1]
        folded[i] = _rows(spread.flatten(0, 1))
    outputs = operator.forward(*folded)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    # What was not asked for is empty, and has no samples.
    parts = (o.unflatten(0, (count, batch)) if o.ndim > 1 else o.expand(count, *o.shape) for o in outputs)
    return _as_given(tuple(parts))


def _side_by_side(operator: Operator, count: int, axes: tuple[Any, ...], arguments: tuple[Any, ...]) -> Any:
    """The axis of vmap as more channels, a set of parameters for each V: [V, B, K, L, D] -> [B, K, L, V D] and back."""
    joined = list(arguments)
    for i, by_axes in enumerate(operator.channels):
        if (tensor := arguments[i]) is not None:
            spread = tensor.expand(count, *tensor.shape) if axes[i] is None else tensor.movedim(axes[i], 0)
            at = by_axes[spread.ndim - 1]
            joined[i] = _rows(spread.movedim(0, at).flatten(at, at + 1))
    outputs = operator.forward(*joined)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    # What was not asked for is empty, and has no channels.
    parts = (
        o.unflatten(at, (count, -1)).movedim(at if at >= 0 else at - 1, 0) if o.ndim > 1 else o.expand(count, *o.shape)
        for o, at in zip(outputs, operator.outputs, strict=True)
    )
    return _as_given(tuple(parts))


def _rows(tensor: Tensor) -> Tensor:
    """With its last axis contiguous, as kernels read it."""
    return tensor.contiguous() if tensor.ndim and tensor.stride(-1) != 1 else tensor


def _as_given(outputs: tuple[Tensor, ...]) -> Any:
    """Outputs and their axes of vmap, in the form of an operator's results."""
    first, *others = outputs
    return (outputs, (0,) * len(outputs)) if others else (first, 0)
