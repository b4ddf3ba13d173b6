"""Data by name or by path."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from scanlab.data.array_files import ARRAY_FILES, arrays_in
from scanlab.data.arrays import load_arrays
from scanlab.data.boxes.folders import boxes_in, load_boxes
from scanlab.data.brought import brought, is_brought
from scanlab.data.checks import check_parts
from scanlab.data.clips import clips_in, load_clips
from scanlab.data.dataset import Dataset
from scanlab.data.digits import load_digits
from scanlab.data.folders import load_folder
from scanlab.data.land_cover import is_land_cover, load_land_cover
from scanlab.data.layout import Layout
from scanlab.data.lazy import LOADERS, Lazy, LazyImages, as_declared, loaded_by, refuse_lazy
from scanlab.data.listing import listed_once
from scanlab.data.made import load_moving_digits, load_permuted_digits, permuted
from scanlab.data.made_text import load_digit_lines, load_digit_pages
from scanlab.data.nifti import load_volumes, load_windows
from scanlab.data.parts import limited, measured_on
from scanlab.data.placed import PLACED, required_place
from scanlab.data.remote import REMOTE, load_remote
from scanlab.data.shard_names import is_shards
from scanlab.data.shards import load_shards
from scanlab.data.sized import extents_of, sized
from scanlab.data.table_files import TABLES
from scanlab.data.text_lines import load_text_lines, text_lines_in
from scanlab.data.volume_places import volumes_in
from scanlab.data.volume_windows import LABELLED, Windows
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import Extents
from scanlab.ir.guesses import nearest
from scanlab.places import expand_home

__all__ = ["SOURCES", "load", "whole", "windows_of"]

SOURCES: Mapping[str, Callable[[], Dataset]] = MappingProxyType(
    {
        "digits": load_digits,
        "moving-digits": load_moving_digits,
        "permuted-digits": load_permuted_digits,
        "digit-lines": load_digit_lines,
        "digit-pages": load_digit_pages,
    }
)


def load(
    name: str | os.PathLike[str],
    *,
    size: Extents | None = None,
    limit: int | None = None,
    test_limit: int | None = None,
    part: str = "test",
    layout: str = "",
    spacing: Sequence[float] | None = None,
    lazy: Lazy = "auto",
    loaders: int = LOADERS,
    unreadable: int = 0,
    window: Extents | None = None,
    labelled: float = LABELLED,
) -> Dataset:
    """Load data and make them ready for a study.

    name: one of SOURCES, or of `data.placed.PLACED` that lies on this machine; a .npz file (`load_arrays`); a folder of
    images (`load_folder`), with boxes (`boxes.folders.load_boxes`), or of volumes in the Decathlon's layout
    (`load_decathlon`); tar shards (`shards.load_shards`); torchvision:NAME, medmnist:NAME or huggingface:NAME
    (`load_remote`); package.module:function or an entry point (`brought.brought`);
    permuted:NAME for any of these with the pixels of all images shuffled alike. size: extents to resize to, as
    (64, 64) or "64x64". limit and test_limit: at most so many samples to train and to measure on. part: "test", or
    "val" to measure on the validation part and never see the test part. layout: words that settle how files are to be
    read (`scanlab.data.layout.WORDS`). spacing: millimetres along each axis that volumes are resampled to, for NIfTI
    files. lazy: True leaves pixels on disk till they are needed (`LazyImages`), those of a folder of pictures with
    classes or of arrays that are not compressed; False reads them all; "auto" leaves them where they are too large for
    memory (`lazy_folders.is_too_large`). loaders: threads that then read ahead of a training, 0 for none; unreadable:
    so many images may be damaged and are left out, for which all are read lazily. window: of NIfTI volumes with masks
    these stay on disk, and windows of so many voxels are read of them (`nifti.load_windows`); labelled: the share of
    those trained on that lies on labelled voxels. Raises S834 for a window of other data, S830 for data that cannot be
    read lazily, S871 for what is neither a name nor a path, S600 for a name that is nothing of these, S400 for a size
    that is none, S690 for a layout, S695 for a spacing that means nothing for them, and what these raise.

    >>> digits = load("digits", size="16x16", limit=100)
    >>> digits.extents, len(digits.train)
    ((16, 16), 100)
    """
    name, size, lazy = _name_of(name), extents_of(size), as_declared(lazy, unreadable)
    if name.startswith("permuted:"):
        rest = name.removeprefix("permuted:")
        options = {"limit": limit, "test_limit": test_limit, "part": part, "layout": layout, "spacing": spacing}
        options |= {"lazy": lazy, "window": window, "labelled": labelled}
        return permuted(load(rest, size=size, **options))
    read = _read(name, size, layout, spacing, lazy, windows_of(window, labelled))
    dataset = limited(measured_on(read, part), limit, test_limit)
    check_parts(dataset)
    return replace(dataset, images=loaded_by(dataset.images, loaders, unreadable))


def whole(
    name: str | os.PathLike[str],
    size: Extents | None = None,
    layout: str = "",
    spacing: Sequence[float] | None = None,
    lazy: Lazy = "auto",
    window: Extents | None = None,
    labelled: float = LABELLED,
) -> Dataset:
    """Data with all their parts, the validation part too. Raises what `load` raises.

    >>> digits = whole("digits")
    >>> len(digits.train), len(digits.val), len(digits.test)
    (1258, 0, 539)
    """
    name, size = _name_of(name), extents_of(size)
    if name.startswith("permuted:"):
        return permuted(whole(name.removeprefix("permuted:"), size, layout, spacing, lazy, window, labelled))
    return _read(name, size, layout, spacing, lazy, windows_of(window, labelled))


def _name_of(given: str | os.PathLike[str]) -> str:
    """A name, or a path, as a name. Raises S871 for what is neither."""
    if not isinstance(given, str | os.PathLike):
        help = "give a name, a path, or package.module:function; from_arrays takes arrays, from_dataset data sets"
        raise ScanlabError.at("S871", f"a {type(given).__name__} names no data", help=help)
    return os.fspath(given)


def windows_of(window: Extents | None, labelled: float) -> Windows | None:
    """What windows a person declares, None for none. Raises S834 for what is none."""
    size = extents_of(window)
    return None if size is None else Windows(size, float(labelled))


def _read(
    name: str,
    size: tuple[int, ...] | None,
    text: str,
    spacing: Sequence[float] | None,
    lazy: Lazy,
    windows: Windows | None = None,
) -> Dataset:
    """The data, in memory or not. Raises S608 for a setting that is none, S830 for data that are read whole, and S834
    for windows of what is no volume, or as well as another size."""
    lazy = as_declared(lazy, unreadable=0)
    with listed_once():
        if windows is not None:
            return _in_windows(name, size, text, spacing, lazy, windows)
        made = _loaded(name, size, text, spacing, lazy)
    if not isinstance(made.images, LazyImages):
        refuse_lazy(lazy, name)
    return made


def _in_windows(
    name: str, size: tuple[int, ...] | None, text: str, spacing: Sequence[float] | None, lazy: Lazy, windows: Windows
) -> Dataset:
    """Windows of volumes. Raises S834."""
    for given, setting in ((size, "size"), (spacing, "spacing"), (True if lazy is False else None, "lazy = false")):
        if given is not None:
            problem = f"window and {setting} are given, and windows are read of voxels as they lie in the files"
            raise ScanlabError.at("S834", problem, help=f"leave {setting} out; resample the files where that is needed")
    placed, path = PLACED.get(name), expand_home(name)
    if placed is not None and not path.exists():
        made = _in_windows(str(required_place(name)), size, text or placed.layout, spacing, lazy, windows)
        return replace(made, name=name, credit=placed.credit)
    layout = Layout.read(text)
    volumes = volumes_in(path, layout) if path.is_dir() else None
    if volumes is None:
        problem = f"{name} is no folder of NIfTI volumes, and windows are for those"
        raise ScanlabError.at("S834", problem, help="leave window out")
    return load_windows(path, volumes, windows, layout)


def _loaded(name: str, size: tuple[int, ...] | None, text: str, spacing: Sequence[float] | None, lazy: Lazy) -> Dataset:
    layout = Layout.read(text)
    library, _, rest = name.partition(":")
    path = expand_home(name)
    if name in PLACED and not path.exists():
        placed = PLACED[name]
        made = _loaded(str(required_place(name)), size, text or placed.layout, spacing, lazy)
        return replace(made, name=name, credit=placed.credit)
    if name not in SOURCES and path.is_dir() and (volumes := volumes_in(path, layout)) is not None:
        refuse_lazy(lazy, name)
        return load_volumes(path, volumes, size, layout, spacing)
    if spacing is not None:
        raise ScanlabError.at("S695", f"{name} has no spacing: it holds no NIfTI files", help="leave spacing out")
    if rest and library in REMOTE:
        layout.check((), f"data of {library}")
        return load_remote(library, rest, size, lazy)
    if name in SOURCES:
        layout.check((), name)
        return sized(SOURCES[name](), size)
    if not path.exists() and is_brought(name):
        layout.check((), f"data of {name}")
        return brought(name, size, lazy)
    if is_shards(name):
        return load_shards(name, size, layout, lazy)
    if path.is_dir() and (made := _of_pictures(path, size, layout, lazy)) is not None:
        return made
    if name.lower().endswith(TABLES) and path.is_file():
        return load_folder(path.parent, size, layout, lazy)
    return _of_arrays(name, path, size, layout, lazy)


def _of_pictures(path: Path, size: tuple[int, ...] | None, layout: Layout, lazy: Lazy) -> Dataset | None:
    """Lines of text, boxes, classes or masks of a folder; None where it holds other arrays."""
    if (lines := text_lines_in(path, layout)) is not None:
        refuse_lazy(lazy, path.name)
        return load_text_lines(path, lines, size, layout)
    if arrays_in(path):
        return None
    if (boxed := boxes_in(path, layout)) is not None:
        refuse_lazy(lazy, path.name)
        return load_boxes(path, boxed, size, layout)
    return load_folder(path, size, layout, lazy)


def _of_arrays(name: str, path: Path, size: tuple[int, ...] | None, layout: Layout, lazy: Lazy) -> Dataset:
    """Series of satellite images, videos, or other arrays. Raises S600 for what is nothing of these."""
    if is_land_cover(path):
        refuse_lazy(lazy, name)
        return load_land_cover(path, size, layout)
    if clips_in(path):
        refuse_lazy(lazy, name)
        return load_clips(path, size, layout)
    if path.is_dir() or name.lower().endswith(ARRAY_FILES):
        return load_arrays(path, size, layout, lazy)
    raise _unknown(name)


def _unknown(name: str) -> ScanlabError:
    near = nearest(name, (*SOURCES, *PLACED), 1)
    known = ", ".join((*SOURCES, *PLACED))
    libraries = ", ".join(f"{library}:NAME" for library in REMOTE)
    return ScanlabError.at(
        "S600",
        f"there is no data set named {name!r}",
        help=f"did you mean {near[0]!r}?"
        if near
        else f"known data sets: {known}; or give a .npz file, a folder, {libraries}, or package.module:function",
    )
