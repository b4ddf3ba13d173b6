"""Kernels of the CPU in two threads, and Triton's interpreter, where it stands in for a GPU, at half its cost."""

from __future__ import annotations

import os

import pytest
import torch


def _prepare_triton_once_per_kernel() -> None:
    """Leave out what the interpreter does again whenever one of our jit functions calls another.

    It replaces the functions of triton.language when a kernel begins, and then anew for every call within, which is
    half of the time of kernels made of small functions. Triton's own functions see its language in another module.
    """
    from triton.runtime.interpreter import InterpretedFunction

    prepared = InterpretedFunction.__call__

    def call(self, *arguments, **named):
        if self.fn.__module__.startswith("triton."):
            return prepared(self, *arguments, **named)
        return self.rewrite()(*arguments, **named)

    InterpretedFunction.__call__ = call


if os.environ.get("TRITON_INTERPRET") == "1":
    _prepare_triton_once_per_kernel()


@pytest.fixture(autouse=True)
def two_threads():
    """Kernels in one thread would show no race, and the workers of pytest-xdist have one each."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)
