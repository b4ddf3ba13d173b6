"""A study's history as its page shows it, and as other programs read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from scanlab.ir.text import count_text
from scanlab.study.changes import changes, chosen_rates, first_up, margin_text
from scanlab.study.code_version import in_words
from scanlab.study.history import BEFORE, LOOK, Entry
from scanlab.study.in_force import (
    confidence_in_force,
    history_sentences,
    level_words,
    look_in_force,
    margin_words,
    version_sentences,
)
from scanlab.study.record import StudyRecord

__all__ = ["Past", "Row", "history_data", "past_of"]


@dataclass(frozen=True)
class Row:
    """A line of the history. results: how many of all trials had one."""

    when: str
    results: str
    code: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Past:
    """sentences: what a reader has to know; method: at which level the study is judged, and why; margin: what may be
    said of it; rows: all there is."""

    sentences: tuple[str, ...]
    method: str
    margin: str
    rows: tuple[Row, ...]


def past_of(record: StudyRecord) -> Past:
    """The history of a study, without rows where there is none."""
    sentences = (*history_sentences(record), *version_sentences(record))
    return Past(sentences, level_words(record), margin_words(record), tuple(_rows(record)))


def history_data(record: StudyRecord) -> Mapping[str, Any]:
    """The history of a study in JSON's types."""
    history, look = record.history, look_in_force(record)
    return {
        "sentences": [*history_sentences(record), *version_sentences(record)],
        "recorded": history is not None and history.recorded,
        "intact": history is not None and history.intact,
        "confidence": confidence_in_force(record),
        "look": None if look is None else asdict(look),
        "entries": [] if history is None else [asdict(entry) for entry in history.entries],
    }


def _rows(record: StudyRecord) -> Iterator[Row]:
    last: Entry | None = None
    for entry in record.history.entries if record.history else ():
        if entry.event == LOOK:
            how = "at the end of a run" if entry.content["how"] == "run" else "for a report"
            words = (f"look at {count_text(len(entry.content['seeds']), 'seed')}, {how}",)
        elif last is None:
            words = tuple(_declared(entry))
        else:
            words = tuple(_changed(last, entry))
        last = last if entry.event == LOOK else entry
        code = "not recorded" if entry.event == BEFORE else in_words(entry.code)
        shown = tuple(first_up(each.strip()) for each in words)
        yield Row(entry.when, f"{entry.results} of {entry.trials}", code, shown)


def _changed(last: Entry, entry: Entry) -> Iterator[str]:
    """What an entry is another than the one before in; nothing else is said of it."""
    named = tuple(changes(last.content, entry.content, ""))
    chosen = tuple(chosen_rates(last.content, entry.content))
    yield from (*named, *chosen)
    if last.event == BEFORE:
        yield "the version of the code is recorded from here on"
    elif entry.code != last.code:
        yield "another version of the code"
    if not (named or chosen) and last.content != entry.content:
        both = dict.fromkeys((*last.content, *entry.content))
        other = [key for key in both if last.content.get(key) != entry.content.get(key)]
        yield f"recorded in other words: {', '.join(other)}"


def _declared(entry: Entry) -> Iterator[str]:
    about = entry.content
    yield "in force before this history began" if entry.event == BEFORE else "declared"
    yield f"baseline {about['baseline']}"
    yield f"{count_text(len(about['seeds']), 'seed')}: {', '.join(map(str, about['seeds']))}"
    if looks := about.get("looks"):
        yield f"looks at {', '.join(map(str, looks))} seeds"
    for problem in about["problems"]:
        margin = about["margins"].get(problem["name"], 0.0)
        yield f"margin of {problem['name']}: {margin_text(margin, problem)}"
        yield f"strategies on {problem['name']}: {', '.join(problem['strategies'])}"
    yield f"confidence {about['confidence']:.3g}"
