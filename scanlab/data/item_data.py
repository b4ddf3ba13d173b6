"""Data of samples that are given one by one: read into memory, or when they are needed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from scanlab.data.dataset import Dataset
from scanlab.data.given import assembled, labels_for
from scanlab.data.item_sets import ItemReader, ItemSet
from scanlab.data.lazy import Lazy, LazyImages
from scanlab.data.lazy_folders import LOOKED_INTO, fills_memory
from scanlab.data.notes import Note
from scanlab.data.resize import check_size, nearest
from scanlab.data.target_kinds import BOXES
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text
from scanlab.places import say_once

__all__ = ["items_mark", "load_items"]

# So many samples are read twice, to see whether they stay what they are.
TWICE = 4
# A pass over so many samples takes long enough for a word.
MANY = 1000
# A picture or a shard that is damaged, and a sample of a person's own whose code raises.
_DAMAGED = ("S644", "S699", "S844")
Pair = tuple[NDArray, NDArray]


def load_items(
    name: str,
    parts: Mapping[str, ItemSet],
    credit: str,
    size: tuple[int, ...] | None = None,
    lazy: Lazy = "auto",
    notes: Iterable[Note] = (),
    val_stands: bool = True,
) -> Dataset:
    """Samples of parts ("train", perhaps "val" and "test") as data, in memory or not: the same numbers in either case.

    size: extents that all images are resized to, and masks with them; None for their own, if it is one for all. lazy:
    True for images that are read when they are needed, False for all in memory, "auto" for what fits half of it.
    val_stands: as `divided` takes it. Labels are held in either case; where a part does not know them, all samples are
    read once. Raises S646 for data that nothing can be learned from and for several sizes, S699 and S840 for samples
    that cannot be used, S842 for those that change.
    """
    reader = ItemReader(name, tuple(parts.values()))
    counts = {part: some.count for part, some in parts.items()}
    if not sum(counts.values()):
        raise ScanlabError.at("S646", f"{name} has no samples", help="give more samples")
    looked, damaged = _looked_into(reader, sum(counts.values()))
    said = list(
        dict.fromkeys(
            [*notes, *(note for some in parts.values() for note in some.notes), *reader.guesses(next(iter(looked)))]
        )
    )
    first = next(iter(looked.values()))[0]
    values = sum(counts.values()) * len(first) * prod(size or first.shape[1:])
    if lazy is True or (lazy and fills_memory(values)):
        reader = _settled(reader, [pixels for pixels, _ in looked.values()], size)
        labels = _labels(reader, looked, sum(counts.values()), said)
        images = replace(_unread(reader, looked, labels, said), damaged=damaged)
    else:
        images, targets = _read(reader, sum(counts.values()), size)
        labels = _stacked(name, targets)
    names = next(iter(parts.values())).class_names
    labels = labels_for(images.shape, labels)
    options = {"class_names": names, "notes": said, "val_stands": val_stands}
    made = assembled(name, images, labels, counts, credit, **options)
    if made.target_kind is BOXES and size is not None and size != first.shape[1:]:
        help = "leave size out, or let the function give them in that size"
        raise ScanlabError.at("S646", f"the boxes of {name} belong to pixels of their own size", help=help)
    return made


def items_mark(name: str, parts: Mapping[str, ItemSet]) -> str | None:
    """What samples of several sizes are known by before a size is chosen; None for those of one size."""
    reader = ItemReader(name, tuple(parts.values()))
    looked, _ = _looked_into(reader, sum(some.count for some in parts.values()))
    return None if len({pixels.shape[1:] for pixels, _ in looked.values()}) == 1 else _mark(looked, np.empty(0))


def _looked_into(reader: ItemReader, count: int) -> tuple[dict[int, Pair], tuple[ScanlabError, ...]]:
    """Some samples by number, spread over all; and what is wrong with those that cannot be read, which is raised where
    none can. Raises S842 for one that changes from one reading to the next."""
    looked: dict[int, Pair] = {}
    damaged: list[ScanlabError] = []
    for number in np.unique(np.linspace(0, count - 1, LOOKED_INTO).astype(int)).tolist():
        try:
            looked[number] = reader.pair(number)
        except ScanlabError as error:
            if error.diagnostics[0].code not in _DAMAGED:
                raise
            damaged.append(error)
    if not looked:
        raise damaged[0]
    chosen = list(looked)
    for number in chosen[:: max(1, len(chosen) // TWICE)]:
        again = reader.pair(number)
        if not all(map(np.array_equal, looked[number], again)) and not np.isnan(looked[number][0]).any():
            problem = f"{reader.where(number)} of {reader.name} is another each time it is read"
            help = "take random transforms out of it: augment and a recipe change images by the seed of a trial"
            raise ScanlabError.at("S842", problem, help=help)
    return looked, tuple(damaged)


def _settled(reader: ItemReader, images: Sequence[NDArray], size: tuple[int, ...] | None) -> ItemReader:
    """The reader with the channels and the size that all images have."""
    shapes = dict.fromkeys(image.shape[1:] for image in images)
    if size is None and len(shapes) > 1:
        usual = " and ".join(grid_text(shape) for shape in list(shapes)[:2])
        problem = f"the images of {reader.name} differ in size: some have {usual}"
        raise ScanlabError.at("S646", problem, help="give one size for all, as in --size 64x64")
    own = next(iter(shapes))
    check_size(size or own, own, reader.name)
    return replace(reader, channels=max(map(len, images)), size=size or own, exact=size is None)


def _read(reader: ItemReader, count: int, size: tuple[int, ...] | None) -> tuple[NDArray[np.float32], list[NDArray]]:
    """All images, each resized as it is read, and all targets."""
    images: list[NDArray] = []
    targets: list[NDArray] = []
    for number in range(count):
        pixels, target = reader.pair(number)
        if number == 0:
            check_size(size or pixels.shape[1:], pixels.shape[1:], reader.name)
        images.append(reader.image(number, pixels, len(pixels), size or pixels.shape[1:]))
        targets.append(_sized(target, pixels, size))
    reader = _settled(reader, images, None)
    made = np.empty((count, reader.channels, *reader.size), np.float32)
    for number in range(count):
        made[number] = reader.image(number, images[number], reader.channels, reader.size)
        images[number] = made[number]
    return made, targets


def _labels(reader: ItemReader, looked: Mapping[int, Pair], count: int, notes: list[Note]) -> NDArray:
    """All targets: those that the parts know, or else by one pass over all samples."""
    known = [some.targets for some in reader.sets]
    if all(targets is not None for targets in known):
        held = np.concatenate([np.asarray(targets) for targets in known])
        if all(np.array_equal(held[number], target) for number, (_, target) in looked.items()):
            return held
        notes.append(Note("assumed", "targets are those that samples give, and not those that the data set lists"))
    if count >= MANY:
        say_once(f"the {count:,} samples of {reader.name} are all read once, for it does not list their targets")
    sized = None if reader.exact else reader.size
    return _stacked(reader.name, [_sized(target, pixels, sized) for pixels, target in map(reader.pair, range(count))])


def _sized(target: NDArray, pixels: NDArray, size: tuple[int, ...] | None) -> NDArray:
    """A mask in the size that its image gets; other targets as they are."""
    if size is not None and target.ndim > 1 and target.shape == pixels.shape[1:]:
        return nearest(target[None], size)[0]
    return target


def _stacked(name: str, targets: Sequence[NDArray]) -> NDArray:
    if shapes := sorted({target.shape for target in targets} - {targets[0].shape}):
        problem = f"the targets of {name} have shapes such as {list(targets[0].shape)} and {list(shapes[0])}"
        raise ScanlabError.at("S840", problem, help="give all one shape; masks of several sizes need one: --size 64x64")
    return np.stack(targets)


def _unread(reader: ItemReader, looked: Mapping[int, Pair], labels: NDArray, notes: list[Note]) -> LazyImages:
    shape = (reader.channels, *reader.size)
    some = count_text(len(looked), "sample")
    marks = [part.mark for part in reader.sets if part.mark]
    files = ", names and sizes of the files," if marks else ","
    notes += [
        Note("assumed", f"images are read when they are needed, as {grid_text(reader.size)}, and not kept in memory"),
        Note("assumed", f"all have {count_text(reader.channels, 'channel')}, as have {some} that were looked into"),
        Note("assumed", f"data are known by their targets{files} and by the content of {some}"),
        Note("left out", "exact copies across the parts are not looked for: that needs all pixels"),
    ]
    mark = " ".join([_mark(looked, labels), *marks])
    return LazyImages(reader, shape, np.arange(len(labels)), mark)


def _mark(looked: Mapping[int, Pair], labels: NDArray) -> str:
    digest = hashlib.sha256(f"{labels.dtype}{labels.shape}".encode())
    digest.update(np.ascontiguousarray(labels).data)
    for number, (pixels, _) in looked.items():
        digest.update(f"{number}{pixels.dtype}{pixels.shape}".encode())
        digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
