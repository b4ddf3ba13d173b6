"""ScanLab: the compiler for scan orders of vision state-space models.

A scan order is a sort key. Write one (``by h, ~w``), have it proved, bound to a grid, drawn and measured.
Names below are imported when first used, so that ``import scanlab`` is quick and never imports torch.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from scanlab.moved import find_moved_modules

if TYPE_CHECKING:
    from scanlab.compiler.bind import CompiledPlan, CompiledScan, Path
    from scanlab.compiler.layouts import from_layout
    from scanlab.compiler.proof import Proof
    from scanlab.decompiler.decompile import decompile
    from scanlab.decompiler.result import Decompiled
    from scanlab.facade import compare, compile, load, load_file, parse, prove, to_layout
    from scanlab.ir.diagnostics import CounterExample, Diagnostic, ScanlabError
    from scanlab.ir.values import Order, Plan, Scan, Token
    from scanlab.language.symbols import axes, by, curve, extent, flip, maximum, minimum, order, where, within
    from scanlab.notebook import draw
    from scanlab.study.ablation import ablate

find_moved_modules()

_MODULES = {
    "scanlab.facade": ("compare", "compile", "load", "load_file", "parse", "prove", "to_layout"),
    "scanlab.decompiler.decompile": ("decompile",),
    "scanlab.decompiler.result": ("Decompiled",),
    "scanlab.ir.diagnostics": ("CounterExample", "Diagnostic", "ScanlabError"),
    "scanlab.ir.values": ("Order", "Plan", "Scan", "Token"),
    "scanlab.compiler.bind": ("CompiledPlan", "CompiledScan", "Path"),
    "scanlab.compiler.layouts": ("from_layout",),
    "scanlab.compiler.proof": ("Proof",),
    "scanlab.language.symbols": (
        *("axes", "by", "curve", "extent", "flip", "maximum", "minimum", "order", "where", "within"),
    ),
    "scanlab.notebook": ("draw",),
    "scanlab.study.ablation": ("ablate",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "CompiledPlan",
    "CompiledScan",
    "CounterExample",
    "Decompiled",
    "Diagnostic",
    "Order",
    "Path",
    "Plan",
    "Proof",
    "Scan",
    "ScanlabError",
    "Token",
    "ablate",
    "axes",
    "by",
    "compare",
    "compile",
    "curve",
    "decompile",
    "draw",
    "extent",
    "flip",
    "from_layout",
    "load",
    "load_file",
    "maximum",
    "minimum",
    "order",
    "parse",
    "prove",
    "to_layout",
    "where",
    "within",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        try:
            return version("scanlab")
        except PackageNotFoundError:
            return "0+unknown"
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'scanlab' has no attribute {name!r}")
    return getattr(import_module(_MODULE_OF[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
