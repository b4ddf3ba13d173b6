"""What torch.compile is told about functions, told when it may be at work: torch's own marks import it where they are
written, which takes longer than all else that a scan imports."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import torch

__all__ = ["CONSTANT", "UNTRACED", "constant_result", "may_be_compiled", "untraced"]

Function = TypeVar("Function", bound=Callable[..., Any])

# By name; `marked.MARKED` has them with torch's marks.
UNTRACED: dict[str, tuple[Callable[..., Any], str | None]] = {}
CONSTANT: dict[str, Callable[..., Any]] = {}


def untraced(reason: str | None = None) -> Callable[[Function], Function]:
    """A function that `MARKED` holds as torch.compiler.disable has it: neither it nor what it calls is traced."""

    def register(function: Function) -> Function:
        UNTRACED[function.__name__] = function, reason
        return function

    return register


def constant_result(function: Function) -> Function:
    """A function that `MARKED` holds as torch.compiler.assume_constant_result has it: its result is part of a graph."""
    CONSTANT[function.__name__] = function
    return function


def may_be_compiled() -> bool:
    """Whether torch.compile may be at work around a call: what a function calls that it has given up is traced, too."""
    return torch.compiler.is_compiling() or "torch._dynamo" in sys.modules
