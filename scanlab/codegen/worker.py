"""The process that compiles for `offline.compile_all`: arguments in, a line of JSON out for every kernel."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from types import MappingProxyType
from typing import Any

from scanlab.codegen import load
from scanlab.codegen.offline import compile_kernel, target_of
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import reason_of

# Triton's names of the dtypes.
_TYPES = MappingProxyType({"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"})


def _compile(
    source: str, program: str, target: str, states: str, dtype: str, continued: str = ""
) -> Iterator[dict[str, Any]]:
    patch_at = load(program) if program else import_module("scanlab.kernels.gpu.paths").patch_from_table
    kind, lanes = _TYPES[dtype], target_of(target).lanes
    variants: list[Any] = import_module(source).variants(
        int(states), kind, patch_at, lanes=lanes, continued=bool(continued)
    )
    yield {"kernels": [v.name for v in variants]}
    for v in variants:
        group = v.constexprs.get("GROUP", 1)
        given = (v.name, v.kernel, v.signature, v.constexprs, v.divisible, v.num_warps)
        yield {"report": vars(compile_kernel(*given, target, group))}


def main() -> None:
    """Compile what the command line asks for; print the kernels' names, their reports, or the error, as JSON."""
    try:
        for answer in _compile(*sys.argv[1:]):
            print(json.dumps(answer), flush=True)
    except ScanlabError as error:
        [d] = error.diagnostics
        summary = {"code": d.code, "message": d.message, "note": d.note, "help": d.help}
        print(json.dumps({"error": summary}))
    except OSError as error:
        print(json.dumps({"error": _no_place(error)}))


def _no_place(error: OSError) -> dict[str, str]:
    """Triton and its assembler pass files to each other, and keep what they made."""
    what = f"kernels cannot be compiled here: {reason_of(error)}"
    help = "set TMPDIR, and TRITON_CACHE_DIR where there is no home, to folders that can be written"
    return {"code": "S735", "message": what, "help": help}


if __name__ == "__main__":
    main()
