"""A habit from another language: how it is seen in the words around a place, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Habit"]


@dataclass(frozen=True)
class Habit:
    """``after``: how the text goes on at the place, from its first word. ``before``: how the text before it ends."""

    after: str
    suggestion: str | Callable[..., str]
    before: str = ""

    def seen(self, before: str, after: str) -> str | None:
        """The suggestion, if this is the habit."""
        there = re.match(self.after, after)
        here = re.search(f"(?:{self.before})$", before) if self.before else re.match("", before)
        if there is None or here is None:
            return None
        words = {k: v and _tidy(v) for k, v in {**here.groupdict(), **there.groupdict()}.items()}
        return self.suggestion.format(**words) if isinstance(self.suggestion, str) else self.suggestion(**words)


def _tidy(words: str) -> str:
    """Words that were joined by spaces, as people space them."""
    return re.sub(r" (?=[,)\]])|(?<=[(\[]) |(?<=\w) (?=[(\[])", "", words.strip())
