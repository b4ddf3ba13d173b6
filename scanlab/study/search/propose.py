"""Who answers a space's choices: chance, or a sampler that learns from the scores so far."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import Value
from scanlab.renamed import renamed_fields
from scanlab.study.search.bases import Choice, Choose
from scanlab.study.search.space import Space

__all__ = ["SAMPLERS", "OptunaSampler", "Proposal", "RandomSampler", "Sampler", "sampler_named"]

STARTUP = 10
"""Optuna's TPE answers by chance until it has so many scores; ten is its default."""


@dataclass(frozen=True)
class Proposal:
    """A drawn candidate: the how-manieth it is, from 0, its value, and the choices that led to it."""

    number: int
    value: Value
    choices: Mapping[str, Any] = field(compare=False)


class Sampler(Protocol):
    """Proposes candidates one after another; the same seed and the same scores give the same candidates."""

    def propose(self) -> Proposal:
        """The next candidate."""
        ...

    def tell(self, proposal: Proposal, score: float | None) -> None:
        """How good it was, higher being better; None where it could not be tried. Called once for every proposal."""
        ...


@renamed_fields(told="tell")
class RandomSampler:
    """Every choice by chance: the baseline that a sampler that learns has to beat."""

    def __init__(self, space: Space, seed: int) -> None:
        self.space, self.seed, self._count = space, seed, 0

    def propose(self) -> Proposal:
        """The next candidate; the n-th one depends on the seed and n alone."""
        # A text as the seed is hashed by SHA-512, so neighbouring seeds have nothing in common.
        draw = random.Random(f"{self.seed}/{self._count}")
        recorded = _Recorded(lambda name, options: options[draw.randrange(len(options))])
        value = self.space.draw(recorded)
        self._count += 1
        return Proposal(self._count - 1, value, recorded.choices)

    def tell(self, proposal: Proposal, score: float | None) -> None:
        """Chance learns nothing."""


@renamed_fields(told="tell")
class OptunaSampler:
    """Optuna's tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011) over the space's named choices.

    Each choice is a categorical parameter that exists where its branch of the tree is taken. Raises S666 where Optuna
    is not installed.
    """

    def __init__(self, space: Space, seed: int) -> None:
        try:
            import optuna
        except ImportError:
            raise ScanlabError.at(
                "S666",
                "the sampler 'optuna' needs Optuna, which is not installed",
                help='pip install "scanlab[search]", or --sampler random',
            ) from None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._states = optuna.trial.TrialState
        self._study = optuna.create_study(
            direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP)
        )
        self._open: dict[int, Any] = {}
        self.space = space

    def propose(self) -> Proposal:
        """The next candidate, given all scores so far."""
        trial = self._study.ask()
        # Options travel by their place: Optuna takes no ranges, and warns of other types.
        recorded = _Recorded(
            lambda name, options: options[trial.suggest_categorical(name, list(range(len(options))))],
        )
        value = self.space.draw(recorded)
        self._open[trial.number] = trial
        return Proposal(trial.number, value, recorded.choices)

    def tell(self, proposal: Proposal, score: float | None) -> None:
        """A candidate without a score counts as worse than any with one: the sampler learns to propose fewer."""
        trial = self._open.pop(proposal.number)
        if score is None:
            self._study.tell(trial, state=self._states.PRUNED)
        else:
            self._study.tell(trial, score)


class _Recorded:
    """Choices that are kept; a choice asked for twice under one name has one answer."""

    def __init__(self, choose: Choose) -> None:
        self._choose = choose
        self.choices: dict[str, Any] = {}

    def __call__(self, name: str, options: Sequence[Choice]) -> Choice:
        if name not in self.choices:
            self.choices[name] = self._choose(name, options)
        return self.choices[name]


@dataclass(frozen=True)
class SamplerKind:
    """make: a sampler of a space, from a seed. learns: what it proposes depends on the scores that it is given."""

    make: Callable[[Space, int], Sampler]
    learns: bool


SAMPLERS: Mapping[str, SamplerKind] = MappingProxyType(
    {"random": SamplerKind(RandomSampler, learns=False), "optuna": SamplerKind(OptunaSampler, learns=True)}
)


def sampler_named(name: str, space: Space, seed: int) -> Sampler:
    """A sampler by name. Raises S666 where its library is missing, and S667 for an unknown name."""
    if name not in SAMPLERS:
        raise ScanlabError.at("S667", f"there is no sampler {name!r}", help=f"choose from {', '.join(SAMPLERS)}")
    return SAMPLERS[name].make(space, seed)
