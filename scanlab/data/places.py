"""Which folders of a data set hold which part, images, masks, or classes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from scanlab.data.layout import Layout
from scanlab.data.listing import listing_of
from scanlab.data.notes import Note, listed, suffixes
from scanlab.data.parts import PARTS
from scanlab.data.pictures import IMAGES
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = [
    "VOLUMES",
    "below",
    "files_in",
    "folder_of",
    "folders_in",
    "hints",
    "holds",
    "other_files",
    "part_and_rest",
    "part_of",
    "part_places",
    "plain",
    "unwrapped",
]

VOLUMES = (".nii", ".nii.gz")
_PART_NAMES = {
    "train": ("train", "training", "trainset", "traindata", "tr"),
    "val": ("val", "valid", "validation", "valset", "validset", "valdata", "dev", "va"),
    "test": ("test", "testing", "testset", "testdata", "ts"),
}
# What systems and tools leave behind.
_LEFTOVERS = ("__MACOSX", "__pycache__", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found")


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder, by name, but for hidden ones and those that systems leave behind."""
    places = (folder / name for name in listing_of(folder).folders if name not in _LEFTOVERS)
    return [place for place in places if not _leads_back(place)]


def files_in(folder: Path, suffixes: Sequence[str] = IMAGES) -> list[Path]:
    """The files of these suffixes in a folder, by name, but for hidden ones."""
    return list(_files(folder, suffixes))


def below(folder: Path, suffixes: Sequence[str] = IMAGES) -> Iterator[Path]:
    """The files of these suffixes at any depth, those of a folder before those of the folders in it."""
    return _below(folder, suffixes, frozenset())


def _files(folder: Path, suffixes: Sequence[str]) -> Iterator[Path]:
    ends = tuple(suffixes)
    return (folder / name for name in listing_of(folder).files if name.lower().endswith(ends))


def _below(folder: Path, suffixes: Sequence[str], passed: frozenset[Path]) -> Iterator[Path]:
    real = folder.resolve()
    # Links can lead in a circle.
    if real in passed:
        return
    yield from _files(folder, suffixes)
    for place in folders_in(folder):
        yield from _below(place, suffixes, passed | {real})


def holds(folder: Path, suffixes: Sequence[str] = IMAGES) -> bool:
    """Whether there is a file of these suffixes at any depth."""
    return next(below(folder, suffixes), None) is not None


def plain(name: str) -> str:
    """A folder's name in small letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def folder_of(folder: Path, name: str) -> Path | None:
    """The folder of this name, in whatever letters."""
    return next((place for place in folders_in(folder) if place.name.lower() == name.lower()), None)


def unwrapped(folder: Path, notes: list[Note]) -> Path:
    """The folder that holds the data: an archive often wraps it into one of its own, or two."""
    inner = folder
    while True:
        places = folders_in(inner)
        own = files_in(inner, _DATA)
        if len(places) != 1 or own or part_of(places[0].name) or not folders_in(places[0]):
            break
        inner = places[0]
    if inner != folder:
        notes.append(Note("assumed", f"the data are those in {inner.relative_to(folder)}, the only folder"))
    return inner


# Files that make the folder they lie in a data set.
_DATA = (*IMAGES, *VOLUMES, ".npz", ".npy", ".csv", ".tsv", ".h5", ".hdf5")


def part_places(folder: Path, layout: Layout, notes: list[Note]) -> dict[str, Path]:
    """The folder of each part; the whole as "train" where it is not divided. Raises S691 for folders that may be a part
    or something else, and S644 for a part that has no training part beside it."""
    places = folders_in(folder)
    parts: dict[str, list[Path]] = {part: [] for part in PARTS}
    for place in places:
        if part := part_of(place.name):
            parts[part].append(place)
    for part, some in parts.items():
        if len(some) > 1:
            raise ScanlabError.at(
                "S691",
                f"{folder} has the folders {listed(p.name for p in some)}, and each may be the {part} part",
                help="leave one of them",
            )
    given = {part: some[0] for part, some in parts.items() if some}
    if "classes" not in layout:
        given |= _hinted(places, given, notes)
    others = [place for place in places if place not in given.values()]
    if "train" not in given:
        return _undivided(folder, given, others, layout)
    train = given["train"]
    if len(given) == 1 and not folders_in(train) and any(holds(place) for place in others):
        # A class may be called train, too.
        return {"train": folder}
    _check_others(folder, others, notes)
    return {part: given[part] for part in PARTS if part in given}


def part_and_rest(name: str) -> tuple[str, str]:
    """The part that a name begins with, "" for none, and what is behind it: of train_masks "train" and "masks"."""
    small = plain(name)
    for part, names in _PART_NAMES.items():
        for said in sorted(names[:3], key=len, reverse=True):
            if small.startswith(said):
                return part, small.removeprefix(said)
    return "", small


def hints(name: str) -> set[str]:
    """The parts that words of a name speak of, as "test" in test_images."""
    words = set(re.findall(r"[a-z]+", name.lower()))
    return {part for part, names in _PART_NAMES.items() if words & set(names[:3])}


def _hinted(places: Sequence[Path], given: Mapping[str, Path], notes: list[Note]) -> dict[str, Path]:
    """Parts with folders of classes or masks in them, whose names say more than the part."""
    found: dict[str, list[Path]] = {}
    for place in places:
        if place not in given.values() and folders_in(place) and len(spoken := hints(place.name)) == 1:
            found.setdefault(spoken.pop(), []).append(place)
    chosen = {part: some[0] for part, some in found.items() if len(some) == 1 and part not in given}
    for part, place in chosen.items():
        notes.append(Note("assumed", f"{place.name} is the {part} part"))
    return chosen


def _undivided(folder: Path, given: dict[str, Path], others: list[Path], layout: Layout) -> dict[str, Path]:
    parts = [place for place in given.values() if folders_in(place)]
    if parts and "classes" not in layout:
        raise ScanlabError.at(
            "S644",
            f"{folder} is no data set: it has a folder {parts[0].name} and none to train on",
            help="call the training part train"
            + (f": it may be {listed(place.name for place in others)}" if others else ""),
        )
    return {"train": folder}


def _check_others(folder: Path, others: list[Path], notes: list[Note]) -> None:
    """Beside the parts nothing may hold pictures or volumes: it might be a part."""
    for place in others:
        if holds(place, (*IMAGES, *VOLUMES)):
            raise ScanlabError.at(
                "S691",
                f"{folder} has parts, and beside them {place.name} with images, which is none of train, val and test",
                help=f"call {place.name} after the part that it is, or take it out of the folder",
            )
    if others:
        notes.append(
            Note("left out", f"{count_text(len(others), 'folder')} without images: {listed(p.name for p in others)}")
        )


def part_of(name: str) -> str:
    """The part that a folder is called after, "" for none."""
    return next((part for part, names in _PART_NAMES.items() if plain(name) in names), "")


def other_files(folder: Path, read: Sequence[str], what: str) -> list[Note]:
    """A note of the files that are not read, at any depth; hidden ones need no word. read: endings of names."""
    odd = [file.name for file in below(folder, ("",)) if not file.name.lower().endswith(tuple(read))]
    return [Note("left out", f"files that are no {what}: {suffixes(odd)}")] if odd else []


def _leads_back(place: Path) -> bool:
    """Whether a folder is a link to one that it lies in."""
    return place.is_symlink() and place.parent.resolve().is_relative_to(place.resolve())
