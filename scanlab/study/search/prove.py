"""No candidate is trained before it is proved, nor one that does what another did."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from scanlab.compiler.bind import bind
from scanlab.compiler.prove import prove
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import Value
from scanlab.nn import BackboneConfig
from scanlab.study.digest import Compiled, order_digest

__all__ = ["VERDICTS", "Screen", "Screened"]

VERDICTS = ("new", "the same as another", "refuted", "undecided", "does not bind")


@dataclass(frozen=True)
class Screened:
    """A candidate's fate before training.

    verdict: of VERDICTS; only "new" ones are trained. reason: the counter-example or why it is not decided. digest,
    plan: of its steps on the problem's grid, and itself bound to it, where it is proved. same_as: the digest's first
    owner.
    """

    verdict: str
    reason: str = ""
    digest: str = ""
    plan: Compiled | None = None
    same_as: str = ""


class Screen:
    """Lets each order through once. It has to be proved for grids of all sizes: a model may meet others than it learns.

    grid, config and transfer are those of the problem; they say on which grids two orders must agree to be the same.
    """

    def __init__(self, grid: tuple[int, ...], config: BackboneConfig, transfer: tuple[str, ...] = ()) -> None:
        self.grid, self.config, self.transfer = grid, config, transfer
        self.counts: Counter[str] = Counter()
        self._owners: dict[str, str] = {}

    def known(self, plan: Compiled, owner: str) -> None:
        """Candidates with the steps of this one are no news, though it is not counted: the baseline, say."""
        self._owners.setdefault(order_digest(plan, self.config, self.transfer), owner)

    def examine(self, value: Value, owner: str) -> Screened:
        """Prove a candidate, bind it, and compare its steps with all before; counted."""
        screened = self._examine(value, owner)
        self.counts[screened.verdict] += 1
        return screened

    def _examine(self, value: Value, owner: str) -> Screened:
        try:
            proof = prove(value)
        except ScanlabError as error:
            return Screened("undecided", error.diagnostics[0].message)
        if not proof:
            example = "" if proof.counterexample is None else f"; {proof.counterexample}"
            return Screened(proof.verdict, f"{proof.reason}{example}")
        try:
            plan = bind(value, self.grid)
            digest = order_digest(plan, self.config, self.transfer)
        except ScanlabError as error:
            # Proved for all sizes, yet too large a number, or a list for other grids, on this one.
            return Screened("does not bind", error.diagnostics[0].message)
        first = self._owners.setdefault(digest, owner)
        return Screened("new" if first == owner else "the same as another", "", digest, plan, first)
