"""The packages that exporting needs, imported when they are used."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["need"]


def need(module: str) -> ModuleType:
    """Import onnx, onnxruntime, or a module of theirs. Raises S780 where the package is missing or broken."""
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ImportError as error:
        raise ScanlabError.at(
            "S780",
            f"ONNX files need {package}, which cannot be imported",
            note=f"{type(error).__name__}: {error}",
            help='pip install "scanlab[export]"',
        ) from error
