"""What was assumed, mapped, left out or found wanting while data were read, in sentences for whoever looks at them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scanlab.data.lazy import LazyImages
from scanlab.data.ragged import RaggedImages
from scanlab.data.target_kinds import BOXES, MASKS, TEXT
from scanlab.ir.text import count_text

if TYPE_CHECKING:
    from scanlab.data.dataset import Dataset

__all__ = ["KINDS", "Note", "listed", "notes_of", "suffixes"]

_TARGETS = MappingProxyType({MASKS: "masks", TEXT: "texts", BOXES: "boxes"})
KINDS = ("layout", "assumed", "mapped", "left out", "duplicated", "unseen")
MOST_NAMED = 5


@dataclass(frozen=True)
class Note:
    """A sentence about data. kind: one of KINDS.

    >>> Note("assumed", "the last axis holds channels").kind in KINDS
    True
    """

    kind: str
    text: str


def notes_of(dataset: Dataset) -> dict[str, list[str]]:
    """All that is to be known of how data were read and divided, by kind: what the reader noted, exact copies across
    the parts, and classes that one part alone has. Kinds without a sentence are left out.

    >>> from scanlab.data import from_arrays
    >>> images = np.repeat(np.arange(4.0), 5).reshape(20, 1, 1, 1) + np.zeros((1, 1, 2, 2))
    >>> notes_of(from_arrays(images, np.arange(20) % 2))["duplicated"][0]
    '6 test samples are exact copies of training samples, such as sample 0 of sample 1'
    """
    made: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for note in dataset.notes:
        made[note.kind].append(note.text)
    made["duplicated"] += _copies(dataset)
    made["unseen"] += _unseen(dataset)
    return {kind: texts for kind, texts in made.items() if texts}


def listed(names: Iterable[object]) -> str:
    """The first names of many, and how many more there are."""
    some = [str(name) for name in names]
    more = f" and {len(some) - MOST_NAMED:,} more" if len(some) > MOST_NAMED else ""
    return ", ".join(some[:MOST_NAMED]) + more


def suffixes(names: Iterable[str]) -> str:
    """How many files there are of every suffix, as "3 .txt and 1 .db"."""
    counts: dict[str, int] = defaultdict(int)
    for name in names:
        _, dot, suffix = name.rpartition(".")
        counts[f".{suffix.lower()}" if dot else "without a suffix"] += 1
    return " and ".join(f"{count:,} {suffix}" for suffix, count in sorted(counts.items()))


def _copies(dataset: Dataset) -> list[str]:
    """Exact copies in two parts, and those whose targets differ; none are looked for where images are on disk."""
    if isinstance(dataset.images, LazyImages):
        return []
    part = np.full(len(dataset.images), -1)
    for number, chosen in enumerate((dataset.train, dataset.val, dataset.test)):
        part[chosen] = number
    across: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    torn: list[tuple[int, int]] = []
    for members in _same_images(dataset.images):
        used = [m for m in members if part[m] >= 0]
        firsts = {part[m]: m for m in reversed(used)}
        for m in used:
            # Of each copy the first sample in the earliest part, for that is what a model may have learned.
            earlier = min(firsts)
            if part[m] != earlier:
                across[part[m], earlier].append((m, firsts[earlier]))
        torn += [(used[0], m) for m in used[1:] if not np.array_equal(dataset.labels[used[0]], dataset.labels[m])]
    words = ("training", "validation", "test")
    texts = [
        f"{_are(len(pairs), f'{words[there]} sample')} of {words[earlier]} samples, such as sample {pairs[0][0]} of "
        f"sample {pairs[0][1]}"
        for (there, earlier), pairs in sorted(across.items())
    ]
    if torn:
        what = _TARGETS.get(dataset.target_kind, "labels")
        texts.append(
            f"{count_text(len(torn), 'sample')} with the pixels of another and other {what}, such as {torn[0][1]} with "
            f"those of {torn[0][0]}"
        )
    return texts


def _are(count: int, what: str) -> str:
    return f"{count_text(count, what)} {'is an exact copy' if count == 1 else 'are exact copies'}"


def _same_images(images: NDArray[np.float32] | RaggedImages) -> list[list[int]]:
    """The numbers of images that are equal bit by bit, in lists of two or more."""
    if not len(images):
        return []
    if isinstance(images, RaggedImages):
        ragged: dict[bytes, list[int]] = defaultdict(list)
        for number, image in enumerate(images):
            ragged[blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()].append(number)
        return [members for members in ragged.values() if len(members) > 1]
    bits = np.ascontiguousarray(images).reshape(len(images), -1).view(np.uint32)
    # Sums of bits tell most images apart at the speed of memory; only those of one sum need a hash.
    _, place, counts = np.unique(bits.sum(1, dtype=np.uint64), return_inverse=True, return_counts=True)
    same: dict[bytes, list[int]] = defaultdict(list)
    for number in np.flatnonzero(counts[place] > 1):
        same[blake2b(bits[number].data, digest_size=16).digest()].append(int(number))
    return [members for members in same.values() if len(members) > 1]


def _unseen(dataset: Dataset) -> list[str]:
    """Classes that are not where they would be learned or measured."""
    held = {part: _held(dataset, getattr(dataset, part)) for part in ("train", "val", "test")}
    texts = []
    for part, word in (("val", "validation"), ("test", "test")):
        alone = held[part] & ~held["train"]
        texts += _sentence(dataset, alone, f"in the {word} part and not in the training part: no model can know")
    texts += _sentence(dataset, held["train"] & ~held["test"], "in no test sample: no result speaks of")
    texts += _sentence(
        dataset, ~(held["train"] | held["val"] | held["test"]), "in no sample at all: nothing is learned of"
    )
    return texts


def _sentence(dataset: Dataset, classes: NDArray[np.bool_], where: str) -> list[str]:
    chosen = np.flatnonzero(classes)
    if not len(chosen):
        return []
    names = [dataset.class_names[c] if dataset.class_names else str(c) for c in chosen]
    one = len(chosen) == 1
    return [
        f"{'class' if one else 'classes'} {listed(names)} {'is' if one else 'are'} {where} {'it' if one else 'them'}"
    ]


def _held(dataset: Dataset, chosen: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which classes a part has: bool [classes]."""
    held = np.zeros(dataset.classes, bool)
    held[np.unique(dataset.class_numbers(chosen))] = True
    return held
