"""What a trial said of every sample that it was measured on: kept small beside its result, read when asked for."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scanlab.study.record import MemberRecord, StudyRecord

__all__ = ["TABLES", "Predictions", "open_predictions", "read_predictions", "scores_of", "write_predictions"]

TABLES = (
    "CREATE TABLE IF NOT EXISTS predictions (key TEXT PRIMARY KEY, kind TEXT NOT NULL, samples TEXT NOT NULL, "
    "content BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS truths (samples TEXT PRIMARY KEY, content BLOB NOT NULL)",
)
# Of 16 bits, for shares in [0, 1]; the next value is none.
_STEPS = 65534
_NONE = 65535
_SHARES = ("dice", "ap50")
# Kinds with the metrics that are means of their values.
_MEANS = (("dice", "dice"), ("ap50", "image_ap50"), ("loss", "mse"), ("loss", "bits_per_value"))
# Of a task of a person's own: its primary metric is their mean.
VALUE = "value"
# The columns of edits and of lengths that a rate is of.
_EDITS = {"cer": [0, 1], "wer": [2, 3]}


@dataclass(frozen=True, eq=False)
class Predictions:
    """One trial on the samples that it was measured on, M of them in their order.

    kind: "class", values int64 [M], the predicted ones; "dice", float64 [M, classes - 1], a share for every class but
    the background, NaN where neither mask nor guess has it, to the nearest of 65,535 values; "ap50", likewise, average
    precision for every class; "loss", float32 [M]; "edits", int64 [M, 4], of lines of text: edits in characters,
    characters, edits in words, words; "value", float32 [M], whose mean is the primary metric of a task of a person's
    own. samples: a name for these samples; trials with one name were measured on the
    same. truth: int64 [M], the true classes, for "class".

    >>> kept = Predictions("class", np.array([1, 0, 1]), "the digits", np.array([1, 1, 1]))
    >>> kept.scores("accuracy")
    array([[1.],
           [0.],
           [1.]])
    """

    kind: str
    values: NDArray
    samples: str
    truth: NDArray[np.int64] | None = None

    def scores(self, metric: str) -> NDArray[np.float64] | None:
        """What every sample gives to a metric of the task, float64 [M, columns], NaN for nothing.

        The metric is the mean over columns of their means over samples. None where it is no such mean (AUC).
        """
        if self.kind == "class" and self.truth is not None and metric in ("accuracy", "balanced_accuracy"):
            right = (self.values == self.truth).astype(np.float64)[:, None]
            if metric == "accuracy":
                return right
            return np.where(self.truth[:, None] == np.unique(self.truth), right, np.nan)
        if self.kind == "edits" and metric in _EDITS:
            edits, lengths = self.values[:, _EDITS[metric]].T.astype(np.float64)
            # All edits over all lengths, as a mean over lines: the lengths are those of the lines that are there.
            return (edits / lengths.mean())[:, None]
        if self.kind == VALUE or (self.kind, metric) in _MEANS:
            return self.values.reshape(len(self.values), -1).astype(np.float64)
        return None


Reader = Callable[[Sequence[MemberRecord]], dict[str, Predictions]]


def write_predictions(base: sqlite3.Connection, key: str, kept: Predictions) -> None:
    """Write a trial's down, within a transaction; what is true once for all trials on the same samples."""
    base.execute(
        "INSERT OR REPLACE INTO predictions VALUES (?, ?, ?, ?)",
        (key, kept.kind, kept.samples, _packed(_small(kept.kind, kept.values))),
    )
    if kept.truth is not None:
        base.execute("INSERT OR IGNORE INTO truths VALUES (?, ?)", (kept.samples, _packed(_small("class", kept.truth))))


def read_predictions(record: StudyRecord, members: Sequence[MemberRecord]) -> dict[str, Predictions]:
    """What was kept of these members' trials, by key; nothing for a study that was not read from a database, and for
    trials that an earlier version ran."""
    with open_predictions(record) as read:
        return read(members)


@contextmanager
def open_predictions(record: StudyRecord) -> Iterator[Reader]:
    """A function that reads what `read_predictions` does, from a database that is opened once."""
    if record.database is None:
        yield lambda _: {}
        return
    with closing(sqlite3.connect(record.database, timeout=60)) as base:
        names = {name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        known = {"predictions", "truths"} <= names
        yield lambda members: dict(_read(base, {member.key for member in members})) if known else {}


def scores_of(
    record: StudyRecord, problem: str, strategy: str, baseline: str, metric: str, read: Reader | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Scores float64 [seeds, M, columns] of a strategy and the baseline, as `study.crossed` takes them.

    Seeds are those that both have. None where nothing was kept, where seeds were measured on different samples (parts
    drawn anew), or where the metric is no mean over samples. read: of a database that is open (`open_predictions`).

    >>> scores_of(StudyRecord({}, (), {}), "digits", "hilbert", "row", "accuracy") is None
    True
    """
    keys = {
        name: {m.seed: m for m in record.members if (m.problem, m.strategy) == (problem, name)}
        for name in (strategy, baseline)
    }
    seeds = [seed for seed in keys[strategy] if seed in keys[baseline]]
    members = [keys[name][seed] for name in keys for seed in seeds]
    kept = read(members) if read else read_predictions(record, members)
    both = [seed for seed in seeds if all(keys[name][seed].key in kept for name in keys)]
    pairs = [[kept[keys[name][seed].key] for seed in both] for name in (strategy, baseline)]
    if not both or len({each.samples for side in pairs for each in side}) > 1:
        return None
    scored = [[each.scores(metric) for each in side] for side in pairs]
    if any(scores is None for side in scored for scores in side):
        return None
    return np.stack(scored[0]), np.stack(scored[1])  # pyright: ignore[reportCallIssue, reportArgumentType]


def _read(base: sqlite3.Connection, wanted: set[str]) -> Iterator[tuple[str, Predictions]]:
    truths: dict[str, NDArray[np.int64]] = {}
    for key in sorted(wanted):
        row = base.execute("SELECT kind, samples, content FROM predictions WHERE key = ?", (key,)).fetchone()
        if row is None:
            continue
        kind, samples, content = row
        if kind == "class" and samples not in truths:
            (truth,) = base.execute("SELECT content FROM truths WHERE samples = ?", (samples,)).fetchone()
            truths[samples] = _whole(kind, truth)
        yield key, Predictions(kind, _whole(kind, content), samples, truths.get(samples) if kind == "class" else None)


def _small(kind: str, values: NDArray) -> NDArray:
    if kind == "class":
        return values.astype(np.uint8 if values.max(initial=0) < 256 else np.uint16)
    if kind in _SHARES:
        return np.where(np.isnan(values), _NONE, np.rint(np.nan_to_num(values) * _STEPS)).astype(np.uint16)
    return values.astype(np.uint16 if kind == "edits" else np.float32)


def _whole(kind: str, content: bytes) -> NDArray:
    values = _unpacked(content)
    if kind in ("class", "edits"):
        return values.astype(np.int64)
    return np.where(values == _NONE, np.nan, values / _STEPS) if kind in _SHARES else values


def _packed(values: NDArray) -> bytes:
    """Type and shape in a line of text, then the values, compressed."""
    head = f"{values.dtype.str} {' '.join(map(str, values.shape))}\n"
    return zlib.compress(head.encode() + np.ascontiguousarray(values).tobytes(), 9)


def _unpacked(content: bytes) -> NDArray:
    head, _, values = zlib.decompress(content).partition(b"\n")
    kind, *shape = head.decode().split()
    return np.frombuffer(values, kind).reshape(tuple(map(int, shape)))
