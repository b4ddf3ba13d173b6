"""Loggers: TensorBoard's files are read back; MLflow and wandb are stand-ins that take what the real ones take."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from small import small_study

from scanlab.ir.diagnostics import ScanlabError
from scanlab.study import runner
from scanlab.study.engines import EpochDone, Failed, Finished, Lost, Started
from scanlab.study.loggers import logger_named
from scanlab.study.record import Epoch, TrialResult
from scanlab.study.runner import StudyProgress

STUDY = small_study(("row",), seeds=(0,), epochs=3)
TRIAL = STUDY.trials()[0]
EPOCHS = tuple(Epoch(1.0 / (n + 1), {"accuracy": 0.5 + n / 10}, 2.0) for n in range(3))
RESULT = TrialResult(EPOCHS, parameters=10, flops=20, seconds=6.0, transfer={"rotate 90": 0.25})


def tell(listener, *events) -> None:
    for event in events:
        listener(StudyProgress(event, TRIAL, (0, 1), (0, 1)))


def epochs(*numbers: int) -> list[EpochDone]:
    return [EpochDone(TRIAL.key, n, EPOCHS[n]) for n in numbers]


FINISHED = Finished(TRIAL.key, RESULT, {})
# A worker is lost after two epochs, and another goes on from its checkpoint.
BROKEN_UP = (Started(TRIAL.key), *epochs(0, 1), Lost(TRIAL.key, "gone"), Started(TRIAL.key), *epochs(0, 1, 2), FINISHED)


def test_tensorboard_holds_every_epoch_once_of_a_study_that_was_stopped(tmp_path):
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

    def stopping(listener):
        def hear(update):
            listener(update)
            if isinstance(update.event, EpochDone) and update.event.number == 1:
                raise KeyboardInterrupt

        return hear

    with pytest.raises(KeyboardInterrupt):
        runner.run_study(STUDY, tmp_path, listener=stopping(logger_named("tensorboard", tmp_path, STUDY)))
    record = runner.run_study(STUDY, tmp_path, listener=logger_named("tensorboard", tmp_path, STUDY))
    folders = sorted((tmp_path / "tensorboard" / "digits").glob("*/*"))
    assert [f.parent.name for f in folders] == ["control_ A_A", "row"]
    assert len(list(folders[1].iterdir())) > 2, "the stopped run left no file"
    for folder, strategy in zip(folders, ("control: A/A", "row"), strict=True):
        [member] = [m for m in record.members if m.strategy == strategy]
        assert folder.name == f"seed 0 {member.key[:8]}"
        events = reading.EventAccumulator(str(folder)).Reload()
        wanted = record.trial(member).result
        assert [e.step for e in events.Scalars("loss")] == [0, 1, 2]
        assert [e.value for e in events.Scalars("loss")] == pytest.approx([e.loss for e in wanted.epochs])
        accuracies = [e.metrics["accuracy"] for e in wanted.epochs]
        assert [e.value for e in events.Scalars("accuracy")] == pytest.approx(accuracies)
        assert all(e.value > 0 for tag in ("throughput", "learning_rate") for e in events.Scalars(tag))
        assert events.Scalars("result/parameters")[0].value == wanted.parameters
        [text] = [e.tensor_proto.string_val[0].decode() for e in events.Tensors("parameters/text_summary")][-1:]
        assert "| recipe.epochs | 3 |" in text and f"| strategy | {strategy} |" in text
        # What TensorBoard's table of hyperparameters reads.
        assert "_hparams_/session_end_info" in events.PluginTagToContent("hparams")


def test_tensorboard_names_what_failed(tmp_path):
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    listener = logger_named("tensorboard", tmp_path, STUDY)
    tell(listener, *epochs(0), Failed(TRIAL.key, "out of memory", "the trace", {}))
    [folder] = (tmp_path / "tensorboard").glob("*/*/*")
    events = reading.EventAccumulator(str(folder)).Reload()
    [event] = events.Tensors("error/text_summary")
    assert "out of memory\nthe trace" in event.tensor_proto.string_val[0].decode()


class MlflowServer:
    """What a server keeps, and the part of mlflow's interface (3.x) that stands before it."""

    def __init__(self, configured: bool = False) -> None:
        self.uris, self.experiments, self.artifacts, self.runs = [], {}, {}, {}
        self.module, self.entities = ModuleType("mlflow"), ModuleType("mlflow.entities")
        self.module.MlflowClient, self.module.is_tracking_uri_set = self.client, lambda: configured
        self.entities.Metric = lambda key, value, timestamp, step: SimpleNamespace(key=key, value=value, step=step)
        self.entities.Param = lambda key, value: (key, value)

    def client(self, tracking_uri=None):
        self.uris.append(tracking_uri)
        return self

    def get_experiment_by_name(self, name):
        return SimpleNamespace(experiment_id=self.experiments[name]) if name in self.experiments else None

    def create_experiment(self, name, artifact_location=None, tags=None):
        self.experiments[name], self.artifacts[name] = "7", artifact_location
        return "7"

    def search_runs(self, experiment_ids, filter_string="", run_view_type=1, max_results=1000):
        assert experiment_ids == ["7"]
        tag, wanted = filter_string.removeprefix("tags.`").removesuffix("'").split("` = '")
        names = [name for name, run in self.runs.items() if run["tags"].get(tag) == wanted]
        return [SimpleNamespace(info=SimpleNamespace(run_id=name)) for name in names[:max_results]]

    def create_run(self, experiment_id, start_time=None, tags=None, run_name=None):
        name = f"run {len(self.runs)}"
        self.runs[name] = {"tags": dict(tags), "name": run_name, "metrics": defaultdict(list), "status": "RUNNING"}
        return SimpleNamespace(info=SimpleNamespace(run_id=name))

    def update_run(self, run_id, status=None, name=None):
        self.runs[run_id]["status"] = status

    def get_metric_history(self, run_id, key):
        return [SimpleNamespace(step=step, value=value) for step, value in self.runs[run_id]["metrics"][key]]

    def log_batch(self, run_id, metrics=(), params=(), tags=()):
        if params:
            assert len(params) <= 100 and all(isinstance(value, str) for _, value in params)
            self.runs[run_id]["params"] = dict(params)
        for metric in metrics:
            self.runs[run_id]["metrics"][metric.key].append((metric.step, metric.value))

    def set_tag(self, run_id, key, value):
        assert len(value) <= 5000
        self.runs[run_id]["tags"][key] = value

    def set_terminated(self, run_id, status=None, end_time=None):
        self.runs[run_id]["status"] = status


