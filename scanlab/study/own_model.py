"""A model of a person's own in a study: which function makes it, and what a trial knows it by; without torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from scanlab.imported import entry_named, function_digest, is_import_path, path_of, source_digest
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["GRID_SETTINGS", "MODELS", "MODEL_NOTES", "OwnModel", "own_model"]

MODELS = "scanlab.models"
# What is computed of such a model before training stands under this word among the notes of its problem.
MODEL_NOTES = "model"
# What ScanLab itself must know of such a model: the grid that strategies are compiled for, and how many layers.
GRID_SETTINGS = ("patch", "stride", "depth")
_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class OwnModel:
    """A function that makes models. make: its import path, the name of an entry point, or what it is called in Python.

    source: a digest of the file of its module, or of the function alone where it was given in Python; a trial is
    another one where it differs. options: keyword arguments for it. function: itself, where no other process can import
    it.

    >>> OwnModel("mypackage.models:make", "8f14e45fceea167a", {"width": 32}).stored()["options"]
    {'width': 32}
    """

    make: str
    source: str
    options: Mapping[str, Any] = field(default_factory=dict)
    function: Callable[..., Any] | None = field(default=None, compare=False, repr=False)

    def stored(self) -> dict[str, Any]:
        """In JSON's types, as keys of trials have it."""
        return {"make": self.make, "source": self.source, "options": dict(self.options)}


def own_model(make: Any, options: Mapping[str, Any] = _NONE) -> OwnModel:
    """What `make` of a study's `[model]` says: an import path, an entry point of "scanlab.models", or a function.

    Raises S850 for what is none of these or is not there, and S852 for options that no file could hold.
    """
    try:
        json.dumps(dict(options))
    except TypeError as error:
        help = "give numbers, texts, lists and tables"
        raise ScanlabError.at("S852", f"an option of {_name(make)} is no plain value: {error}", help=help) from None
    if callable(make):
        path = path_of(make)
        if path:
            return OwnModel(path, source_digest(path), options)
        return OwnModel(_name(make), function_digest(make), options, make)
    if not isinstance(make, str):
        raise ScanlabError.at("S850", f"`make` is {make!r}", help="name a function, as in mypackage.models:make")
    entry = None if is_import_path(make) else entry_named(MODELS, make)
    if entry is None and not is_import_path(make):
        help = f"write package.module:function, or the name of an entry point of the group {MODELS}"
        raise ScanlabError.at("S850", f"there is no model {make!r}", help=help)
    path = entry.value if entry else make
    source = source_digest(path)
    if not source:
        help = "install the package, or run where its file lies"
        raise ScanlabError.at("S850", f"{make}: there is no module {path.partition(':')[0]}", help=help)
    return OwnModel(make, source, options)


def _name(make: Any) -> str:
    return str(getattr(make, "__qualname__", None) or (make if isinstance(make, str) else type(make).__name__))
