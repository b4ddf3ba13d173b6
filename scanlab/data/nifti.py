"""Volumes with masks in NIfTI files, such as those of the Medical Segmentation Decathlon (arXiv 2106.05735)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanlab.data.checks import check_parts, checked
from scanlab.data.classes import mapped_values, values_of
from scanlab.data.dataset import IGNORED, Dataset
from scanlab.data.grouping import groups_below
from scanlab.data.layout import NOTHING, VOLUMES, Layout
from scanlab.data.lazy import memory
from scanlab.data.lazy_volumes import class_table, lazy_volumes
from scanlab.data.notes import Note, listed
from scanlab.data.parts import divided
from scanlab.data.places import VOLUMES as ENDINGS
from scanlab.data.places import other_files
from scanlab.data.strata import brightness_quarters, strata_of
from scanlab.data.tables import check_tables_beside
from scanlab.data.target_kinds import by_shape
from scanlab.data.volume_files import Volume, VolumeFacts, load_case, require_nibabel, voxel_count
from scanlab.data.volume_places import Case, Volumes, class_names, dataset_json, unnamed_classes, volumes_in
from scanlab.data.volume_sizes import fitted
from scanlab.data.volume_windows import Windows
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text

__all__ = ["checked_spacing", "is_decathlon", "load_decathlon", "load_volumes", "load_windows"]


def is_decathlon(folder: Path) -> bool:
    """Whether a folder has the Decathlon's layout."""
    return (folder / "imagesTr").is_dir()


def load_decathlon(folder: Path, size: tuple[int, ...] | None = None) -> Dataset:
    """Read imagesTr with labelsTr: see `load_volumes`."""
    places = volumes_in(folder, NOTHING)
    if places is None:
        raise ScanlabError.at("S644", f"{folder} is no data set: imagesTr is empty", help="expected NIfTI files there")
    return load_volumes(folder, places, size)


def load_volumes(
    folder: Path,
    places: Volumes,
    size: tuple[int, ...] | None = None,
    layout: Layout = NOTHING,
    spacing: Sequence[float] | None = None,
) -> Dataset:
    """Read NIfTI files with masks, or with a folder per class, as `volumes_in` finds them.

    Every volume is turned with its mask so that its axes go to the right, to the front and up (RAS+, the closest
    canonical orientation), and both must lie in one place. It is z-scored by itself, since scanners differ, and
    resampled to `size`, by default the median extents of all (masks by the nearest voxel); or, where a spacing is given
    in millimetres, resampled to that and padded or cropped around its middle. Several modalities, in a fourth axis or
    in files _0000, _0001, …, become channels. Without labelled test volumes about 30 % are held out, by brightness,
    always the same. Names of the classes come from dataset.json where it is there. Raises S644 for files that do not
    fit, S645 without nibabel, S646, S693 for a mask that lies elsewhere, S695 for a spacing that is none, and S836 for
    volumes that are larger than the machine's memory.
    """
    require_nibabel()
    layout.check(VOLUMES, "a folder of volumes")
    notes = list(places.notes)
    about = dataset_json(folder)
    known, ignored = class_names(about)
    cases = [case for some in places.cases.values() for case in some]
    _check_memory(folder, cases)
    volumes = [load_case(case, layout) for case in cases]
    _describe(volumes, spacing, notes)
    if spacing is not None:
        volumes = [volume.at_spacing(checked_spacing(spacing)) for volume in volumes]
    pixels, masks = fitted(folder, volumes, size, spacing is not None, notes)
    given = places.labelled
    labels = given.labels if given else _classes(volumes, masks, ignored, layout, folder, notes)
    notes += [] if given else unnamed_classes(labels, known)
    classes = len(given.class_names) if given else 1 + max([int(labels[labels != IGNORED].max(initial=0)), *known])
    named = tuple(known.get(c, f"class {c}") for c in range(classes)) if known else ()
    made = Dataset(
        name=str(about.get("name", folder.name)),
        images=pixels,
        labels=labels,
        **_divided(folder, places, strata_of(by_shape(labels), pixels, labels), layout, notes),
        classes=classes,
        credit=f"read from {folder.name}, every volume z-scored and of {grid_text(pixels.shape[2:])} voxels",
        class_names=given.class_names if given else named,
        notes=tuple(dict.fromkeys(notes)),
    )
    return checked(made)


def load_windows(folder: Path, places: Volumes, windows: Windows, layout: Layout = NOTHING) -> Dataset:
    """NIfTI files with masks as `load_volumes` reads them, but for the voxels: these stay on disk, at the resolution
    that they have, and windows of one size are read of them (`lazy_volumes`).

    Dataset.images and labels are the windows in the midst of what is labelled. About 30 % are held out by how much of
    a volume is labelled, where no labelled test volumes are there. Raises S834 for volumes without masks, S835 for
    copies that cannot be kept, and what `load_volumes` raises.
    """
    require_nibabel()
    layout.check(VOLUMES, "a folder of volumes")
    if places.labelled:
        problem = f"the volumes of {folder} have classes, and windows are for those with masks"
        raise ScanlabError.at("S834", problem, help="leave window out")
    notes = list(places.notes)
    about = dataset_json(folder)
    known, ignored = class_names(about)
    cases = [case for some in places.cases.values() for case in some]
    images, labels, facts = lazy_volumes(folder, cases, windows, layout, ignored, notes)
    _describe(facts, None, notes)
    notes += unnamed_classes(labels, known)
    values = labels.values()
    classes = 1 + max([int(values[values != IGNORED].max(initial=0)), *known])
    made = Dataset(
        name=str(about.get("name", folder.name)),
        images=images,
        labels=labels,
        **_divided(folder, places, brightness_quarters(images), layout, notes),
        classes=classes,
        credit=f"read from {folder.name}, windows of {grid_text(windows.size)} voxels of z-scored volumes",
        class_names=tuple(known.get(c, f"class {c}") for c in range(classes)) if known else (),
        notes=tuple(dict.fromkeys(notes)),
    )
    check_parts(made)
    return made


