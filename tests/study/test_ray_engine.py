"""Studies on a Ray cluster: workers and machines die, and the results are those of an unbroken run."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from small import numbers, small_problem, small_study

from scanlab import data
from scanlab.ir.diagnostics import ScanlabError
from scanlab.study import runner
from scanlab.study.checkpoint import InMemory
from scanlab.study.engines import EpochDone, Failed, Finished, Job, Lost, Started, cluster
from scanlab.study.engines.isolated import Worker, sent
from scanlab.study.engines.ray import RayEngine
from scanlab.study.store import read_study
from scanlab.study.trial import DataChoice, Trial

EPOCHS = 3
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """The study of small.py, run in this process in one go."""
    return runner.run_study(small_study(epochs=EPOCHS), tmp_path_factory.mktemp("unbroken"))


@pytest.fixture(scope="module")
def machines():
    """A cluster of two machines with room for one worker each: the head, and one that can be removed."""
    utils = pytest.importorskip("ray.cluster_utils")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        made = utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        node = made.add_node(num_cpus=1)
    yield made, node
    made.shutdown()


def events_of(job, held=None) -> tuple[list, list[bytes]]:
    """What a worker tells of a job: events, and checkpoints' contents."""
    said = list(Worker().work(sent(job if held is None else replace(job, checkpoint=InMemory(held)), "cpu")))
    return [event for event, _ in said], [content for _, content in said if content is not None]


def job_of(name="row", epochs=2, **changes) -> Job:
    problem = replace(small_problem((name,), epochs=epochs), **changes)
    return Job(Trial(problem, problem.strategies[0][1], 0))


def epochs_of(events) -> list[tuple[int, float, dict]]:
    return [(e.number, e.epoch.loss, dict(e.epoch.metrics)) for e in events if isinstance(e, EpochDone)]


def test_a_worker_sends_its_checkpoint_and_another_goes_on_from_it(tmp_path):
    whole, contents = events_of(job_of())
    assert [type(e) for e in whole] == [Started, EpochDone, EpochDone, Finished]
    assert len(contents) == 2
    again, more = events_of(job_of(), contents[0])
    # The first epoch was known: it is reported, and not sent again.
    assert epochs_of(again) == epochs_of(whole) and len(more) == 1
    assert [e.loss for e in again[-1].result.epochs] == [e.loss for e in whole[-1].result.epochs]
    # From a file of the runner's as well, which stays as it is.
    kept = tmp_path / "kept.pt"
    kept.write_bytes(contents[1])
    done, none = events_of(replace(job_of(), checkpoint=kept))
    assert epochs_of(done) == epochs_of(whole) and none == []
    assert kept.read_bytes() == contents[1]


def test_data_travel_by_name_and_are_compared(tmp_path, monkeypatch):
    digits = data.load("digits")
    arrays = {"x": (digits.images[:200, 0] * 16).astype(np.uint8), "y": digits.labels[:200]}
    np.savez(tmp_path / "some.npz", **arrays)
    monkeypatch.chdir(tmp_path)
    choice = DataChoice("permuted:some.npz")
    job = job_of(data=choice, fingerprint=data.load(choice.name).fingerprint, epochs=1)
    travelling = sent(job, "cpu")
    assert travelling.trial.problem.data.name == f"permuted:{tmp_path / 'some.npz'}"
    assert travelling.key == job.key and travelling.checkpoint.content is None
    monkeypatch.chdir("/")
    assert isinstance(list(Worker().work(travelling))[-1][0], Finished)
    (tmp_path / "some.npz").rename(tmp_path / "moved.npz")
    failed = list(Worker().work(travelling))[-1][0]
    assert isinstance(failed, Failed) and failed.kind == "no data"
    assert "some.npz: copy it to the same place on every machine" in failed.trace


def test_other_data_under_the_same_name_are_refused():
    events, contents = events_of(job_of(fingerprint="0123456789abcdef"))
    assert [type(e) for e in events] == [Started, Failed] and contents == []
    assert events[-1].kind == "other data" and "0123456789abcdef" in events[-1].trace


def test_without_ray_the_help_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ScanlabError, match=r"S660.*Ray(?s:.*)pip install \"scanlab\[cluster\]\""):
        runner.run_study(small_study(), tmp_path, engine=RayEngine())
    assert {t.status for t in read_study(tmp_path).trials.values()} == {"waiting"}
    # Nothing to do needs no cluster.
    RayEngine().run(lambda: None, lambda event: None)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("localhost", "no address of a Ray cluster"),
        ("ray://localhost:10001", "address of a Ray client"),
        ("nowhere.invalid:6379", "no Ray cluster answers"),
    ],
)
def test_a_wrong_address_is_refused(address, says):
    pytest.importorskip("ray")
    with pytest.raises(ScanlabError, match=rf"S661.*{says}"):
        RayEngine(address).run(lambda: job_of(), lambda event: None)


