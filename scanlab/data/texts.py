"""Texts as numbers in an alphabet, and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scanlab.data.text_files import transcription_of
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = ["END", "NO_CHARACTER", "OUTSIDE", "UNKNOWN", "numbers_of_texts", "text_of_numbers"]

# After the end of a text, and for a symbol that the alphabet lacks.
END, OUTSIDE = -1, -2
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
# Unicode gives this code point to no character, ever: it equals nothing that is read.
NO_CHARACTER = "\U0010ffff"
_MOST = np.iinfo(np.int16).max


def numbers_of_texts(texts: Sequence[str], training: NDArray[np.int64]) -> tuple[str, NDArray[np.int16]]:
    """The alphabet of the training texts, in the order of code points, and all texts by it, int16 [M, longest].

    Texts are composed (NFC), with runs of white space as one space and none at the ends. END stands after a text,
    OUTSIDE for a symbol that is in no training text. Raises S671 where there is no text, or more symbols than int16 can
    number.

    >>> alphabet, numbers = numbers_of_texts(["ab", "b a", "abc"], np.array([0, 1]))
    >>> alphabet, numbers.tolist()
    (' ab', [[1, 2, -1], [2, 0, 1], [1, 2, -2]])
    """
    texts = [transcription_of(text) for text in texts]
    alphabet = "".join(sorted({symbol for number in training for symbol in texts[number]}))
    if not alphabet or len(alphabet) > _MOST:
        problem = f"has {count_text(len(alphabet), 'symbol')}" if alphabet else "has no text"
        raise ScanlabError.at("S671", f"the training part {problem}", help="give lines with their transcriptions")
    place = {symbol: number for number, symbol in enumerate(alphabet)}
    numbers = np.full((len(texts), max(map(len, texts))), END, np.int16)
    for row, text in zip(numbers, texts, strict=True):
        row[: len(text)] = [place.get(symbol, OUTSIDE) for symbol in text]
    return alphabet, numbers


def text_of_numbers(numbers: NDArray, alphabet: Sequence[str], unknown: str = UNKNOWN) -> str:
    """The text of one row of numbers; symbols outside the alphabet as `unknown`.

    >>> text_of_numbers(np.array([1, -2, 0, -1]), "ab")
    'b\N{REPLACEMENT CHARACTER}a'
    """
    return "".join(unknown if number == OUTSIDE else alphabet[int(number)] for number in numbers if number != END)
