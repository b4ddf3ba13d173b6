"""Numbers as people paste them: a JSON list, what numpy or torch print, or numbers with blanks or commas between."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import shortened

__all__ = ["candidate_grids", "pasted_array"]

_HELP = "paste a JSON list, an array as numpy prints it, or numbers with blanks or commas between them"
_WRAPPED = re.compile(r"^\s*(?:\w+\.)?(?:array|tensor)\((.*)\)\s*$", re.DOTALL)
# What stands after the numbers in the prints of arrays and tensors.
_OPTIONS = re.compile(r",\s*(?:dtype|device|shape|requires_grad|grad_fn)\s*=\s*[^,]*(?:\([^)]*\))?\s*$")
_TOKEN = re.compile(r"[\[\]()]|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?=[\s,;\[\]()]|$)|\S+?(?=[\s,;\[\]()]|$)")
_DEEPEST = 4


def pasted_array(text: str) -> np.ndarray:
    """The array that a text holds, of integers where all its numbers are. Raises S430.

    >>> pasted_array("[[0, 1], [3, 2]]").tolist(), pasted_array("array([0, 2, 1])").tolist()
    ([[0, 1], [3, 2]], [0, 2, 1])
    """
    wrapped = _WRAPPED.match(text)
    body = wrapped[1] if wrapped else text
    while wrapped and (options := _OPTIONS.search(body)):
        body = body[: options.start()]
    if "..." in body or "…" in body:
        help = "print it whole first: numpy.set_printoptions(threshold=10**7)"
        raise ScanlabError.at("S430", "numbers are left out of this print, as its dots say", help=help)
    nested = _nested(_TOKEN.findall(body.replace(",", " ").replace(";", " ")))
    try:
        return np.array(nested)
    except (ValueError, OverflowError) as error:
        raise ScanlabError.at("S430", f"this is no array: {error}", help=_HELP) from None


def _nested(tokens: Sequence[str]) -> list[Any]:
    stack: list[list[Any]] = [[]]
    for token in tokens:
        if token in "[(":
            stack.append([])
            if len(stack) > _DEEPEST + 1:
                raise ScanlabError.at("S430", f"brackets are nested more than {_DEEPEST} deep", help=_HELP)
        elif token in "])":
            if len(stack) < 2:
                raise ScanlabError.at("S430", "a bracket closes that was not opened", help=_HELP)
            last = stack.pop()
            stack[-1].append(last)
        else:
            stack[-1].append(_number(token))
    if len(stack) > 1:
        raise ScanlabError.at("S430", "a bracket is not closed", help=_HELP)
    [whole] = stack
    if not whole:
        raise ScanlabError.at("S430", "there is no number", help=_HELP)
    return whole[0] if len(whole) == 1 and isinstance(whole[0], list) else whole


def _number(token: str) -> int | float:
    try:
        return int(token) if re.fullmatch(r"[-+]?\d{1,18}", token) else float(token)
    except ValueError:
        raise ScanlabError.at("S430", f"`{shortened(token)}` is no number", help=_HELP) from None


def candidate_grids(patches: int, most: int = 8) -> list[tuple[int, int]]:
    """Grids of so many patches, the squarest first, each with its transpose.

    >>> candidate_grids(12)
    [(3, 4), (4, 3), (2, 6), (6, 2), (1, 12), (12, 1)]
    """
    sides = [n for n in range(math.isqrt(patches), 0, -1) if patches % n == 0]
    pairs = dict.fromkeys(pair for n in sides for pair in ((n, patches // n), (patches // n, n)))
    return list(pairs)[:most]
