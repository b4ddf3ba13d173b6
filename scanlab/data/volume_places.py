"""Which files of a folder are volumes, and which mask, part or class each of them has."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanlab.data.class_folders import Labelled, class_files, class_places
from scanlab.data.classes import MOST_CLASSES
from scanlab.data.dataset import IGNORED
from scanlab.data.layout import TASK_FOLDERS, VOLUME_CLASSES, VOLUME_MASKS, Layout, settled_by
from scanlab.data.lazy_masks import LazyMasks
from scanlab.data.mask_names import without_suffix
from scanlab.data.notes import Note, listed
from scanlab.data.pairs import left_folders, pair_folders, pairs_of, parts_within, side_by_side
from scanlab.data.places import VOLUMES, below, files_in, folder_of, folders_in, holds, part_places, plain
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = ["Case", "Volumes", "class_names", "dataset_json", "unnamed_classes", "volumes_in"]

# nnU-Net's names: the modality of a file, in four digits.
_MODALITY = re.compile(r"^(?P<case>.+)_(?P<number>\d{4})$")
_LABELS = "labelsTr"


@dataclass(frozen=True)
class Case:
    """One sample: the files of its modalities, and its mask, or None where it has a class of its own. home: the folder
    that it lies in, below that of the images, "." for that itself."""

    images: tuple[Path, ...]
    mask: Path | None
    home: str = "."


@dataclass(frozen=True)
class Volumes:
    """The cases of every part, and what was assumed to find them; labelled: their classes, where they have no masks."""

    cases: Mapping[str, list[Case]]
    notes: list[Note] = field(default_factory=list)
    labelled: Labelled | None = None


def volumes_in(folder: Path, layout: Layout) -> Volumes | None:
    """The volumes of a folder: imagesTr with labelsTr, as in the Decathlon and for nnU-Net, or images with masks under
    other names, perhaps below train, val and test; None for a folder that holds no NIfTI files.

    Raises S644 for volumes without a mask each, and S691 for folders that may be one thing or another.
    """
    training = folder_of(folder, "imagesTr")
    if training is None or (files_in(training) and not holds(training, VOLUMES)):
        return _others(folder, layout) if holds(folder, VOLUMES) else None
    layout.check(TASK_FOLDERS, "imagesTr with labelsTr")
    notes: list[Note] = []
    cases = {"train": _cases(folder, training, folder_of(folder, _LABELS), layout, notes)}
    test, labels = folder_of(folder, "imagesTs"), folder_of(folder, "labelsTs")
    if test is not None and labels is not None and holds(labels, VOLUMES):
        cases["test"] = _cases(folder, test, labels, layout, notes)
    elif test is not None and files_in(test, VOLUMES):
        notes.append(
            Note(
                "left out", f"{count_text(len(files_in(test, VOLUMES)), 'volume')} in {test.name}, which have no labels"
            )
        )
    odd = [
        place.name
        for place in folders_in(folder)
        if place not in (training, test, labels) and place.name.lower() != "labelstr"
    ]
    if odd:
        notes.append(Note("left out", f"other folders: {listed(odd)}"))
    _check_modalities(folder, [case for some in cases.values() for case in some])
    notes.append(Note("layout", "imagesTr with labelsTr"))
    return Volumes(cases, notes)


def _cases(folder: Path, images: Path, labels: Path | None, layout: Layout, notes: list[Note]) -> list[Case]:
    files = files_in(images, VOLUMES)
    masks = {without_suffix(file): file for file in (files_in(labels, VOLUMES) if labels else [])}
    groups: dict[str, list[Path]] = {}
    for file in files:
        groups.setdefault(_case(without_suffix(file), masks), []).append(file)
    lonely = [some[0].name for case, some in groups.items() if case not in masks]
    if lonely and "masked_only" in layout and len(lonely) < len(groups):
        notes.append(Note("left out", f"{count_text(len(lonely), 'volume')} without a mask: {listed(lonely)}"))
        lonely = []
    if lonely or not files:
        problem = f"{lonely[0]} has no mask, one of {len(lonely)}" if lonely else f"{images.name} is empty"
        raise ScanlabError.at(
            "S644",
            f"{folder} is no data set: {problem}",
            help=f"expected imagesTr and labelsTr with files of the same names; or {settled_by('masked_only')}",
        )
    if left := sorted(set(masks) - set(groups)):
        notes.append(Note("left out", f"{count_text(len(left), 'mask')} without a volume: {listed(left)}"))
    return [Case(tuple(some), masks[case]) for case, some in groups.items() if case in masks]


def _check_modalities(folder: Path, cases: Sequence[Case]) -> None:
    """Raise S644 for cases of other modalities: _0001 of one is not _0002 of another."""
    numbers: dict[tuple[str, ...], str] = {}
    for case in cases:
        stem = without_suffix(case.mask) if case.mask else ""
        own = (without_suffix(file).removeprefix(stem).lstrip("_") or "0000" for file in case.images)
        numbers.setdefault(tuple(own), case.images[0].name)
    if len(numbers) > 1:
        (first, one), (second, other), *_ = numbers.items()
        raise ScanlabError.at(
            "S644",
            f"{folder} is no data set: its cases differ in their modalities: {listed(first)} with {one}, "
            f"{listed(second)} with {other}",
            help="give every case the same modalities, by the same numbers",
        )


def _case(stem: str, masks: Mapping[str, Path]) -> str:
    """The name of a file's case: its own stem, or without the number of its modality."""
    match = _MODALITY.match(stem)
    return match["case"] if match and stem not in masks else stem


