"""The last stages of ``scanlab compile``: the path function that kernels call, and the kernels compiled with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from scanlab.cli.output import console, print_json
from scanlab.codegen import Target, program
from scanlab.codegen.listing import ASSEMBLIES, DTYPES, TABLE, function_listing, summary, title
from scanlab.codegen.offline import compile_all
from scanlab.compiler.bind import CompiledScan
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["COMPILED", "Compilation", "print_compiled"]

_FUNCTIONS: Mapping[str, Target] = MappingProxyType({"triton": "triton", "cpu": "cpu"})
COMPILED = (*_FUNCTIONS, *ASSEMBLIES)


@dataclass(frozen=True)
class Compilation:
    """What kernels are compiled for: target ("" for the stage's own), state size, dtype; and which are printed."""

    target: str = ""
    states: int = 16
    dtype: str = "bfloat16"
    kernel: str = ""


def print_compiled(
    name: str, scans: Sequence[CompiledScan], emit: str, compilation: Compilation, as_json: bool
) -> None:
    """Print one of the stages in COMPILED for every scan. Raises S730 to S736."""
    describe = _function if emit in _FUNCTIONS else _assembly
    described = [describe(scan, emit, compilation) for scan in scans]
    if as_json:
        print_json({"strategy": name, "stage": emit, "result": [data for _, data in described]})
        return
    console().print("\n".join(text for text, _ in described), soft_wrap=True, end="")


def _function(scan: CompiledScan, emit: str, compilation: Compilation) -> tuple[str, dict[str, Any]]:
    listing = function_listing(scan, _FUNCTIONS[emit])
    made = listing.program
    paths = [
        {"path": p.label, "form": form, "reason": reason}
        for p, form, reason in zip(scan.paths, made.forms, made.reasons, strict=True)
    ]
    return str(listing), {"name": listing.name, "source": made.source, "paths": paths}


def _assembly(scan: CompiledScan, emit: str, compilation: Compilation) -> tuple[str, dict[str, Any]]:
    allowed = ASSEMBLIES[emit]
    target = compilation.target or allowed[0]
    if target not in allowed:
        raise ScanlabError.at("S734", f"{emit} is not for `{target}`", help=f"its targets are {', '.join(allowed)}")
    if compilation.dtype not in DTYPES:
        raise ScanlabError.at("S736", f"no kernel takes `{compilation.dtype}`", help=f"choose {', '.join(DTYPES)}")
    made = program(scan, "triton")
    reports = compile_all(made.name, target, states=compilation.states, dtype=compilation.dtype)
    shown = [r for r in reports if compilation.kernel in r.kernel]
    if not shown:
        known = ", ".join(r.kernel for r in reports)
        raise ScanlabError.at("S736", f"no kernel is called `{compilation.kernel}`", help=f"the kernels are {known}")
    comment = "//" if emit in ("ptx", "sass") else ";"
    head = [f"{title(scan)} for {target}, {compilation.states} states, {compilation.dtype}, {made.name or TABLE}"]
    text = "".join(f"{comment} {line}\n" for line in [*head, *map(summary, reports)])
    text += "".join(f"\n{comment} {r.kernel}\n{r.assembly[emit].strip()}\n" for r in shown)
    data = [{**r.figures(), emit: r.assembly[emit]} for r in shown]
    return text, {"name": made.name or TABLE, "kernels": data}
