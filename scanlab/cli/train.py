"""``scanlab train``: one strategy, trained once, by one process or by several under torchrun."""

from __future__ import annotations

import importlib.util
import math
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scanlab.cli.output import console, print_json
from scanlab.cli.train_folder import CHECKPOINT, RESULT, RESUMES, begin, write_result
from scanlab.ir.diagnostics import ScanlabError
from scanlab.study import settings
from scanlab.study.checkpoint import damage_of
from scanlab.study.distributed import common_checkpoint, joined
from scanlab.study.engines import EpochDone, Event, Failed, Finished
from scanlab.study.left_wording import left_sentence
from scanlab.study.place import CONFIG
from scanlab.study.preflight import check_study
from scanlab.study.record import Epoch, TrialResult
from scanlab.study.report.cards import write_single_cards
from scanlab.study.runner import Listener, StudyProgress
from scanlab.study.time_needed import duration
from scanlab.study.train import World, train_model
from scanlab.study.trial import Problem, Study, Trial
from scanlab.study.weights import write_models
from scanlab.study.work import dataset_of, environment, one_thread

__all__ = ["TrialChoice", "run"]

MODEL = "model.safetensors"


@dataclass(frozen=True)
class TrialChoice:
    """Which trial of a study: a strategy's label, a problem's name, "" for the only one; a seed. device: as torchrun's
    processes have it, see `study.distributed`; resume: "auto" goes on from a checkpoint where there is one, "never"
    starts anew; loggers: by name."""

    strategy: str = ""
    problem: str = ""
    seed: int = 0
    device: str = "cpu"
    resume: str = "auto"
    loggers: tuple[str, ...] = ()


def run(file: Path | None, options: Mapping[str, Any], choice: TrialChoice, out: Path | None, as_json: bool) -> None:
    """Train one trial, or go on with it, and save its model.

    Each process computes on one thread, as in a study: on a CPU one process gives the study's numbers, bit for bit.
    """
    if importlib.util.find_spec("safetensors") is None:
        help = 'pip install "scanlab[checkpoints]"'
        raise ScanlabError.at("S618", "the trained model is saved with safetensors, which is not installed", help=help)
    if choice.device not in ("auto", "cpu", "cuda"):
        raise ScanlabError.at("S608", f"there is no device {choice.device!r}", help="choose auto, cpu or cuda")
    if choice.resume not in RESUMES:
        raise ScanlabError.at("S608", f"--resume is {choice.resume!r}", help=f"choose from {', '.join(RESUMES)}")
    if file is None:
        # Without a study file the strategy is any definition; the default ones are for comparing.
        options = {**options, "strategies": [choice.strategy or "row"]}
        choice = replace(choice, strategy="")
    study = _alone(
        settings.study_of(settings.with_options(settings.read_settings(file) if file else None, options)), choice
    )
    [trial] = study.trials()
    folder = out or Path("out") / "train" / trial.key
    with joined(choice.device) as (world, device):
        first = world.rank == 0
        earlier = begin(folder, trial, choice.resume) if first else ""
        listeners = _loggers(choice.loggers, folder, study) if first else []
        on_epoch = _watching(trial, folder, world, listeners, as_json, earlier) if first else lambda number, epoch: None
        checkpoint = common_checkpoint(folder / CHECKPOINT, world)
        with one_thread(), _stop_said(folder, world), _failure_kept(trial, folder, listeners, first):
            dataset = dataset_of(trial.problem.data)
            _, result = train_model(
                trial,
                dataset,
                on_epoch,
                checkpoint=checkpoint,
                device=device,
                world=world,
                keep=("last", *study.keep),
            )
        if first:
            _leave(study, folder, result, device, world, as_json)
            _tell(listeners, trial, Finished(trial.key, result, environment(device)))


def _leave(study: Study, folder: Path, result: TrialResult, device: str, world: World, as_json: bool) -> None:
    """Write the model with its card and the results, and print what there is to print."""
    [trial] = study.trials()
    write_models(folder, {"": result.weights["last"]})
    write_models(folder, {name: files for name, files in result.weights.items() if name != "last"})
    data = _data(trial, result, device, world)
    write_result(folder / RESULT, data)
    places = {"last": folder, **{name: folder / name for name in result.weights if name != "last"}}
    write_single_cards(study, result, data["environment"], places)
    if as_json:
        print_json(data | {"model": str(folder / MODEL)})
        return
    screen = console()
    memory = "" if result.memory is None else f", {result.memory / (1 << 20):.3g} MiB of memory at most"
    screen.print(f"{result.seconds:.1f} s of training, {result.throughput:,.0f} samples per second{memory}")
    if result.unreadable:
        screen.print(left_sentence(result.unreadable), soft_wrap=True)
    own = trial.problem.model
    loads = (folder / CONFIG).is_file()
    made = own.make if own else trial.problem.task
    kept = f": the weights of {made} alone, as load_state_dict takes them from safetensors.torch.load_file"
    for place in places.values():
        screen.print(f"wrote {place / MODEL}{'' if loads else kept}", soft_wrap=True)


