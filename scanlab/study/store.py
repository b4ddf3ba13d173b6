"""A study's trials in a SQLite file, which several runners may share."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import socket
import sqlite3
import time
import uuid
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from scanlab.ir.diagnostics import ScanlabError
from scanlab.study import history
from scanlab.study.code_version import code_version
from scanlab.study.controls import stored_control
from scanlab.study.in_force import new_look
from scanlab.study.place import database_of
from scanlab.study.predictions import TABLES, write_predictions
from scanlab.study.record import DIVERGED, Epoch, MemberRecord, StudyRecord, TrialRecord, TrialResult
from scanlab.study.store_errors import explanation, other_settings

if TYPE_CHECKING:
    from scanlab.study.trial import Study

__all__ = ["LEASE_S", "SCHEMA", "Store", "new_owner", "read_study", "read_to_judge"]

SCHEMA = 1
# How long a trial belongs to a runner that gives no sign of life from another machine.
LEASE_S = 120.0
_APPLICATION = 0x53434E4C  # "SCNL", in the file's header
_DIVERGED = f"{DIVERGED}\n"  # How the error of such a trial begins
_TABLES = """
CREATE TABLE study (id INTEGER PRIMARY KEY CHECK (id = 1), about TEXT NOT NULL, command TEXT NOT NULL);
CREATE TABLE members (
  position INTEGER PRIMARY KEY, problem TEXT NOT NULL, strategy TEXT NOT NULL, seed INTEGER NOT NULL, control TEXT,
  key TEXT NOT NULL, UNIQUE (problem, strategy, seed));
CREATE TABLE trials (
  key TEXT PRIMARY KEY, config TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'waiting', owner TEXT NOT NULL DEFAULT '',
  heartbeat REAL NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, result TEXT, error TEXT NOT NULL DEFAULT '',
  environment TEXT NOT NULL DEFAULT '{}');
CREATE TABLE epochs (
  key TEXT NOT NULL, number INTEGER NOT NULL, loss REAL, metrics TEXT NOT NULL, seconds REAL NOT NULL,
  PRIMARY KEY (key, number));
"""


def new_owner() -> str:
    """A name for a runner that no other has: host, process, and a random part."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def read_study(place: Path) -> StudyRecord:
    """The study in a folder, or in a database file. Raises S654, S655 and S657.

    >>> from scanlab.study import study_of, with_options
    >>> with Store(Path("study.sqlite")) as store:  # as `run_study` begins
    ...     store.open_study(study_of(with_options(None, {"strategies": ["row"], "seeds": 1, "controls": []})))
    >>> [trial.status for trial in read_study(Path("study.sqlite")).trials.values()]
    ['waiting']
    """
    with Store(database_of(place), read_only=True) as store:
        return store.read()


def read_to_judge(place: Path) -> StudyRecord:
    """As `read_study`, and the history holds from now on that these results were looked at; raises as it does."""
    with Store(database_of(place), read_only=True) as store:
        # Who may only read cannot add seeds either, and meets the same verdicts.
        with contextlib.suppress(ScanlabError):
            store.note_look("report")
        return store.read()


