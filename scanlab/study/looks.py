"""At which level a study is judged that is looked at more than once.

Every look claims differences at a level of its own, and the levels of all looks, however many there will be, add up to
at most the study's, one minus its confidence. By the union bound a false claim at any of them then has at most that
chance, whichever test is used and however the looks depend on each other.

A plan is how many seeds a study is to have at most. It may spend a share of what the plans before it have left: nearly
all where its looks were declared, DECLARED, and UNDECLARED of it where they were not, so that something remains for
seeds that are added later; each such addition is a plan of its own. Within a plan the levels are the increments of a
spending function of O'Brien and Fleming's shape (Biometrics 1979; as a spending function Lan and DeMets, Biometrika
1983), whose time is the share of the plan's seeds that are judged: the look at all of them has nearly all of it. The
increments are levels as they stand, not bounds from the joint distribution of the looks, which holds for large samples
only and would give little more: for two looks at half and all of 5 % the second is judged at 4.4 %, and not at 4.9 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

__all__ = ["DECLARED", "UNDECLARED", "Judged", "Look", "Plan", "level_at", "levels_of"]

DECLARED, UNDECLARED = 0.999, 0.8
# So much of a plan is spent evenly: O'Brien and Fleming's shape leaves early looks levels like 1e-40.
EVENLY = 1e-3


@dataclass(frozen=True)
class Plan:
    """What a study is to be. seeds: those of the next run; most: how many there are to be at last; declared: whether
    the looks were."""

    seeds: tuple[int, ...]
    most: int
    declared: bool = False


@dataclass(frozen=True)
class Judged:
    """The results of these seeds were judged."""

    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Look:
    """A judgement of other seeds than before, by its number from 1, and its level: p has to lie below it."""

    number: int
    seeds: tuple[int, ...]
    level: float


@dataclass(frozen=True)
class _Account:
    """left: of the study's level, what no look has spent. budget, spent: of the plan, which began at `start` seeds."""

    left: float
    budget: float = 0.0
    spent: float = 0.0
    start: int = 0
    most: int = 0


def level_at(look: int, seeds: Sequence[int], alpha: float = 0.05, declared: bool = False) -> float:
    """The level of the `look`-th of looks, from 1, at these numbers of seeds.

    declared: all of `seeds` were declared before the first look; else each was planned after the one before it.

    >>> [round(level_at(look, (5, 10), declared=True), 4) for look in (1, 2)]
    [0.0056, 0.0444]
    >>> [round(level_at(look, (5, 10, 20)), 4) for look in (1, 2, 3)]
    [0.04, 0.008, 0.0016]
    """
    events: list[Plan | Judged] = []
    for count in seeds[:look]:
        own = tuple(range(count))
        events += [Plan(own, max(seeds) if declared else count, declared), Judged(own)]
    return levels_of(events, alpha)[look - 1].level


def levels_of(events: Iterable[Plan | Judged], alpha: float) -> tuple[Look, ...]:
    """The looks of a study, from its plans and judgements in their order; the same seeds again are the same look.

    >>> five, ten = tuple(range(5)), tuple(range(10))
    >>> looks = levels_of([Plan(five, 5), Judged(five), Plan(ten, 10), Judged(ten), Judged(five)], 0.05)
    >>> [(look.number, len(look.seeds), round(look.level, 4)) for look in looks]
    [(1, 5, 0.04), (2, 10, 0.008)]
    """
    account, looks = _Account(alpha), {}
    last: tuple[int, ...] = ()
    for event in events:
        if isinstance(event, Plan):
            kept = set(last) <= set(event.seeds)
            if not looks or not kept or max(event.most, len(event.seeds)) > account.most:
                account = _opened(account, event, len(last) if kept else 0)
            continue
        last = event.seeds
        if frozenset(last) not in looks:
            level, account = _spent(account, last)
            looks[frozenset(last)] = Look(len(looks) + 1, last, level)
    return tuple(looks.values())


def _opened(account: _Account, plan: Plan, start: int) -> _Account:
    share = DECLARED if plan.declared else UNDECLARED
    return _Account(account.left, share * account.left, 0.0, start, max(plan.most, len(plan.seeds)))


def _spent(account: _Account, seeds: tuple[int, ...]) -> tuple[float, _Account]:
    """The level of a look at these seeds, and the account after it."""
    reached = len(seeds) - account.start
    time = min(1.0, reached / (account.most - account.start)) if reached > 0 and account.most > account.start else 0.0
    level = _spending(time, account.budget) - account.spent
    if level <= 0:
        # Other seeds, and not more of them: nothing of the plan was meant for that.
        account = _opened(account, Plan(seeds, len(seeds)), 0)
        level = account.budget
    return level, replace(account, left=account.left - level, spent=account.spent + level)


def _spending(time: float, budget: float) -> float:
    """How much of a budget is spent at a time from 0 to 1; all of it at 1."""
    if time <= 0 or budget <= 0:
        return 0.0
    limit = -NormalDist().inv_cdf(budget / 2)
    return (1 - EVENLY) * math.erfc(limit / math.sqrt(2 * time)) + EVENLY * time * budget
