"""Images that cannot be read while a model trains on others: counted, up to a limit that was declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = ["Unreadable"]


@dataclass(eq=False)
class Unreadable:
    """Which images could not be read, by their numbers: unlike the files of `Damaged` they are kept in checkpoints and
    known to all processes. most: how many there may be; why: what was wrong, "" where another process saw it.

    >>> left = Unreadable(most=1)
    >>> left.note(7, ScanlabError.at("S644", "b/7.png cannot be read as an image"))
    >>> left.first
    'b/7.png cannot be read as an image'
    """

    most: int = 0
    why: dict[int, str] = field(default_factory=dict)

    def note(self, number: int, error: ScanlabError) -> None:
        """Count an image that cannot be read, once. Raises the error where there are more than there may be."""
        self.why[number] = self.why.get(number, "") or error.diagnostics[0].message
        if len(self.why) > self.most:
            raise self._too_many(error)

    def add(self, why: Mapping[int, str]) -> None:
        """Count what was seen earlier, or by other processes. Raises S644 where there are too many."""
        for number, reason in why.items():
            self.why[number] = self.why.get(number, "") or reason
        if len(self.why) > self.most:
            raise self._too_many(ScanlabError.at("S644", self.first or "images are damaged"))

    @property
    def first(self) -> str:
        """What was wrong with the first of them, by number."""
        return next((reason for _, reason in sorted(self.why.items()) if reason), "")

    def _too_many(self, error: ScanlabError) -> ScanlabError:
        if not self.most:
            return error
        first = error.diagnostics[0]
        note = f"{count_text(len(self.why), 'image')} cannot be read, and {self.most} may be left out"
        return ScanlabError.at(first.code, first.message, note=note, help="repair the files, or allow more of them")
