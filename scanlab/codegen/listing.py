"""Generated code with a heading: what ``scanlab compile --emit triton|cpu`` prints and the explorer shows."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

from scanlab.codegen.assembly import Report
from scanlab.codegen.cost import UNLIMITED
from scanlab.codegen.programs import Program, Target, generate
from scanlab.compiler.bind import CompiledScan
from scanlab.compiler.stage_structure import Row, bound_rows

__all__ = ["ASSEMBLIES", "DTYPES", "TABLE", "Listing", "function_listing", "rows_of", "summary", "title"]

# For each kind of assembly, what it can be made for, the usual target first.
ASSEMBLIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"ptx": ("sm_90", "sm_80"), "sass": ("sm_90", "sm_80"), "amdgcn": ("gfx942",)}
)
DTYPES = ("float32", "bfloat16", "float16")
TABLE = "patch_from_table"
_FOLDERS: Mapping[Target, str] = MappingProxyType({"triton": "gpu", "cpu": "cpu"})


@dataclass(frozen=True)
class Listing:
    """The path function of a scan. heading: lines without their #; text: what kernels call; unused: the arithmetic that
    was not chosen, "" for none; rows: merges, restarts and tokens, which the kernels know and the function does not."""

    program: Program
    heading: tuple[str, ...]
    text: str
    unused: str = ""
    rows: tuple[Row, ...] = ()

    @property
    def name(self) -> str:
        """The function's name."""
        return self.program.name or TABLE

    def __str__(self) -> str:
        text = "".join(f"# {line}\n" for line in (*self.heading, *self.rows)) + "\n" + self.text
        return f"{text}\n\n# What was not chosen:\n\n{self.unused}" if self.unused else text


def function_listing(scan: CompiledScan, target: Target) -> Listing:
    """The path function that kernels call once per step, and why each path is arithmetic or a table."""
    made, folder = generate(scan, target), _FOLDERS[target]
    heading = (
        f"{title(scan)}: PATCH_AT in the kernels of kernels/{folder}, called once per step",
        *_choices(scan, made),
    )
    unused = "" if made.name else generate(scan, target, limit=UNLIMITED).source
    return Listing(made, heading, made.source or _table_function(folder), unused, rows_of(scan))


def rows_of(scan: CompiledScan) -> tuple[Row, ...]:
    """What stands beside the paths of one scan, as bound: merges, shares of channels, restarts, tokens."""
    return tuple(bound_rows(scan.scan, (scan,)))


def title(scan: CompiledScan) -> str:
    """The scan's name with its grid."""
    return f"{scan.name or scan.paths[0].label} on {'x'.join(map(str, scan.grid))}"


def summary(report: Report) -> str:
    """What a compiled kernel takes, in one line."""
    return (
        f"{report.kernel}: {report.registers} registers, {report.spills} spills, {report.stack} B stack, "
        f"{report.shared} B shared, {report.barriers} barriers, {report.instructions} instructions, "
        f"{report.loop / report.group:.0f} per step"
    )


def _choices(scan: CompiledScan, made: Program) -> list[str]:
    """Which paths use arithmetic and which the table, and why; paths with one answer in one line."""
    groups: dict[str, list[str]] = {}
    for path, form, reason in zip(scan.paths, made.forms, made.reasons, strict=True):
        groups.setdefault(f"{form}: {reason}" if reason else form, []).append(path.label)
    return [f"{', '.join(dict.fromkeys(labels))}: {answer}" for answer, labels in groups.items()]


def _table_function(folder: str) -> str:
    """The text of the kernels' own `patch_from_table`, read without importing what it needs."""
    text = files("scanlab.kernels").joinpath(folder, "paths.py").read_text(encoding="utf-8")
    [node] = [n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and n.name == TABLE]
    first = min(n.lineno for n in (*node.decorator_list, node))
    return "\n".join(text.split("\n")[first - 1 : node.end_lineno]) + "\n"
