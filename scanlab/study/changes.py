"""What differs between two settings of a study, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scanlab.ir.text import count_text, shortened
from scanlab.study.tasks import stored_task

__all__ = ["changes", "chosen_rates", "first_up", "hundredths", "margin_text", "margins_of"]

MOST_NAMES = 3
_ABSENT: Mapping[str, Any] = {}
Table = Mapping[str, Any]


def changes(before: Table, after: Table, when: str, looks: int = 0) -> Iterator[str]:
    """One clause for each setting that is not what it was, without a capital or a full stop.

    before, after: as `Study.about` gives them. when: how a clause ends, as in "after 4 of 4 results". looks: how many
    seeds had been looked at when they changed, 0 for none.

    >>> about = {"baseline": "row", "margins": {}, "seeds": [0, 1], "problems": []}
    >>> list(changes(about, {**about, "seeds": [0, 1, 2]}, "after 4 of 4 results", looks=2))
    ['1 seed added after a look at 2 seeds']
    """
    yield from _seeds(before, after, when, looks)
    yield from _margins(before, after, when)
    old, new = _problems(before), _problems(after)
    yield from _listed("problem", list(old), list(new), when)
    yield from _strategies(old, new, when)
    yield from _listed("control", list(before.get("controls", ())), list(after.get("controls", ())), when)
    for path, was, now in _differences(_plain(before), _plain(after)):
        yield f"{path} changed from {was} to {now} {when}"
    for name in (name for name in new if name in old):
        place = f" of {name}" if len(new) > 1 else ""
        for path, was, now in _differences(_plain_problem(old[name]), _plain_problem(new[name])):
            yield f"{path}{place} changed from {was} to {now} {when}"


def chosen_rates(before: Table, after: Table) -> Iterator[str]:
    """The learning rates that were chosen between two records of one study: as it was declared, so that no setting
    changed.

    >>> chosen = {"tune": {"chosen": {"digits": {"row": 0.01, "hilbert": 0.003}}}}
    >>> list(chosen_rates({"tune": {"chosen": {}}}, chosen))
    ['learning rates chosen on digits: 0.01 for row, 0.003 for hilbert']
    """
    was, now = (about.get("tune", _ABSENT).get("chosen", _ABSENT) for about in (before, after))
    for problem, rates in now.items():
        new = {name: rate for name, rate in rates.items() if name not in was.get(problem, _ABSENT)}
        if new:
            listed = ", ".join(f"{rate:g} for {name.removeprefix('control: ')}" for name, rate in new.items())
            yield f"learning rates chosen on {problem}: {listed}"


def _seeds(before: Table, after: Table, when: str, looks: int) -> Iterator[str]:
    was, now = before["seeds"], after["seeds"]
    planned = set(was) <= set(now) and len(now) <= max(before.get("looks", ()), default=0)
    at = f"after a look at {count_text(looks, 'seed')}" if looks else when
    for verb, some in (("added", [s for s in now if s not in was]), ("removed", [s for s in was if s not in now])):
        if some:
            yield f"{count_text(len(some), 'seed')} {verb} {at}{', as was declared before it' if planned else ''}"


def _margins(before: Table, after: Table, when: str) -> Iterator[str]:
    problems = {**_problems(before), **_problems(after)}
    was, now = margins_of(before), margins_of(after)
    # A problem that came or went says so itself.
    for name in (name for name in now if name in was and was[name] != now[name]):
        task = stored_task(problems.get(name, _ABSENT))
        place = f" of {name}" if len(now) > 1 else ""
        if task and task.unit:
            yield f"margin{place} changed from {hundredths(was[name])} to {hundredths(now[name])} {task.unit} {when}"
        else:
            yield f"margin{place} changed from {was[name]:.3g} to {now[name]:.3g} {when}"


def margins_of(about: Table) -> dict[str, float]:
    """The margins of an entry by problem, 0 for none; those of problems that it has no longer, where it knows them.

    >>> margins_of({"margins": {"digits": 0.01}, "problems": [{"name": "digits"}, {"name": "MNIST"}]})
    {'digits': 0.01, 'MNIST': 0.0}
    """
    margins = about.get("margins", _ABSENT)
    return {**margins, **{name: margins.get(name, 0.0) for name in _problems(about)}}


def _strategies(old: Mapping[str, Table], new: Mapping[str, Table], when: str) -> Iterator[str]:
    """Labels are the same in all problems; what they stand for may not be."""
    was = next(iter(old.values()), _ABSENT).get("strategies", _ABSENT)
    now = next(iter(new.values()), _ABSENT).get("strategies", _ABSENT)
    yield from _listed("strategy", list(was), list(now), when)
    for name in (name for name in new if name in old):
        one, other = (p[name].get("strategies", _ABSENT) for p in (old, new))
        for label in (label for label in one if label in other):
            (a, b), place = (_source(one, label), _source(other, label)), f" on {name}" if len(new) > 1 else ""
            if a != b:
                yield f"{label}{place} changed from `{shortened(a)}` to `{shortened(b)}` {when}"


def margin_text(margin: float, problem: Table) -> str:
    """A margin in the unit of a problem's task; "none" for none."""
    known = stored_task(problem)
    if not margin:
        return "none"
    return f"{hundredths(margin)} {known.unit}" if known and known.unit else f"{margin:.3g}"


