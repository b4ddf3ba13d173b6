"""How far texts that were read are from those that are there: character and word error rates, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["ErrorRate", "edit_distance", "error_counts", "error_rate"]


@dataclass(frozen=True)
class ErrorRate:
    """Edits over the length of what is there, with the bounds of its confidence interval; above 1 where more was read
    than is there.

    >>> ErrorRate(0.1, 0.08, 0.12).rate
    0.1
    """

    rate: float
    low: float
    high: float


def edit_distance(read: Sequence[Any], there: Sequence[Any]) -> int:
    """The fewest insertions, deletions and substitutions that turn one sequence into the other (Levenshtein).

    >>> edit_distance("kitten", "sitting")
    3
    """
    index = {symbol: n for n, symbol in enumerate(dict.fromkeys((*read, *there)))}
    one, other = ([index[symbol] for symbol in some] for some in (read, there))
    columns = np.arange(len(other) + 1)
    wrong = np.array(other, np.int64)
    row = columns.copy()
    for number, symbol in enumerate(one, start=1):
        best = np.minimum(row[1:] + 1, row[:-1] + (wrong != symbol))
        # What comes from the left costs one a column: a running minimum of costs without their column.
        row = np.minimum.accumulate(np.concatenate([[number], best]) - columns) + columns
    return int(row[-1])


def error_counts(read: Sequence[str], there: Sequence[str]) -> NDArray[np.int64]:
    """Of every text: edits in characters, its characters, edits in words, its words; int64 [M, 4].

    Words stand between white space.

    >>> error_counts(["das Hauß"], ["das Haus"]).tolist()
    [[1, 8, 1, 2]]
    """
    rows = [
        (edit_distance(r, t), len(t), edit_distance(r.split(), t.split()), len(t.split()))
        for r, t in zip(read, there, strict=True)
    ]
    return np.array(rows, np.int64).reshape(len(rows), 4)


def error_rate(
    edits: NDArray,
    lengths: NDArray,
    groups: NDArray | None = None,
    confidence: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> ErrorRate:
    """All edits over all lengths, with the interval that a bootstrap of texts gives (percentiles).

    edits, lengths: of every text, [M]. groups [M]: texts of one print or writer, which have their mistakes in common,
    are drawn together; without them every text is drawn by itself. The interval speaks of other texts (or prints) of
    the same kind, not of other trainings; with few groups it comes out too narrow. Raises S672 for nothing to compare,
    and for a confidence or draws that give no interval.

    >>> error_rate(np.array([1, 0, 3, 0]), np.array([10, 10, 10, 10]))
    ErrorRate(rate=0.1, low=0.0, high=0.225)
    """
    if not len(edits) or not lengths.sum():
        raise ScanlabError.at("S672", "there is no text to compare with", help="give at least one that is not empty")
    if not 0 < confidence < 1 or draws < 1:
        problem = f"no interval has a confidence of {confidence:g} from {draws} draws"
        raise ScanlabError.at("S672", problem, help="give a confidence between 0 and 1, and one draw at least")
    if groups is not None:
        members = np.unique(groups, return_inverse=True)[1]
        edits, lengths = (np.bincount(members, weights=values) for values in (edits, lengths))
    chosen = np.random.RandomState(seed).randint(len(edits), size=(draws, len(edits)))
    drawn = edits[chosen].sum(1) / np.maximum(lengths[chosen].sum(1), 1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, (tail, 1 - tail))
    return ErrorRate(float(edits.sum() / lengths.sum()), float(low), float(high))
