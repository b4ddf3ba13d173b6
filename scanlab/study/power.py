"""What a study of some size can find, said before it runs: every promise is computed by the rule that will judge."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scanlab.ir.text import count_text
from scanlab.renamed import renamed_names
from scanlab.study.simulated import (
    LARGEST_EFFECT,
    MOST_SEEDS,
    POWER,
    Family,
    detectable_effect,
    equivalence_seeds,
    equivalence_spread,
    family_of,
    seeds_for,
    statistical_power,
)
from scanlab.study.statistics import EQUIVALENCE_PAIRS
from scanlab.study.wording import amount, margin_amount

__all__ = [
    "POWER",
    "PowerOf",
    "describe_power",
    "describe_problems_power",
    "describe_study_power",
    "detectable_effect",
    "equivalence_spread",
    "seeds_for",
    "statistical_power",
]

__getattr__ = renamed_names(
    __name__, {"detectable": "detectable_effect", "power": "statistical_power", "sentence": "describe_power"}
)


def describe_power(
    seeds: int,
    comparisons: int | Family,
    spread: float | None = None,
    unit: str = "points",
    *,
    problems: int = 1,
    confidence: float = 0.95,
    overlap: float = 0.0,
    step: float = 0.0,
) -> str:
    """What to expect of so many seeds and comparisons with a baseline, as `statistical_power` takes them.

    spread: the standard deviation of paired differences, from a run before this one, in the metric; None where there is
    none. overlap: as in `paired_difference`. step: the smallest of the metric, 0 where none is known: what is judged by
    steps needs as large a difference as a deviation of a whole step would, at most.

    >>> print(describe_power(seeds=5, comparisons=3, spread=0.01))
    With 5 seeds and 3 comparisons a true difference of about 2.3 points (2.3 standard deviations of the paired
    differences, as far as they are known) is found four times in five; one standard deviation would take 14 seeds.
    """
    family = family_of(comparisons, problems)
    counted = f"{count_text(seeds, 'seed')} and {count_text(sum(family), 'comparison')}"
    reach = detectable_effect(seeds, family, confidence, overlap=overlap)
    if reach is None:
        return f"With {counted} nothing can be told from chance{_too_few(seeds, family, confidence, overlap)}"
    words = f"{reach:.1f} standard deviations of the paired differences"
    if spread:
        words = f"about {amount(reach * max(spread, step), unit)} ({words}, as far as they are known)"
    steps = ""
    if step and (spread or 0.0) < step:
        steps = f" (a deviation below the smallest step, {amount(step, unit)}, counts as that)"
    more = seeds_for(1.0, family, confidence, overlap=overlap)
    one = f"would take {more} seeds" if more else f"is not, even with {MOST_SEEDS} seeds"
    return (
        f"With {counted} a true difference of {words} is found four times in five{steps}; one standard deviation {one}."
    )


def _too_few(seeds: int, family: Family, confidence: float, overlap: float) -> str:
    """How little is found with so few seeds, and what would help."""
    fewest = seeds_for(LARGEST_EFFECT, family, confidence, overlap=overlap)
    instead = f"give {fewest} seeds or more" if fewest else "no number of seeds is enough"
    largest = f"a true difference of {LARGEST_EFFECT:.0f} standard deviations of the paired differences"
    share = math.floor(100 * statistical_power(LARGEST_EFFECT, seeds, family, confidence, overlap=overlap))
    if not share:
        return f", not even {largest}: {instead}."
    return f" reliably: even {largest} is found in {share} of 100 studies only; {instead}."


@dataclass(frozen=True)
class PowerOf:
    """A problem as its power depends on it: how many different strategies (the baseline among them) and controls it
    has, what a hundredth of its metric is called, and its margin, 0 for none and for one below the smallest step.

    step: the smallest of the metric, 0 where it is not known; guessed: it is from results, which judges equivalence and
    not differences. overlap: as in `paired_difference`. spread: as in `describe_power`. name: of the problem.
    """

    strategies: int
    controls: int
    unit: str
    margin: float
    step: float = 0.0
    guessed: bool = False
    overlap: float = 0.0
    spread: float | None = None
    name: str = ""


def describe_problems_power(seeds: int, problems: Sequence[PowerOf], *, confidence: float = 0.95) -> list[str]:
    """What to expect of a study of several problems, whose comparisons are judged together: as `describe_study_power`.
    What does not hold for all of them is said by problem.

    >>> digits = PowerOf(2, 0, "points", 0.0, name="digits")
    >>> for sentence in describe_problems_power(5, [digits, PowerOf(2, 0, "points", 0.0, overlap=0.5, name="MNIST")]):
    ...     print(sentence)
    digits: With 5 seeds and 2 comparisons a true difference of 2.0 standard deviations of the paired differences is
    found four times in five; one standard deviation would take 13 seeds.
    MNIST: With 5 seeds and 2 comparisons a true difference of 3.8 standard deviations of the paired differences is
    found four times in five; one standard deviation is not, even with 1000 seeds.
    """
    strategies, controls = [max(0, p.strategies - 1) for p in problems], [p.controls for p in problems]
    said = []
    for describe, counts in ((_differences, strategies), (_controls, controls), (_equivalence, strategies)):
        texts: dict[str, list[str]] = {}
        for i, problem in enumerate(problems):
            if counts[i]:
                # Of all comparisons those of this problem come first.
                text = describe(seeds, problem, (counts[i], *counts[:i], *counts[i + 1 :]), confidence)
                texts.setdefault(text, []).append(problem.name)
        said += [
            text if len(names) == len(problems) else f"{', '.join(names)}: {text}"
            for text, names in texts.items()
            if text
        ]
    return said


def describe_study_power(
    seeds: int,
    strategies: int,
    controls: int = 0,
    spread: float | None = None,
    unit: str = "points",
    *,
    problems: int = 1,
    margin: float = 0.0,
    confidence: float = 0.95,
    step: float = 0.0,
    overlap: float = 0.0,
) -> list[str]:
    """What to expect of a study: of its strategies (the baseline among them), of its controls, which are a family of
    their own, and of the claim that strategies are equivalent within the margin. step, overlap: as in `describe_power`.

    >>> for sentence in describe_study_power(seeds=5, strategies=4, controls=2, margin=0.02):
    ...     print(sentence)
    With 5 seeds and 3 comparisons a true difference of 2.3 standard deviations of the paired differences is found four
    times in five; one standard deviation would take 14 seeds.
    Controls are judged by themselves: with 5 seeds and 2 comparisons a true difference of 2.0 standard deviations of
    the paired differences is found four times in five; one standard deviation would take 13 seeds.
    Strategies that do not differ are called equivalent within ±2.0 points at least four times in five where their
    paired differences have a standard deviation of 0.9 points or less.
    """
    one = PowerOf(strategies, controls, unit, margin, step, overlap=overlap, spread=spread)
    return describe_problems_power(seeds, [one] * problems, confidence=confidence)


Describe = Callable[[int, PowerOf, Family, float], str]


def _differences(seeds: int, problem: PowerOf, family: Family, confidence: float) -> str:
    step = 0.0 if problem.guessed else problem.step
    spread, unit, overlap = problem.spread, problem.unit, problem.overlap
    return describe_power(seeds, family, spread, unit, confidence=confidence, overlap=overlap, step=step)


def _controls(seeds: int, problem: PowerOf, family: Family, confidence: float) -> str:
    said = _differences(seeds, problem, family, confidence)
    return f"Controls are judged by themselves: {said[0].lower()}{said[1:]}"


def _equivalence(seeds: int, problem: PowerOf, family: Family, confidence: float) -> str:
    """Of the claim of equivalence; "" without a margin."""
    if problem.margin <= 0:
        return ""
    margin, unit, overlap = problem.margin, problem.unit, problem.overlap
    step, size = problem.step / margin, f"±{margin_amount(margin, unit)}"
    largest = equivalence_spread(seeds, family, confidence, overlap=overlap, step=step)
    if largest is not None:
        deviation = amount(_not_more(largest * margin), unit)
        return (
            f"Strategies that do not differ are called equivalent within {size} at least four times in five where "
            f"their paired differences have a standard deviation of {deviation} or less."
        )
    fewest = equivalence_seeds(family, confidence, overlap=overlap, step=step)
    instead = f"that takes {fewest} seeds or more" if fewest else "no number of seeds is enough"
    if seeds < EQUIVALENCE_PAIRS:
        return f"Nothing is called equivalent within {size}: {instead}."
    return (
        f"Nothing is called equivalent within {size}, not even what is equal with each of {count_text(seeds, 'seed')}: "
        f"a deviation counts as half of the smallest step, {amount(problem.step, unit)}, at least; {instead}."
    )


def _not_more(spread: float) -> float:
    """Rounded down to what `amount` shows: a promise is not made larger than it is."""
    digits = 3 if spread >= 1e-3 else 1 - math.floor(math.log10(spread)) - 1 if spread > 0 else 3
    return math.floor(spread * 10**digits + 1e-9) / 10**digits
