"""Images to classify, in batches: from memory, or from files that are read as they are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from scanlab.cpus import available_cpus
from scanlab.data import Dataset
from scanlab.data.damaged import Damaged
from scanlab.data.folders import labelled
from scanlab.data.imagenet import SYNSET, synsets
from scanlab.data.layout import NOTHING, Layout
from scanlab.data.notes import Note, listed
from scanlab.data.pictures import opened, unreadable
from scanlab.data.target_kinds import CLASSES
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text
from scanlab.study.line_images import images_of
from scanlab.zoo import Preprocessing

__all__ = ["PARTS", "Inputs", "of_dataset", "of_folder"]

PARTS = ("test", "train", "all")
MOST_LOADERS = 8
# Batches are [indices into the labels, images]; an index may be missing where a file could not be read.
Batches = Iterator[tuple[NDArray[np.int64], Tensor]]


@dataclass(frozen=True, eq=False)
class Inputs:
    """Images with a class each: labels int64 [M]; classes that the data have; batches: of so many images, one after the
    other; notes: how they were read, complete once all batches were."""

    name: str
    part: str
    labels: NDArray[np.int64]
    classes: int
    batches: Callable[[int], Batches]
    notes: list[str] = field(default_factory=list)


def of_dataset(
    dataset: Dataset, part: str = "test", normalise: Preprocessing | None = None, class_names: Sequence[str] = ()
) -> Inputs:
    """A part of a data set. normalise: mean and deviation that the model's authors take off. class_names: of the model;
    classes of the data that are called so have its numbers, and where none is, those of the data count, which is noted.
    Raises S643 for other targets than classes, a part that is none, and data of which only some are called so."""
    if dataset.target_kind is not CLASSES:
        given = f"{dataset.name} has {dataset.target_kind.of_data}"
        raise ScanlabError.at("S643", given, help="give data with a class for every image")
    _check_part(part)
    chosen = {"test": dataset.test, "train": dataset.train, "all": np.arange(len(dataset.labels))}[part]

    def batches(size: int) -> Batches:
        numbers = torch.arange(len(chosen)).split(size)
        for places, some in zip(numbers, images_of(dataset.images, chosen, "cpu").split(size), strict=True):
            assert isinstance(some, Tensor), "images with classes have one size"
            yield places.numpy(), some if normalise is None else normalise.normalised(some)

    numbers, notes = _by_name(dataset, class_names)
    return Inputs(dataset.name, part, numbers[dataset.labels[chosen]], dataset.classes, batches, notes)


def _by_name(dataset: Dataset, known: Sequence[str]) -> tuple[NDArray[np.int64], list[str]]:
    """The model's number of each class of the data, with what is to be said of them."""
    names, own = dataset.class_names, np.arange(dataset.classes)
    if not known or not names or tuple(names) == tuple(known[: len(names)]):
        return own, []
    if not set(names) & set(known):
        said = f"Classes are taken by their numbers: the data call them {listed(names)}, and the model {listed(known)}."
        return own, [said]
    numbers = _numbers(names, len(known), known, dataset.name)
    return numbers, ["Classes are taken by their names, which the model has in another order."]


def of_folder(
    folder: Path,
    prepare: Preprocessing,
    outputs: int,
    part: str = "test",
    layout: Layout = NOTHING,
    class_names: Sequence[str] = (),
    unreadable_at_most: int = 0,
    loaders: int | None = None,
) -> Inputs:
    """Pictures of a folder per class, perhaps below train, val and test, read and prepared as they are needed.

    part: "test" is the validation part where there is no test part, and all pictures of a folder without parts.
    outputs, class_names: of the model. Folders called after ImageNet-1K's synsets have their numbers, be they all
    thousand or some; others are numbered by name, and there must be as many as the model has classes. Files that cannot
    be read are left out and counted, up to unreadable_at_most of them. loaders: processes that read. Raises S643 for
    classes that do not fit, S644 for a file too many that cannot be read, and what reading the folder raises.
    """
    _check_part(part)
    notes: list[Note] = []
    given = labelled(folder, layout, notes)
    if given.several:
        help = "give pictures of one class each"
        raise ScanlabError.at("S643", f"pictures of {folder} may have several labels", help=help)
    ends = np.cumsum(list(given.counts.values()))
    spans = {name: slice(end - given.counts[name], end) for name, end in zip(given.counts, ends, strict=True)}
    whole = part == "all" or len(spans) == 1
    name = next(p for p in (part, "val", "test", "train") if p in spans) if not whole else "all"
    span = slice(None) if whole else spans[name]
    labels = _numbers(given.class_names, outputs, class_names, folder)[given.labels[span]]
    source = _Files(tuple(given.files[span]), prepare)
    said = [f"{note.kind}: {note.text}" for note in notes if note.kind != "layout"]
    said.append(f"Pictures are prepared as the model's authors do: {prepare}.")
    if part == "test" and name == "val":
        said.append("There is no test part: these are the pictures of the validation part.")
    readers = min(MOST_LOADERS, available_cpus(), len(labels) // 64) if loaders is None else loaders

    def batches(size: int) -> Batches:
        damaged = Damaged(unreadable_at_most)
        for rows in DataLoader(source, size, num_workers=readers, collate_fn=list):
            good = [(number, image) for number, image in rows if isinstance(image, Tensor)]
            for number, error in rows:
                if isinstance(error, ScanlabError):
                    damaged.count(source.files[number], error)
            if good:
                yield np.array([number for number, _ in good]), torch.stack([image for _, image in good])
        if damaged.errors:
            said.append(damaged.sentence)

    return Inputs(folder.name, name, labels, len(given.class_names), batches, said)


@dataclass(frozen=True, eq=False)
class _Files(TorchDataset):
    """Files by number: the number, and the picture as it is prepared, or why it could not be read."""

    files: tuple[Path, ...]
    prepare: Preprocessing

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, number: int) -> tuple[int, Tensor | ScanlabError]:
        file = self.files[number]
        try:
            with opened(file) as image:
                return number, self.prepare(image)
        except ScanlabError as error:
            return number, error
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            return number, unreadable(file, error)


def _check_part(part: str) -> None:
    if part not in PARTS:
        raise ScanlabError.at("S643", f"there is no part {part!r} to evaluate", help=f"choose from {', '.join(PARTS)}")


def _numbers(names: Sequence[str], outputs: int, class_names: Sequence[str], folder: Path | str) -> NDArray[np.int64]:
    """The model's number of each class of the data. Raises S643."""
    known = class_names
    if not known and outputs == len(synsets()) and all(SYNSET.fullmatch(name) for name in names):
        known = synsets()
    if not known:
        if len(names) == outputs:
            return np.arange(outputs)
        problem = f"{folder} has {count_text(len(names), 'class')}, and the model {outputs:,}"
        help = "give pictures of all classes, or folders called as the model's classes are (ImageNet's: n01440764, …)"
        raise ScanlabError.at("S643", problem, help=help)
    if odd := [name for name in names if name not in known]:
        problem = f"{folder} has the classes {listed(odd)}, and the model no such classes"
        raise ScanlabError.at("S643", problem, help=f"its classes are {listed(known)}")
    places = {name: number for number, name in enumerate(known)}
    return np.array([places[name] for name in names])
