"""The process that compiles for `offline.compile_all`: words in, one line of JSON out."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from types import MappingProxyType
from typing import Any

from scanlab.codegen import load
from scanlab.codegen.offline import compile_kernel, target_of
from scanlab.codegen.report import Report
from scanlab.ir.diagnostics import ScanlabError

# Triton's names of the dtypes.
_TYPES = MappingProxyType({"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"})


def _compile(source: str, program: str, target: str, states: str, dtype: str) -> list[Report]:
    patch_at = load(program) if program else import_module("scanlab.kernels.gpu.paths").patch_from_table
    kind, lanes = _TYPES[dtype], target_of(target).lanes
    variants: list[Any] = import_module(source).variants(int(states), kind, patch_at, lanes=lanes)
    return [
        compile_kernel(v.name, v.kernel, v.signature, v.constexprs, v.num_warps, target, v.constexprs.get("GROUP", 1))
        for v in variants
    ]


def main() -> None:
    """Compile what the command line asks for and print the reports, or the error, as JSON."""
    try:
        answer = {"reports": [vars(report) for report in _compile(*sys.argv[1:])]}
    except ScanlabError as error:
        [found] = error.diagnostics
        answer = {"error": {"code": found.code, "message": found.message, "note": found.note, "help": found.help}}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
