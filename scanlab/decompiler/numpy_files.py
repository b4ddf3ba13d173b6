"""Arrays out of numpy's files, whoever made them: nothing in them is run, and none takes more memory than it may."""

from __future__ import annotations

import math
import re
import zipfile
import zlib
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from scanlab.ir.grids import grid_of

__all__ = ["MOST_BYTES", "Unreadable", "arrays_in", "named_grid"]

# The largest grid's paths are a fraction of it.
MOST_BYTES = 1 << 30
MOST_ARRAYS = 1000
_GRID = re.compile(r"(?:^|[/_. -])(\d+(?:x\d+)*)$")


class Unreadable(Exception):
    """Why a file gives no arrays; help: what to do, "" where the file is simply not one."""

    def __init__(self, why: str, help: str = "") -> None:
        super().__init__(why)
        self.help = help


def arrays_in(file: IO[bytes], most: int = MOST_BYTES) -> np.ndarray | dict[str, np.ndarray]:
    """The array of an .npy file, or those of an .npz by name. most: bytes that all arrays may take together.

    Raises Unreadable.
    """
    try:
        start = file.read(4)
        file.seek(0)
        return _archive(file, most) if start.startswith(b"PK") else _array(file, most)
    except (ValueError, EOFError, KeyError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise Unreadable(f"it is no whole .npy or .npz file ({error})") from None
    except MemoryError:
        raise Unreadable("its arrays are larger than the memory") from None


def _archive(file: IO[bytes], most: int) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) > MOST_ARRAYS:
            raise Unreadable(f"it holds {len(members):,} arrays, more than {MOST_ARRAYS:,}")
        arrays: dict[str, np.ndarray] = {}
        for member in members:
            with archive.open(member) as part:
                arrays[member.filename.removesuffix(".npy")] = _array(part, most)
            most -= arrays[member.filename.removesuffix(".npy")].nbytes
    return arrays


def _array(file: IO[bytes], most: int) -> np.ndarray:
    """One array, after its head said how large it is and that it holds no objects."""
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, in_columns, dtype = read(file)
    if dtype.hasobject:
        help = "save integers: numpy.save(file, array.astype(int))"
        raise Unreadable("it holds Python objects, which would be run to be read", help)
    size = math.prod(shape) * dtype.itemsize
    if any(extent < 0 for extent in shape):
        raise Unreadable(f"its head says that an array is of shape {shape}")
    if size > most:
        raise Unreadable(f"it holds an array of shape {shape}, and all arrays may take {most:,} bytes here")
    data = file.read(size)
    if len(data) < size:
        raise Unreadable(f"it ends after {len(data):,} of {size:,} bytes")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if in_columns else "C")


def named_grid(name: str, array: Any) -> tuple[str, tuple[int, ...]]:
    """What an array is called without its grid, and that grid; () where its name does not say.

    One number is a grid only where the array has as many patches: numpy itself calls arrays arr_0, arr_1. Raises S400
    for extents that are no grid.

    >>> named_grid("snake/8x8", np.zeros(64)), named_grid("arr_0", np.zeros(64)), named_grid("64", np.zeros(64))
    (('snake', (8, 8)), ('arr_0', ()), ('', (64,)))
    """
    found = _GRID.search(name)
    if found is None or ("x" not in found[1] and int(found[1]) not in np.shape(array)[-1:]):
        return name, ()
    return name[: found.start()], grid_of(found[1])
