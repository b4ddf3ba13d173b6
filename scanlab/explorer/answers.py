"""What the worker processes answer; without the compiler, which the server does not load before it is needed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanlab.ir.diagnostics import Diagnostic

if TYPE_CHECKING:
    from scanlab.explorer.snapshot import Snapshot

__all__ = ["Drawn", "Judged", "Verdict", "merged"]


@dataclass(frozen=True, eq=False)
class Drawn:
    """A snapshot, and what the player shows of it."""

    snapshot: Snapshot
    data: dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What is known of one definition: its sign ✓ ✗ ? ·, its signature, and what is proved, in words."""

    name: str
    mark: str
    signature: str
    words: str


@dataclass(frozen=True)
class Judged:
    """What the proofs say of a text. diagnostics: all of the text's, sorted by place."""

    verdicts: tuple[Verdict, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


def merged(first: Iterable[Diagnostic], judged: Judged) -> tuple[Diagnostic, ...]:
    """All that is wrong with a text: what reading and binding said, with the proofs' say on what they cover."""
    proved = {d.code for d in judged.diagnostics}
    refuted = any(code.startswith("S30") for code in proved)
    kept = [d for d in first if d.code not in proved and not (refuted and d.code.startswith("S30"))]
    return tuple(sorted(dict.fromkeys([*kept, *judged.diagnostics]), key=Diagnostic.sort_key))
