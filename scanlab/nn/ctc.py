"""Connectionist temporal classification: from scores per step to a text, by the best path or by a beam of prefixes.

Source: Graves et al. 2006, doi 10.1145/1143844.1143891; the beam is that of Hannun et al., arXiv 1408.2873, without a
language model. A text's alignments are all sequences of symbols and blanks, one per step, that give it when repeated
symbols become one and blanks are left out. The blank is the last column.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["beam_search", "best_path", "needed_steps"]

Text = tuple[int, ...]


def best_path(scores: NDArray[np.floating]) -> Text:
    """The text of the most probable alignment, which need not be the most probable text.

    scores [T, symbols + 1]: logits or logarithms of probabilities, the blank last. Raises S672 for scores that are not.

    >>> best_path(np.array([[2.0, 0, 0], [2, 0, 0], [0, 0, 2], [2, 0, 0], [0, 2, 0]]))
    (0, 0, 1)
    """
    scores = _checked(scores)
    blank = scores.shape[1] - 1
    likeliest = scores.argmax(1)
    kept = np.flatnonzero(np.diff(likeliest, prepend=blank) != 0)
    return tuple(int(s) for s in likeliest[kept] if s != blank)


def beam_search(scores: NDArray[np.floating], width: int = 8) -> list[tuple[Text, float]]:
    """The most probable texts with the logarithms of their probabilities, at most `width` of them, best first.

    scores [T, symbols + 1]: logarithms of probabilities, the blank last. A text's probability is the sum over its
    alignments; of those the search drops what begins with a prefix that was not among the best `width` at some step, so
    that what it gives is a lower bound, and exact where nothing was dropped. Raises S672 for scores that are none, and
    a width below 1.

    >>> halves = np.log(np.full((2, 2), 0.5))
    >>> [(text, round(float(np.exp(score)), 3)) for text, score in beam_search(halves)]
    [((0,), 0.75), ((), 0.25)]
    """
    scores = _checked(scores).astype(np.float64)
    if width < 1:
        raise ScanlabError.at("S672", f"a beam of {width} texts holds none", help="give a width of at least 1")
    texts: list[Text] = [()]
    # Of every prefix the share of alignments that end in a blank, and of those that end in its last symbol.
    blank_ended, symbol_ended = np.zeros(1), np.full(1, -np.inf)
    for step in scores:
        texts, blank_ended, symbol_ended = _onward(step, texts, blank_ended, symbol_ended, width)
    totals = np.logaddexp(blank_ended, symbol_ended)
    order = np.argsort(-totals, kind="stable")
    return [(texts[n], float(totals[n])) for n in order]


Beam = tuple[list[Text], NDArray[np.float64], NDArray[np.float64]]


def _onward(
    step: NDArray[np.float64],
    texts: list[Text],
    blank_ended: NDArray[np.float64],
    symbol_ended: NDArray[np.float64],
    width: int,
) -> Beam:
    """The best prefixes after one more step."""
    symbols, blank = step[:-1], step[-1]
    totals = np.logaddexp(blank_ended, symbol_ended)
    longer = totals[:, None] + symbols
    stays, repeats = totals + blank, np.full(len(texts), -np.inf)
    place = {text: n for n, text in enumerate(texts)}
    for n, text in enumerate(texts):
        if text:
            last = text[-1]
            repeats[n] = symbol_ended[n] + symbols[last]
            # The same symbol again is another one only after a blank.
            longer[n, last] = blank_ended[n] + symbols[last]
    for n, text in enumerate(texts):
        parent = place.get(text[:-1]) if text else None
        if parent is not None:
            repeats[n] = np.logaddexp(repeats[n], longer[parent, text[-1]])
            longer[parent, text[-1]] = -np.inf
    gained = np.concatenate([np.logaddexp(stays, repeats), longer.ravel()])
    best = np.argsort(-gained, kind="stable")[:width]
    best = best[gained[best] > -np.inf]
    kept, grown = best[best < len(texts)], best[best >= len(texts)] - len(texts)
    parents, added = np.divmod(grown, len(symbols))
    return (
        [texts[n] for n in kept] + [(*texts[p], int(s)) for p, s in zip(parents, added, strict=True)],
        np.concatenate([stays[kept], np.full(len(grown), -np.inf)]),
        np.concatenate([repeats[kept], longer[parents, added]]),
    )


def needed_steps(text: Sequence[int]) -> int:
    """The fewest steps that an alignment of a text has: one for each symbol, and a blank between two that are alike.

    >>> needed_steps([3, 3, 4])
    4
    """
    return len(text) + sum(a == b for a, b in pairwise(text))


def _checked(scores: NDArray[np.floating]) -> NDArray[np.floating]:
    scores = np.asarray(scores)
    if scores.ndim != 2 or scores.shape[1] < 2 or scores.dtype.kind != "f" or np.isnan(scores).any():
        raise ScanlabError.at(
            "S672",
            f"scores to decode are {scores.dtype} {list(scores.shape)}"
            + (" with NaN" if scores.dtype.kind == "f" and np.isnan(scores).any() else ""),
            help="give logarithms of probabilities [steps, symbols + 1], the blank last",
        )
    return scores
