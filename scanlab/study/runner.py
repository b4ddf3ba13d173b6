"""Run a study: every trial that has no result yet, wherever it was left."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scanlab.ir.diagnostics import ScanlabError
from scanlab.renamed import renamed_names
from scanlab.study.engines import Engine, EpochDone, Event, Failed, Finished, Job, Lost
from scanlab.study.engines.local import InProcess, Processes, local_engine
from scanlab.study.own_checks import check_portable
from scanlab.study.place import DATABASE, model_folder, require_folder
from scanlab.study.record import StudyRecord
from scanlab.study.seeds_together import why_alone
from scanlab.study.store import Store
from scanlab.study.store_errors import other_settings
from scanlab.study.trial import Study, Trial
from scanlab.study.trial_wording import failure_reason
from scanlab.study.tuning import best_rates
from scanlab.study.weights import judged_places, write_models
from scanlab.study.work import FULL_DISK

__all__ = ["DATABASE", "StudyProgress", "choose_learning_rates", "run_study"]

__getattr__ = renamed_names(__name__, {"Update": "StudyProgress", "run": "run_study"})

CHECKPOINTS = "checkpoints"
MOST_LOSSES = 3
HEARTBEAT_S = 15.0
PAUSE_S = 0.5


@dataclass(frozen=True)
class StudyProgress:
    """What just happened, and how far the study is. event: None while another runner has all that is left.

    epochs and trials: (done, of all); failed trials count as done.

    >>> StudyProgress(None, None, epochs=(3, 20), trials=(0, 2)).epochs
    (3, 20)
    """

    event: Event | None
    trial: Trial | None
    epochs: tuple[int, int]
    trials: tuple[int, int]


Listener = Callable[[StudyProgress], None]


def run_study(
    study: Study,
    folder: Path,
    *,
    engine: Engine | None = None,
    workers: int = 1,
    devices: tuple[str, ...] = ("cpu",),
    together: int = 1,
    listener: Listener = lambda _: None,
    command: str = "",
    retry_diverged: bool = False,
) -> StudyRecord:
    """Run the trials of a study that are not done, and return them all.

    folder: holds the database and, while trials run, their checkpoints; a study that was stopped, in whatever way, goes
    on from there, and another runner may share the work. engine: where trials run; by default `workers` of them on this
    machine, sharing out the devices. together: so many seeds of one strategy are trained as one batched model where
    that can be (`seeds_together.why_alone`); they then come strategy by strategy, and equal single trainings to
    rounding. Trials that fail do not stop the others, and are tried again by the next run, but for those that diverged:
    these go on from their last good epoch where retry_diverged is set. Raises S653 and S656 for a full disk (what is
    finished is kept), S654, S655 and S657 for a database that cannot be used, S681 for a file as folder, S608 for an
    engine that trains none together.
    Learning rates that the study chooses are chosen first (`choose_learning_rates`).

    >>> from scanlab.study import study_of, with_options
    >>> options = {"strategies": ["row"], "controls": [], "seeds": 2, "limit": 16, "test_limit": 16}
    >>> options |= {"model.dim": 8, "model.depth": 1, "model.patch": 4, "recipe.epochs": 1}
    >>> study = study_of(with_options(None, options))
    >>> record = run_study(study, Path("out"))
    >>> [trial.status for trial in record.trials.values()]
    ['done', 'done']
    >>> run_study(study, Path("out")) == record  # nothing is left to train
    True
    """
    require_folder(folder)
    engine = engine or local_engine(workers, devices)
    check_portable(study, engine)
    if together > 1 and not isinstance(engine, InProcess | Processes):
        raise ScanlabError.at(
            "S608", "seeds are trained together on this machine alone", help="leave --together out, or --engine"
        )
    study = choose_learning_rates(
        study, folder, engine=engine, listener=listener, command=command, retry_diverged=retry_diverged
    )
    with Store(folder / DATABASE) as store:
        store.open_study(study, command, retry_diverged)
        _run_all(_Desk(study, store, folder / CHECKPOINTS, listener, together=together), engine)
        store.note_look("run")
        return store.read()


def choose_learning_rates(
    study: Study,
    folder: Path,
    *,
    engine: Engine,
    listener: Listener = lambda _: None,
    command: str = "",
    retry_diverged: bool = False,
) -> Study:
    """The study with the learning rate of every strategy and control that is to choose one, as its trainings say.

    Those that are not done are run first; they are trials of the folder's study like all others, and go on as these
    do. Raises S772 where one failed or gave no number, and what `run_study` raises.
    """
    if study.tune is None or study.chosen:
        return study
    with Store(folder / DATABASE) as store:
        members = list(study.tuning_members())
        keys = {member.trial.key for member in members}
        metrics = store.final_metrics(keys)
        if len(metrics) < len(keys):
            store.open_study(study, command, retry_diverged)
            _run_all(_Desk(study, store, folder / CHECKPOINTS, listener, keys), engine)
            metrics = store.final_metrics(keys)
    return replace(study, chosen=best_rates(members, metrics))


def _run_all(desk: _Desk, engine: Engine) -> None:
    with _heartbeat(desk.store):
        try:
            while not desk.all_done():
                engine.run(desk.take, desk.on_event)
                if not desk.all_done():
                    desk.wait_for_others()
        finally:
            with contextlib.suppress(ScanlabError):
                desk.store.release()


class _Desk:
    """Hands out jobs and writes down what becomes of them; in the runner's thread only."""

    def __init__(
        self,
        study: Study,
        store: Store,
        checkpoints: Path,
        listener: Listener,
        only: Collection[str] | None = None,
        together: int = 1,
    ) -> None:
        """only: keys of the trials to run, None for all. together: how many seeds of one strategy make one job."""
        self.store, self.checkpoints, self.listener, self.together = store, checkpoints, listener, together
        self.trials = {trial.key: trial for trial in study.trials()}
        self.own = frozenset(self.trials if only is None else only)
        self.keep = study.keep
        places = judged_places(study).items()
        self.models = {key: model_folder(checkpoints.parent, *place, key) for key, place in places}
        self.losses: Counter[str] = Counter()
        self.epochs = dict.fromkeys(self.trials, 0)
        self.total = sum(t.problem.recipe.epochs for t in self.trials.values())
        self._look()

    def take(self) -> Job | None:
        key = self.store.claim(self.own)
        if key is not None:
            return replace(self._job(key), others=self._others(key))
        # Another runner of this study keeps its trials; one of another study has taken them out.
        if not self.own <= self.store.statuses().keys():
            raise other_settings(self.store.path, "a runner that began after this one")
        return None

    def _job(self, key: str) -> Job:
        return Job(self.trials[key], self._checkpoint(key), keep=self.keep if key in self.models else ())

    def _others(self, first: str) -> tuple[Job, ...]:
        """Jobs of trials that are to be trained together with one, claimed as well."""
        if self.together < 2 or why_alone(self.trials[first]):
            return ()
        alike, jobs = _but_for_seed(self.trials[first]), []
        for key, trial in self.trials.items():
            if len(jobs) + 1 == self.together:
                break
            if key in self.own and key != first and _but_for_seed(trial) == alike and self.store.claim([key]):
                jobs.append(self._job(key))
        return tuple(jobs)

    def on_event(self, event: Event) -> None:
        key = event.key
        if isinstance(event, EpochDone):
            self.store.record_epoch(key, event.number, event.epoch)
            self.epochs[key] = max(self.epochs[key], event.number + 1)
        elif isinstance(event, Finished):
            # First, since a trial whose weights find no room goes on from its checkpoint.
            if event.result.weights:
                write_models(self.models[key], event.result.weights)
            if self.store.finish(key, event.result, event.environment):
                self._checkpoint(key).unlink(missing_ok=True)
        elif isinstance(event, Failed):
            if event.kind == FULL_DISK:
                self.store.release(key)
                why = failure_reason(f"{event.kind}\n{event.trace}")
                raise ScanlabError.at("S653", why, help="make room and run the same command again")
            self.store.fail(key, f"{event.kind}\n{event.trace}", event.environment)
        elif isinstance(event, Lost):
            self._lost(event)
        if isinstance(event, Finished | Failed | Lost):
            self._look()
        self._notify(event, self.trials[key])

    def all_done(self) -> bool:
        self._look()
        return all(self.statuses.get(key, "done") in ("done", "failed") for key in self.own)

    def wait_for_others(self) -> None:
        """Until a trial is free, or all are done."""
        self._notify(None, None)
        while not self.all_done():
            if any(self.statuses.get(key) == "waiting" for key in self.own):
                return
            time.sleep(PAUSE_S)
            # Claims free the trials of dead owners; one that is taken here is given back at once.
            key = self.store.claim(self.own)
            if key is not None:
                self.store.release(key)
                return

    def _lost(self, event: Lost) -> None:
        self.losses[event.key] += 1
        if self.losses[event.key] < MOST_LOSSES:
            self.store.release(event.key)
        else:
            self.store.fail(event.key, f"{event.why}, {MOST_LOSSES} times", {})

    def _look(self) -> None:
        """Read how far all is; another runner may have written another study down, whose trials are none of these."""
        self.statuses = {key: status for key, status in self.store.statuses().items() if key in self.trials}
        for key, status in self.statuses.items():
            if status in ("done", "failed"):
                self.epochs[key] = self.trials[key].problem.recipe.epochs

    def _notify(self, event: Event | None, trial: Trial | None) -> None:
        done = sum(status in ("done", "failed") for status in self.statuses.values())
        self.listener(StudyProgress(event, trial, (sum(self.epochs.values()), self.total), (done, len(self.trials))))

    def _checkpoint(self, key: str) -> Path:
        return self.checkpoints / f"{key}.pt"


def _but_for_seed(trial: Trial) -> dict[str, Any]:
    return {name: value for name, value in trial.config.items() if name != "seed"}


@contextlib.contextmanager
def _heartbeat(store: Store) -> Iterator[None]:
    """Signs of life from a thread with a connection of its own, since an epoch may take long."""
    ended = threading.Event()

    def beat() -> None:
        with Store(store.path, store.owner) as own:
            while not ended.wait(HEARTBEAT_S):
                # A disk that is full now is met, and reported, where results are written.
                with contextlib.suppress(ScanlabError):
                    own.beat()

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
