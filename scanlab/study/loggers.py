"""What other programs show of a study while it runs: TensorBoard, MLflow, Weights & Biases."""

from __future__ import annotations

import importlib
import json
import os
import re
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from scanlab.ir.diagnostics import ScanlabError
from scanlab.study.engines import EpochDone, Failed, Finished
from scanlab.study.place import file_name
from scanlab.study.record import Epoch, TrialResult
from scanlab.study.runner import Listener, StudyProgress
from scanlab.study.trial import Study, Trial

__all__ = ["LOGGERS", "logger_named"]

Values = Mapping[str, float]


def logger_named(name: str, folder: Path, study: Study) -> Listener:
    """A listener that logs every trial of a study as one run: its configuration as parameters, its metrics by epoch.

    name: one of LOGGERS. folder: the study's, where logs are kept unless the library is set up for a server. An epoch
    is logged once, also of a trial that is taken up again. A logger that fails while the study runs warns, and logs no
    more; the study goes on. Raises S608 for another name, S662 where the library is missing, and S663 where it cannot
    be set up.
    """
    if name not in LOGGERS:
        raise ScanlabError.at("S608", f"there is no logger {name!r}", help=f"choose from {', '.join(LOGGERS)}")
    try:
        opened = LOGGERS[name](folder, study)
    except ScanlabError:
        raise
    except Exception as error:  # Each library has errors of its own.
        raise ScanlabError.at(
            "S663", f"{name} cannot log: {error}", help="see that its server answers, or leave the logger out"
        ) from error
    return _listener(name, opened, study)


class _Run(Protocol):
    """The run of a trial. logged: how many epochs it holds already."""

    logged: int

    def log(self, number: int, values: Values) -> None:
        """Values of an epoch."""
        ...

    def end(self, totals: Values, error: str) -> None:
        """No more will come. error: "" for a trial that finished."""
        ...


@dataclass(frozen=True)
class _Title:
    """How a trial is called, by the first of its places in the study, and what it is determined by."""

    problem: str
    strategy: str
    seed: int
    key: str
    parameters: Mapping[str, str | int | float | bool]

    @property
    def text(self) -> str:
        return f"{self.problem}, {self.strategy}, seed {self.seed}"


Opened = Callable[[_Title], _Run]


def _listener(name: str, opened: Opened, study: Study) -> Listener:
    titles = _titles(study)
    runs: dict[str, _Run] = {}
    broken = False

    def log(update: StudyProgress) -> None:
        nonlocal broken
        event = update.event
        if broken or not isinstance(event, EpochDone | Finished | Failed):
            return
        try:
            if event.key not in runs:
                runs[event.key] = opened(titles[event.key])
            run = runs[event.key]
            if isinstance(event, EpochDone):
                # A trial that is taken up again reports its earlier epochs once more.
                if event.number >= run.logged:
                    run.log(event.number, _values(event.epoch))
                    run.logged = event.number + 1
                return
            del runs[event.key]
            if isinstance(event, Finished):
                run.end(_totals(event.result), "")
            else:
                run.end({}, f"{event.kind}\n{event.trace}")
        except Exception as error:  # Whatever a library raises: the study is worth more than its logs.
            broken = True
            warnings.warn(f"{name} failed, and logs no more of this study: {error}", RuntimeWarning, stacklevel=2)

    return log


def _titles(study: Study) -> dict[str, _Title]:
    titles: dict[str, _Title] = {}
    for m in study.members():
        if m.trial.key not in titles:
            parameters = {"problem": m.problem, "strategy": m.strategy, **_parameters(m.trial)}
            titles[m.trial.key] = _Title(m.problem, m.strategy, m.seed, m.trial.key, parameters)
    return titles


