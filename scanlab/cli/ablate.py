"""``scanlab ablate``: a study from options or from a TOML file."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.table import Table
from rich.text import Text

from scanlab.cli.live import watched
from scanlab.cli.narrow_tables import print_table
from scanlab.cli.output import console, print_json
from scanlab.cli.report import finish
from scanlab.cpus import available_cpus
from scanlab.data.lazy import LazyImages
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text
from scanlab.study import runner, settings
from scanlab.study.controls import stored_control
from scanlab.study.early_stop import patience_sentences
from scanlab.study.engines import Engine
from scanlab.study.engines.local import local_engine
from scanlab.study.estimate import spreads_so_far
from scanlab.study.in_force import confidence_planned
from scanlab.study.kept import kept_costs, kept_study
from scanlab.study.own_checks import noted, own_sentences
from scanlab.study.place import database_of, require_folder
from scanlab.study.power import PowerOf, describe_problems_power
from scanlab.study.preflight import Cost, check_study, coarse_margins, is_coarse, same_orders
from scanlab.study.record import StudyRecord
from scanlab.study.resampled import overlap_of, overlap_sentences
from scanlab.study.seeds_together import alone_sentences
from scanlab.study.store import read_study
from scanlab.study.tasks import task_named
from scanlab.study.time_needed import Estimate, estimate, in_words
from scanlab.study.trial import Problem, Study
from scanlab.study.trial_wording import stopped_sentences
from scanlab.study.tune import tuning_sentences
from scanlab.study.weights import kept_sentences, weightless_sentences
from scanlab.study.work import dataset_of

__all__ = ["RunOptions", "run"]

SHORTER = "That is with all epochs: trainings that end early take less."
UNREAD = "The data were not read for this: they are taken to be what they were when these trials ran."


@dataclass(frozen=True)
class RunOptions:
    """Where trials run. workers: 0 for one per GPU, or per core; device: auto, cpu or cuda; loggers: by name;
    retry_diverged: train what diverged again; together: how many seeds of one strategy are trained as one."""

    workers: int = 0
    device: str = "cpu"
    engine: str = "local"
    address: str = ""
    loggers: tuple[str, ...] = ()
    retry_diverged: bool = False
    together: int = 1


def run(
    file: Path | None, options: Mapping[str, Any], out: Path | None, run_options: RunOptions, dry: bool, as_json: bool
) -> int:
    """Run or resume a study, print its results, and write its report; the exit code."""
    given = settings.with_options(None if file is None else settings.read_settings(file), options)
    folder = out or Path("out") / (file.stem if file else "ablate")
    require_folder(folder)
    devices = _devices(run_options.device, run_options.engine)
    workers = run_options.workers or (len(devices) if devices[0] != "cpu" else available_cpus())
    before = _earlier(folder)
    # What is only shown needs no data where nothing is left to run; a run reads them, for they may be others now.
    kept = kept_study(given, before) if dry and before else None
    study = kept or settings.study_of(given)
    costs = kept_costs(study, before) if kept and before else check_study(study)
    study = kept or noted(study)
    keys = [] if run_options.retry_diverged else [trial.key for trial in study.trials()]
    done = {key for key, trial in before.trials.items() if trial.result} if before else set()
    sizes = {place: cost.parameters for place, cost in costs.items()}
    said = stopped_sentences(before, keys)
    said += kept_sentences(study, sizes, done) + weightless_sentences(study, folder, done)
    if dry:
        skipped = {key for key in keys if before and key in before.trials and before.trials[key].diverged}
        estimated = estimate(study, costs, before, workers, devices[0], skipped)
        _print_plan(study, costs, before, estimated, workers, said, as_json, unread=kept is not None)
        return 0
    if not as_json:
        _print_before(study, before, said, run_options.together)
    command, again = shlex.join(["scanlab", *sys.argv[1:]]), run_options.retry_diverged
    engine = _engine(run_options, workers) or local_engine(workers, devices)
    if study.tune:
        with watched(study, console(stderr=True), quiet=as_json) as listener:
            study = runner.choose_learning_rates(
                study, folder, engine=engine, listener=listener, command=command, retry_diverged=again
            )
    with watched(study, console(stderr=True), quiet=as_json) as listener:
        listeners = [listener, *_loggers(run_options.loggers, folder, study)]

        def tell(update: runner.StudyProgress) -> None:
            for each in listeners:
                each(update)

        try:
            record = runner.run_study(
                study,
                folder,
                engine=engine,
                together=run_options.together,
                listener=tell,
                command=command,
                retry_diverged=again,
            )
        except KeyboardInterrupt:
            _print_stopped(folder)
            raise
    return finish(record, folder, f"scanlab report {shlex.quote(str(folder))}", as_json)


def _print_before(study: Study, before: StudyRecord | None, said: list[str], together: int) -> None:
    """What there is to know before a run."""
    screen = console()
    for line in [*same_orders(study), *own_sentences(study), *said, *_power(study, before)]:
        screen.print(line)
    for line in [*alone_sentences(study, together), *_lazy_alone(study, together), *_data_notes(study)]:
        screen.print(Text(line))


def _print_stopped(folder: Path) -> None:
    """What is kept of a run that Ctrl-C ended."""
    record = _earlier(folder)
    statuses = [trial.status for trial in record.trials.values()] if record else []
    done = f"{statuses.count('done')} of {count_text(len(statuses), 'trial')} are done"
    console(stderr=True).print(f"stopped: {done}, and of the others each finished epoch. The same command goes on.")


def _earlier(folder: Path) -> StudyRecord | None:
    return read_study(folder) if database_of(folder).is_file() else None


def _data_notes(study: Study) -> list[str]:
    """What was assumed of the data, once for all problems that read them alike."""
    lines = [(p.data.name, kind, text) for p in study.problems for kind, texts in p.notes.items() for text in texts]
    return [f"{Path(name).name}, {kind}: {text}" for name, kind, text in dict.fromkeys(lines)]


def _power(study: Study, before: StudyRecord | None) -> list[str]:
    about = study.about()
    spreads = spreads_so_far(before) if before else {}
    problems = [
        _power_of(study, problem, overlap_of(stored), spreads.get(problem.name))
        for problem, stored in zip(study.problems, about["problems"], strict=True)
    ]
    said = describe_problems_power(len(study.seeds), problems, confidence=confidence_planned(about, before))
    return [*said, *coarse_margins(study), *overlap_sentences(about)]


def _power_of(study: Study, problem: Problem, overlap: float, spread: float | None) -> PowerOf:
    """A problem as it will be judged: of names that share their trials only the first is compared."""
    kinds: dict[str, str | None] = {}
    for name, _, control in study.arms(problem):
        kinds.setdefault(study.trial(problem, name, study.seeds[0]).key, control)
    controls = sum(control is not None for control in kinds.values())
    margin, step = study.margins.get(problem.name, 0.0), problem.tested.step if problem.tested else None
    return PowerOf(
        len(kinds) - controls,
        controls,
        task_named(problem.task).unit,
        0.0 if is_coarse(problem, margin) else margin,
        step or 0.0,
        overlap=overlap,
        spread=spread,
        name=problem.name,
    )


def _print_plan(
    study: Study,
    costs: Mapping[tuple[str, str], Cost],
    before: StudyRecord | None,
    estimated: Estimate,
    workers: int,
    said: list[str],
    as_json: bool,
    unread: bool,
) -> None:
    done = {key for key, trial in before.trials.items() if trial.status == "done"} if before else set()
    rows: dict[tuple[str, str], list[Any]] = {}
    for m in study.members():
        rows.setdefault((m.problem, m.strategy), []).append(m)
    if as_json:
        trials = [
            {"problem": m.problem, "strategy": m.strategy, "seed": m.seed, "control": stored_control(m.control)}
            | {"trial": m.trial.key, "seconds": estimated.trials[m.trial.key], "done": m.trial.key in done}
            for m in study.members()
        ]
        print_json(
            {
                "trials": trials,
                "seconds": estimated.wall,
                "measured": estimated.measured,
                "flops": estimated.flops,
                "power": " ".join(_power(study, before)),
                "tune": study.about().get("tune"),
                "early": patience_sentences(study.about()),
                "same": same_orders(study),
                "notes": said,
                "data_read": not unread,
            }
        )
        return
    shown = Table(title=f"{study.name}: {count_text(len(estimated.trials), 'trial')}, {estimated.done} of them done")
    for heading in ("problem", "strategy", "seeds", "parameters", "FLOPs", "s/trial"):
        shown.add_column(heading, justify="left" if heading in ("problem", "strategy") else "right")
    for (problem, label), members in rows.items():
        cost = costs.get((problem, label))
        size = (f"{cost.parameters:,}", f"{cost.flops / 1e6:.2f} M") if cost else ("", "")
        needed = estimated.trials[members[0].trial.key]
        seconds = "" if needed is None else f"{'' if estimated.measured else '~'}{needed:.1f}"
        shown.add_row(
            Text(problem), Text(label), str(len(members)), *size, seconds, style="dim" if members[0].control else ""
        )
    screen = console()
    print_table(screen, shown)
    for line in [*same_orders(study), *([] if unread else own_sentences(study)), *said]:
        screen.print(line)
    for line in tuning_sentences(study.about()):
        screen.print(line)
    early = patience_sentences(study.about())
    shorter = f" {SHORTER}" if early and not estimated.measured else ""
    screen.print(in_words(estimated, workers) + shorter + (f" {UNREAD}" if unread else ""))
    for line in early:
        screen.print(line)
    for line in _power(study, before):
        screen.print(line)


def _devices(name: str, engine: str) -> tuple[str, ...]:
    """Those of this machine; a cluster has its own."""
    count = torch.cuda.device_count() if name in ("auto", "cuda") else 0
    if name == "cuda" and not count and engine == "local":
        raise ScanlabError.at("S608", "there is no GPU that torch can use", help="choose --device cpu")
    if name not in ("auto", "cpu", "cuda"):
        raise ScanlabError.at("S608", f"there is no device {name!r}", help="choose auto, cpu or cuda")
    return tuple(f"cuda:{i}" for i in range(count)) or ("cpu",)


def _lazy_alone(study: Study, together: int) -> list[str]:
    """Which problems are trained seed by seed all the same, since no batch of theirs lies in memory."""
    lazy = [p.name for p in study.problems if together > 1 and isinstance(dataset_of(p.data).images, LazyImages)]
    return [f"{name} is trained seed by seed: its images are read as they are needed." for name in lazy]


def _engine(run_options: RunOptions, workers: int) -> Engine | None:
    if run_options.engine == "local":
        return None
    if run_options.engine == "ray":
        from scanlab.study.engines.ray import RayEngine

        return RayEngine(run_options.address or None, workers, run_options.device)
    raise ScanlabError.at("S608", f"there is no engine {run_options.engine!r}", help="choose local or ray")


def _loggers(names: tuple[str, ...], folder: Path, study: Study) -> list[runner.Listener]:
    if not names:
        return []
    from scanlab.study.loggers import logger_named

    return [logger_named(name, folder, study) for name in names]