def test_an_address_with_something_else_behind_it_is_refused(monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.setattr(cluster, "ANSWER_S", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(ScanlabError, match=r"S661.*no Ray cluster"):
            RayEngine(address).run(lambda: job_of(), lambda event: None)
    with pytest.raises(ScanlabError, match=r"S661.*no Ray cluster answers"):
        RayEngine(address).run(lambda: job_of(), lambda event: None)


class NoRoom:
    """A stand-in for Ray, of a cluster on which no worker starts: they wait, or their start raises an error."""

    def __init__(self, gpus=0, error=None):
        self.exceptions = SimpleNamespace(RayError=RuntimeError, RayTaskError=ImportError)
        self.gpus, self.error, self.wanted, self.made, self.killed = gpus, error, [], 0, 0

    def cluster_resources(self):
        return {"CPU": 4.0, **({"GPU": float(self.gpus)} if self.gpus else {})}

    def remote(self, *worker):
        if worker:
            return SimpleNamespace(options=lambda **wanted: self.wanted.append(wanted) or self)
        self.made += 1
        return SimpleNamespace(name=SimpleNamespace(remote=object))

    def wait(self, refs, timeout):
        return (refs[:1], refs[1:]) if self.error else ([], refs)

    def get(self, ref):
        raise self.error

    def kill(self, actor):
        self.killed += 1


@pytest.mark.parametrize(
    ("error", "starts", "says"),
    [
        (None, 1, "no room for a worker"),
        (RuntimeError("its node has died"), 3, "cannot start on the Ray cluster: its node has died"),
        (ImportError("no module named scanlab"), 1, "cannot start on the Ray cluster: no module named scanlab"),
    ],
)
def test_a_cluster_on_which_no_worker_starts_is_reported(monkeypatch, error, starts, says):
    class Broken(ImportError, RuntimeError):
        """What the worker's own code raised is an error of Ray's as well."""

    ray = NoRoom(error=Broken(str(error)) if isinstance(error, ImportError) else error)
    monkeypatch.setattr("scanlab.study.engines.ray.connected", lambda *_: contextlib.nullcontext(ray))
    with pytest.raises(ScanlabError, match=f"S661.*{says}"):
        RayEngine().run(iter([job_of(), None]).__next__, lambda event: None)
    assert ray.made == ray.killed == starts
    assert ray.wanted == [{"num_cpus": 1, "num_gpus": 0}]


@pytest.mark.parametrize(("device", "has", "gets"), [("auto", 0, 0), ("auto", 2, 0.5), ("cuda", 2, 0.5), ("cpu", 2, 0)])
def test_workers_ask_for_gpus_where_the_device_says_so(monkeypatch, device, has, gets):
    ray = NoRoom(gpus=has)
    monkeypatch.setattr("scanlab.study.engines.ray.connected", lambda *_: contextlib.nullcontext(ray))
    with pytest.raises(ScanlabError, match="S661"):
        RayEngine(device=device, gpus=0.5).run(iter([job_of(), None]).__next__, lambda event: None)
    assert ray.wanted == [{"num_cpus": 1, "num_gpus": gets}]
    with pytest.raises(ScanlabError, match=r"S608.*no machine of the Ray cluster has a GPU"):
        RayEngine()._device(NoRoom(), replace(job_of(), device="cuda"))


def test_a_cluster_that_does_not_start_is_reported(monkeypatch):
    ray = pytest.importorskip("ray")

    def timed_out(**_):
        raise Exception("The current node timed out during startup.")

    monkeypatch.setattr(ray, "init", timed_out)
    with pytest.raises(ScanlabError, match=r"S661.*on this machine cannot be used: The current node timed out"):
        RayEngine().run(iter([job_of(), None]).__next__, lambda event: None)
    assert "RAY_USAGE_STATS_ENABLED" not in os.environ


def until_dead(pid: int) -> bool:
    """Whether a process is gone within a while; one that nobody has waited for is."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().rpartition(") ")[2][0] == "Z":
            return True
        time.sleep(0.1)
    return False


def test_a_killed_runner_takes_its_workers_with_it(tmp_path, machines, unbroken):
    command = [sys.executable, str(HERE / "ray_runner.py"), str(tmp_path), str(EPOCHS), machines[0].address]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    pids = []
    for line in process.stdout:
        word, pid = line.split()
        pids += [int(pid)] if word == "Started" else []
        if word == "EpochDone" and len(set(pids)) == 2:
            break
    process.kill()
    process.wait()
    assert len(set(pids)) == 2 and all(map(until_dead, pids))
    # What the cluster's workers began goes on here, from checkpoints that they never wrote to this folder.
    seen = []
    record = runner.run_study(small_study(epochs=EPOCHS), tmp_path, listener=seen.append)
    assert numbers(record) == numbers(unbroken)


def test_a_killed_worker_and_a_lost_machine_lose_no_trial(tmp_path, machines, unbroken):
    made, node = machines
    pids, killed, lost, finished = {}, [], [], []

    def listener(update):
        event = update.event
        if isinstance(event, Started):
            pids[event.key] = int(event.where.rpartition(" ")[2])
        if isinstance(event, EpochDone) and event.number == 1 and not killed:
            killed.append(event.key)
            os.kill(pids[event.key], signal.SIGKILL)
        if isinstance(event, Finished):
            finished.append(event.key)
            if len(finished) == 2:
                made.remove_node(node, allow_graceful=False)
        if isinstance(event, Lost):
            lost.append(event)

    record = runner.run_study(
        small_study(epochs=EPOCHS), tmp_path, engine=RayEngine(made.address, 2), listener=listener
    )
    assert numbers(record) == numbers(unbroken) and len(numbers(record)) == len(record.trials)
    assert sorted(finished) == sorted(record.trials), "a trial finished twice, or not at all"
    assert lost[0].key == killed[0] and "process died" in lost[0].why
    # The machine had a trial when it went, or was between two.
    assert len(lost) in (1, 2)
    assert sum(trial.attempts for trial in record.trials.values()) == len(record.trials) + len(lost)
    assert record.trials[killed[0]].attempts >= 2
    assert not list((tmp_path / "checkpoints").iterdir())
