"""Studies: which databases there are, how far one is, and its results so far. Databases are read, never written."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scanlab.study.place import DATABASE, database_of
from scanlab.study.record import StudyRecord
from scanlab.study.store import Store

__all__ = [
    "Progress",
    "Running",
    "Strategy",
    "StudyState",
    "find_studies",
    "load_judging",
    "progress_of",
    "read_results",
    "read_state",
]

MOST_STUDIES, MOST_ENTRIES, DEEPEST = 100, 20_000, 6
_NEVER = ("node_modules", "__pycache__", "checkpoints")
# SQLite's header: its name first, and the application's number in bytes 68 to 72.
_SQLITE, _SCANLAB = b"SQLite format 3\0", b"SCNL"


@dataclass(frozen=True)
class Running:
    """A trial under way. epoch: how many are done, of `epochs`; metric: a metric's name and value after it, if any."""

    name: str
    epoch: int
    epochs: int
    metric: tuple[str, float] | None


@dataclass(frozen=True)
class Progress:
    """How far a study is. trials: how many have each status; epochs: (done, of all); failed trials count as done."""

    trials: dict[str, int]
    epochs: tuple[int, int]
    running: tuple[Running, ...]

    @property
    def total(self) -> int:
        """All trials."""
        return sum(self.trials.values())

    @property
    def is_over(self) -> bool:
        """Whether no trial is left."""
        return self.trials.get("done", 0) + self.trials.get("failed", 0) == self.total


@dataclass(frozen=True)
class Strategy:
    """A strategy of a study, as it can be shown: its text, axes and grid."""

    problem: str
    label: str
    source: str
    axes: tuple[str, ...]
    grid: tuple[int, ...]


@dataclass(frozen=True)
class StudyState:
    """A study as it stands. question: what it is to answer, or ""; ended: changes whenever a trial ends, so that its
    results are worth reading again."""

    name: str
    question: str
    progress: Progress
    strategies: tuple[Strategy, ...]
    ended: str


def find_studies(roots: Sequence[Path]) -> list[Path]:
    """The databases of studies in folders, sorted, at most MOST_STUDIES; hidden folders are left out.

    They are recognised by their first bytes, whatever their names are. Links to folders are not followed.
    """
    files: set[Path] = set()
    entries = 0
    for root in roots:
        for folder, below, names in os.walk(root):
            depth = len(Path(folder).relative_to(root).parts)
            kept = sorted(b for b in below if not b.startswith(".") and b not in _NEVER)
            below[:] = kept if depth < DEEPEST else []
            files.update(f for n in names if n.endswith(".sqlite") and _is_study(f := Path(folder, n)))
            entries += len(names)
            if entries > MOST_ENTRIES or len(files) >= MOST_STUDIES:
                break
    return sorted(files)[:MOST_STUDIES]


def _is_study(file: Path) -> bool:
    try:
        if not file.is_file() or file.is_symlink():
            return False
        with file.open("rb") as opened:
            head = opened.read(72)
    except OSError:
        return False
    # Of a study that has just begun, all but the first line of the header is still in SQLite's log.
    begun = file.name == DATABASE and file.with_name(f"{file.name}-wal").exists()
    return head.startswith(_SQLITE) and (head[68:72] == _SCANLAB or begun)


def read_state(place: Path) -> StudyState:
    """How far a study is. place: its folder or database. Needs no torch. Raises S654, S655 and S657."""
    with Store(database_of(place), read_only=True) as store:
        record = store.read()
    ended = sorted(key for key, trial in record.trials.items() if trial.status in ("done", "failed"))
    about = record.about
    digest = hashlib.sha256(json.dumps([about, ended], sort_keys=True).encode()).hexdigest()[:16]
    return StudyState(about["name"], about["question"], progress_of(record), _strategies(record), digest)


def read_results(place: Path) -> str:
    """A study's results so far, as HTML, without its question. Needs no torch. Raises as `read_state`."""
    from scanlab.explorer.renderers.study_page import results_page
    from scanlab.study.analysis import analyse

    with Store(database_of(place), read_only=True) as store:
        return results_page(analyse(store.read()))


def load_judging() -> None:
    """Load what `read_results` needs, so that the first study does not wait for it."""
    import scanlab.explorer.renderers.study_page
    import scanlab.study.analysis  # noqa: F401


def progress_of(record: StudyRecord) -> Progress:
    """Count the trials of a study and their epochs."""
    names = {m.key: f"{m.problem}, {m.strategy}, seed {m.seed}" for m in reversed(record.members)}
    done = total = 0
    running = []
    for key, trial in record.trials.items():
        epochs = int(trial.config["recipe"]["epochs"])
        total += epochs
        done += epochs if trial.status in ("done", "failed") else min(epochs, len(trial.epochs))
        if trial.status == "running":
            # One metric is enough to see that it learns.
            metric = next(iter(trial.epochs[-1].metrics.items()), None) if trial.epochs else None
            running.append(Running(names[key], len(trial.epochs), epochs, metric))
    counts = Counter(trial.status for trial in record.trials.values())
    return Progress(dict(counts), (done, total), tuple(running))


def _strategies(record: StudyRecord) -> tuple[Strategy, ...]:
    return tuple(
        Strategy(problem["name"], label, s["source"], tuple(s["axes"]), tuple(s["grid"]))
        for problem in record.about["problems"]
        for label, s in problem["strategies"].items()
    )