def _parameters(trial: Trial) -> dict[str, str | int | float | bool]:
    """The configuration in one level, as {"recipe.epochs": 10}; what is no number or text is written as JSON."""
    parameters: dict[str, str | int | float | bool] = {}

    def add(name: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                add(f"{name}.{key}" if name else key, inner)
        else:
            parameters[name] = value if isinstance(value, str | int | float) else json.dumps(value)

    add("", trial.config)
    return parameters


def _values(epoch: Epoch) -> dict[str, float]:
    known = {"learning_rate": epoch.rate, "throughput": epoch.throughput}
    # A checkpoint of an earlier version does not hold them.
    return {"loss": epoch.loss, **epoch.metrics, "seconds": epoch.seconds} | {k: v for k, v in known.items() if v}


def _totals(result: TrialResult) -> dict[str, float]:
    totals: dict[str, float] = {"parameters": result.parameters, "flops": result.flops, "seconds": result.seconds}
    totals |= {"throughput": result.throughput, "loading": result.loading, **result.final}
    totals |= {} if result.memory is None else {"memory": result.memory}
    totals |= {f"transfer to {name}": value for name, value in result.transfer.items()}
    return {f"result/{name}": float(value) for name, value in totals.items()}


def _library(module: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        needed = "tensorboard" if extra == "logs" else extra
        raise ScanlabError.at(
            "S662", f"the logger needs {needed}, which is not installed", help=f'pip install "scanlab[{extra}]"'
        ) from error


class _TensorBoardRun:
    def __init__(self, writer: Any, title: _Title) -> None:
        self.writer, self.title, self.logged = writer, title, 0

    def log(self, number: int, values: Values) -> None:
        for name, value in values.items():
            self.writer.add_scalar(name, value, number)
        self.writer.flush()

    def end(self, totals: Values, error: str) -> None:
        if error:
            self.writer.add_text("error", f"```\n{error}\n```")
        else:
            # In the run's own folder, and not in one named after the time.
            self.writer.add_hparams(dict(self.title.parameters), dict(totals), run_name=".")
        self.writer.close()


def _tensorboard(folder: Path, study: Study) -> Opened:
    """Event files in FOLDER/tensorboard, by problem, strategy and seed."""
    library = _library("torch.utils.tensorboard", "logs")

    def opened(title: _Title) -> _Run:
        names = (title.problem, title.strategy, f"seed {title.seed} {title.key[:8]}")
        place = folder.joinpath("tensorboard", *map(file_name, names))
        # All epochs come again: those in an earlier file of a trial that was stopped are not to be shown twice.
        writer = library.SummaryWriter(str(place), purge_step=0)
        rows = "\n".join(f"| {name} | {value} |" for name, value in title.parameters.items())
        writer.add_text("parameters", f"| parameter | value |\n|---|---|\n{rows}")
        return _TensorBoardRun(writer, title)

    return opened


class _MlflowRun:
    def __init__(self, client: Any, entities: Any, run: str, logged: int) -> None:
        self.client, self.entities, self.run, self.logged = client, entities, run, logged

    def log(self, number: int, values: Values) -> None:
        now = round(time.time() * 1000)
        metrics = [self.entities.Metric(name, value, now, number) for name, value in values.items()]
        self.client.log_batch(self.run, metrics=metrics)

    def end(self, totals: Values, error: str) -> None:
        self.log(max(0, self.logged - 1), totals)
        if error:
            self.client.set_tag(self.run, "error", error[:5000])
        self.client.set_terminated(self.run, "FAILED" if error else "FINISHED")


def _mlflow(folder: Path, study: Study) -> Opened:
    """Runs of an experiment named as the study: where MLFLOW_TRACKING_URI says, else in FOLDER/mlflow.db."""
    # Its own reports of use go over the network.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    library, entities = _library("mlflow", "mlflow"), _library("mlflow.entities", "mlflow")
    uri, artifacts = None, None
    if not library.is_tracking_uri_set():
        folder.mkdir(parents=True, exist_ok=True)
        uri = f"sqlite:///{(folder / 'mlflow.db').resolve()}"
        artifacts = (folder / "mlflow").resolve().as_uri()
    client = library.MlflowClient(tracking_uri=uri)
    known = client.get_experiment_by_name(study.name)
    experiment = known.experiment_id if known else client.create_experiment(study.name, artifact_location=artifacts)

    def opened(title: _Title) -> _Run:
        earlier = client.search_runs([experiment], f"tags.`scanlab.trial` = '{title.key}'", max_results=1)
        if earlier:
            run = earlier[0].info.run_id
            client.update_run(run, status="RUNNING")
            steps = {metric.step for metric in client.get_metric_history(run, "loss")}
            return _MlflowRun(client, entities, run, max(steps, default=-1) + 1)
        run = client.create_run(experiment, tags={"scanlab.trial": title.key}, run_name=title.text).info.run_id
        parameters = [entities.Param(name, str(value)) for name, value in title.parameters.items()]
        client.log_batch(run, params=parameters)
        return _MlflowRun(client, entities, run, 0)

    return opened


class _WandbRun:
    def __init__(self, run: Any) -> None:
        # A run that is resumed from a server knows how far it came.
        self.run, self.logged = run, run.step

    def log(self, number: int, values: Values) -> None:
        self.run.log(dict(values), step=number)

    def end(self, totals: Values, error: str) -> None:
        self.run.summary.update({"error": error} if error else dict(totals))
        self.run.finish(exit_code=1 if error else 0)


def _wandb(folder: Path, study: Study) -> Opened:
    """Runs of a project named as the study: online where WANDB_MODE, WANDB_API_KEY or WANDB_BASE_URL is set, else
    offline in FOLDER/wandb, for `wandb sync`."""
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    library = _library("wandb", "wandb")
    chosen = any(os.environ.get(f"WANDB_{name}") for name in ("MODE", "API_KEY", "BASE_URL"))
    folder.mkdir(parents=True, exist_ok=True)

    def opened(title: _Title) -> _Run:
        return _WandbRun(
            library.init(
                project=re.sub(r"[/\\#?%:]", "_", study.name),
                id=title.key,
                name=title.text,
                config=dict(title.parameters),
                dir=str(folder.resolve()),
                mode=None if chosen else "offline",
                resume="allow",
                # Trials run side by side.
                reinit="create_new",
                settings=library.Settings(silent=True, console="off"),
            )
        )

    return opened


LOGGERS: Mapping[str, Callable[[Path, Study], Opened]] = MappingProxyType(
    {"tensorboard": _tensorboard, "mlflow": _mlflow, "wandb": _wandb}
)
