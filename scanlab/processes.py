"""Processes that begin with what they need loaded already, where the system allows it."""

from __future__ import annotations

import multiprocessing
import sys
from multiprocessing.context import BaseContext
from typing import Literal

__all__ = ["METHOD", "TRAINING", "begin_loading", "context_with"]

# One process loads, and the others are forked from it before it has done any work: torch takes seconds to load. The
# libraries of macOS do not bear that, and Windows has no fork.
METHOD: Literal["spawn", "forkserver"] = "forkserver" if sys.platform == "linux" else "spawn"
# What a process needs that trains; torch's optimizers import its compiler when the first is made.
TRAINING = ("scanlab.study.work", "scanlab.ops.mamba.cpu", "torch._dynamo")


def context_with(*modules: str) -> BaseContext:
    """A context to make processes from; where they are forked, `modules` are loaded by then.

    The first process to be started decides for all later ones of the calling process: they load whatever else they
    need themselves.
    """
    context = multiprocessing.get_context(METHOD)
    if METHOD == "forkserver":
        context.set_forkserver_preload(list(modules))
    return context


def begin_loading(*modules: str) -> None:
    """Load modules for processes that are started later, in the background; nothing where they are not forked."""
    context_with(*modules)
    if METHOD == "forkserver":
        from multiprocessing.forkserver import ensure_running

        ensure_running()
