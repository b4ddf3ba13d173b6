"""Folders of image files: classes, masks, or a table of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from scanlab.data.ade20k import WITHOUT_OTHERS, object_names, without_others
from scanlab.data.boxes.in_arrays import looks_like_boxes
from scanlab.data.boxes.in_masks import boxes_of_masks
from scanlab.data.checks import checked
from scanlab.data.class_folders import Labelled, check_twins, class_files, class_places
from scanlab.data.dataset import IGNORED, Dataset
from scanlab.data.grouping import groups_below
from scanlab.data.imagenet import as_downloaded
from scanlab.data.layout import CLASS_FOLDERS, FOLDERS, LABEL_TABLES, MASK_FOLDERS, NOTHING, Layout, settled_by
from scanlab.data.lazy import Lazy, LazyImages
from scanlab.data.lazy_folders import is_too_large, lazy_pictures, read_lazily
from scanlab.data.lazy_mask_files import lazy_masks
from scanlab.data.lazy_masks import LazyMasks
from scanlab.data.mask_files import read_masks
from scanlab.data.mask_names import in_one_folder
from scanlab.data.notes import Note
from scanlab.data.pairs import (
    Folders,
    Pair,
    left_folders,
    matched,
    pair_folders,
    pairs_of,
    parts_within,
    side_by_side,
)
from scanlab.data.parts import divided
from scanlab.data.pictures import IMAGES, read_pictures, require_pillow
from scanlab.data.places import below, files_in, other_files, part_places, unwrapped
from scanlab.data.strata import strata_of
from scanlab.data.tables import check_tables_beside, labels_of_tables
from scanlab.data.target_kinds import BOXES, LABELS, by_shape
from scanlab.data.volume_places import class_names, dataset_json, unnamed_classes
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = ["IMAGES", "labelled", "load_folder"]

NO_NAMES: Mapping[int, str] = MappingProxyType({})
_LAYOUTS = (
    "a folder per class, or images and masks with files of the same names; both perhaps below train, val and test; or "
    "pictures with a CSV file of their labels"
)


def load_folder(
    folder: Path, size: tuple[int, ...] | None = None, layout: Layout = NOTHING, lazy: Lazy = False
) -> Dataset:
    """Read a folder of images: one folder per class; or images/ with masks/ (labels/, annotations/, …); both perhaps
    below train, val and test; or pictures with a CSV file of their labels.

    Grey images have one channel, all others three; all have one size, or get the one that is given. A mask has the
    stem of its image, perhaps with _mask behind it, and holds classes 0, 1, …; see `mask_files.read_masks` for others.
    Without a test part the validation part is measured on, or about 30 % of the images are held out, by class or
    brightness, always the same. Classes are numbered by name. lazy: as `scanlab.data.load` takes it. Raises S644 for
    folders of another layout and files that are no images, S690 to S694 for what can be read in two ways or in none,
    S645 without Pillow, S646, and S830 for words of layout that need pixels which are read lazily.
    """
    require_pillow()
    layout.check(FOLDERS, "a folder of images")
    notes: list[Note] = []
    inner = unwrapped(folder, notes)
    masked = _masked(inner, layout, notes)
    if masked:
        return _with_masks(folder, inner, masked, size, layout, notes, lazy)
    given = labelled(inner, layout, notes)
    if _stays(given.files, size, layout, lazy):
        return read_lazily(folder, inner, given, size, layout, notes)
    pictures = read_pictures(given.files, size, layout, notes)
    made = _dataset(folder, inner, pictures.pixels, given.labels, given.counts, notes, given.groups, given)
    return replace(made, video=pictures.video)


def _stays(files: Sequence[Path], size: tuple[int, ...] | None, layout: Layout, lazy: Lazy) -> bool:
    """Whether pixels are left on disk till they are needed."""
    return lazy is True or (bool(lazy) and is_too_large(files, size, layout))


@dataclass(frozen=True)
class _Masked:
    """Where images with masks are: two folders, or pictures and masks that lie in one."""

    folders: Folders | None = None
    pictures: tuple[Path, ...] = ()
    masks: tuple[Path, ...] = ()


def _masked(folder: Path, layout: Layout, notes: list[Note]) -> dict[str, _Masked]:
    """Images with masks, by part; empty where the folder has none."""
    if "table" in layout:
        return {}
    if parted := parts_within(folder, layout, notes) or side_by_side(folder, layout):
        return {part: _Masked(folders) for part, folders in parted.items()}
    places = {"train": folder} if pair_folders(folder, layout) else part_places(folder, layout, [])
    by_part = {part: masked for part, place in places.items() if (masked := _found(place, layout)) is not None}
    if by_part and len(by_part) < len(places):
        raise _wrong(folder, "only some of its parts have images and masks", f"expected {_LAYOUTS}")
    if by_part:
        part_places(folder, layout, notes)
        for part, masked in by_part.items():
            notes += left_folders(places[part], masked.folders) if masked.folders else []
    elif "masks" in layout or layout.named("masks"):
        raise _wrong(
            folder, "nothing in it is called as masks are", 'name the folders, as in layout = "images=a masks=b"'
        )
    return by_part


def _found(place: Path, layout: Layout) -> _Masked | None:
    """Images with masks in a part; None where it has none."""
    if (folders := pair_folders(place, layout)) is not None:
        return _Masked(folders)
    if "classes" in layout:
        return None
    pictures, masks = in_one_folder(list(below(place)) if "masks" in layout else files_in(place))
    return _Masked(None, tuple(pictures), tuple(masks)) if masks and pictures else None


def labelled(folder: Path, layout: Layout, notes: list[Note]) -> Labelled:
    """Pictures with the labels of a table, or of the folders that they lie in; no picture is read."""
    if (downloaded := as_downloaded(folder, layout, notes)) is not None:
        layout.check(CLASS_FOLDERS, "folders of classes")
        return downloaded
    table_notes: list[Note] = []
    table = None if "classes" in layout else labels_of_tables(folder, layout, table_notes)
    if table is not None and _overrules(table, folder, layout):
        layout.check(LABEL_TABLES, "pictures with a table")
        notes += table_notes
        return table
    if "table" in layout:
        raise _wrong(folder, "no CSV file in it names its pictures", "expected a column with the names of the files")
    layout.check(CLASS_FOLDERS, "folders of classes")
    check_tables_beside(folder, below(folder), "classes", layout, notes)
    places = class_places(folder, layout, notes)
    for place in places.values():
        check_twins(place, layout)
    notes.append(Note("layout", "a folder per class"))
    return class_files(folder, places, layout, notes, IMAGES, _LAYOUTS)


def _overrules(table: Labelled, folder: Path, layout: Layout) -> bool:
    """Whether a table gives the classes though pictures lie in folders: not where it says the same as they do. Raises
    S691 where it says something else."""
    homes = [file.parent.name.lower() for file in table.files]
    names = {name.lower() for name in table.class_names}
    if "table" in layout or table.several or not names & set(homes):
        return True
    if all(table.class_names[label].lower() == home for label, home in zip(table.labels, homes, strict=True)):
        return _adds(table, folder)
    raise ScanlabError.at(
        "S691",
        f"{folder} has folders called after classes, and a CSV file that puts pictures into other classes",
        help=settled_by("table", "classes"),
    )


def _adds(table: Labelled, folder: Path) -> bool:
    """Whether a table that says the classes of the folders says more: parts or groups. Raises S691 where it says it of
    some pictures alone."""
    if table.divides and (left := len(set(below(folder)) - set(table.files))):
        raise ScanlabError.at(
            "S691",
            f"{folder} has folders of classes, and a table whose {table.divides} would divide them, without a row for "
            f"{count_text(left, 'picture')}",
            help=f"give every picture a row; or {settled_by('classes', 'table')}",
        )
    return bool(table.divides)


def _with_masks(
    folder: Path,
    inner: Path,
    masked: Mapping[str, _Masked],
    size: tuple[int, ...] | None,
    layout: Layout,
    notes: list[Note],
    lazy: Lazy,
) -> Dataset:
    """Images with masks, both in memory or both on disk; boxes around what masks number are held in any case."""
    layout.check(MASK_FOLDERS, "images with masks")
    pairs = {part: _pairs(inner, each, layout, notes) for part, each in masked.items()}
    together = [pair for some in pairs.values() for pair in some]
    check_tables_beside(inner, [pair.image for pair in together], "masks", layout, notes)
    groups = groups_below(inner, {part: [pair.home for pair in some] for part, some in pairs.items()}, layout, notes)
    one = next(iter(masked.values())).folders
    where = f"images in {one.images.name} with masks in {one.masks.name}" if one else "images and masks in one folder"
    notes.append(Note("layout", where))
    if "frames" in layout:
        raise ScanlabError.at("S694", f"masks of {folder.name} would have frames", help=settled_by("first_frame"))
    files = [pair.image for pair in together]
    stays = _stays(files, size, layout, lazy)
    images = (
        lazy_pictures(inner, files, size, layout, notes) if stays else read_pictures(files, size, layout, notes).pixels
    )
    counts = {part: len(some) for part, some in pairs.items()}
    if "boxes" in layout:
        boxes = boxes_of_masks(together, images.shape[2:], layout, notes)
        return _dataset(folder, inner, images, boxes, counts, notes, groups)
    known, ignored = class_names(dataset_json(inner))
    objects = object_names(inner)
    if stays:
        extents = tuple(images.shape[2:])
        labels = lazy_masks(inner, together, extents, size, layout, notes, ignored, others=bool(objects))
    else:
        labels = read_masks(together, size, inner, layout, notes, ignored)
    if objects:
        known = objects
        notes.append(WITHOUT_OTHERS)
        labels = labels if isinstance(labels, LazyMasks) else without_others(labels)
    notes += unnamed_classes(labels, known)
    return _dataset(folder, inner, images, labels, counts, notes, groups, known=known)


def _pairs(folder: Path, masked: _Masked, layout: Layout, notes: list[Note]) -> list[Pair]:
    if masked.folders is not None:
        return pairs_of(masked.folders.images, masked.folders.masks, masked.folders.ending, layout, notes)
    return matched(masked.pictures, masked.masks, (folder, folder), layout, notes)


def _dataset(
    folder: Path,
    inner: Path,
    images: NDArray[np.float32] | LazyImages,
    labels: NDArray | LazyMasks,
    counts: Mapping[str, int],
    notes: list[Note],
    groups: NDArray[np.int64] | None,
    given: Labelled | None = None,
    known: Mapping[int, str] = NO_NAMES,
) -> Dataset:
    """The data with their parts, which follow one another; a test part is held out where there is none."""
    lazy = isinstance(labels, LazyMasks)
    boxed = not lazy and looks_like_boxes(labels)
    kind = LABELS if given and given.several else BOXES if boxed else by_shape(labels)
    parts = divided(counts, strata_of(kind, images, labels), groups, notes)
    notes += other_files(inner, (*IMAGES, *(given.read if given else ())), "pictures")
    values = labels.values() if lazy else labels
    highest = max(int(values[values != IGNORED].max(initial=0)), *known, 0) if given is None and not boxed else 0
    named = tuple(known.get(c, f"class {c}") for c in range(highest + 1)) if known else ()
    names = given.class_names if given else named
    made = Dataset(
        name=folder.name,
        images=images,
        labels=labels,
        train=parts["train"],
        test=parts["test"],
        classes=len(names) or 1 + highest,
        credit=f"read from the folder {folder.name}",
        val=parts.get("val", np.empty(0, np.int64)),
        class_names=names,
        groups=groups,
        drawn="test" not in counts,
        notes=tuple(dict.fromkeys(notes)),
        targets=kind,
    )
    return checked(made)


def _wrong(folder: Path, problem: str, expected: str) -> ScanlabError:
    return ScanlabError.at("S644", f"{folder} is no data set: {problem}", help=expected)