def _check_memory(folder: Path, cases: Sequence[Case]) -> None:
    """Raise S836 for volumes that cannot all be held, by what their headers say. A header that cannot be read counts
    nothing: who reads the file says what is wrong with it."""
    needed = 4 * sum(voxel_count(file) for case in cases for file in case.images)
    if needed > memory():
        problem = f"the volumes of {folder} take {needed / 1e9:.1f} GB as float32, and this machine has"
        help = "read them in windows from disk, as in window = [64, 64, 64]"
        raise ScanlabError.at("S836", f"{problem} {memory() / 1e9:.1f} GB of memory", help=help)


def _divided(folder: Path, places: Volumes, strata: NDArray, layout: Layout, notes: list[Note]) -> dict[str, Any]:
    """Parts and groups, as a Dataset takes them."""
    counts = {part: len(some) for part, some in places.cases.items()}
    files = [case.images[0] for some in places.cases.values() for case in some]
    check_tables_beside(folder, files, "classes" if places.labelled else "masks", layout, notes)
    notes += other_files(folder, (*ENDINGS, "dataset.json"), "NIfTI")
    homes = {part: [case.home for case in some] for part, some in places.cases.items()}
    groups = places.labelled.groups if places.labelled else groups_below(folder, homes, layout, notes)
    parts = divided(counts, strata, groups, notes)
    return {
        "train": parts["train"],
        "test": parts["test"],
        "val": parts.get("val", np.empty(0, np.int64)),
        "groups": groups,
        "drawn": "test" not in counts,
    }


def _classes(
    volumes: Sequence[Volume],
    masks: Sequence[NDArray],
    ignored: int | None,
    layout: Layout,
    folder: Path,
    notes: list[Note],
) -> NDArray[np.uint8]:
    """Masks with the class of every voxel, as `classes_of_values` says of the whole files."""
    seen = {volume.name: values_of(volume.mask) for volume in volumes if volume.mask is not None}
    table = class_table(seen, ignored, layout, folder, notes)
    return np.stack([mapped_values(mask, table) for mask in masks])


def _describe(volumes: Sequence[Volume | VolumeFacts], spacing: Sequence[float] | None, notes: list[Note]) -> None:
    """Note what the headers say of orientation and spacing."""
    turned = [volume for volume in volumes if volume.stored not in ("RAS", "")]
    if turned:
        codes = sorted({volume.stored for volume in turned})
        notes.append(
            Note("assumed", f"{count_text(len(turned), 'volume')} turned to orientation RAS+ from {listed(codes)}")
        )
    if silent := sum(not volume.stored for volume in volumes):
        notes.append(
            Note("assumed", f"{count_text(silent, 'volume')} without an orientation in the header, read as stored")
        )
    if oblique := [volume.oblique for volume in volumes if volume.oblique >= 1]:
        said = f"{count_text(len(oblique), 'volume')} up to {max(oblique):.0f} degrees off the axes, not resampled"
        notes.append(Note("assumed", said))
    if last := [volume.last for volume in volumes if volume.last > 1]:
        lengths = f"{min(last)}" if min(last) == max(last) else f"{min(last)} to {max(last)}"
        what = f"the fourth axis of {count_text(len(last), 'volume')}, of {lengths}, holds channels"
        notes.append(Note("assumed", f"{what}: if it is time, give one volume of it for each sample"))
    units = [volume.unit for volume in volumes]
    for unit in sorted({*units} - {"", "mm"}):
        counted = count_text(units.count(unit), "volume")
        notes.append(Note("mapped", f"lengths of {counted} are given in {unit}s, and brought to mm"))
    notes.append(Note("assumed", "every volume is z-scored by itself: values of two volumes do not compare"))
    zooms = np.array([volume.spacing for volume in volumes])
    low, high = zooms.min(0), zooms.max(0)
    if spacing is not None:
        notes.append(
            Note("assumed", f"volumes of {_mm(low)} to {_mm(high)} mm a voxel are resampled to {_mm(spacing)} mm")
        )
    elif np.allclose(low, high, rtol=0.01):
        notes.append(Note("assumed", f"voxels of {_mm(zooms[0])} mm"))
    else:
        said = f"voxels of {_mm(low)} to {_mm(high)} mm: sizes in voxels do not compare; spacing = [1, 1, 1] resamples"
        notes.append(Note("assumed", said))


def _mm(spacing: Any) -> str:
    return "x".join(f"{value:.3g}" for value in spacing)


def checked_spacing(spacing: Sequence[float]) -> tuple[float, ...]:
    """Millimetres along three axes. Raises S695 for what is no spacing."""
    if len(spacing) != 3 or not all(1e-5 <= value <= 100 for value in spacing):
        given = "x".join(map(str, spacing))
        raise ScanlabError.at("S695", f"the spacing is {given}", help="give millimetres along three axes, as 1x1x1")
    return tuple(map(float, spacing))
