"""What isl was asked: the sets that decide claims, kept where somebody wants to see them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

__all__ = ["Asked", "asked", "is_kept", "note_question"]


@dataclass(frozen=True, eq=False)
class Asked:
    """One question to isl. what: whose members would refute the claim, and the set or relation of them; made_of: what
    that was computed from, by name."""

    what: str
    members: Any
    made_of: tuple[tuple[str, Any], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing refutes the claim, on any grid."""
        return bool(self.members.is_empty())

    def lines(self) -> list[str]:
        """In words: what the set was made of, and the set, as isl writes them."""
        made_of = [f"{name}: {part}" for name, part in self.made_of]
        return [*made_of, f"{self.what}: {'none' if self.is_empty else 'there are some'}, {self.members}"]


_trail: ContextVar[list[Asked] | None] = ContextVar("trail", default=None)


@contextmanager
def asked() -> Iterator[list[Asked]]:
    """The questions that isl is asked inside the block, in their order."""
    questions: list[Asked] = []
    token = _trail.set(questions)
    try:
        yield questions
    finally:
        _trail.reset(token)


def is_kept() -> bool:
    """Whether somebody wants to see the sets."""
    return _trail.get() is not None


def note_question(what: str, members: Any, **made_of: Any) -> None:
    """Keep a set or relation of isl with the ones that it is made of, where `asked` wants them; else do nothing.

    They become text later, outside the limit on isl's operations: a proof that is looked at takes the same steps.
    """
    trail = _trail.get()
    if trail is not None:
        trail.append(Asked(what, members, tuple((name.replace("_", " "), part) for name, part in made_of.items())))
