"""ImageNet-1K as it is downloaded: pictures of the validation part in one folder, and a list of their classes."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.resources import files as resources
from pathlib import Path

import numpy as np

from scanlab.data.class_folders import Labelled, class_files
from scanlab.data.layout import Layout
from scanlab.data.notes import Note, listed
from scanlab.data.places import files_in, folder_of, folders_in
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = ["SYNSET", "as_downloaded", "synsets"]

SYNSET = re.compile(r"n\d{8}")
_PICTURE = re.compile(r"ILSVRC2012_val_(\d{8})\.JPEG", re.IGNORECASE)
# Below the folder that Kaggle's archive gives.
_KAGGLE = ("ILSVRC", "Data", "CLS-LOC")
_LISTS = "val.txt, LOC_val_solution.csv, a list of synsets, or ILSVRC2012_validation_ground_truth.txt with meta.mat"


@cache
def synsets() -> tuple[str, ...]:
    """The synsets of ImageNet-1K's classes in their order, which is that of their names (ILSVRC 2012)."""
    return tuple(resources("scanlab").joinpath("zoo", "imagenet.txt").read_text("ascii").split())


def as_downloaded(folder: Path, layout: Layout, notes: list[Note]) -> Labelled | None:
    """The training part in folders called after synsets, if it is there, and validation pictures with their classes
    from a list beside them; None for any other folder.

    Lists are val.txt (a picture and a number from 0, or a synset, in every line), Kaggle's LOC_val_solution.csv, 50,000
    synsets line by line, or the development kit's ILSVRC2012_validation_ground_truth.txt with its meta.mat. Raises S644
    where no list says the class of a picture.
    """
    below = (folder.joinpath(*_KAGGLE[level:]) for level in range(len(_KAGGLE)))
    root = next((place for place in below if place.is_dir()), folder)
    flat = next((place for place in (root, folder_of(root, "val")) if place is not None and _flat(place)), None)
    if flat is None or layout.named("images"):
        return None
    train = None if flat == root else folder_of(root, "train")
    pictures = files_in(flat)
    known = _classes_of([flat, *flat.absolute().parents[: len(_KAGGLE) + 1]])
    if odd := [file.name for file in pictures if file.name.upper() not in known]:
        problem = f"{flat} holds {count_text(len(pictures), 'picture')} without folders of classes"
        problem += f", and no list says the class of {listed(odd)}"
        raise ScanlabError.at("S644", f"{folder} is no data set: {problem}", help=f"put beside it {_LISTS}")
    notes.append(Note("layout", f"ImageNet's validation pictures in {flat.name}, with their classes from a list"))
    classes = [known[file.name.upper()] for file in pictures]
    if train is None:
        names = tuple(sorted(set(classes)))
        return Labelled(pictures, _numbers(classes, names), {"train": len(pictures)}, names)
    given = class_files(root, {"train": train}, layout, notes)
    names = tuple(sorted({*given.class_names, *classes}))
    labels = np.concatenate([_numbers([given.class_names[n] for n in given.labels], names), _numbers(classes, names)])
    rest = [place for place in folders_in(root) if place not in (train, flat)]
    if rest:
        notes.append(Note("left out", f"{listed(place.name for place in rest)}, of which no list says the classes"))
    counts = {"train": len(given.files), "val": len(pictures)}
    return Labelled([*given.files, *pictures], labels, counts, names)


def _flat(folder: Path) -> bool:
    """Whether a folder holds validation pictures at once."""
    return not folders_in(folder) and any(_PICTURE.fullmatch(file.name) for file in files_in(folder)[:1])


def _numbers(classes: Sequence[str], names: Sequence[str]) -> np.ndarray:
    places = {name: number for number, name in enumerate(names)}
    return np.array([places[name] for name in classes], np.int64)


def _classes_of(folders: Sequence[Path]) -> dict[str, str]:
    """The synset of every validation picture by its name in capitals, from the first list that there is."""
    for place in (each for folder in folders for each in (folder, *_kits(folder))):
        for file in sorted(place.iterdir()):
            for name, read in _READERS:
                if name.fullmatch(file.name) and (known := dict(read(file))):
                    return known
    return {}


def _kits(folder: Path) -> Iterator[Path]:
    """Folders of the development kit below a folder."""
    for place in folders_in(folder):
        if "devkit" in place.name.lower():
            yield from (inner for inner in (place, place / "data") if inner.is_dir())


def _name(number: int) -> str:
    return f"ILSVRC2012_VAL_{number:08}.JPEG"


def _of_pairs(file: Path) -> Iterator[tuple[str, str]]:
    """A picture and its class in every line: a number from 0 in the order of the synsets, or a synset."""
    for line in file.read_text("utf-8").splitlines():
        words = line.replace(",", " ").split()
        if len(words) == 2 and _PICTURE.fullmatch(picture := words[0].rpartition("/")[2]):
            yield picture.upper(), words[1] if SYNSET.fullmatch(words[1]) else synsets()[int(words[1])]


def _of_solution(file: Path) -> Iterator[tuple[str, str]]:
    """Kaggle's: ImageId and PredictionString, which begins with the synset of the first box."""
    with file.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            yield f"{row['ImageId'].upper()}.JPEG", row["PredictionString"].split()[0]


def _of_synsets(file: Path) -> Iterator[tuple[str, str]]:
    """A synset for every picture, in the order of their numbers."""
    lines = file.read_text("utf-8").split()
    return ((_name(number), word) for number, word in enumerate(lines, 1) if SYNSET.fullmatch(word))


def _of_ground_truth(file: Path) -> Iterator[tuple[str, str]]:
    """The development kit's numbers, which are not in the order of the synsets: meta.mat says what they are."""
    meta = file.with_name("meta.mat")
    if not meta.is_file():
        help = f"put meta.mat beside it, or give another list: {_LISTS}"
        raise ScanlabError.at("S644", f"{file} numbers classes in an order of its own", help=help)
    from scipy.io import loadmat

    held = np.atleast_1d(loadmat(meta, squeeze_me=True)["synsets"])
    named = {int(number): str(word) for number, word in zip(held["ILSVRC2012_ID"], held["WNID"], strict=True)}
    return ((_name(n), named[int(word)]) for n, word in enumerate(file.read_text("ascii").split(), 1))


_READERS: tuple[tuple[re.Pattern[str], Callable[[Path], Iterator[tuple[str, str]]]], ...] = (
    (re.compile(r"(?:ILSVRC2012_|imagenet_)?val(?:_map|_list|idation)?\.txt", re.IGNORECASE), _of_pairs),
    (re.compile(r"LOC_val_solution\.csv", re.IGNORECASE), _of_solution),
    (re.compile(r".*synset_labels\.txt", re.IGNORECASE), _of_synsets),
    (re.compile(r"ILSVRC2012_validation_ground_truth\.txt", re.IGNORECASE), _of_ground_truth),
)