def first_up(words: str) -> str:
    """With a capital."""
    return words[:1].upper() + words[1:]


def _listed(kind: str, was: Sequence[str], now: Sequence[str], when: str) -> Iterator[str]:
    """Names that came or went."""
    for verb, some in (("added", [n for n in now if n not in was]), ("removed", [n for n in was if n not in now])):
        if some:
            names = [name.removeprefix("control: ") for name in some[:MOST_NAMES]]
            more = [f"{len(some) - MOST_NAMES} more"] if len(some) > MOST_NAMES else []
            noun = count_text(len(some), kind).partition(" ")[2]
            listed = " and ".join(filter(None, (", ".join([*names, *more][:-1]), [*names, *more][-1])))
            yield f"{noun} {listed} {verb} {when}"


def _differences(before: Table, after: Table, place: str = "", inner: bool = False) -> Iterator[tuple[str, str, str]]:
    """The settings whose values differ, table by table: their names, and both values.

    inner: this is a table within another. A setting that one of the two has not at all is one that its version of
    ScanLab did not know; but those around the tables are left out where they are not set.
    """
    for key in dict.fromkeys((*before, *after)):
        was, now = before.get(key), after.get(key)
        name = f"{place}{key.replace('_', ' ')}"
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            yield from _differences(was, now, place if key in ("recipe", "data") else f"{name} ", True)
        elif was != now and ((key in before and key in after) or not (inner or not (was or now))):
            yield name, _value(was), _value(now)


def _plain(about: Table) -> Table:
    return {k: v for k, v in about.items() if k not in ("seeds", "margins", "problems", "controls")}


def _plain_problem(problem: Table) -> Table:
    named = {"fingerprint": "contents of the data", "sizes": "model"}
    # How many samples are measured on follows from the data, and studies of earlier versions do not say it.
    return {named.get(k, k): v for k, v in problem.items() if k not in ("name", "strategies", "tested")}


def _problems(about: Table) -> dict[str, Table]:
    return {problem["name"]: problem for problem in about.get("problems", ())}


def _source(strategies: Table, label: str) -> str:
    return str(strategies[label].get("source", ""))


def hundredths(value: float) -> str:
    """A share that somebody chose, in points: with one decimal, or as many as it has.

    >>> hundredths(0.01), hundredths(0.0125)
    ('1.0', '1.25')
    """
    points = 100 * value
    return f"{points:.1f}" if abs(points - round(points, 1)) < 1e-9 else f"{points:.3g}"


def _value(value: Any) -> str:
    if value is None or value in ("", [], ()):
        return "none"
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    return shortened(str(value)) if not isinstance(value, bool) else ("yes" if value else "no")
