"""What a proof is: a claim, a verdict, and the reason or the counter-example behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scanlab.ir.diagnostics import CounterExample

__all__ = ["Proof", "together"]

_VERDICTS = ("refuted", "undecided", "proved for this grid", "proved")


@dataclass(frozen=True)
class Proof:
    """The verdict on a claim.

    ``verdict``: ``proved`` (for all grid sizes), ``proved for this grid``, ``refuted`` (with a counter-example) or
    ``undecided`` (with the reason). ``method`` says how it was found.
    """

    claim: str
    verdict: str
    method: str = ""
    reason: str = ""
    counterexample: CounterExample | None = None
    grid: tuple[int, ...] | None = None

    def __bool__(self) -> bool:
        """Whether the claim holds as far as asked: for all sizes, or for the grid that was given."""
        return self.verdict.startswith("proved")

    def __str__(self) -> str:
        size = {"proved": " for all sizes", "proved for this grid": f" ({'x'.join(map(str, self.grid or ()))})"}
        lines = [f"{self.claim}: {self.verdict}{size.get(self.verdict, '')}"]
        if self.counterexample is not None:
            lines.append(f"  counter-example: {self.counterexample}")
        if self.reason:
            lines.append(f"  because {self.reason}")
        if self.method:
            lines.append(f"  by {self.method}")
        return "\n".join(lines)


def together(claim: str, proofs: Iterable[Proof]) -> Proof:
    """The verdict on several claims at once: the weakest of them."""
    worst = min(proofs, key=lambda p: _VERDICTS.index(p.verdict))
    return Proof(claim, worst.verdict, worst.method, worst.reason, worst.counterexample, worst.grid)
