"""Studies that are stopped, starved and shared: nothing is lost, nothing counts twice."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from small import numbers, small_problem, small_study
from sweep import sweeping

from scanlab.ir.diagnostics import ScanlabError
from scanlab.study import runner, train
from scanlab.study.checkpoint import Progress, write_checkpoint
from scanlab.study.engines import EpochDone, Failed, Lost, Restarted
from scanlab.study.engines.local import Processes
from scanlab.study.store import Store, read_study
from scanlab.study.trial import Study
from scanlab.study.work import OUT_OF_MEMORY

HERE = Path(__file__).parent
EPOCHS = 3


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """The study of small.py, run in one go."""
    return runner.run_study(small_study(epochs=EPOCHS), tmp_path_factory.mktemp("unbroken"))


def started(folder: Path, workers: int) -> subprocess.Popen:
    """A runner in a process group of its own."""
    command = [sys.executable, str(HERE / "small.py"), str(folder), str(EPOCHS), str(workers)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def until(process: subprocess.Popen, epochs: int) -> None:
    """Read what a runner says until so many epochs are done."""
    for line in process.stdout:
        word, done = line.split()
        if word == "EpochDone" and int(done) >= epochs:
            return
    raise AssertionError("the runner ended before it could be killed")


def same(record, unbroken) -> bool:
    return numbers(record) == numbers(unbroken) and len(numbers(record)) == len(record.trials)


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


# Two workers do all that one does.
@pytest.mark.sweep
@pytest.mark.parametrize("workers", [1, 2] if sweeping() else [2])
def test_a_killed_runner_goes_on_where_it_was(tmp_path, unbroken, workers):
    process = started(tmp_path, workers)
    until(process, 2 * EPOCHS + 1)
    process.kill()
    process.wait()
    with Store(tmp_path / runner.DATABASE, read_only=True) as store:
        left = store.read()
    assert "waiting" in {t.status for t in left.trials.values()}
    seen = []
    record = runner.run_study(small_study(epochs=EPOCHS), tmp_path, listener=seen.append)
    assert same(record, unbroken)
    # What was finished before was not run again: at most the epochs under way were.
    assert len({u.event.key for u in seen if isinstance(u.event, EpochDone)}) < len(record.trials)
    assert not list((tmp_path / "checkpoints").iterdir())
    if workers > 1:
        end = time.monotonic() + 20
        while alive(process.pid) and time.monotonic() < end:
            time.sleep(0.1)
        assert not alive(process.pid), "workers outlived their runner"


def test_workers_leave_nothing_behind_that_python_complains_of(tmp_path):
    command = [sys.executable, str(Path(__file__).with_name("small.py")), str(tmp_path), "1", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Finished" in done.stdout and "leaked" not in done.stderr


def test_a_lost_worker_loses_no_trial(tmp_path, unbroken):
    engine, lost = Processes(2), []

    def listener(update):
        if isinstance(update.event, Lost):
            lost.append(update.event)
        if isinstance(update.event, EpochDone) and update.event.number == 1 and not lost and not killed:
            [worker] = [w for w in engine._alive if w.job and w.job.key == update.event.key]
            os.kill(worker.process.pid, signal.SIGKILL)
            killed.append(update.event.key)

    killed: list[str] = []
    record = runner.run_study(small_study(epochs=EPOCHS), tmp_path, engine=engine, listener=listener)
    assert [event.key for event in lost] == killed
    assert "signal 9" in lost[0].why and "memory" in lost[0].why
    assert same(record, unbroken)
    assert record.trials[killed[0]].attempts == 2


def test_a_trial_that_kills_its_worker_is_given_up_after_three_times(tmp_path):
    study = small_study(seeds=(0,), controls=(), epochs=12)
    engine = Processes(2)
    victim = study.trials()[0].key

    def listener(update):
        if isinstance(update.event, EpochDone) and update.event.key == victim:
            for worker in engine._alive:
                if worker.job and worker.job.key == victim and worker.process.is_alive():
                    os.kill(worker.process.pid, signal.SIGKILL)

    record = runner.run_study(study, tmp_path, engine=engine, listener=listener)
    statuses = [record.trials[t.key].status for t in study.trials()]
    assert statuses == ["failed", "done"]
    assert "3 times" in record.trials[victim].error


def test_a_failed_trial_is_reported_and_the_others_go_on(tmp_path, monkeypatch):
    study = small_study(controls=())
    victim = study.trials()[1].key
    monkeypatch.setattr("scanlab.study.work.train_trial", breaking(victim, ZeroDivisionError("by zero here")))
    seen = []
    record = runner.run_study(study, tmp_path, listener=seen.append)
    assert [t.status for t in record.trials.values()].count("done") == 3
    trial = record.trials[victim]
    assert trial.status == "failed"
    assert trial.error.startswith("ZeroDivisionError\nTraceback") and "by zero here" in trial.error
    assert [u.event.kind for u in seen if isinstance(u.event, Failed)] == ["ZeroDivisionError"]
    assert seen[-1].trials == (4, 4)
    monkeypatch.undo()
    assert runner.run_study(study, tmp_path).trials[victim].status == "done"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_a_lack_of_memory_is_named(tmp_path, monkeypatch, error):
    study = small_study(("row",), seeds=(0,), controls=())
    monkeypatch.setattr("scanlab.study.work.train_trial", breaking(study.trials()[0].key, error))
    [trial] = runner.run_study(study, tmp_path).trials.values()
    assert trial.error.startswith(f"{OUT_OF_MEMORY}\nTraceback")


def test_a_real_lack_of_memory_is_named(tmp_path):
    from dataclasses import replace

    problem = small_problem(("row",))
    huge = replace(problem, config=replace(problem.config, dim=1 << 22))
    [trial] = runner.run_study(Study("huge", (huge,), (0,), controls=()), tmp_path).trials.values()
    assert trial.status == "failed" and trial.error.startswith(OUT_OF_MEMORY)


def breaking(victim, error):
    """`train`, but for one trial."""

    def broken(trial, *rest, **more):
        if trial.key == victim:
            raise error
        return train.train_trial(trial, *rest, **more)

    return broken


def test_a_full_disk_under_the_database_stops_the_run_and_loses_nothing(tmp_path, unbroken):
    study = small_study(epochs=EPOCHS)
    # Small pages, since usual ones have room left for all that this study writes.
    with contextlib.closing(sqlite3.connect(tmp_path / runner.DATABASE)) as base:
        base.executescript("PRAGMA page_size = 512; VACUUM;")
    with Store(tmp_path / runner.DATABASE) as store:
        store.open_study(study)
        pages = store._base.execute("PRAGMA page_count").fetchone()[0]

    class Small(Store):
        """A store on a disk with no room for another page."""

        def __init__(self, *rest, **more):
            super().__init__(*rest, **more)
            self._base.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "Store", Small)
        with pytest.raises(ScanlabError, match=r"S656.*full"):
            runner.run_study(study, tmp_path)
    assert same(runner.run_study(study, tmp_path), unbroken)


def test_a_full_disk_under_the_checkpoints_stops_the_run_and_loses_nothing(tmp_path, unbroken):
    study = small_study(epochs=EPOCHS)
    with pytest.MonkeyPatch.context() as patch:
        # The device that is always full.
        (tmp_path / "full").symlink_to("/dev/full")
        patch.setattr("tempfile.mkstemp", lambda **_: (os.open("/dev/full", os.O_WRONLY), str(tmp_path / "full")))
        with pytest.raises(ScanlabError, match="S653"):
            runner.run_study(study, tmp_path)
    assert {t.status for t in read_study(tmp_path).trials.values()} == {"waiting"}
    assert same(runner.run_study(study, tmp_path), unbroken)


def test_two_runners_share_a_study(tmp_path, unbroken):
    study, finished, records = small_study(epochs=EPOCHS), [], []
    other = started(tmp_path, 1)
    until(other, 1)

    def listener(update):
        if type(update.event).__name__ == "Finished":
            finished.append(update.event.key)

    thread = threading.Thread(target=lambda: [None for _ in other.stdout])
    thread.start()
    records.append(runner.run_study(study, tmp_path, listener=listener))
    assert other.wait(60) == 0
    thread.join()
    assert same(records[0], unbroken)
    assert 0 < len(finished) < len(unbroken.trials)
    assert {t.attempts for t in records[0].trials.values()} == {1}


def test_a_stopped_runner_gives_its_trials_back(tmp_path):
    def listener(update):
        if isinstance(update.event, EpochDone):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner.run_study(small_study(), tmp_path, workers=2, listener=listener)
    assert "running" not in {t.status for t in read_study(tmp_path).trials.values()}


def test_a_runner_whose_study_was_replaced_stops_with_words(tmp_path):
    def listener(update):
        if type(update.event).__name__ == "Finished":
            # Between two trials nothing runs, and another runner may come in.
            with Store(tmp_path / runner.DATABASE) as store:
                store.open_study(small_study(seeds=(7, 8)))

    with pytest.raises(ScanlabError, match=r"S682.*began after this one"):
        runner.run_study(small_study(seeds=(0, 1), epochs=1), tmp_path, listener=listener)
    assert "running" not in {t.status for t in read_study(tmp_path).trials.values()}


@pytest.mark.parametrize("below", [False, True])
def test_a_file_is_no_folder_of_a_study(tmp_path, below):
    file = tmp_path / "notes"
    file.write_text("")
    with pytest.raises(ScanlabError, match=r"S681.*notes is a file"):
        runner.run_study(small_study(), file / "study" if below else file)
    assert file.read_bytes() == b"" and list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("damage", ["half", "other"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_checkpoint_of_no_use_is_named_before_its_trial_starts_anew(tmp_path, unbroken, damage, workers):
    study = small_study(epochs=EPOCHS)
    first, second = (tmp_path / "checkpoints" / f"{t.key}.pt" for t in study.trials()[:2])
    first.parent.mkdir()
    if damage == "half":
        first.write_bytes(b"PK half a file")
    else:
        write_checkpoint(first, second.stem, Progress(), {})
    seen = []
    record = runner.run_study(study, tmp_path, workers=workers, listener=lambda update: seen.append(update.event))
    own = [type(e).__name__ for e in seen if e.key == first.stem]
    assert own[:3] == ["Started", "Restarted", "EpochDone"] and same(record, unbroken)
    [event] = [e for e in seen if isinstance(e, Restarted)]
    assert event.why == ("it cannot be read" if damage == "half" else "it is of another trial")
