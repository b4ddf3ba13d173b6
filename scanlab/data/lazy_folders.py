"""Folders of classes that are too large for memory: only names and classes are held, pictures are read when needed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scanlab.data.checks import check_parts
from scanlab.data.class_folders import Labelled
from scanlab.data.dataset import Dataset
from scanlab.data.layout import Layout
from scanlab.data.lazy import SHARE, LazyImages, memory
from scanlab.data.notes import Note
from scanlab.data.parts import divided
from scanlab.data.pictures import is_grey_file, read_picture, several_sizes, turn_and_size
from scanlab.data.resize import check_size
from scanlab.data.strata import strata_of
from scanlab.data.target_kinds import LABELS, by_shape
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text

__all__ = ["LOOKED_INTO", "PictureFiles", "fills_memory", "is_too_large", "lazy_pictures", "read_lazily"]

# So many pictures of a folder are looked into: for their channels, and wholly for the fingerprint.
LOOKED_INTO = 64
_OF_PIXELS = frozenset({"frames", "first_frame", "raw_values", "scaled_values", "reflectance"})


@dataclass(frozen=True, eq=False)
class PictureFiles:
    """Pictures by number: names below a folder, bytes [M], not paths, of which a million would fill half a gigabyte.
    exact: all have one size, and are not resized."""

    folder: str
    names: NDArray[np.bytes_]
    sample_shape: tuple[int, ...]
    layout: Layout
    exact: bool = False

    def __call__(self, number: int) -> NDArray[np.float32]:
        """Read one, float32 [C, H, W] in [0, 1]. Raises S644 for a file that cannot be read, with its path."""
        channels, *extents = self.sample_shape
        return read_picture(self.file(number), tuple(extents), channels, self.layout, self.exact)

    def file(self, number: int) -> Path:
        """Where a picture is."""
        return Path(self.folder, os.fsdecode(bytes(self.names[number])))


def is_too_large(files: Sequence[Path], size: tuple[int, ...] | None, layout: Layout) -> bool:
    """Whether pictures would fill more than half of the machine's memory, as float32, held twice.

    Taken are the size that is given, or that of the first picture, and three channels. What is free at the moment does
    not count: the same study would know its data by other fingerprints from one start to the next.
    """
    try:
        extents = size or turn_and_size(files[0], layout)[1]
    except ScanlabError:
        # Who reads them says what is wrong with it.
        return False
    return fills_memory(len(files) * 3 * prod(extents))


def fills_memory(values: int) -> bool:
    """Whether so many values as float32, held twice, as a data set and as its parts, would take more than half of the
    machine's memory."""
    return 2 * values * 4 > SHARE * memory()


def lazy_pictures(
    folder: Path, files: Sequence[Path], size: tuple[int, ...] | None, layout: Layout, notes: list[Note]
) -> LazyImages:
    """Pictures below a folder that are read when they are needed, as `read_pictures` would read them all.

    They are known by their names, the sizes of the files in bytes, and the content of 64 files: a picture that changes
    and keeps its size is not noticed. A size must be given unless all have one. Of those 64 damaged ones are noted in
    the images, which `loaded_by` refuses where none may be. Raises S644 where all are, S645 and S646 for what the
    others show, and S830 for words of layout that need all pixels.
    """
    if odd := sorted(layout.words & _OF_PIXELS):
        help = "leave it out, or load with lazy = false"
        raise ScanlabError.at("S830", f"layout {odd[0]} needs the pixels of all pictures of {folder}", help=help)
    some = [files[n] for n in np.unique(np.linspace(0, len(files) - 1, LOOKED_INTO).astype(int))]
    looked, damaged = _looked_into(some, layout)
    channels = 1 if all(grey for grey, _ in looked) else 3
    sizes = dict.fromkeys(own for _, own in looked)
    if size is None and len(sizes) > 1:
        raise several_sizes(sizes)
    own = next(iter(sizes))
    check_size(size or own, own, folder.name)
    shape = (channels, *(size or own))
    above = len(os.fsencode(folder / "x")) - 1
    names = np.array([os.fsencode(file)[above:] for file in files])
    refused = "; one in colours will be refused when it is read" if channels == 1 else ""
    alike, content = (f"of {count_text(len(each), 'picture')} that were looked into" for each in (looked, some))
    notes += [
        Note("assumed", f"pictures are read when they are needed, as {grid_text(shape[1:])}, and not kept in memory"),
        Note("assumed", f"all have {count_text(channels, 'channel')}, as is so {alike}{refused}"),
        Note("assumed", "data are known by names, targets and sizes of the files, and by the content " + content),
        Note("left out", "exact copies across the parts are not looked for: that needs all pixels"),
    ]
    read = PictureFiles(str(folder.absolute()), names, shape, layout, size is None)
    return LazyImages(read, shape, np.arange(len(names)), _mark(files, names, some), damaged=damaged)


def _looked_into(
    files: Sequence[Path], layout: Layout
) -> tuple[list[tuple[bool, tuple[int, int]]], tuple[ScanlabError, ...]]:
    """Of every file whether it is grey, and its size; and what is wrong with those that cannot be read, S644, which is
    raised where none can."""
    looked: list[tuple[bool, tuple[int, int]]] = []
    damaged: list[ScanlabError] = []
    for file in files:
        try:
            looked.append((is_grey_file(file), turn_and_size(file, layout)[1]))
        except ScanlabError as error:
            if error.diagnostics[0].code != "S644":
                raise
            damaged.append(error)
    if not looked:
        raise damaged[0]
    return looked, tuple(damaged)


def read_lazily(
    folder: Path, inner: Path, given: Labelled, size: tuple[int, ...] | None, layout: Layout, notes: list[Note]
) -> Dataset:
    """Pictures with classes or labels as `load_folder` reads them, but for the pixels: `lazy_pictures`. inner: the
    folder below `folder` that holds them."""
    images = lazy_pictures(inner, given.files, size, layout, notes)
    kind = LABELS if given.several else by_shape(given.labels)
    parts = divided(given.counts, strata_of(kind, images, given.labels), given.groups, notes)
    made = Dataset(
        name=folder.name,
        images=images,
        labels=given.labels,
        train=parts["train"],
        test=parts["test"],
        classes=len(given.class_names),
        credit=f"read from the folder {folder.name}",
        val=parts.get("val", np.empty(0, np.int64)),
        class_names=given.class_names,
        groups=given.groups,
        drawn="test" not in given.counts,
        notes=tuple(dict.fromkeys(notes)),
        targets=kind,
    )
    check_parts(made)
    return made


def _mark(files: Sequence[Path], names: NDArray[np.bytes_], some: Sequence[Path]) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(names).data)
    digest.update(np.array([file.stat().st_size for file in files], np.int64).data)
    for file in some:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