def installed(monkeypatch, server: MlflowServer) -> MlflowServer:
    monkeypatch.setitem(sys.modules, "mlflow", server.module)
    monkeypatch.setitem(sys.modules, "mlflow.entities", server.entities)
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY", raising=False)
    return server


def test_mlflow_keeps_one_run_per_trial_whatever_happens_to_it(tmp_path, monkeypatch):
    server = installed(monkeypatch, MlflowServer())
    tell(logger_named("mlflow", tmp_path, STUDY), *epochs(0, 1))
    # The study was stopped, and goes on in another process.
    tell(logger_named("mlflow", tmp_path, STUDY), *epochs(0, 1, 2), FINISHED)
    [run] = server.runs.values()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert server.uris == [f"sqlite:///{tmp_path / 'mlflow.db'}"] * 2
    assert server.artifacts["small"] == (tmp_path / "mlflow").as_uri()
    assert run["name"] == "digits, row, seed 0" and run["status"] == "FINISHED"
    assert run["params"]["recipe.epochs"] == "3" and run["params"]["strategy"] == "row"
    assert run["params"]["sizes.mixer.state"] == "1" and run["params"]["seed"] == "0"
    assert run["metrics"]["loss"] == [(n, EPOCHS[n].loss) for n in range(3)]
    assert run["metrics"]["accuracy"] == [(n, EPOCHS[n].metrics["accuracy"]) for n in range(3)]
    assert run["metrics"]["result/transfer to rotate 90"] == [(2, 0.25)]


def test_mlflow_marks_failures_and_leaves_a_server_that_is_set_up_alone(tmp_path, monkeypatch):
    server = installed(monkeypatch, MlflowServer(configured=True))
    failed = Failed(TRIAL.key, "ZeroDivisionError", "x" * 9000, {})
    tell(logger_named("mlflow", tmp_path, STUDY), *epochs(0), failed)
    [run] = server.runs.values()
    assert server.uris == [None] and server.artifacts["small"] is None
    assert run["status"] == "FAILED" and run["tags"]["error"].startswith("ZeroDivisionError\nxxx")
    assert list(tmp_path.iterdir()) == []


