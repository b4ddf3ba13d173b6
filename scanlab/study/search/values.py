"""The values of a search: its settings, its candidates, how far it is, and its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scanlab.compiler.bind import CompiledScan
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import Value
from scanlab.renamed import renamed_names
from scanlab.study import runner
from scanlab.study.digest import Compiled, source_of
from scanlab.study.search.space import Space
from scanlab.study.trial import Problem

__all__ = ["Candidate", "Search", "SearchProgress", "SearchResult", "plain_source"]

__getattr__ = renamed_names(__name__, {"Found": "SearchResult", "Heard": "SearchProgress", "Tried": "Candidate"})


@dataclass(frozen=True, eq=False)
class Search:
    """What to search, and how long.

    problem: with the baseline's label and plan as its only strategy, the whole recipe and the test part: what the
    finalists are judged on. epochs: of the first trainings. trials: candidates to train at most; minutes: of wall
    clock, looked at between rounds of training. At least one of the two is given. seeds: trainings of a candidate.
    margin: differences of the primary metric up to it count as none when the finalists are judged; 0 for no such claim.
    """

    problem: Problem
    space: Space
    sampler: str = "random"
    seed: int = 0
    trials: int | None = 30
    minutes: float | None = None
    seeds: int = 1
    epochs: int = 3
    halving: bool = False
    finalists: int = 3
    final_seeds: int = 5
    margin: float = 0.0

    @property
    def baseline(self) -> str:
        """The baseline's label."""
        return self.problem.strategies[0][0]

    def __post_init__(self) -> None:
        for name in ("trials", "minutes", "seeds", "epochs", "finalists", "final_seeds"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ScanlabError.at("S667", f"{name.replace('_', ' ')} must be above 0, not {value}")
        if self.trials is None and self.minutes is None:
            raise ScanlabError.at("S667", "a search needs a budget", help="give --trials or --minutes")
        if self.trials is not None and self.finalists > self.trials:
            raise ScanlabError.at(
                "S667", f"{self.trials} trials cannot give {self.finalists} finalists", help="lower --finalists"
            )


@dataclass(frozen=True, eq=False)
class Candidate:
    """A candidate that was trained. scores: the mean of the primary metric over the seeds by the number of epochs that
    it was trained for, as far as it came; empty where a training failed."""

    number: int
    label: str
    value: Value
    plan: Compiled
    scores: Mapping[int, float] = field(default_factory=dict)

    @property
    def epochs(self) -> int:
        """How long it was trained at most."""
        return max(self.scores, default=0)


@dataclass(frozen=True, eq=False)
class SearchResult:
    """What came of a search. ranked: candidates from the best down, failed ones left out. baseline: its scores, by
    epochs, on the same part and seeds. counts: candidates by the screen's verdict. proposals: drawn in all."""

    ranked: tuple[Candidate, ...]
    failed: tuple[Candidate, ...]
    baseline: Mapping[int, float]
    counts: Mapping[str, int]
    proposals: int
    exhausted: bool
    seconds: float

    def lead(self, tried: Candidate) -> float:
        """By how much a candidate was above the baseline, trained alike."""
        return tried.scores[tried.epochs] - self.baseline[tried.epochs]


class SearchStopped(KeyboardInterrupt):
    """A search was stopped by Ctrl-C. result: what it had until then; its trials are kept."""

    def __init__(self, result: SearchResult) -> None:
        super().__init__()
        self.result = result


@dataclass(frozen=True)
class SearchProgress:
    """How far a search is. best: the label and score of the best so far."""

    stage: str
    proposals: int
    trained: int
    best: tuple[str, float] | None = None
    update: runner.StudyProgress | None = None


def plain_source(plan: Compiled) -> str:
    """The text of a strategy; an order that was bound, and so became a scan of one path, as the order it was."""
    if isinstance(plan, CompiledScan) and len(plan.scan.parts) == 1 and plan.merge == "sum" and not plan.scan.tokens:
        return str(plan.scan.parts[0])
    return source_of(plan)