def _others(folder: Path, layout: Layout) -> Volumes:
    notes: list[Note] = []
    found = parts_within(folder, layout, notes, VOLUMES) or side_by_side(folder, layout, VOLUMES)
    if not found:
        places = {"train": folder} if pair_folders(folder, layout, VOLUMES) else part_places(folder, layout, [])
        pairs = {part: pair_folders(place, layout, VOLUMES) for part, place in places.items()}
        found = {part: folders for part, folders in pairs.items() if folders is not None}
        if len(found) < len(places):
            layout.check(VOLUME_CLASSES, "folders of volumes that are classes")
            return _with_classes(folder, class_places(folder, layout, notes, VOLUMES), layout, notes)
        if folder not in places.values():
            part_places(folder, layout, notes)
        for part, folders in found.items():
            notes += left_folders(places[part], folders, VOLUMES)
    layout.check(VOLUME_MASKS, "volumes with masks")
    cases: dict[str, list[Case]] = {}
    for part, each in found.items():
        made = pairs_of(each.images, each.masks, each.ending, layout, notes, VOLUMES)
        cases[part] = [Case((pair.image,), pair.mask, pair.home) for pair in made]
        notes.append(Note("layout", f"volumes in {each.images.name} with masks in {each.masks.name}"))
    return Volumes(cases, notes)


def _with_classes(folder: Path, places: Mapping[str, Path], layout: Layout, notes: list[Note]) -> Volumes:
    """A folder of volumes per class. Raises S644 for one volume per folder: folders are then cases, not classes."""
    inside = [inner for place in places.values() for inner in folders_in(place)]
    held = [list(below(inner, VOLUMES)) for inner in inside]
    named = any(plain(inner.name) in ("images", "masks", "labels", "imagests", "anat") for inner in inside)
    if not inside or named or layout.named("images") or min(map(len, held)) < 2 or any(map(_like_cases, held)):
        names = listed(inner.name for inner in inside)
        raise ScanlabError.at(
            "S644",
            f"{folder} is no data set: it holds NIfTI files, and neither folders of classes nor one of images with one "
            "of masks" + (f", but {names}" if names else ""),
            help="expected imagesTr and labelsTr, images and masks, or a folder per class; or name images and masks, "
            'as in layout = "images=scans masks=labels"',
        )
    given = class_files(folder, places, layout, notes, VOLUMES, "a folder of volumes per class")
    notes.append(Note("layout", "a folder of volumes per class"))
    files = iter(given.files)
    cases = {part: [Case((next(files),), None) for _ in range(count)] for part, count in given.counts.items()}
    return Volumes(cases, notes, given)


def _like_cases(files: Sequence[Path]) -> bool:
    """Whether the files of a folder are those of one case: its modalities and perhaps its mask."""
    ends = [re.split(r"[_-]", without_suffix(file).lower())[-1] for file in files]
    return any(
        end in ("seg", "mask", "label", "t1", "t2", "flair", "t1w", "t2w", "t1ce", "t1gd", "bold") for end in ends
    )


def dataset_json(folder: Path) -> dict[str, Any]:
    """What dataset.json says, {} without one. Raises S644."""
    file = folder / "dataset.json"
    if not file.is_file():
        return {}
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ScanlabError.at("S644", f"{file} cannot be read: {error}", help="repair or remove it") from None
    return about if isinstance(about, dict) else {}


def class_names(about: Mapping[str, Any]) -> tuple[dict[int, str], int | None]:
    """The names of classes by their number, and the number that marks no class; newer files list numbers by name."""
    names: dict[int, str] = {}
    labels = about.get("labels")
    for key, value in labels.items() if isinstance(labels, dict) else ():
        number, name = (key, value) if str(key).isdecimal() else (value, key)
        if not str(number).isdecimal() or (int(number) >= MOST_CLASSES and name != "ignore"):
            raise ScanlabError.at(
                "S644",
                f"dataset.json gives the class {name!r} the number {number!r}",
                help=f"give every class a number from 0 to {MOST_CLASSES - 1}",
            )
        names[int(number)] = str(name)
    ignored = next((number for number, name in names.items() if name == "ignore"), None)
    return {number: name for number, name in names.items() if number != ignored}, ignored


def unnamed_classes(masks: NDArray[np.uint8] | LazyMasks, known: Mapping[int, str]) -> list[Note]:
    """A note of the classes in masks that dataset.json, which names others, does not know."""
    lazy = isinstance(masks, LazyMasks)
    values = masks.values() if lazy else np.flatnonzero(np.bincount(masks.ravel(), minlength=IGNORED + 1))
    numbers = values[values != IGNORED].tolist()
    odd = [number for number in numbers if number not in known] if known else []
    if not odd:
        return []
    counted = "class" if len(odd) == 1 else "classes"
    return [
        Note("assumed", f"masks have the {counted} {listed(odd)}, which dataset.json does not name: kept as they are")
    ]
