"""What a word of the command line names: arrays in a file, or a function or a module in Python code."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from scanlab.decompiler.ask import required_arguments
from scanlab.decompiler.numpy_files import Unreadable, arrays_in, named_grid
from scanlab.decompiler.user_code import CodeFailed, CodeTooSlow, run_user_code
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import grid_of
from scanlab.ir.guesses import nearest_text
from scanlab.ir.text import reason_of

__all__ = ["named_source"]

_HELP = "name FILE.npy, FILE.npz, FILE.npz:NAME, package.module:function or file.py:function"


def named_source(word: str, grid: str = "") -> Any:
    """What `decompile` takes: arrays by grid, an array, a function, or a torch module.

    FILE.npy needs a grid; arrays of FILE.npz are named by theirs, as in "8x8", "name/8x8" or "name_8x8". The code of
    package.module or file.py is run: only what the user names. Raises S430 for what is not there, or cannot be read.
    """
    for suffix in (".npz", ".npy"):
        file, found, name = word.partition(suffix)
        if found and name[:1] in ("", ":"):
            return _arrays(Path(file + suffix), name.removeprefix(":"), grid)
    module, found, name = word.rpartition(":")
    if not found or not module or not name:
        raise ScanlabError.at("S430", f"`{word}` names no arrays and no function", help=_HELP)
    return _attribute(module, name)


def _arrays(path: Path, name: str, grid: str) -> dict[tuple[int, ...], np.ndarray]:
    held = _held(path)
    if isinstance(held, np.ndarray):
        if name:
            raise ScanlabError.at("S430", f"{path} holds one array, without a name", help=f"name {path} alone")
        if not grid:
            raise ScanlabError.at(
                "S430", f"{path} does not say which grid it is for", help="give it, as in --grid 14x14"
            )
        return {grid_of(grid): held}
    return _by_grid(path, held, name, grid)


def _held(path: Path) -> np.ndarray | dict[str, np.ndarray]:
    """All arrays of a file. Raises S430 for what cannot be read, is pickled, or is larger than any scan."""
    try:
        with path.open("rb") as file:
            return arrays_in(file)
    except FileNotFoundError:
        raise ScanlabError.at("S430", f"there is no file {path}", help=_HELP) from None
    except OSError as error:
        raise ScanlabError.at("S430", f"{path} cannot be read: {reason_of(error)}", help=_HELP) from None
    except Unreadable as why:
        raise ScanlabError.at("S430", f"{path} cannot be read: {why}", help=why.help or _HELP) from None


def _by_grid(path: Path, held: Mapping[str, np.ndarray], name: str, grid: str) -> dict[tuple[int, ...], np.ndarray]:
    """The arrays of one scan, by their grids."""
    scans: dict[str, dict[tuple[int, ...], str]] = {}
    for key, array in held.items():
        own, extents = named_grid(key, array)
        if (other := scans.setdefault(own, {}).get(extents)) is not None:
            both = f"`{other}` and `{key}` in {path} are for one grid"
            raise ScanlabError.at("S430", both, help="give each array of a scan a grid of its own")
        scans[own][extents] = key
    if name and name not in scans:
        raise ScanlabError.at("S430", f"{path} holds no `{name}`", help=nearest_text(name, scans, _listed(scans)))
    if not name and len(scans) != 1:
        help = f"choose one, as in {path}:NAME" if scans else "save arrays in it, named by their grids, as in 8x8"
        raise ScanlabError.at("S430", f"{path} holds {_listed(scans) or 'nothing'}", help=help)
    chosen = scans[name or next(iter(scans))]
    if () in chosen and len(chosen) == 1 and grid:
        return {grid_of(grid): held[chosen[()]]}
    if () in chosen:
        raise ScanlabError.at(
            "S430",
            f"`{chosen[()]}` in {path} does not say which grid it is for",
            help="name arrays by their grids, as in 8x8 or NAME/8x8, or give --grid for a single one",
        )
    wanted = {grid_of(grid)} if grid else set(chosen)
    if not wanted <= set(chosen):
        raise ScanlabError.at("S430", f"{path} holds no array of {grid}", help=f"it has {_listed(chosen.values())}")
    return {extents: held[key] for extents, key in chosen.items() if extents in wanted}


def _listed(names: Any) -> str:
    shown = [str(name) for name in names]
    return ", ".join(shown[:8]) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "")


def _attribute(module: str, name: str) -> Any:
    """A function, a module, or what a function without arguments gives."""
    loaded = _loaded(module)
    if not hasattr(loaded, name):
        public = [n for n, value in vars(loaded).items() if not n.startswith("_") and callable(value)]
        raise ScanlabError.at("S430", f"{module} has no `{name}`", help=nearest_text(name, public, _HELP))
    value = getattr(loaded, name)
    if not callable(value) or _takes_extents(value):
        return value
    try:
        return run_user_code(value)
    except CodeFailed as error:
        code = "S471" if isinstance(error, CodeTooSlow) else "S432"
        words = f"{name}() gives nothing: {error}"
        raise ScanlabError.at(code, words, help="give a function of the extents") from error


def _takes_extents(value: Any) -> bool:
    """Whether a callable has to be given something; a class, and a function without parameters, are called first."""
    if not inspect.isclass(value) and not inspect.isroutine(value):
        return True
    return required_arguments(value) != 0


def _loaded(module: str) -> Any:
    """The module of that name, found from this folder too, or of that file. Raises S430 with what its code raises."""
    if module.endswith(".py") and not Path(module).is_file():
        raise ScanlabError.at("S430", f"there is no file {module}", help=_HELP)
    try:
        return run_user_code(partial(_imported, module))
    except CodeFailed as error:
        if isinstance(error.__cause__, ScanlabError):
            raise error.__cause__ from None
        code = "S471" if isinstance(error, CodeTooSlow) else "S430"
        raise ScanlabError.at(code, f"{module} cannot be imported: {error}", help=_HELP) from error


def _imported(module: str) -> Any:
    if not module.endswith(".py"):
        if (here := str(Path.cwd())) not in sys.path:
            sys.path.insert(0, here)
        return importlib.import_module(module)
    spec = importlib.util.spec_from_file_location(Path(module).stem, module)
    assert spec is not None and spec.loader is not None, "Python loads every file that ends in .py"
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded
