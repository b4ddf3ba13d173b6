"""What a study's history allows one to say: which look this is, at which level it is judged, and what was changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from scanlab.ir.text import count_text
from scanlab.study.changes import changes, first_up, margins_of
from scanlab.study.code_version import DIRTY
from scanlab.study.history import BEFORE, LOOK, SETTINGS, Entry, History
from scanlab.study.looks import Judged, Look, Plan, levels_of
from scanlab.study.record import StudyRecord

__all__ = [
    "confidence_in_force",
    "confidence_planned",
    "history_sentences",
    "judged_seeds",
    "level_words",
    "look_in_force",
    "margin_words",
    "new_look",
    "version_sentences",
]


def judged_seeds(record: StudyRecord) -> tuple[int, ...]:
    """The seeds that a judgement of a study as it stands is made with; none where no spread can be seen.

    All, once no trial waits; before that those with results of two trials of a problem, which make a pair.
    """
    seeds = tuple(record.about["seeds"])
    if any(trial.status in ("waiting", "running") for trial in record.trials.values()):
        done: dict[tuple[int, str], set[str]] = {}
        for m in record.members:
            if record.trial(m).result is not None:
                done.setdefault((m.seed, m.problem), set()).add(m.key)
        paired = {seed for (seed, _), keys in done.items() if len(keys) > 1}
        seeds = tuple(seed for seed in seeds if seed in paired)
    return seeds if len(seeds) > 1 else ()


def new_look(record: StudyRecord) -> tuple[int, ...]:
    """The seeds of the look that is taken now, where the history should hold it and does not; else none."""
    seeds, history = judged_seeds(record), record.history
    if history is None or not history.entries:
        return ()
    known = {frozenset(e.seeds) for e in _events(history) if isinstance(e, Judged)}
    return () if frozenset(seeds) in known else seeds


def look_in_force(record: StudyRecord) -> Look | None:
    """Which look a judgement of a study as it stands is; None without a history, or without two seeds to judge."""
    seeds = judged_seeds(record)
    if record.history is None or not seeds:
        return None
    return _look(record.history, record.about, seeds)


def confidence_in_force(record: StudyRecord) -> float:
    """The confidence that a study as it stands is judged with, after correction for its looks (study/looks.py).

    That of its settings where there is no history to count looks in.
    """
    look = look_in_force(record)
    return float(record.about["confidence"]) if look is None else _confidence(look)


def confidence_planned(about: Mapping[str, Any], earlier: StudyRecord | None = None) -> float:
    """The confidence that a study will be judged with once all its seeds have run: what power is to be computed with.

    about: `Study.about` of what is to run. earlier: what its folder holds so far.
    """
    seeds, history = tuple(about["seeds"]), earlier.history if earlier else None
    return _confidence(_look(history or History(), about, seeds))


def history_sentences(record: StudyRecord) -> tuple[str, ...]:
    """What was changed after how many results, and which look this is; nothing where all is as it was declared."""
    history = record.history
    if history is None:
        return ()
    sentences = []
    if not history.intact:
        sentences.append("The history of this study was changed by other means than ScanLab's: it proves nothing.")
    if not history.recorded:
        sentences.append("What was set before the first results is not recorded: this study is older than its history.")
    for before, after in _pairs(history):
        if after.results:
            when = f"after {after.results} of {count_text(after.trials, 'result')}"
            looks = _looks_before(history, after)
            sentences += [f"{first_up(words)}." for words in changes(before.content, after.content, when, looks)]
    return (*sentences, *_look_sentences(record))


def level_words(record: StudyRecord) -> str:
    """At which level a study as it stands is judged, and why; "" without a history."""
    look = look_in_force(record)
    if look is None:
        return ""
    about = record.about
    alpha, seeds = _percent(1 - float(about["confidence"])), len(look.seeds)
    words = f"Look {look.number}, at {count_text(seeds, 'seed')}, is judged at {_percent(look.level)}"
    if look.number == 1 and seeds == len(about["seeds"]) and not about.get("looks"):
        return f"{words} of the {alpha}: no looks were declared, and the rest is kept for seeds that may be added."
    return f"{words}: the levels of all looks, however many there will be, add up to at most {alpha}."


def margin_words(record: StudyRecord) -> str:
    """What may be said of the margins: "the margin that was set before the run" where the history proves it; "" where
    no problem has one."""
    if not any(record.about["margins"].values()):
        return ""
    history = record.history
    if history is None or not history.intact or not history.recorded:
        return "the margin"
    now = replace(_settings(history)[-1], content=record.about, results=1)
    late = [(before, after) for before, after in _pairs(history, now) if after.results]
    if any(_other_margins(before.content, after.content) for before, after in late):
        return "the margin, which was changed after results were there"
    if any(_same_data(before.content, after.content) for before, after in late):
        # Results of these data were there before this problem had a margin.
        return "the margin"
    return "the margin that was set before the run"


def _other_margins(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether a problem of both has another margin; one that came or went has not."""
    was, now = margins_of(before), margins_of(after)
    return any(was[name] != now[name] for name in was if name in now)


def _same_data(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether a problem came under a new name whose data, and so perhaps whose results, were there with another
    margin."""
    was, now = margins_of(before), margins_of(after)
    known = {problem["fingerprint"]: problem["name"] for problem in before["problems"] if "fingerprint" in problem}
    added = [p for p in after["problems"] if p["name"] not in was and p.get("fingerprint") in known]
    return any(was[known[p["fingerprint"]]] != now[p["name"]] for p in added)


def version_sentences(record: StudyRecord) -> tuple[str, ...]:
    """Which results come from another version of the code than most, or from one with uncommitted changes."""
    codes = [_code(t.environment) for t in record.trials.values() if t.result is not None and t.environment]
    counts = {code: codes.count(code) for code in dict.fromkeys(codes)}
    if not counts:
        return ()
    main = max(counts, key=lambda code: counts[code])
    others = "most" if 2 * counts[main] > sum(counts.values()) else f"{counts[main]} others"
    listed = []
    for code, count in counts.items():
        dirty = ", uncommitted changes" if code.endswith(DIRTY) else ""
        some = f"{count} of {count_text(len(record.trials), 'trial')}"
        verb = "comes" if count == 1 else "come"
        name = code.removesuffix(DIRTY)
        if code != main:
            listed.append(f"{some} {verb} from another version of the code ({name}{dirty}) than {others}.")
        elif dirty:
            listed.append(f"{some} {verb} from code with uncommitted changes ({name}): no commit holds what ran.")
    return tuple(listed)


def _look_sentences(record: StudyRecord) -> Iterator[str]:
    look, history = look_in_force(record), record.history
    if look is None or history is None:
        return
    about = record.about
    alpha, planned = 1 - float(about["confidence"]), about.get("looks", ())
    judged = f"judged at {_percent(look.level)} in place of {_percent(alpha)}"
    together = f"so that all looks together err in at most {100 * alpha:.3g} of 100 studies"
    all_looks = [event.seeds for event in _events(history) if isinstance(event, Judged)]
    others = [seeds for seeds in dict.fromkeys(all_looks) if frozenset(seeds) != frozenset(look.seeds)]
    if others:
        counts = " and ".join(str(len(seeds)) for seeds in others)
        yield f"This is look {look.number}, beside looks at {counts} seeds: {judged}, {together}."
    elif len(look.seeds) < (most := max(planned, default=len(about["seeds"]))):
        yield f"This is a look at {len(look.seeds)} of {most} seeds: {judged}, {together}."


def _look(history: History, about: Mapping[str, Any], seeds: tuple[int, ...]) -> Look:
    events = [*_events(history), _plan(about), Judged(seeds)]
    looks = levels_of(events, 1 - float(about["confidence"]))
    return next(look for look in looks if frozenset(look.seeds) == frozenset(seeds))


def _events(history: History) -> Iterator[Plan | Judged]:
    for entry in history.entries:
        if entry.event == LOOK:
            yield Judged(tuple(entry.content["seeds"]))
            continue
        yield _plan(entry.content)
        if entry.event == BEFORE and len(entry.content["seeds"]) > 1:
            # Nobody knows how often these results were looked at; once at least.
            yield Judged(tuple(entry.content["seeds"]))


def _plan(about: Mapping[str, Any]) -> Plan:
    seeds, looks = tuple(about["seeds"]), about.get("looks", ())
    return Plan(seeds, max(looks, default=len(seeds)), bool(looks))


def _settings(history: History) -> list[Entry]:
    return [e for e in history.entries if e.event in (SETTINGS, BEFORE)]


def _pairs(history: History, *more: Entry) -> Iterator[tuple[Entry, Entry]]:
    """Entries with the one before, which also has the last margin of every problem that was there ever before: to
    leave one out for a while does not make its margin a new one."""
    margins: dict[str, float] = {}
    for before, after in pairwise((*_settings(history), *more)):
        margins |= margins_of(before.content)
        yield replace(before, content={**before.content, "margins": dict(margins)}), after


def _looks_before(history: History, entry: Entry) -> int:
    """With how many seeds the last look before an entry was taken; 0 for none."""
    before = History(history.entries[: history.entries.index(entry)])
    judged = [event for event in _events(before) if isinstance(event, Judged)]
    return len(judged[-1].seeds) if judged else 0


def _code(environment: Mapping[str, str]) -> str:
    return environment.get("code") or f"scanlab {environment.get('scanlab', 'of an unknown version')}"


def _confidence(look: Look) -> float:
    # After very many looks there would be no number between it and 1, and no interval.
    return 1 - max(look.level, 1e-12)


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