class WandbRun:
    """A run of wandb's (0.19.10 and later), which takes steps in rising order only."""

    def __init__(self, **settings) -> None:
        self.settings, self.step, self.history, self.summary, self.code = settings, 0, [], {}, None

    def log(self, data, step=None, commit=None):
        assert self.code is None and step >= self.step
        self.history.append((step, data))
        self.step = step + 1

    def finish(self, exit_code=None, quiet=None):
        self.code = exit_code


@pytest.fixture
def wandb(monkeypatch) -> list[WandbRun]:
    """The runs that a stand-in for wandb started."""
    runs: list[WandbRun] = []
    module = ModuleType("wandb")

    def init(*, project, id, name, config, dir, mode, resume, reinit, settings):
        assert not set(project) & set("/\\#?%:") and Path(dir).is_dir()
        kept = {"project": project, "id": id, "name": name, "config": config, "dir": dir, "mode": mode}
        runs.append(WandbRun(**kept, resume=resume, reinit=reinit, **settings))
        return runs[-1]

    module.init, module.Settings = init, lambda **given: given
    monkeypatch.setitem(sys.modules, "wandb", module)
    for name in ("WANDB_MODE", "WANDB_API_KEY", "WANDB_BASE_URL", "WANDB_ERROR_REPORTING"):
        monkeypatch.delenv(name, raising=False)
    return runs


def test_wandb_is_offline_and_hears_of_every_epoch_once(tmp_path, wandb):
    tell(logger_named("wandb", tmp_path / "new", STUDY), *BROKEN_UP)
    [run] = wandb
    assert run.settings["mode"] == "offline" and run.settings["dir"] == str(tmp_path / "new")
    assert run.settings["project"] == "small" and run.settings["id"] == TRIAL.key
    assert run.settings["reinit"] == "create_new" and run.settings["resume"] == "allow"
    assert run.settings["config"]["recipe.epochs"] == 3 and run.settings["config"]["problem"] == "digits"
    assert run.history == [(n, {"loss": EPOCHS[n].loss, **EPOCHS[n].metrics, "seconds": 2.0}) for n in range(3)]
    assert run.summary["result/accuracy"] == EPOCHS[-1].metrics["accuracy"] and run.code == 0


@pytest.mark.parametrize("name", ["WANDB_MODE", "WANDB_API_KEY", "WANDB_BASE_URL"])
def test_wandb_goes_where_the_user_set_it_up_for(tmp_path, wandb, monkeypatch, name):
    monkeypatch.setenv(name, "something")
    tell(logger_named("wandb", tmp_path, STUDY), *epochs(0), Failed(TRIAL.key, "full disk", "trace", {}))
    assert wandb[0].settings["mode"] is None
    assert wandb[0].summary == {"error": "full disk\ntrace"} and wandb[0].code == 1


def test_a_logger_that_fails_warns_once_and_the_study_goes_on(tmp_path, wandb, monkeypatch):
    monkeypatch.setattr(WandbRun, "log", lambda *_, **__: 1 / 0)
    listener = logger_named("wandb", tmp_path, STUDY)
    with pytest.warns(RuntimeWarning, match="wandb failed, and logs no more of this study: division by zero") as warned:
        record = runner.run_study(STUDY, tmp_path, listener=listener)
    assert len(warned) == 1
    assert {t.status for t in record.trials.values()} == {"done"}


def test_a_logger_that_cannot_be_set_up_stops_the_command(tmp_path, monkeypatch):
    server = installed(monkeypatch, MlflowServer())
    server.get_experiment_by_name = lambda name: (_ for _ in ()).throw(ConnectionError("no answer"))
    with pytest.raises(ScanlabError, match=r"S663.*mlflow cannot log: no answer"):
        logger_named("mlflow", tmp_path, STUDY)


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [("tensorboard", "torch.utils.tensorboard", "logs"), ("mlflow", "mlflow", "mlflow"), ("wandb", "wandb", "wandb")],
)
def test_a_missing_library_is_named_with_how_to_install_it(tmp_path, monkeypatch, name, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ScanlabError, match=rf"S662.*{name}(?s:.*)pip install \"scanlab\[{extra}\]\""):
        logger_named(name, tmp_path, STUDY)


def test_an_unknown_logger_is_refused_with_those_that_are_there(tmp_path):
    with pytest.raises(ScanlabError, match=r"S608.*'tensorbord'(?s:.*)tensorboard, mlflow, wandb"):
        logger_named("tensorbord", tmp_path, STUDY)
