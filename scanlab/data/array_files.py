"""Files of arrays, opened: .npz, a folder of .npy or of .npz files, HDF5."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from scanlab.data.array_names import EXPECTED
from scanlab.data.lazy import refuse_lazy
from scanlab.data.mapped_files import mapped_member
from scanlab.data.places import files_in
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["ARRAY_FILES", "Arrays", "array_paths", "arrays_in", "opened_arrays"]

HDF5 = (".h5", ".hdf5", ".hdf")
ARRAY_FILES = (".npz", ".npy", *HDF5)
_UNREADABLE = (OSError, ValueError, EOFError, BadZipFile, zlib.error, KeyError)


@dataclass(frozen=True, eq=False)
class Arrays:
    """Arrays by name. path: where they are; read: gives one, which stays on disk till then."""

    path: Path
    names: tuple[str, ...]
    read: Callable[[str], Any]

    def __getitem__(self, name: str) -> NDArray:
        """An array. Raises S642 for one that cannot be read."""
        try:
            return np.asarray(self.read(name))
        except _UNREADABLE as error:
            raise wrong(self.path, f"its {name} cannot be read ({_said(error)})", _plainly(error)) from None


def arrays_in(folder: Path) -> bool:
    """Whether a folder holds arrays: train.npz, or .npy or a single .npz and no pictures."""
    return bool(_files_of(folder))


def array_paths(path: Path) -> list[Path]:
    """The files of arrays that a path stands for: itself, or those in the folder."""
    return _files_of(path) if path.is_dir() else [path]


@contextmanager
def opened_arrays(path: Path, mapped: bool = False) -> Iterator[dict[str, Arrays]]:
    """The arrays of every file by the part that the file stands for, "" for one that may hold several. mapped: they
    stay in the file, and are read page by page. Raises S642, and S830 for what cannot be mapped."""
    with ExitStack() as stack:
        if not path.is_dir():
            yield {"": _opened(path, stack, mapped)}
            return
        files = _files_of(path)
        if files[0].suffix == ".npy":
            loaded = {file.stem: file for file in files}
            yield {"": Arrays(path, tuple(loaded), lambda name: _npy(loaded[name], mapped))}
        elif len(files) == 1 and files[0].stem != "train":
            yield {"": _opened(files[0], stack, mapped)}
        else:
            yield {file.stem: _opened(file, stack, mapped) for file in files}


def _files_of(folder: Path) -> list[Path]:
    parts = [folder / f"{part}.npz" for part in ("train", "val", "test")]
    if parts[0].is_file():
        return [file for file in parts if file.is_file()]
    if files_in(folder):
        return []
    for suffixes in ((".npz",), (".npy",), HDF5):
        files = files_in(folder, suffixes)
        if files and (len(files) == 1 or suffixes == (".npy",)):
            return files
    return []


def _opened(path: Path, stack: ExitStack, mapped: bool) -> Arrays:
    if not path.is_file():
        raise wrong(path, "there is no such file", "expected the path of a .npz file")
    if path.suffix.lower() in HDF5:
        refuse_lazy(mapped, path.name)
        return _hdf5(path, stack)
    try:
        file = np.load(path, allow_pickle=False)
    except _UNREADABLE as error:
        raise wrong(
            path, f"it cannot be read ({_said(error)})", "expected a .npz file, as numpy.savez writes it"
        ) from None
    if not isinstance(file, np.lib.npyio.NpzFile):
        help = "put images.npy and labels.npy into a folder, and give the folder" if path.suffix == ".npy" else EXPECTED
        raise wrong(path, "it holds a single array", help)
    stack.enter_context(file)
    return Arrays(path, tuple(file.files), lambda name: mapped_member(path, name) if mapped else file[name])


def _npy(file: Path, mapped: bool) -> NDArray:
    return np.load(file, allow_pickle=False, mmap_mode="r" if mapped else None)


def _hdf5(path: Path, stack: ExitStack) -> Arrays:
    try:
        import h5py  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise ScanlabError.at("S645", "HDF5 files need h5py", help='pip install "scanlab[hdf5]"') from None
    try:
        file = stack.enter_context(h5py.File(path, "r"))
    except _UNREADABLE as error:
        raise wrong(path, f"it cannot be read ({_said(error)})", "expected an HDF5 file") from None
    held: dict[str, Any] = {}
    file.visititems(lambda name, item: held.update({name.replace("/", "_"): item}) if hasattr(item, "shape") else None)
    return Arrays(path, tuple(held), lambda name: _strings(held[name][()]))


def _strings(array: Any) -> Any:
    """HDF5 keeps words as objects of bytes."""
    made = np.asarray(array)
    if made.dtype.kind == "O" and all(isinstance(value, bytes | str) for value in made.ravel()):
        return np.array([v.decode() if isinstance(v, bytes) else v for v in made.ravel()]).reshape(made.shape)
    return made


# NumPy answers a file that is none of its own with how to run the code in it, which helps nobody here.
_ADVICE: Mapping[str, str] = MappingProxyType(
    {"pickled": "this is no .npz file, or holds Python objects", "Object arrays": "it holds Python objects"}
)


def _said(error: Exception) -> str:
    return next((ours for theirs, ours in _ADVICE.items() if theirs in str(error)), str(error))


def _plainly(error: Exception) -> str:
    if "Object arrays" in str(error):
        return "expected whole arrays of numbers: save words as np.array(names, dtype=str)"
    return "expected whole arrays of numbers"


def wrong(path: Path, problem: str, expected: str) -> ScanlabError:
    """S642 for a file of arrays, with what was expected."""
    return ScanlabError.at("S642", f"{path} is no data set: {problem}", help=expected)
