"""Masks of pictures that are too large for memory: looked at once for their classes, and read when needed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scanlab.data.classes import mapped_values
from scanlab.data.dataset import IGNORED
from scanlab.data.layout import Layout
from scanlab.data.lazy import LOADERS
from scanlab.data.lazy_masks import LazyMasks
from scanlab.data.mask_files import StoredMask, as_colours, classes_of_masks, stored_mask
from scanlab.data.notes import Note
from scanlab.data.pairs import Pair

__all__ = ["MaskFiles", "lazy_masks"]


@dataclass(frozen=True, eq=False)
class MaskFiles:
    """Masks by number. names: of the pictures and of their masks below a folder, bytes [M, 2]. size: that masks are
    brought to, None for their own. table: the class of every number, or of every colour where coloured."""

    folder: str
    names: NDArray[np.bytes_]
    size: tuple[int, ...] | None
    layout: Layout
    table: Mapping[int, int]
    coloured: bool

    def __call__(self, number: int) -> NDArray[np.uint8]:
        """One, uint8 [H, W]. Raises S644 for a file that cannot be read, with its path."""
        image, file = (Path(self.folder, os.fsdecode(bytes(name))) for name in self.names[number])
        mask = stored_mask(image, file, self.size, self.layout)
        if self.coloured and not mask.coloured:
            mask = as_colours(mask)
        return mapped_values(mask.numbers, self.table)


def lazy_masks(
    folder: Path,
    pairs: Sequence[Pair],
    extents: tuple[int, ...],
    size: tuple[int, ...] | None,
    layout: Layout,
    notes: list[Note],
    ignored: int | None = None,
    others: bool = False,
) -> LazyMasks:
    """The masks of pictures below a folder, as `read_masks` reads them all: each is looked at once, for its values and
    the fingerprint, and read again when it is needed. extents: of every mask, after resizing. others: class 0 counts
    nowhere. Raises what `read_masks` raises.
    """
    above = len(os.fsencode(folder / "x")) - 1
    with ThreadPoolExecutor(LOADERS, thread_name_prefix="loader") as pool:
        looked = list(pool.map(lambda pair: _looked_at(pair, size, layout), pairs))
    masks, table = classes_of_masks([mask for mask, *_ in looked], folder, layout, notes, ignored)
    table = {value: IGNORED if others and not known else known for value, known in table.items()}
    counts = np.zeros((len(pairs), IGNORED + 1), np.int32)
    for own, mask, (_, each, _) in zip(counts, masks, looked, strict=True):
        np.add.at(own, mapped_values(mask.numbers, table), each)
    names = np.array([[os.fsencode(file)[above:] for file in pair[:2]] for pair in pairs])
    digest = hashlib.sha256(repr(sorted(table.items())).encode())
    for *_, content in looked:
        digest.update(content)
    read = MaskFiles(str(folder.absolute()), names, size, layout, table, masks[0].coloured)
    notes.append(Note("assumed", "masks are read when they are needed, as their images are"))
    return LazyMasks(read, extents, np.arange(len(pairs)), counts, digest.hexdigest())


def _looked_at(pair: Pair, size: tuple[int, ...] | None, layout: Layout) -> tuple[StoredMask, NDArray[np.int64], bytes]:
    """A mask with the values that it has in place of its pixels, how many pixels have each, and a digest of all."""
    mask = stored_mask(pair.image, pair.mask, size, layout)
    values, counts = np.unique(mask.numbers, return_counts=True)
    content = hashlib.sha256(f"{mask.numbers.dtype}{mask.numbers.shape}".encode())
    content.update(np.ascontiguousarray(mask.numbers).data)
    return replace(mask, numbers=values), counts, content.digest()