def _watching(
    trial: Trial, folder: Path, world: World, listeners: list[Listener], as_json: bool, earlier: str
) -> Callable[[int, Epoch], None]:
    """What prints and logs every epoch. earlier: why the training came to an end before, "" where it did not."""
    shown = None if as_json else _printer(trial, folder, world)
    if earlier and not as_json:
        console().print(f"it diverged before, and will again unless something else has changed: {earlier}")

    def on_epoch(number: int, epoch: Epoch) -> None:
        _tell(listeners, trial, EpochDone(trial.key, number, epoch))
        if shown:
            shown(number, epoch)

    return on_epoch


def _tell(listeners: list[Listener], trial: Trial, event: Event) -> None:
    number = event.number + 1 if isinstance(event, EpochDone) else trial.problem.recipe.epochs
    for listener in listeners:
        listener(StudyProgress(event, trial, (number, trial.problem.recipe.epochs), (0, 1)))


def _loggers(names: tuple[str, ...], folder: Path, study: Study) -> list[Listener]:
    if not names:
        return []
    from scanlab.study.loggers import logger_named

    return [logger_named(name, folder, study) for name in names]


@contextmanager
def _failure_kept(trial: Trial, folder: Path, listeners: list[Listener], first: bool) -> Iterator[None]:
    """Log what a training raises, and write down that it diverged, so that the next run says so."""
    try:
        yield
    except Exception as error:
        _tell(listeners, trial, Failed(trial.key, type(error).__name__, traceback.format_exc(), {}))
        if first and isinstance(error, ScanlabError) and error.diagnostics[0].code == "S860":
            held = {"key": trial.key, "config": trial.config, "diverged": error.diagnostics[0].message}
            write_result(folder / RESULT, held)
        raise


@contextmanager
def _stop_said(folder: Path, world: World) -> Iterator[None]:
    """Say what a training that Ctrl-C ends leaves behind."""
    try:
        yield
    except KeyboardInterrupt:
        if world.rank == 0:
            kept = f"what was trained up to the last checkpoint is kept in {folder / CHECKPOINT}"
            console(stderr=True).print(f"stopped: {kept}. The same command goes on.", soft_wrap=True)
        raise


def _alone(study: Study, choice: TrialChoice) -> Study:
    """A study of the chosen trial alone. Raises S607 and S608 where there is none, and what `check_study` does."""
    problems = {problem.name: problem for problem in study.problems}
    name = choice.problem or _only(problems, "S608", "problem")
    if name not in problems:
        raise ScanlabError.at("S608", f"there is no problem {name!r}", help=f"one of {', '.join(problems)}")
    problem = problems[name]
    plans = dict(problem.strategies)
    label = choice.strategy or _only(plans, "S607", "strategy")
    if label not in plans:
        raise ScanlabError.at("S607", f"there is no strategy {label!r}", help=f"one of {', '.join(plans)}")
    alone: Problem = replace(problem, strategies=((label, plans[label]),))
    single = replace(study, problems=(alone,), seeds=(choice.seed,), baseline="", controls=(), looks=())
    check_study(replace(single, tune=None) if study.tune else single)
    if study.tune:
        raise ScanlabError.at(
            "S772",
            "the study chooses learning rates, which takes all of its trainings for that",
            help="run it with `scanlab ablate`; then write the one that was chosen into [recipe], and leave [tune] out",
        )
    return single


def _only(names: Mapping[str, Any], code: str, what: str) -> str:
    if len(names) != 1:
        raise ScanlabError.at(
            code, f"the study has more than one {what}", help=f"give --{what}, one of {', '.join(names)}"
        )
    return next(iter(names))


def _data(trial: Trial, result: TrialResult, device: str, world: World) -> dict[str, Any]:
    return {
        "key": trial.key,
        "config": trial.config,
        "processes": world.size,
        "result": result.figures(),
        "environment": environment(device),
    }


def _printer(trial: Trial, folder: Path, world: World) -> Callable[[int, Epoch], None]:
    screen, total = console(), trial.problem.recipe.epochs
    label = trial.problem.strategies[0][0]
    many = f", by {world.size} processes" if world.size > 1 else ""
    screen.print(f"{trial.problem.name}, {label}, seed {trial.seed}{many}")
    if why := damage_of(folder / CHECKPOINT, trial.key):
        screen.print(f"{folder / CHECKPOINT} is of no use ({why}): training starts anew", soft_wrap=True)
    elif (folder / CHECKPOINT).exists():
        screen.print(f"going on from {folder / CHECKPOINT}", soft_wrap=True)

    def print_epoch(number: int, epoch: Epoch) -> None:
        figures = ", ".join(f"{name} {value:.4f}" for name, value in epoch.metrics.items() if not math.isnan(value))
        left = (total - number - 1) * epoch.seconds
        words = f"{epoch.seconds:.1f} s, about {duration(left)} left" if left else f"{epoch.seconds:.1f} s"
        screen.print(f"epoch {number + 1} of {total}: loss {epoch.loss:.4f}, {figures}; {words}")

    return print_epoch
