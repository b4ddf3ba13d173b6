"""A folder per class, of files of whatever kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scanlab.data.grouping import check_grouped
from scanlab.data.layout import Layout, settled_by
from scanlab.data.mask_names import in_one_folder, look_like_masks, without_suffix
from scanlab.data.notes import Note, listed, suffixes
from scanlab.data.pictures import IMAGES
from scanlab.data.places import below, files_in, folders_in, hints, holds, part_of, part_places, plain
from scanlab.data.words import alike, composed
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = ["Labelled", "check_twins", "class_files", "class_places"]

_SUSPICIOUS = ("image", "images", "img", "imgs", "mask", "masks", "label", "labels", "annotations", "gt", "groundtruth")


@dataclass(frozen=True, eq=False)
class Labelled:
    """Files, part by part, with their labels: int64 [M] classes, or uint8 [M, classes] where a file may have several.

    counts: how many files each part has; groups: int64 [M], or None; read: suffixes of files that the labels are from;
    divides: what of a table gives parts or groups, in words, "" for nothing.
    """

    files: Sequence[Path]
    labels: NDArray
    counts: Mapping[str, int]
    class_names: tuple[str, ...]
    groups: NDArray[np.int64] | None = None
    read: tuple[str, ...] = ()
    divides: str = ""

    @property
    def several(self) -> bool:
        return self.labels.ndim > 1


def class_files(
    folder: Path,
    places: Mapping[str, Path],
    layout: Layout,
    notes: list[Note],
    suffixes_read: Sequence[str] = IMAGES,
    expected: str = "a folder per class",
) -> Labelled:
    """The files of every class in every part; classes are numbered by name. Raises S644 for folders without classes,
    and S691 for those that may be something else."""
    by_part = {part: _classes(place, layout, notes, suffixes_read, expected) for part, place in places.items()}
    names = sorted({name for classes in by_part.values() for name in classes})
    if not names:
        raise _wrong(folder, f"it holds no images in folders{_instead(folder)}", f"expected {expected}")
    if sum(bool(hints(name)) for name in names) > 1 and "classes" not in layout:
        raise ScanlabError.at(
            "S691",
            f"{folder} has the folders {listed(names)}, which are called after parts and hold no folders of classes",
            help=f"sort the pictures of each into folders of classes; or {settled_by('classes')}; or name "
            f'images and masks, as in layout = "images={names[0]} masks={names[1]}"',
        )
    _check_names(folder, names, {part: set(classes) for part, classes in by_part.items()})
    rows = [
        (part, file, names.index(name), group)
        for part, classes in by_part.items()
        for name, files in classes.items()
        for file, group in files
    ]
    counts = {part: sum(row[0] == part for row in rows) for part in by_part}
    if empty := [part for part, count in counts.items() if not count]:
        place = places[empty[0]]
        loose = files_in(place, suffixes_read)
        problem = f"its part {place.name} holds {count_text(len(loose), 'file')} and no folders of classes"
        raise _wrong(folder, problem, f"sort them into folders of classes, or take {place.name} out of the folder")
    groups = (
        np.unique([row[3] for row in rows], return_inverse=True)[1].astype(np.int64) if "groups" in layout else None
    )
    check_grouped(any(row[3] != str(row[1]) for row in rows), layout)
    _check_groups(folder, rows, groups)
    labels = np.array([row[2] for row in rows], np.int64)
    return Labelled([row[1] for row in rows], labels, counts, tuple(names), groups)


def class_places(folder: Path, layout: Layout, notes: list[Note], read: Sequence[str] = IMAGES) -> dict[str, Path]:
    """The folder of each part, as `part_places` has them, where folders of classes are looked for.

    A folder that is called after a part and holds files at once, without folders of classes, may be a class of that
    name: layout classes says so, and a train beside other folders is taken for one, which is noted. Raises S691 for
    others, and what `part_places` raises.
    """
    places = folders_in(folder)
    called = [place for place in places if part_of(place.name)]
    flat = [place for place in called if not folders_in(place) and holds(place, read)]
    others = [place.name for place in places if place not in called and holds(place, read)]
    if not flat or len(flat) < len(called) or len(places) == 1:
        return part_places(folder, layout, notes)
    names = listed(place.name for place in flat)
    if "classes" not in layout and (len(flat) > 1 or part_of(flat[0].name) != "train" or not others):
        raise ScanlabError.at(
            "S691",
            f"{folder} has {names} with files and no folders of classes: parts whose classes nothing tells, or classes "
            "of these names",
            help=f"{settled_by('classes')}; or sort the files of each part into folders of classes",
        )
    verb = "is a class" if len(flat) == 1 else "are classes"
    notes.append(Note("assumed", f"{names} {verb}, and no part of the data"))
    return {"train": folder}


def check_twins(folder: Path, layout: Layout) -> None:
    """Raise S691 for two folders that are more likely images and masks than two classes: they hold the same names, and
    one is called after images or masks, or holds pictures of a few colours."""
    places = [place for place in folders_in(folder) if holds(place)]
    if layout.chosen("classes", "masks") or len(places) != 2:
        return
    stems = [sorted(without_suffix(file) for file in below(place)) for place in places]
    named = [place for place in places if plain(place.name) in _SUSPICIOUS]
    alike = stems[0] == stems[1] and len(stems[0]) > 1
    if named or (alike and look_like_masks(places[0]) != look_like_masks(places[1])):
        first, second = (place.name for place in places)
        why = "hold files of the same names" if alike else f"may be classes, though one is called {named[0].name}"
        raise ScanlabError.at(
            "S691",
            f"{folder} has two folders, {first} and {second}, which {why}: they may be two classes, or images with "
            "their masks",
            help=f'{settled_by("classes")}; or name both, as in layout = "images={first} masks={second}"',
        )


def _classes(
    folder: Path, layout: Layout, notes: list[Note], read: Sequence[str], expected: str
) -> dict[str, list[tuple[Path, str]]]:
    """By class its files, each with the name of its group."""
    places = {place.name: place for place in folders_in(folder)}
    if twice := [name for name in places if name != composed(name) and composed(name) in places]:
        _check_names(folder, [composed(twice[0]), twice[0]], {})
    classes = {composed(name): _files(place, layout, notes, read) for name, place in places.items()}
    if empty := [name for name, files in classes.items() if not files]:
        raise _wrong(
            folder, f"its folder {empty[0]} holds no images{_instead(folder / empty[0])}", f"expected {expected}"
        )
    loose = files_in(folder, read)
    if loose and classes:
        notes.append(
            Note("left out", f"{count_text(len(loose), 'picture')} beside the folders of classes, in {folder.name}")
        )
    return classes


def _files(place: Path, layout: Layout, notes: list[Note], read: Sequence[str]) -> list[tuple[Path, str]]:
    own, inside = files_in(place, read), [inner for inner in folders_in(place) if holds(inner, read)]
    if "groups" in layout:
        return [(file, str(file)) for file in own] + [(f, inner.name) for inner in inside for f in below(inner, read)]
    if inside and "nested" not in layout:
        if own or len(inside) > 1 or any(holds(deeper, read) for deeper in folders_in(inside[0])):
            beside = f"{count_text(len(own), 'file')} and " if own else ""
            masks = [inner.name for inner in inside if plain(inner.name) in _SUSPICIOUS[4:]]
            why = f", {masks[0]} perhaps with masks" if masks else ""
            raise ScanlabError.at(
                "S691",
                f"{place} holds {beside}the folders {listed(i.name for i in inside)}{why}: "
                "they may be groups, such as patients, which no split may divide",
                help=settled_by("nested", "groups"),
            )
        notes.append(Note("assumed", f"the pictures of {place.name} are those in {place.name}/{inside[0].name}"))
    found = list(below(place, read))
    _, masks = in_one_folder(found)
    if masks and "classes" not in layout:
        raise ScanlabError.at(
            "S691",
            f"{place} holds {count_text(len(masks), 'file')} that look like masks of others, such as {masks[0].name}",
            help=settled_by("classes", "masks"),
        )
    if masks:
        notes.append(Note("left out", f"{count_text(len(masks), 'mask')} in {place.name}, such as {masks[0].name}"))
    drawn = set(masks)
    return [(file, "") for file in found if file not in drawn]


def _check_names(folder: Path, names: Sequence[str], by_part: Mapping[str, set[str]]) -> None:
    if twice := alike(names):
        raise ScanlabError.at(
            "S691",
            f"{folder} has the classes {listed(twice)}, which may be one",
            help="call the class alike in all parts",
        )
    for part, own in by_part.items():
        if own and by_part["train"] and not own & by_part["train"]:
            problem = f"its {part} part has none of the classes of the training part: {listed(sorted(own))}"
            raise _wrong(folder, problem, f"expected {listed(sorted(by_part['train']))}")


def _check_groups(folder: Path, rows: Sequence[tuple[str, Path, int, str]], groups: NDArray[np.int64] | None) -> None:
    parts: dict[str, str] = {}
    for part, _, _, group in rows if groups is not None else ():
        if parts.setdefault(group, part) != part:
            problem = f"its group {group} is in {parts[group]} and in {part}"
            raise _wrong(folder, problem, "expected every group, such as a patient, in one part alone")


def _instead(folder: Path) -> str:
    """What a folder holds in the place of images, in words."""
    files = [file.name for file in sorted(folder.rglob("*")) if file.is_file() and not file.name.startswith(".")]
    return f": {suffixes(files)}" if files else ""


def _wrong(folder: Path, problem: str, expected: str) -> ScanlabError:
    return ScanlabError.at("S644", f"{folder} is no data set: {problem}", help=expected)
