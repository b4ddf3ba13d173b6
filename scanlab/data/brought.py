"""Data that a person's own code makes: a function by its import path, or an entry point of an installed package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from scanlab.data.dataset import Dataset
from scanlab.data.given import from_arrays
from scanlab.data.remote import REMOTE
from scanlab.imported import entry_named, imported, is_import_path, path_of, shown_traceback
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["ENTRY_POINTS", "brought", "given_data", "is_brought", "is_given"]

ENTRY_POINTS = "scanlab.data"
_EXPECTED = (
    "return a scanlab.data.Dataset; a pair of images [M, C, *extents] and targets; a mapping of what "
    "scanlab.data.from_arrays takes; or a torch Dataset of pairs"
)


def is_brought(name: str) -> bool:
    """Whether a name is an import path, package.module:function, or a name among the entry points "scanlab.data"."""
    return name in _GIVEN or is_import_path(name) or entry_named(ENTRY_POINTS, name) is not None


def brought(name: str) -> Dataset:
    """What the function gives that a name stands for; it is called without arguments.

    It gives a Dataset as it is; images and targets, or what else `from_arrays` takes by name, whose test part is then
    held out where none is given; or a torch Dataset of pairs of an image [C, *extents] and its class or mask, which is
    read whole. Its module is looked for beside installed packages in the folder where the command runs. The function
    must give the same each time: trials know data by their pixels. Raises S600 for a module or function that is not
    there, and S699 for one that raises an error, with its traceback, or gives something else.
    """
    if name in _GIVEN:
        return _GIVEN[name]
    make, where = _found(name)
    dataset = _as_dataset(name, _called(name, make))
    return replace(dataset, name=name, credit=f"made by {where}")


def _called(name: str, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except ScanlabError:
        raise
    except Exception as error:
        problem = f"{name} raised {type(error).__name__}: {error}"
        raise ScanlabError.at("S699", problem, note=shown_traceback(error), help="mend the function") from error


# What was given in Python, by the name that it goes by in this process.
_GIVEN: dict[str, Dataset] = {}


def given_data(made: Any, name: str = "") -> str:
    """The name that data given in Python go by from now on in this process: what a function of `brought` may give, or
    such a function itself. A function that any process can import goes by its path. Raises S699."""
    if callable(made) and not hasattr(made, "__getitem__"):
        if path := path_of(made):
            return path
        name = name or getattr(made, "__name__", type(made).__name__)
        made = _called(name, made)
    dataset = _as_dataset(name or type(made).__name__, made)
    name = name or (dataset.name if isinstance(made, Dataset) else "given in Python")
    dataset = replace(dataset, name=name)
    known = f"{name} ({dataset.fingerprint[:8]})"
    _GIVEN[known] = dataset
    return known


def is_given(name: str) -> bool:
    """Whether a name stands for data that only this process has."""
    return name in _GIVEN


def _as_dataset(name: str, made: Any) -> Dataset:
    if isinstance(made, Dataset):
        return made
    if isinstance(made, Mapping):
        try:
            return from_arrays(**made)
        except TypeError as error:
            raise ScanlabError.at("S699", f"{name} gave {', '.join(map(str, made))}: {error}", help=_EXPECTED) from None
    if isinstance(made, tuple) and len(made) == 2:
        return from_arrays(*made)
    if hasattr(made, "__getitem__") and hasattr(made, "__len__"):
        return from_arrays(*_pairs(name, made))
    raise ScanlabError.at("S699", f"{name} gave a {type(made).__name__}", help=_EXPECTED)


def _pairs(name: str, made: Any) -> tuple[np.ndarray, np.ndarray]:
    """All of a torch Dataset, which is indexed from 0."""
    try:
        pairs = [made[number] for number in range(len(made))]
        images, targets = zip(*pairs, strict=True)
        return np.stack([np.asarray(image, np.float32) for image in images]), np.stack([np.asarray(t) for t in targets])
    except (TypeError, ValueError, IndexError, KeyError) as error:
        problem = f"{name} gave a {type(made).__name__} whose items are no pairs of arrays of one shape: {error}"
        raise ScanlabError.at("S699", problem, help=_EXPECTED) from error


def _found(name: str) -> tuple[Callable[[], Any], str]:
    """The function, and where it is from in words."""
    entry = None if is_import_path(name) else entry_named(ENTRY_POINTS, name)
    path, where = (entry.value, f"{entry.value}, an entry point") if entry is not None else (name, name)
    libraries = ", ".join(f"{library}:NAME" for library in REMOTE)
    install = f"install the package, or run where its file lies; data of libraries are {libraries}"
    made = imported(name, path, missing="S600", broken="S699", install=install)
    if not callable(made):
        problem = f"{name}: {path.replace(':', ' has no function ')}"
        raise ScanlabError.at("S600", problem, help="name a function that takes no arguments")
    return made, where
