"""The last stages of ``scanlab compile``: the path function that kernels call, and the kernels compiled with it."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from scanlab.cli.output import console, print_json
from scanlab.codegen import program
from scanlab.codegen.cost import UNLIMITED
from scanlab.codegen.offline import compile_all
from scanlab.codegen.programs import Program, generate
from scanlab.codegen.report import Report
from scanlab.compiler.bind import CompiledScan
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["COMPILED", "Compilation", "print_compiled"]

_FUNCTIONS: dict[str, tuple[Literal["triton", "cpu"], str]] = {"triton": ("triton", "gpu"), "cpu": ("cpu", "cpu")}
_ASSEMBLIES = {"ptx": ("sm_90", "sm_80"), "sass": ("sm_90", "sm_80"), "amdgcn": ("gfx942",)}
_DTYPES = ("float32", "bfloat16", "float16")
COMPILED = (*_FUNCTIONS, *_ASSEMBLIES)


@dataclass(frozen=True)
class Compilation:
    """What kernels are compiled for: target ("" for the stage's own), state size, dtype; and which are printed."""

    target: str = ""
    states: int = 16
    dtype: str = "bfloat16"
    kernel: str = ""


def print_compiled(name: str, scans: Sequence[CompiledScan], emit: str, wanted: Compilation, as_json: bool) -> None:
    """Print one of the stages in COMPILED for every scan. Raises S730 to S736."""
    describe = _function if emit in _FUNCTIONS else _assembly
    found = [describe(scan, emit, wanted) for scan in scans]
    if as_json:
        print_json({"strategy": name, "stage": emit, "result": [data for _, data in found]})
        return
    console().print("\n".join(text for text, _ in found), markup=False, soft_wrap=True, end="")


def _function(scan: CompiledScan, emit: str, wanted: Compilation) -> tuple[str, dict[str, Any]]:
    target, folder = _FUNCTIONS[emit]
    made = generate(scan, target)
    text = f"# {_title(scan)}: PATCH_AT in the kernels of kernels/{folder}, called once per step\n"
    text += "".join(f"# {line}\n" for line in _choices(scan, made))
    text += "\n" + (made.source or _table_function(folder))
    if not made.name:
        unused = generate(scan, target, limit=UNLIMITED)
        if unused.name:
            text += f"\n\n# What was not chosen:\n\n{unused.source}"
    paths = [
        {"path": p.label, "form": form, "reason": reason}
        for p, form, reason in zip(scan.paths, made.forms, made.reasons, strict=True)
    ]
    return text, {"name": made.name or "patch_from_table", "source": made.source, "paths": paths}


def _title(scan: CompiledScan) -> str:
    return f"{scan.name or scan.paths[0].label} on {'x'.join(map(str, scan.grid))}"


def _choices(scan: CompiledScan, made: Program) -> list[str]:
    """Which paths use arithmetic and which the table, and why; paths with one answer in one line."""
    groups: dict[str, list[str]] = {}
    for path, form, reason in zip(scan.paths, made.forms, made.reasons, strict=True):
        groups.setdefault(f"{form}: {reason}" if reason else form, []).append(path.label)
    return [f"{', '.join(dict.fromkeys(labels))}: {answer}" for answer, labels in groups.items()]


def _table_function(folder: str) -> str:
    """The text of the kernels' own `patch_from_table`, read without importing what it needs."""
    text = files("scanlab.kernels").joinpath(folder, "paths.py").read_text(encoding="utf-8")
    [node] = [n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and n.name == "patch_from_table"]
    first = min(n.lineno for n in (*node.decorator_list, node))
    return "\n".join(text.split("\n")[first - 1 : node.end_lineno]) + "\n"


def _assembly(scan: CompiledScan, emit: str, wanted: Compilation) -> tuple[str, dict[str, Any]]:
    allowed = _ASSEMBLIES[emit]
    target = wanted.target or allowed[0]
    if target not in allowed:
        raise ScanlabError.at("S734", f"{emit} is not for `{target}`", help=f"its targets are {', '.join(allowed)}")
    if wanted.dtype not in _DTYPES:
        raise ScanlabError.at("S736", f"no kernel takes `{wanted.dtype}`", help=f"choose {', '.join(_DTYPES)}")
    made = program(scan, "triton")
    reports = compile_all(made.name, target, states=wanted.states, dtype=wanted.dtype)
    shown = [r for r in reports if wanted.kernel in r.kernel]
    if not shown:
        known = ", ".join(r.kernel for r in reports)
        raise ScanlabError.at("S736", f"no kernel is called `{wanted.kernel}`", help=f"the kernels are {known}")
    comment = "//" if emit in ("ptx", "sass") else ";"
    head = [f"{_title(scan)} for {target}, {wanted.states} states, {wanted.dtype}, {made.name or 'patch_from_table'}"]
    text = "".join(f"{comment} {line}\n" for line in [*head, *map(_summary, reports)])
    text += "".join(f"\n{comment} {r.kernel}\n{r.assembly[emit].strip()}\n" for r in shown)
    data = [{**r.figures(), emit: r.assembly[emit]} for r in shown]
    return text, {"name": made.name or "patch_from_table", "kernels": data}


def _summary(report: Report) -> str:
    return (
        f"{report.kernel}: {report.registers} registers, {report.spills} spills, {report.stack} B stack, "
        f"{report.shared} B shared, {report.barriers} barriers, {report.instructions} instructions, "
        f"{report.loop / report.group:.0f} per step"
    )
