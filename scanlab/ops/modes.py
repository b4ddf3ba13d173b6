"""Whatever mode the caller is in: what is kept is made outside of it, and what has no values is not looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch._C._dynamo.eval_frame import get_eval_frame_callback
from torch._C._functorch import get_unwrapped, is_batchedtensor, is_functorch_wrapped_tensor
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack
from torch._subclasses.fake_tensor import FakeTensor
from torch.autograd import forward_ad
from torch.utils._python_dispatch import _disable_current_modes

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["adopted", "beside", "check_no_graph", "nobody_looks_on", "outside_modes", "readable", "transformed"]


@contextmanager
def outside_modes() -> Iterator[None]:
    """Make tensors inside as if nothing were switched on around: for all that is kept from one call to the next.

    A tensor of inference mode cannot be saved for a backward, one of a fake mode or of the meta device has no values,
    one of torch.func belongs to a transform that ends; a default device would move it.
    """
    with (
        temporarily_clear_interpreter_stack(),
        _disable_current_modes(),
        torch.inference_mode(False),
        torch.device("cpu"),
    ):
        yield


def check_no_graph(name: str) -> None:
    """Refuse with S714 to be recorded by torch.fx's make_fx, which torch.func.linearize uses, too.

    The graph would hold what is read of the paths now, and give their outputs for any others. torch.compile and
    torch.export trace otherwise.
    """
    if torch.compiler.is_compiling():
        return
    if torch._C._get_dispatch_mode(torch._C._TorchDispatchModeKey.PROXY) is not None:
        raise ScanlabError.at(
            "S714",
            f"what is done with {name} cannot be recorded by make_fx, nor by torch.func.linearize",
            help='record with torch.export; forward mode is torch.func.jvp with backend="reference"',
        )


def transformed() -> bool:
    """Whether a transform of torch.func or a level of forward mode is at work."""
    return torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0


def nobody_looks_on() -> bool:
    """Whether no mode, transform, trace, compiler or profiler is at work around a call."""
    return not (
        torch.compiler.is_compiling()
        # What is called from a frame that torch.compile has given up is traced as well, kernels included.
        or get_eval_frame_callback() is not None
        or torch._C._len_torch_dispatch_stack()
        or torch._C._len_torch_function_stack()
        or transformed()
        or torch._C._get_tracing_state() is not None
        or torch.autograd._profiler_enabled()  # pyright: ignore
    )


def readable(tensor: Tensor) -> Tensor | None:
    """The tensor whose values can be looked at now, or None: while tracing, on meta, faked, or one of many by vmap."""
    if torch.compiler.is_compiling() or isinstance(tensor, FakeTensor) or tensor.is_meta:
        return None
    while is_functorch_wrapped_tensor(tensor):
        if is_batchedtensor(tensor):
            return None
        tensor = get_unwrapped(tensor)
    return None if isinstance(tensor, FakeTensor) or tensor.is_meta else tensor


def beside(kept: Tensor, like: Tensor) -> Tensor:
    """A copy of what is kept, where `like` is: on its device, and without values if that has none."""
    if isinstance(like, FakeTensor):
        return adopted(kept, like).to(like.device)
    with outside_modes():
        return kept.to(like.device, copy=True)


def adopted(kept: Tensor, like: Tensor) -> Tensor:
    """A kept tensor as what stands beside `like`: a fake one where that is faked."""
    if isinstance(like, FakeTensor) and not isinstance(kept, FakeTensor) and not torch.compiler.is_compiling():
        return like.fake_mode.from_tensor(kept, static_shapes=True)
    return kept
