"""Data that a person's own code makes: a function by its import path, or an entry point of an installed package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from scanlab.data.dataset import Dataset
from scanlab.data.given import from_arrays
from scanlab.data.hugging_face import is_hugging_face
from scanlab.data.item_data import items_mark, load_items
from scanlab.data.item_sets import ItemSet
from scanlab.data.lazy import Lazy
from scanlab.data.remote import REMOTE
from scanlab.data.sized import extents_of, sized
from scanlab.data.torch_sets import item_parts
from scanlab.imported import RAISED, entry_named, imported, is_import_path, path_of, shown_traceback
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import Extents

__all__ = ["ENTRY_POINTS", "brought", "from_dataset", "given_data", "is_brought", "is_given"]

ENTRY_POINTS = "scanlab.data"
_EXPECTED = (
    "return a scanlab.data.Dataset; a pair of images [M, C, *extents] and targets; a mapping of what "
    "scanlab.data.from_arrays takes; or a data set of torch, with a length and items, which are images with their "
    "targets, or such by part: train, val and test"
)


def is_brought(name: str) -> bool:
    """Whether a name is an import path, package.module:function, or a name among the entry points "scanlab.data"."""
    return name in _GIVEN or is_import_path(name) or entry_named(ENTRY_POINTS, name) is not None


def brought(name: str, size: tuple[int, ...] | None = None, lazy: Lazy = "auto") -> Dataset:
    """What the function gives that a name stands for; it is called without arguments.

    It gives a Dataset as it is; images and targets, or what else `from_arrays` takes by name, whose test part is then
    held out where none is given; or data sets as `from_dataset` takes them, whose images stay unread where lazy says
    so, or "auto" and they are too large for memory. Its module is looked for beside installed packages in the folder
    where the command runs. The function must give the same each time: trials know data by their pixels. Raises S600 for
    a module or function that is not there, S699 for one that raises an error, with its traceback, or gives something
    else, and what `from_dataset` raises.
    """
    if name in _GIVEN:
        return _of_given(name, size, lazy)
    make, where = _found(name)
    dataset = sized(_as_dataset(name, _called(name, make), size, lazy), size)
    return replace(dataset, name=name, credit=f"made by {where}")


def _called(name: str, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except ScanlabError:
        raise
    except RAISED as error:
        problem = f"{name} raised {type(error).__name__}: {error}"
        raise ScanlabError.at("S699", problem, note=shown_traceback(error), help="mend the function") from error


# What was given in Python, by the name that it goes by in this process, and the data that it became.
_GIVEN: dict[str, Any] = {}
_READ: dict[tuple[str, tuple[int, ...] | None, Lazy], Dataset] = {}


def given_data(made: Any, name: str = "") -> str:
    """The name that data given in Python go by from now on in this process: what a function of `brought` may give, or
    such a function itself. A function that any process can import goes by its path. Raises S699."""
    if isinstance(made, type) or (callable(made) and not hasattr(made, "__getitem__")):
        if path := path_of(made):
            return path
        name = name or getattr(made, "__name__", type(made).__name__)
        made = _called(name, made)
    name = name or (made.name if isinstance(made, Dataset) else "given in Python")
    parts = _parts(name, made)
    mark = items_mark(name, parts) if parts else None
    dataset = None if mark else replace(_as_dataset(name, made), name=name)
    known = f"{name} ({(dataset.fingerprint if dataset else mark or '')[:8]})"
    _GIVEN[known] = made
    if dataset is not None:
        _READ[known, None, "auto"] = dataset
    return known


def _of_given(known: str, size: tuple[int, ...] | None, lazy: Lazy) -> Dataset:
    """Data given in Python, read once for each size and way of reading."""
    own = known.rpartition(" (")[0]
    if (known, size, lazy) not in _READ:
        made = _GIVEN[known]
        dataset = _READ.get((known, None, "auto")) if _parts(own, made) is None else _as_dataset(own, made, size, lazy)
        _READ[known, size, lazy] = replace(sized(dataset or _as_dataset(own, made), size), name=own)
    return _READ[known, size, lazy]


def is_given(name: str) -> bool:
    """Whether a name stands for data that only this process has."""
    return name in _GIVEN


def from_dataset(
    made: Any, *, size: Extents | None = None, lazy: Lazy = "auto", name: str = "given in Python"
) -> Dataset:
    """Data of what a function of one's own may give: above all a map-style torch or Hugging Face data set, a pair of
    such to train and to measure on, or a mapping of them by part, "train", "val" and "test".

    A sample is an image (Pillow's, an array or a tensor, [C, *extents] or [*extents, C], uint8 or floats) and its
    target: a class, a mask, 0 and 1 for every label, or boxes. uint8 is divided by 255, floats are taken as they are.
    size and lazy as `scanlab.data.load` takes them. Raises S646, S699, and S840 to S843.

    >>> import numpy as np
    >>> samples = [(np.full((8, 8, 3), 60 * n, np.uint8), n % 2) for n in range(4)]
    >>> data = from_dataset(samples, size="4x4", lazy=True)
    >>> data.images.shape, data.classes
    ((4, 3, 4, 4), 2)
    """
    return sized(_as_dataset(name, made, extents_of(size), lazy), extents_of(size))


def _parts(name: str, made: Any) -> dict[str, ItemSet] | None:
    """Samples by part, of what gives them one by one; else None. Raises S843 for what gives them without numbers."""
    if hasattr(made, "__iter__") and not hasattr(made, "__len__") and not is_hugging_face(made):
        help = "give a map-style one, with __len__ and __getitem__"
        raise ScanlabError.at("S843", f"{name} gave a {type(made).__name__}, whose samples have no numbers", help=help)
    return item_parts(made)


def _as_dataset(name: str, made: Any, size: tuple[int, ...] | None = None, lazy: Lazy = "auto") -> Dataset:
    if isinstance(made, Dataset):
        return made
    if (parts := _parts(name, made)) is not None:
        return load_items(name, parts, "given in Python", size, lazy)
    if isinstance(made, Mapping):
        try:
            return from_arrays(**made)
        except TypeError as error:
            raise ScanlabError.at("S699", f"{name} gave {', '.join(map(str, made))}: {error}", help=_EXPECTED) from None
    if isinstance(made, tuple) and len(made) == 2:
        return from_arrays(*made)
    raise ScanlabError.at("S699", f"{name} gave a {type(made).__name__}", help=_EXPECTED)


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
