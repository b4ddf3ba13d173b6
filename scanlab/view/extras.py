"""Packages that only some pictures need, and what to say where they are missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from scanlab.ir.diagnostics import ScanlabError


def need(module: str, medium: str, instead: str = "write a .svg or .html file, which need nothing") -> ModuleType:
    """Import a module of the extra `pictures`; `medium` names what asks for it, `instead` what does without.

    Raises ScanlabError S500 without it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = {"PIL": "Pillow"}.get(module.split(".")[0], module.split(".")[0])
        raise ScanlabError.at(
            "S500",
            f"{medium} needs {package}, which is not installed",
            help=f'pip install "scanlab[pictures]", or {instead}',
        ) from error
