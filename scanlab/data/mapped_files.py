"""Arrays that stay in their files: .npy, and .npz that is not compressed, mapped into memory page by page."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from scanlab.data.lazy import LazyImages
from scanlab.data.resize import resized
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["MappedPixels", "elements_of", "is_mappable", "mapped_images", "mapped_member"]

# A member's own head is so long, without its name and what is added to it: there stand their lengths.
_HEAD, _NAME_AT, _EXTRA_AT = 30, 26, 28
# Of so many images the content is in the fingerprint.
LOOKED_INTO = 64


@dataclass(frozen=True, eq=False)
class MappedPixels:
    """Images of several arrays [M, C, *extents], one array after the other; each is brought to a size and divided by a
    scale when it is read."""

    arrays: tuple[NDArray, ...]
    ends: NDArray[np.int64]
    size: tuple[int, ...]
    scale: float

    def __call__(self, number: int) -> NDArray[np.float32]:
        """One, float32 [C, *size]."""
        which = int(np.searchsorted(self.ends, number, side="right"))
        first = number - int(self.ends[which]) + len(self.arrays[which])
        some = self.arrays[which][first : first + 1]
        if self.scale != 1:
            some = np.divide(some, np.float32(self.scale), dtype=np.float32, casting="unsafe")
        return resized(some, self.size)[0]


def mapped_images(arrays: Sequence[NDArray], size: tuple[int, ...], scale: float) -> LazyImages:
    """Images of arrays that stay on disk, [M, C, *extents] each. The fingerprint has their shapes and kinds of numbers,
    the scale, and the content of 64 images."""
    ends = np.cumsum([len(array) for array in arrays])
    read = MappedPixels(tuple(arrays), ends, size, scale)
    count = int(ends[-1])
    digest = hashlib.sha256(str([(array.dtype.str, array.shape) for array in arrays] + [scale]).encode())
    for number in np.unique(np.linspace(0, count - 1, LOOKED_INTO).astype(int)).tolist():
        digest.update(np.ascontiguousarray(read(number)).data)
    return LazyImages(read, (arrays[0].shape[1], *size), np.arange(count), digest.hexdigest())


def is_mappable(path: Path) -> bool:
    """Whether the arrays of a file can stay there: in .npy always, in .npz where it is not compressed."""
    if path.suffix.lower() == ".npy":
        return True
    if path.suffix.lower() != ".npz" or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as file:
        return all(member.compress_type == zipfile.ZIP_STORED for member in file.infolist())


def elements_of(path: Path) -> int:
    """How many numbers the largest array of a .npy or .npz file holds, by its head alone; 0 for other files."""
    if path.suffix.lower() == ".npy":
        with path.open("rb") as stream:
            return prod(_head_of(stream)[0])
    if path.suffix.lower() != ".npz" or not zipfile.is_zipfile(path):
        return 0
    with zipfile.ZipFile(path) as file:
        counts = []
        for member in file.namelist():
            with file.open(member) as stream:
                counts.append(prod(_head_of(stream)[0]))
    return max(counts, default=0)


def mapped_member(path: Path, name: str) -> NDArray:
    """An array of a .npz file as it lies there. Raises S830 for one that is compressed, ValueError for Python
    objects."""
    with zipfile.ZipFile(path) as file:
        member = file.getinfo(f"{name}.npy")
    if member.compress_type != zipfile.ZIP_STORED:
        help = "save it with numpy.savez, or its arrays as .npy in a folder; or load with lazy = false"
        raise ScanlabError.at("S830", f"{name} of {path} is compressed, and can only be read whole", help=help)
    with path.open("rb") as stream:
        stream.seek(member.header_offset)
        head = stream.read(_HEAD)
        name_length, extra = (int.from_bytes(head[at : at + 2], "little") for at in (_NAME_AT, _EXTRA_AT))
        stream.seek(member.header_offset + _HEAD + name_length + extra)
        shape, fortran, dtype = _head_of(stream)
        if dtype.hasobject:
            raise ValueError("Object arrays cannot be mapped")
        return np.memmap(path, dtype, "r", stream.tell(), shape, "F" if fortran else "C")


def _head_of(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, Any]:
    """Shape, whether the first axis varies fastest, and the kind of numbers, from where an array begins."""
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(stream)
