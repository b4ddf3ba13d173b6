"""Tar shards in webdataset's layout: NAME.jpg with NAME.cls or NAME.json, read sample by sample in any order."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanlab.data.dataset import Dataset
from scanlab.data.item_data import load_items
from scanlab.data.item_sets import ItemSet
from scanlab.data.layout import Layout
from scanlab.data.lazy import Lazy
from scanlab.data.notes import Note
from scanlab.data.pictures import read_picture, require_pillow
from scanlab.data.shard_index import ShardIndex, indexed, member_content
from scanlab.data.shard_names import shards_by_part
from scanlab.data.targets import as_targets
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = ["load_shards"]

SHARD_WORDS = ("as_stored",)
_NUMBER = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True, eq=False)
class _Samples:
    """The pictures of a part by number. first: the number of each shard's first sample."""

    shards: Sequence[Path]
    indices: Sequence[ShardIndex]
    first: NDArray[np.int64]
    labels: NDArray
    size: tuple[int, ...] | None
    layout: Layout

    def __call__(self, number: int) -> tuple[NDArray[np.float32], Any]:
        """A picture as `read_picture` gives that of a file, with its label."""
        shard, index, own = self._place(number)
        name = index.names[own].decode()
        content = member_content(shard, name, int(index.starts[own]), int(index.sizes[own]))
        return read_picture(shard / name, self.size, None, self.layout, content=content), self.labels[number]

    def name(self, number: int) -> str:
        """The file that a picture is in its shard."""
        shard, index, own = self._place(number)
        return f"{shard.name}/{index.names[own].decode()}"

    def _place(self, number: int) -> tuple[Path, ShardIndex, int]:
        shard = int(np.searchsorted(self.first, number, side="right")) - 1
        return self.shards[shard], self.indices[shard], number - int(self.first[shard])


def load_shards(name: str, size: tuple[int, ...] | None, layout: Layout, lazy: Lazy) -> Dataset:
    """Pictures with classes from tar shards, in memory or read when they are needed, with the numbers that the same
    files have in folders.

    name: as `is_shards` says. An index of all files in a shard is made once and kept among the user's caches. Raises
    S844 for a shard that is cut short, S845 for one of another layout, S846 for names, and what `load_items` raises.
    """
    require_pillow()
    layout.check(SHARD_WORDS, "tar shards")
    by_part = shards_by_part(name)
    indices = {part: [indexed(shard) for shard in shards] for part, shards in by_part.items()}
    every = [index for some in indices.values() for index in some]
    read = sorted({str(index.read[0]) for index in every})
    if len(read) > 1:
        problem = f"shards of {name} have their classes in {' and in '.join(read)}"
        raise ScanlabError.at("S845", problem, help="write all alike")
    notes = [Note("layout", f"{count_text(len(every), 'tar shard')}, classes by {read[0]}")]
    targets = _targets(name, every, notes)
    parts, start = {}, 0
    for part, shards in by_part.items():
        counts = [len(index.names) for index in indices[part]]
        labels = targets.labels[start : start + sum(counts)]
        start += sum(counts)
        first = np.cumsum([0, *counts[:-1]])
        samples = _Samples(shards, indices[part], first, labels, size, layout)
        parts[part] = ItemSet(len(labels), samples, labels, targets.class_names, samples.name, _mark(indices[part]))
    credit = f"read from {count_text(len(every), 'tar shard')}"
    return load_items(Path(name).name, parts, credit, size, lazy, notes)


def _targets(name: str, indices: Sequence[ShardIndex], notes: list[Note]) -> Any:
    """Classes of all samples: whole numbers, or words in their order."""
    written = np.concatenate([index.labels for index in indices])
    seen = np.unique(written).tolist()
    words = [value for value in seen if not _NUMBER.fullmatch(value)]
    if words and len(words) < len(seen):
        number = next(value for value in seen if value not in words)
        problem = f"classes of {name} are numbers such as {number} and words such as {words[0]!r}"
        raise ScanlabError.at("S845", problem, help="write all alike")
    return as_targets("classes", written if words else written.astype(np.int64), Layout(), notes, _wrong(name))


def _wrong(name: str) -> Any:
    return lambda problem, help: ScanlabError.at("S845", f"{name} is no data set: {problem}", help=help)


def _mark(indices: Sequence[ShardIndex]) -> str:
    digest = hashlib.sha256()
    for index in indices:
        digest.update(b"\0".join(index.names.tolist()))
        digest.update(np.ascontiguousarray(index.sizes).data)
    return digest.hexdigest()
