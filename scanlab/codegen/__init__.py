"""From compiled scans to functions that kernels call: path programs, their cache, and compilation without a device."""

from __future__ import annotations

import importlib.util
import linecache
import sys
from collections.abc import Callable
from functools import cache as once
from typing import Any

from scanlab.codegen.cache import read, store
from scanlab.codegen.programs import Program, Target, generate
from scanlab.compiler.bind import CompiledScan

__all__ = ["Program", "Target", "load", "program"]


def program(scan: CompiledScan, target: Target = "triton") -> Program:
    """The path program of a scan, stored in the cache under its name.

    Its name is "" where every sequence is better off with the table. Raises S731 where the cache cannot be used.
    """
    made = generate(scan, target)
    if made.name:
        store(made.name, made.source)
    return made


@once
def load(name: str) -> Callable[..., Any]:
    """The jit function of a stored path program, by name.

    Raises S731 to S733 where the cache is not safe, the file is missing, or its content is not what the name says.
    """
    path, source = read(name)
    module_name = f"scanlab_paths.{name}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    # What was checked is what is compiled and what the jit compilers read, whatever happens to the file meanwhile.
    text = source.decode()
    linecache.cache[str(path)] = (len(source), None, text.splitlines(keepends=True), str(path))
    sys.modules[module_name] = module
    exec(compile(source, str(path), "exec"), module.__dict__)
    return getattr(module, name)
