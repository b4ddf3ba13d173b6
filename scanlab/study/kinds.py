"""What each outcome of a comparison looks like and is called, wherever results are shown: this is its one home."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from scanlab.study.findings import ProblemFindings, StrategyFindings
from scanlab.study.trial_wording import diverged_words

__all__ = ["KINDS", "Kind", "kind_of", "kind_words"]


@dataclass(frozen=True)
class Kind:
    """One outcome. glyph: of one cell, so that colour is never all that tells; meaning: for a legend, "" where the name
    says all; style: in rich's words, for terminals. `css` is its class, to which results.css gives a colour.

    >>> KINDS["better"].glyph, KINDS["not distinguishable"].css
    ('▲', 'kind-not-distinguishable')
    """

    name: str
    glyph: str
    meaning: str
    style: str

    @property
    def css(self) -> str:
        """The class in a page's style sheet."""
        return f"kind-{self.name.replace(' ', '-')}"

    @property
    def legend(self) -> str:
        """Its name with what it means."""
        return f"{self.name}: {self.meaning}" if self.meaning else self.name


_ROWS = (
    Kind("better", "▲", "", "bold green"),
    Kind("worse", "▼", "", "bold red"),
    Kind("equivalent", "≈", "the difference is within the margin", "cyan"),
    Kind("not distinguishable", "?", "these seeds do not tell the two apart", ""),
    Kind("blind", "×", "neither an order nor a control without one differs here", "yellow"),
    Kind("baseline", "◆", "what all others are compared with", "bold"),
    Kind("same", "=", "the same order as another strategy here, run once", "dim"),
    Kind("waiting", "○", "trials have no result yet", "dim"),
    Kind("no result", "-", "no pair of trials to compare", "dim"),
)
KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _ROWS})


def kind_of(row: StrategyFindings, problem: ProblemFindings, baseline: str) -> Kind:
    """How a strategy, or a control, stands against the baseline on a problem.

    On a blind problem strategies that do not differ are "blind", whatever else is said of them; controls, which are
    what tells that it is blind, keep their own outcomes.
    """
    if row.label == baseline:
        return KINDS["baseline"]
    if row.same_as:
        return KINDS["same"]
    if row.comparison is None:
        base = problem.row_or_none(baseline)
        return KINDS["waiting" if row.waiting or (base and base.waiting) else "no result"]
    undecided = row.comparison.kind in ("equivalent", "not distinguishable")
    return KINDS["blind" if problem.blind and undecided and row.control is None else row.comparison.kind]


def kind_words(row: StrategyFindings, problem: ProblemFindings, baseline: str) -> str:
    """The outcome in words: the verdict, or why there is none."""
    kind = kind_of(row, problem, baseline)
    if row.comparison is not None:
        return f"blind: {row.comparison.verdict}" if kind.name == "blind" else row.comparison.verdict
    alone = diverged_words(row, problem) if row.diverged else "no pair to compare"
    without = {"same": f"the same as {row.same_as}", "waiting": "no result yet", "no result": alone}
    return without.get(kind.name, kind.name)
