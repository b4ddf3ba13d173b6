"""Files that cannot be read: left out and counted, up to a limit that a person gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = ["Damaged"]

# A file that is damaged, or something else than its name says.
_UNREADABLE = "S644"


@dataclass
class Damaged:
    """Files that could not be read, with the errors that say why. most: so many may be.

    >>> damaged = Damaged(most=1)
    >>> with damaged.left_out(Path("a.png")):
    ...     raise ScanlabError.at("S644", "a.png cannot be read as an image")
    >>> damaged.sentence
    '1 file could not be read and counts nowhere, such as a.png.'
    """

    most: int = 0
    errors: dict[Path, ScanlabError] = field(default_factory=dict)

    @contextmanager
    def left_out(self, file: Path) -> Iterator[None]:
        """Within it, a file that cannot be read (S644) is counted, and what follows there is left out; the error of one
        too many is raised, as all others are."""
        try:
            yield
        except ScanlabError as error:
            if error.diagnostics[0].code != _UNREADABLE:
                raise
            self.count(file, error)

    def count(self, file: Path, error: ScanlabError) -> None:
        """Count a file. Raises its error where it is one too many."""
        self.errors[file] = error
        if len(self.errors) > self.most:
            raise error

    @property
    def sentence(self) -> str:
        """How many there were, "" for none."""
        if not self.errors:
            return ""
        verb = "counts" if len(self.errors) == 1 else "count"
        first = next(iter(self.errors)).name
        return f"{count_text(len(self.errors), 'file')} could not be read and {verb} nowhere, such as {first}."
