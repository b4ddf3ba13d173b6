"""Data that a person's own code makes: a function by its import path, or an entry point of an installed package."""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import numpy as np

from scanlab.data.dataset import Dataset
from scanlab.data.given import from_arrays
from scanlab.data.remote import REMOTE
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["ENTRY_POINTS", "brought", "is_brought"]

ENTRY_POINTS = "scanlab.data"
_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_EXPECTED = (
    "return a scanlab.data.Dataset; a pair of images [M, C, *extents] and targets; a mapping of what "
    "scanlab.data.from_arrays takes; or a torch Dataset of pairs"
)


def is_brought(name: str) -> bool:
    """Whether a name is an import path, package.module:function, or a name among the entry points "scanlab.data"."""
    return bool(_PATH.fullmatch(name)) or _entry(name) is not None


def brought(name: str) -> Dataset:
    """What the function gives that a name stands for; it is called without arguments.

    It gives a Dataset as it is; images and targets, or what else `from_arrays` takes by name, whose test part is then
    held out where none is given; or a torch Dataset of pairs of an image [C, *extents] and its class or mask, which is
    read whole. Its module is looked for beside installed packages in the folder where the command runs. The function
    must give the same each time: trials know data by their pixels. Raises S600 for a module or function that is not
    there, and S699 for one that raises an error, with its traceback, or gives something else.
    """
    make, where = _found(name)
    try:
        made = make()
    except ScanlabError:
        raise
    except Exception as error:
        shown = "".join(traceback.format_exception(type(error), error, error.__traceback__)[1:]).strip()
        problem = f"{name} raised {type(error).__name__}: {error}"
        raise ScanlabError.at("S699", problem, note=shown, help="mend the function") from error
    dataset = _as_dataset(name, made)
    return replace(dataset, name=name, credit=f"made by {where}")


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
    entry = None if _PATH.fullmatch(name) else _entry(name)
    if entry is not None:
        return _imported(name, entry.value), f"{entry.value}, an entry point"
    return _imported(name, name), name


def _imported(name: str, path: str) -> Callable[[], Any]:
    module, _, function = path.partition(":")
    # The command's own folder is where its Python files are, and not what it was started in.
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)
    try:
        held = import_module(module)
    except ImportError as error:
        libraries = ", ".join(f"{library}:NAME" for library in REMOTE)
        help = f"install the package, or run where its file lies; data of libraries are {libraries}"
        raise ScanlabError.at("S600", f"{name}: {module} cannot be imported: {error}", help=help) from error
    except Exception as error:
        shown = "".join(traceback.format_exception(type(error), error, error.__traceback__)).strip()
        problem = f"{name}: {module} raised {error!r}"
        raise ScanlabError.at("S699", problem, note=shown, help="mend the module") from error
    made = getattr(held, function, None)
    if not callable(made):
        problem = f"{name}: {module} has no function {function}"
        raise ScanlabError.at("S600", problem, help="name a function that takes no arguments")
    return made


def _entry(name: str) -> EntryPoint | None:
    return next(iter(entry_points(group=ENTRY_POINTS, name=name)), None)
