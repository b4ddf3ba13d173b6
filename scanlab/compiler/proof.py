"""What a proof is: a claim, a verdict, and the reason or the counter-example behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scanlab.ir.diagnostics import CounterExample
from scanlab.ir.shown import Shown
from scanlab.ir.text import grid_text

__all__ = ["Proof", "combine_proofs"]

_VERDICTS = ("refuted", "undecided", "proved for this grid", "proved")


@dataclass(frozen=True, repr=False)
class Proof(Shown):
    """The verdict on a claim.

    ``verdict``: ``proved`` (for all grid sizes, or all of ``scope``), ``proved for this grid``, ``refuted`` (with a
    counter-example and the ``code`` of the error that it is) or ``undecided`` (with the reason). ``method`` says how it
    was decided, ``scope`` which grids the claim is about where it is not about all, ``notes`` what it rests on and
    where it says less than it seems to.

    >>> import scanlab
    >>> proof = scanlab.prove("by h // 2, w")
    >>> proof.verdict, bool(proof), proof.counterexample.patches
    ('refuted', False, ((0, 0), (1, 0)))
    """

    claim: str
    verdict: str
    method: str = ""
    reason: str = ""
    counterexample: CounterExample | None = None
    grid: tuple[int, ...] | None = None
    scope: str = ""
    notes: tuple[str, ...] = ()
    code: str = ""

    def __bool__(self) -> bool:
        """Whether the claim holds as far as asked: for all sizes, or for the grid that was given."""
        return self.verdict.startswith("proved")

    @property
    def words(self) -> str:
        """The verdict with the grids that it is about: ``proved for all sizes``, ``not decided for all sizes``, …"""
        match self.verdict:
            case "proved":
                return f"proved for {self.scope or 'all sizes'}"
            case "proved for this grid":
                return f"proved for this grid ({grid_text(self.grid or ())})"
            case "undecided":
                return f"not decided for {self.scope or 'all sizes'}"
        return self.verdict

    def __str__(self) -> str:
        verdict = "undecided" if self.verdict == "undecided" else self.words
        lines = [f"{self.claim}: {verdict}"]
        if self.counterexample is not None:
            lines.append(f"  counter-example: {self.counterexample}")
        if self.reason:
            lines.append(f"  because {self.reason}")
        if self.method:
            lines.append(f"  by {self.method}")
        lines += [f"  {note}" for note in self.notes]
        return "\n".join(lines)

    def _words(self) -> str:
        return str(self).partition("\n")[0]


def combine_proofs(claim: str, proofs: Iterable[Proof]) -> Proof:
    """The verdict on several claims at once: the weakest of them, with the notes and the scope of all.

    Of several counter-examples it is the one on the smallest grid.
    """
    given = list(proofs)
    worst = min(given, key=lambda p: (_VERDICTS.index(p.verdict), _size(p)))
    return Proof(
        claim,
        worst.verdict,
        worst.method,
        worst.reason,
        worst.counterexample,
        worst.grid,
        next((p.scope for p in given if p.scope), ""),
        tuple(dict.fromkeys(note for p in given for note in p.notes)),
        worst.code,
    )


def _size(proof: Proof) -> tuple[int, ...]:
    example = proof.counterexample
    return () if example is None else (sum(example.grid), *example.grid)