class Store:
    """The database of a study; a context manager.

    Only the process that runs the study writes, through one runner's name, the owner: what an owner says of a trial
    counts only while the trial is its own. Raises S654 for a database of another version, S655 for a file that is no
    study or is damaged, S656 for a full disk, and S657 where the file cannot be opened or stays locked.
    """

    def __init__(self, path: Path, owner: str = "", read_only: bool = False) -> None:
        self.path = path
        self.owner = owner or new_owner()
        if read_only and not path.is_file():
            raise ScanlabError.at("S657", f"there is no study in {path}", help="give the folder of a study that ran")
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            # A reader opens the file for writing too: it may be the first to meet the log that a dead writer left.
            self._base = sqlite3.connect(path, timeout=60, isolation_level=None)
        try:
            with self._explained():
                self._prepare(read_only)
        except BaseException:
            self._base.close()
            raise

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._base.close()

    def open_study(self, study: Study, command: str = "", retry_diverged: bool = False) -> None:
        """Write the study down, in the place of what the file held of it; trials that are known keep their results.

        Trials that failed wait again, but for those that diverged, which would again, unless they are asked for. What
        is in force is added to the history, where it is new. Raises S682 where another runner is at work with other
        settings.
        """
        rows, configs = [], {}
        for position, m in enumerate(study.members()):
            rows.append((position, m.problem, m.strategy, m.seed, stored_control(m.control), m.trial.key))
            configs[m.trial.key] = json.dumps(m.trial.config, sort_keys=True)
        about, code = study.about(), code_version()
        with self._writing():
            # A database of an earlier version has no such tables.
            for table in TABLES:
                self._base.execute(table)
            earlier = self._base.execute("SELECT about FROM study").fetchone()
            before = json.loads(earlier[0]) if earlier else None
            if before is not None and before != json.loads(json.dumps(about)):
                self._require_alone()
            history.append_settings(self._base, about, code, before, list(self._statuses().values()))
            self._base.execute(
                "INSERT OR REPLACE INTO study VALUES (1, ?, ?)", (json.dumps(about, sort_keys=True), command)
            )
            self._base.execute("DELETE FROM members")
            self._base.executemany("INSERT INTO members VALUES (?, ?, ?, ?, ?, ?)", rows)
            self._base.executemany("INSERT OR IGNORE INTO trials (key, config) VALUES (?, ?)", configs.items())
            self._base.execute(
                "UPDATE trials SET status = 'waiting', owner = '', error = '' WHERE status = 'failed' "
                "AND (? OR substr(error, 1, ?) != ?)",
                (retry_diverged, len(_DIVERGED), _DIVERGED),
            )

    def claim(self, among: Collection[str] | None = None) -> str | None:
        """Take the first trial that waits, or whose owner is gone, as one's own; None where there is none.

        among: keys to choose from, None for all: another runner may have written other trials down meanwhile.
        """
        known = None if among is None else json.dumps(list(among))
        with self._writing():
            self._free_abandoned()
            waiting = self._base.execute(
                "SELECT t.key FROM members m JOIN trials t USING (key) WHERE t.status = 'waiting' "
                "AND (?1 IS NULL OR t.key IN (SELECT value FROM json_each(?1))) ORDER BY m.position LIMIT 1",
                (known,),
            ).fetchone()
            if waiting is None:
                return None
            self._base.execute(
                "UPDATE trials SET status = 'running', owner = ?, heartbeat = ?, attempts = attempts + 1 WHERE key = ?",
                (self.owner, time.time(), waiting[0]),
            )
        return waiting[0]

    def beat(self) -> None:
        """Say that this owner is alive."""
        with self._writing():
            self._base.execute(
                "UPDATE trials SET heartbeat = ? WHERE owner = ? AND status = 'running'", (time.time(), self.owner)
            )

    def record_epoch(self, key: str, number: int, epoch: Epoch) -> None:
        """Write an epoch of a trial of one's own down; the same epoch again replaces it."""
        with self._writing():
            if self._owns(key):
                self._put_epoch(key, number, epoch)

    def finish(self, key: str, result: TrialResult, environment: Mapping[str, str]) -> bool:
        """Write a trial's result down; whether it counted, which it does once and from its owner only."""
        kept = {k: v for k, v in result.figures().items() if k != "epochs"}
        with self._writing():
            if not self._owns(key):
                return False
            self._base.execute("DELETE FROM epochs WHERE key = ?", (key,))
            for number, epoch in enumerate(result.epochs):
                self._put_epoch(key, number, epoch)
            self._base.execute(
                "UPDATE trials SET status = 'done', owner = '', error = '', result = ?, environment = ? WHERE key = ?",
                (json.dumps(kept), json.dumps(dict(environment)), key),
            )
            if result.predictions is not None:
                write_predictions(self._base, key, result.predictions)
        return True

    def fail(self, key: str, error: str, environment: Mapping[str, str]) -> None:
        """Write down that a trial of one's own failed, and why."""
        with self._writing():
            self._base.execute(
                "UPDATE trials SET status = 'failed', owner = '', error = ?, environment = ? "
                "WHERE key = ? AND owner = ? AND status = 'running'",
                (error, json.dumps(dict(environment)), key, self.owner),
            )

    def release(self, key: str | None = None) -> None:
        """Let a trial of one's own, or all of them, wait again."""
        with self._writing():
            self._base.execute(
                "UPDATE trials SET status = 'waiting', owner = '' "
                "WHERE owner = ? AND status = 'running' AND (? IS NULL OR key = ?)",
                (self.owner, key, key),
            )

    def statuses(self) -> dict[str, str]:
        """The status of every trial of the study, by key."""
        with self._explained():
            return self._statuses()

    def note_look(self, how: str) -> None:
        """Add to the history that the results are judged as they stand, where other seeds were judged so far.

        how: "run", at its end, or "report". A database without a history is left as it is: the first run that gives it
        one notes what was there.
        """
        seeds = new_look(self.read())
        if seeds:
            with self._writing():
                content = {"seeds": list(seeds), "how": how}
                history.append(self._base, history.LOOK, code_version(), list(self._statuses().values()), content)

    def final_metrics(self, keys: Collection[str]) -> dict[str, dict[str, float]]:
        """The metrics after the last epoch of those of these trials that are done; none of those that diverged."""
        with self._explained():
            rows = self._base.execute(
                "SELECT key, metrics, max(number) FROM epochs JOIN trials USING (key) WHERE status = 'done' "
                "AND key IN (SELECT value FROM json_each(?1)) GROUP BY key UNION ALL SELECT key, '{}', 0 FROM trials "
                "WHERE status = 'failed' AND substr(error, 1, ?2) = ?3 AND key IN (SELECT value FROM json_each(?1))",
                (json.dumps(list(keys)), len(_DIVERGED), _DIVERGED),
            ).fetchall()
        return {key: json.loads(metrics) for key, metrics, _ in rows}

    def read(self) -> StudyRecord:
        """The study as it stands."""
        with self._explained(), self._transaction("BEGIN"):
            study = self._base.execute("SELECT about, command FROM study").fetchone()
            if study is None:
                raise ScanlabError.at(
                    "S655", f"{self.path} holds no study yet", help="give the folder of a study that ran"
                )
            members = self._base.execute(
                "SELECT problem, strategy, seed, control, key FROM members ORDER BY position"
            ).fetchall()
            epochs: dict[str, list[Epoch]] = {}
            for key, loss, metrics, seconds in self._base.execute(
                "SELECT key, loss, metrics, seconds FROM epochs JOIN (SELECT DISTINCT key FROM members) USING (key) "
                "ORDER BY key, number"
            ):
                # SQLite knows no NaN and gives None for it.
                epochs.setdefault(key, []).append(
                    Epoch(float("nan") if loss is None else loss, json.loads(metrics), seconds)
                )
            trials = {
                row[0]: _trial(row, tuple(epochs.get(row[0], ())))
                for row in self._base.execute(
                    "SELECT DISTINCT key, status, config, result, error, environment, attempts "
                    "FROM trials JOIN members USING (key)"
                )
            }
            past = history.read(self._base)
        members = tuple(MemberRecord(*m) for m in members)
        return StudyRecord(json.loads(study[0]), members, trials, study[1], self.path, past)

    def _statuses(self) -> dict[str, str]:
        return dict(self._base.execute("SELECT t.key, t.status FROM members m JOIN trials t USING (key)"))

    def _prepare(self, read_only: bool) -> None:
        version, application = (
            self._base.execute(f"PRAGMA {n}").fetchone()[0] for n in ("user_version", "application_id")
        )
        tables = self._base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not tables and not version and read_only:
            help = "give the folder of a study that ran, or its database"
            raise ScanlabError.at("S655", f"{self.path} is empty, and no study's database", help=help)
        if not tables and not version:
            self._base.execute("PRAGMA journal_mode = WAL")
            with self._transaction("BEGIN IMMEDIATE"):
                # Another runner may have been first.
                if not self._base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    for statement in _TABLES.strip().split(";\n"):
                        self._base.execute(statement)
                    self._base.execute(f"PRAGMA application_id = {_APPLICATION}")
                    self._base.execute(f"PRAGMA user_version = {SCHEMA}")
        elif application != _APPLICATION:
            raise ScanlabError.at("S655", f"{self.path} is a database, but not of a study", help="give another folder")
        elif version != SCHEMA:
            age = "newer" if version > SCHEMA else "older"
            raise ScanlabError.at(
                "S654",
                f"{self.path} was written by a ScanLab with {age} studies (version {version}; this one has {SCHEMA})",
                help="use that ScanLab, or give another folder: this one is left as it is",
            )
        self._base.execute("PRAGMA synchronous = NORMAL")

    def _require_alone(self) -> None:
        self._free_abandoned()
        running = "SELECT owner FROM trials JOIN members USING (key) WHERE status = 'running' AND owner != ?"
        other = self._base.execute(running, (self.owner,)).fetchone()
        if other is not None:
            raise other_settings(self.path, f"a runner at work there ({other[0].rpartition(':')[0]})")

    def _free_abandoned(self) -> None:
        """Let trials wait again whose owner is gone: here, where its process is; elsewhere, where it is silent."""
        now, here = time.time(), socket.gethostname()
        held = self._base.execute("SELECT DISTINCT owner, heartbeat FROM trials WHERE status = 'running'").fetchall()
        for owner, heartbeat in held:
            host, _, rest = owner.rpartition(":")[0].rpartition(":")
            dead = host == here and rest.isdigit() and not _is_alive(int(rest))
            if owner != self.owner and (dead or now - heartbeat > LEASE_S):
                self._base.execute(
                    "UPDATE trials SET status = 'waiting', owner = '' WHERE owner = ? AND status = 'running'", (owner,)
                )

    def _owns(self, key: str) -> bool:
        held = self._base.execute("SELECT owner, status FROM trials WHERE key = ?", (key,)).fetchone()
        return held == (self.owner, "running")

    def _put_epoch(self, key: str, number: int, epoch: Epoch) -> None:
        row = (key, number, epoch.loss, json.dumps(dict(epoch.metrics)), epoch.seconds)
        self._base.execute("INSERT OR REPLACE INTO epochs VALUES (?, ?, ?, ?, ?)", row)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        with self._explained(), self._transaction("BEGIN IMMEDIATE"):
            yield

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        self._base.execute(begin)
        try:
            yield
            self._base.execute("COMMIT")
        except BaseException:
            # A full disk may have rolled back already.
            with contextlib.suppress(sqlite3.Error):
                self._base.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """What SQLite says, in words that help."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise explanation(self.path, error) from error
        except OSError as error:
            raise explanation(self.path, error) from error


def _trial(row: tuple[Any, ...], epochs: tuple[Epoch, ...]) -> TrialRecord:
    key, status, config, result, error, environment, attempts = row
    finished = None
    if result is not None and status == "done":
        kept = json.loads(result)
        kept["field"] = tuple(kept.get("field", ()))
        finished = TrialResult(epochs=epochs, **kept)
    return TrialRecord(key, status, json.loads(config), epochs, finished, error, json.loads(environment), attempts)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OSError):
        return True
    # A process that ended and was not waited for holds its number, but nothing else.
    if platform.system() == "Linux":
        with contextlib.suppress(OSError, IndexError):
            return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2][0] != "Z"
    return True
