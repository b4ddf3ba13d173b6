"""Which learning rates a study chooses from, and what it says of the choice; nothing here needs torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scanlab.ir.text import count_text

__all__ = ["FIRST_SEED", "Tune", "judged_place", "tuning_place", "tuning_sentences"]

# Far from any seed a person would choose: what chooses must not be what judges.
FIRST_SEED = 2_000_003
TUNING = " (learning rates)"


@dataclass(frozen=True)
class Tune:
    """Learning rates that every strategy and control chooses from, each trained with so many seeds.

    Chosen is the one with the best metric of the task after the last epoch, averaged over these seeds, on samples that
    the study does not measure on; of equals the smallest.

    >>> Tune((1e-3, 3e-3, 1e-2), count=2).seeds
    (2000003, 2000004)
    """

    learning_rate: tuple[float, ...]
    count: int = 1

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds that no strategy is judged with."""
        return tuple(range(FIRST_SEED, FIRST_SEED + self.count))

    def about(self, chosen: Mapping[tuple[str, str], float], trainings: int) -> dict[str, Any]:
        """For a report, in JSON's types: the chosen rates by problem and name."""
        by_problem: dict[str, dict[str, float]] = {}
        for (problem, name), rate in chosen.items():
            by_problem.setdefault(problem, {})[name] = rate
        return {
            "learning_rate": list(self.learning_rate),
            "seeds": list(self.seeds),
            "trainings": trainings,
            "chosen": by_problem,
        }


def tuning_place(problem: str, name: str, rate: float) -> tuple[str, str]:
    """What a training that only chooses is called: problem and strategy.

    >>> tuning_place("digits", "row", 0.003)
    ('digits (learning rates)', 'row at 0.003')
    """
    return problem + TUNING, f"{name} at {rate}"


def judged_place(problem: str, strategy: str) -> tuple[str, str]:
    """The problem and the strategy or control that a training chooses for; of any other training its own.

    >>> judged_place("digits (learning rates)", "row at 0.003"), judged_place("digits", "row")
    (('digits', 'row'), ('digits', 'row'))
    """
    if not problem.endswith(TUNING):
        return problem, strategy
    return problem.removesuffix(TUNING), strategy.rpartition(" at ")[0]


def tuning_sentences(about: Mapping[str, Any]) -> list[str]:
    """What a reader must know of a study's learning rates, from what `Study.about` gives; nothing where none were
    chosen."""
    tune = about.get("tune")
    if tune is None:
        return []
    rates = sorted(tune["learning_rate"])
    listed = ", ".join(f"{rate:g}" for rate in rates)
    seeds = count_text(len(tune["seeds"]), "seed")
    sentences = [
        f"Learning rates are chosen from {listed}, for every strategy and control alike, by "
        f"{count_text(tune['trainings'], 'training')} with {seeds} that nothing is judged by, on samples that nothing "
        "is measured on."
    ]
    for problem, chosen in tune["chosen"].items():
        by_rate = {rate: [name for name, own in chosen.items() if own == rate] for rate in sorted({*chosen.values()})}
        words = "; ".join(f"{rate:g} for {', '.join(names)}" for rate, names in by_rate.items())
        sentences.append(f"{problem}: chosen {'was' if len(by_rate) == 1 else 'were'} {words}.")
    return sentences + _edges(tune["chosen"], rates)


def _edges(chosen: Mapping[str, Mapping[str, float]], rates: list[float]) -> list[str]:
    """A choice at an end of what was offered says that more should have been."""
    counts = Counter(rate for own in chosen.values() for rate in own.values())
    total, sentences = sum(counts.values()), []
    for rate, word in ((rates[0], "smaller"), (rates[-1], "larger")):
        if counts[rate] and len(rates) > 1:
            sentences.append(
                f"{counts[rate]} of {total} chose {rate:g}, at the end of what was offered: a {word} one may be better."
            )
    return sentences
