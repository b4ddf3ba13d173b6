"""How the outputs of several paths become one: a row for every merge, read by all who need to know.

A merge that needs no code of its own is a row here; one that learns, or that changes the steps, also has a module
(CONTRIBUTING.md, "Add a merge").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.guesses import nearest_text

__all__ = ["MERGES", "MergeRule", "merge_rule"]


def _once(parts: int) -> float:
    return 1.0


def _one_over(parts: int) -> float:
    return 1 / parts


@dataclass(frozen=True)
class MergeRule:
    """What one merge means.

    outputs: what becomes of them, in a few words, for the documentation. visits: whether its parts visit the "same"
    patches, "disjoint" ones, or "any". weight: what each part's output counts, given how many parts there are. splits:
    each part has an equal share of the channels for itself, instead of all of them. learned: a weight per part and
    channel is learned, beside that one. joins: the parts are one sequence with one state. flat: one within another of
    its kind is one, so that `sum(a, sum(b, c))` is `sum(a, b, c)`.
    """

    outputs: str
    visits: str = "same"
    weight: Callable[[int], float] = _once
    splits: bool = False
    learned: bool = False
    joins: bool = False
    flat: bool = False

    @property
    def by_tables(self) -> bool:
        """Whether an operator can take it by name beside a table of steps, which knows no parts within parts."""
        return not (self.splits or self.learned or self.joins)

    @property
    def adds(self) -> bool:
        """Whether every part's output counts once, on all channels."""
        return self.weight is _once and not (self.splits or self.learned)


MERGES: Mapping[str, MergeRule] = MappingProxyType(
    {
        "sum": MergeRule("added", flat=True),
        "mean": MergeRule("averaged", weight=_one_over),
        "gate": MergeRule("added with learned weights per channel", learned=True),
        "heads": MergeRule("the channels are split evenly over the parts and joined again", splits=True),
        "scatter": MergeRule("disjoint partial paths that together cover the grid", visits="disjoint", flat=True),
        "chain": MergeRule(
            "one sequence: the parts one after another, the state carried over; outputs of a patch are added",
            visits="any",
            joins=True,
            flat=True,
        ),
    }
)


def merge_rule(name: str) -> MergeRule:
    """The row of a merge. Raises S201 for a name that is none."""
    rule = MERGES.get(name)
    if rule is None:
        help = nearest_text(name, MERGES, f"merges are {', '.join(MERGES)}")
        raise ScanlabError.at("S201", f"there is no merge `{name}`", help=help)
    return rule
