"""Which known word a misspelt one was meant to be."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["nearest", "nearest_text"]

_FURTHEST = 3
_SHORTEST_BEGINNING = 3


def nearest(word: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The known words that are a slip away, nearest first; none where all are other words.

    >>> nearest("snaek", ["snake", "spiral_in"]), nearest("extends", ["seeds"])
    (['snake'], [])

    A slip is a letter too many, missing, wrong or changed with its neighbour, one in every three letters and at most
    three; or the beginning of a longer word.
    """
    given = word.lower()
    allowed = min(_FURTHEST, (len(given) + 1) // 3)
    candidates = []
    for name in dict.fromkeys(known):
        slips = _slips(given, name.lower(), allowed)
        if slips <= allowed:
            candidates.append((slips, name))
        elif len(given) >= _SHORTEST_BEGINNING and name.lower().startswith(given):
            candidates.append((allowed + 1, name))
    return [name for _, name in sorted(candidates, key=lambda pair: pair[0])[:most]]


def nearest_text(word: str, known: Iterable[str], otherwise: str, most: int = 3) -> str:
    """The help for an unknown word: what it was meant to be, or else what `otherwise` says."""
    names = nearest(word, known, most)
    return f"did you mean {' or '.join(f'`{name}`' for name in names)}?" if names else otherwise


def _slips(a: str, b: str, most: int) -> int:
    """How many slips lead from one word to the other, as far as `most`; more than that is `most` + 1."""
    if abs(len(a) - len(b)) > most:
        return most + 1
    before, row = [], list(range(len(b) + 1))
    for i, letter in enumerate(a, start=1):
        last, before, row = before, row, [i]
        for j, other in enumerate(b, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return min(row[-1], most + 1)
