"""The last stages of ``scanlab compile``: the path function that kernels call, and the kernels compiled with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from scanlab.cli.output import console, print_json
from scanlab.codegen import Target, program
from scanlab.codegen.compiler_explorer import ABOUT, compiler_explorer_link
from scanlab.codegen.listing import ASSEMBLIES, DTYPES, TABLE, function_listing, rows_of, summary, title
from scanlab.codegen.offline import compile_all
from scanlab.compiler.bind import CompiledScan
from scanlab.compiler.stage_structure import as_data
from scanlab.ir.diagnostics import ScanlabError
from scanlab.stages import Strategy, change_to_assembly, change_to_code

__all__ = ["COMPILED", "Compilation", "print_compiled"]

_FUNCTIONS: Mapping[str, Target] = MappingProxyType({"triton": "triton", "cpu": "cpu"})
COMPILED = (*_FUNCTIONS, *ASSEMBLIES)


@dataclass(frozen=True)
class Compilation:
    """What kernels are compiled for: target ("" for the stage's own), state size, dtype; and which are printed.

    link: whether the Triton function comes with a link to Compiler Explorer.
    """

    target: str = ""
    states: int = 16
    dtype: str = "bfloat16"
    kernel: str = ""
    link: bool = False


def print_compiled(
    name: str, strategies: Sequence[Strategy], emit: str, compilation: Compilation, as_json: bool
) -> None:
    """Print one of the stages in COMPILED for every scan. Raises S470, and S730 to S736."""
    describe = _function if emit in _FUNCTIONS else _assembly
    described = [describe(scan, emit, compilation) for strategy in strategies for scan in strategy.scans]
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
    change = change_to_code(scan, made.forms, listing.rows)
    remarks, link = [str(change)], {}
    if compilation.link:
        link = {"link": compiler_explorer_link(scan)}
        remarks += [f"open in Compiler Explorer: {link['link']}", f"the link is {ABOUT}"]
    data = {"name": listing.name, "source": made.source, "paths": paths, "rows": as_data(listing.rows)}
    return str(replace(listing, heading=(*listing.heading, *remarks))), {**data, **change.as_json(), **link}


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
    rows, name = rows_of(scan), made.name or TABLE
    head = [f"{title(scan)} for {target}, {compilation.states} states, {compilation.dtype}, {name}", *map(str, rows)]
    change = change_to_assembly([r.assembly[emit] for r in shown], name, rows)
    head.append(str(change))
    text = "".join(f"{comment} {line}\n" for line in [*head, *map(summary, reports)])
    text += "".join(f"\n{comment} {r.kernel}\n{r.assembly[emit].strip()}\n" for r in shown)
    data = [{**r.figures(), emit: r.assembly[emit]} for r in shown]
    return text, {"name": name, "kernels": data, "rows": as_data(rows), **change.as_json()}
