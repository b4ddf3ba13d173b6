"""What was in force in a study, and when it was looked at: a table that is only added to.

An entry is written when a run finds other settings, or another version of the code, than the entry before, and when
results are judged with other seeds than ever before. Triggers refuse every change of an entry, and each holds the hash
of all before it, so that a change past the triggers is seen.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

__all__ = ["BEFORE", "LOOK", "SETTINGS", "Entry", "History", "append", "append_settings", "read"]

SETTINGS, LOOK, BEFORE = "settings", "look", "before"
_TABLE = (
    """CREATE TABLE IF NOT EXISTS history (
  number INTEGER PRIMARY KEY, time REAL NOT NULL, event TEXT NOT NULL, code TEXT NOT NULL, results INTEGER NOT NULL,
  trials INTEGER NOT NULL, content TEXT NOT NULL, hash TEXT NOT NULL)""",
    """CREATE TRIGGER IF NOT EXISTS history_is_not_changed BEFORE UPDATE ON history
  BEGIN SELECT RAISE(ABORT, 'the history of a study is only added to'); END""",
    """CREATE TRIGGER IF NOT EXISTS history_is_not_removed BEFORE DELETE ON history
  BEGIN SELECT RAISE(ABORT, 'the history of a study is only added to'); END""",
    # Replacing a row removes it without asking the trigger above.
    """CREATE TRIGGER IF NOT EXISTS history_is_not_replaced BEFORE INSERT ON history
  WHEN NEW.number <= (SELECT coalesce(max(number), 0) FROM history)
  BEGIN SELECT RAISE(ABORT, 'the history of a study is only added to'); END""",
)


@dataclass(frozen=True)
class Entry:
    """One thing that happened.

    event: SETTINGS, with what `Study.about` gives, as a run began; BEFORE likewise, of a study that had results when
    its history began; LOOK with the seeds that were judged. time: seconds since 1970. code: version of the code.
    results: trials that had a result at that moment, of as many `trials` as the study then had.
    """

    event: str
    time: float
    code: str
    results: int
    trials: int
    content: Mapping[str, Any]

    @property
    def when(self) -> str:
        """Date and minute, as in 2026-07-01 14:02 UTC."""
        return f"{datetime.fromtimestamp(self.time, UTC):%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True)
class History:
    """All entries, from the first on; none in a database that never met a history. intact: whether every entry is as
    it was written.

    >>> History().recorded
    False
    """

    entries: tuple[Entry, ...] = ()
    intact: bool = True

    @property
    def recorded(self) -> bool:
        """Whether it reaches back to before the first result."""
        return bool(self.entries) and self.entries[0].event == SETTINGS and self.entries[0].results == 0


def append_settings(
    base: sqlite3.Connection,
    about: Mapping[str, Any],
    code: str,
    earlier: Mapping[str, Any] | None,
    statuses: Sequence[str],
) -> None:
    """Add what is in force, where that or the code is another than before, within a transaction of the caller.

    earlier: what the database says was in force so far, None for a new study. statuses: of the trials that it then had.
    """
    for statement in _TABLE:
        base.execute(statement)
    known = base.execute("SELECT event, content, code FROM history WHERE event != ? ORDER BY number DESC", (LOOK,))
    last = known.fetchone()
    if last is None and earlier is not None and "done" in statuses:
        append(base, BEFORE, "", statuses, earlier)
    if last is None or (json.loads(last[1]), last[2]) != (json.loads(_text(about)), code):
        append(base, SETTINGS, code, statuses, about)


def append(
    base: sqlite3.Connection, event: str, code: str, statuses: Sequence[str], content: Mapping[str, Any]
) -> None:
    """Add an entry of this moment, within a transaction of the caller. statuses: of the study's trials."""
    number, before = base.execute("SELECT number, hash FROM history ORDER BY number DESC LIMIT 1").fetchone() or (0, "")
    row = (number + 1, time.time(), event, code, statuses.count("done"), len(statuses), _text(content))
    base.execute("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*row, _hash(row, before)))


def read(base: sqlite3.Connection) -> History:
    """The history in a study's database, empty where it has none."""
    if not base.execute("SELECT count(*) FROM sqlite_master WHERE name = 'history'").fetchone()[0]:
        return History()
    entries, intact, before = [], True, ""
    for number, (*row, own) in enumerate(base.execute("SELECT * FROM history ORDER BY number"), 1):
        intact = intact and row[0] == number and own == _hash(tuple(row), before)
        before = own
        _, when, event, code, results, trials, content = row
        entries.append(Entry(event, when, code, results, trials, json.loads(content)))
    return History(tuple(entries), intact)


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False)


def _hash(row: tuple[Any, ...], before: str) -> str:
    return hashlib.sha256((before + json.dumps(row, ensure_ascii=False)).encode()).hexdigest()
