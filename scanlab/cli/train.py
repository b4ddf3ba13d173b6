"""``scanlab train``: one strategy, trained once, by one process or by several under torchrun."""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from scanlab.cli.output import console, print_json
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import reason_of
from scanlab.nn.head import Head
from scanlab.places import write_whole
from scanlab.study import settings
from scanlab.study.checkpoint import damage_of
from scanlab.study.distributed import common_checkpoint, joined
from scanlab.study.place import require_folder
from scanlab.study.preflight import check_study
from scanlab.study.record import Epoch, TrialResult
from scanlab.study.time_needed import duration
from scanlab.study.train import World, train_model
from scanlab.study.trial import Problem, Study, Trial
from scanlab.study.work import dataset_of, environment, one_thread
from scanlab.zoo import save
from scanlab.zoo.files import write_tensors

__all__ = ["TrialChoice", "run"]

CHECKPOINT, MODEL, RESULT = "checkpoint.pt", "model.safetensors", "result.json"


@dataclass(frozen=True)
class TrialChoice:
    """Which trial of a study: a strategy's label, a problem's name, "" for the only one; a seed. device: as torchrun's
    processes have it, see `study.distributed`."""

    strategy: str = ""
    problem: str = ""
    seed: int = 0
    device: str = "cpu"


def run(file: Path | None, options: Mapping[str, Any], choice: TrialChoice, out: Path | None, as_json: bool) -> None:
    """Train one trial, or go on with it, and save its model.

    Each process computes on one thread, as in a study: on a CPU one process gives the study's numbers, bit for bit.
    """
    if importlib.util.find_spec("safetensors") is None:
        help = 'pip install "scanlab[checkpoints]"'
        raise ScanlabError.at("S618", "the trained model is saved with safetensors, which is not installed", help=help)
    if choice.device not in ("auto", "cpu", "cuda"):
        raise ScanlabError.at("S608", f"there is no device {choice.device!r}", help="choose auto, cpu or cuda")
    if file is None:
        # Without a study file the strategy is any definition; the default ones are for comparing.
        options = {**options, "strategies": [choice.strategy or "row"]}
        choice = replace(choice, strategy="")
    trial = _trial(
        settings.study_of(settings.with_options(settings.read_settings(file) if file else None, options)), choice
    )
    folder = out or Path("out") / "train" / trial.key
    with joined(choice.device) as (world, device):
        if world.rank == 0:
            _claim(folder, trial)
        on_epoch = _printer(trial, folder, world) if world.rank == 0 and not as_json else lambda number, epoch: None
        checkpoint = common_checkpoint(folder / CHECKPOINT, world)
        with one_thread(), _stop_said(folder, world):
            dataset = dataset_of(trial.problem.data)
            model, result = train_model(trial, dataset, on_epoch, checkpoint=checkpoint, device=device, world=world)
        if world.rank == 0:
            kept = _keep(model, trial, folder / MODEL)
            data = _data(trial, result, device, world)
            _write_result(folder / RESULT, data)
            if as_json:
                print_json(data | {"model": str(folder / MODEL)})
            else:
                console().print(f"wrote {folder / MODEL}{kept}", soft_wrap=True)


def _keep(model: nn.Module, trial: Trial, file: Path) -> str:
    """Write a trained model, or the weights of one of a person's own; and what there is to say of them."""
    own = trial.problem.model
    if own is None or isinstance(model, Head):
        save(model, file)
        return ""
    write_tensors(file, model.state_dict(), {"made by": own.make})
    return f": the weights of {own.make} alone, as load_state_dict takes them from safetensors.torch.load_file"


@contextmanager
def _stop_said(folder: Path, world: World) -> Iterator[None]:
    """Say what a training that Ctrl-C ends leaves behind."""
    try:
        yield
    except KeyboardInterrupt:
        if world.rank == 0:
            kept = f"each finished epoch is kept in {folder / CHECKPOINT}"
            console(stderr=True).print(f"stopped: {kept}. The same command goes on.", soft_wrap=True)
        raise


def _trial(study: Study, choice: TrialChoice) -> Trial:
    """The chosen trial. Raises S607 and S608 where there is none, and what `check_study` does."""
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
    check_study(replace(study, problems=(alone,), seeds=(choice.seed,), baseline="", controls=()))
    if study.tune:
        raise ScanlabError.at(
            "S772",
            "the study chooses learning rates, which takes all of its trainings for that",
            help="run it with `scanlab ablate`; then write the one that was chosen into [recipe], and leave [tune] out",
        )
    return study.trial(alone, label, choice.seed)


def _only(names: Mapping[str, Any], code: str, what: str) -> str:
    if len(names) != 1:
        raise ScanlabError.at(
            code, f"the study has more than one {what}", help=f"give --{what}, one of {', '.join(names)}"
        )
    return next(iter(names))


def _claim(folder: Path, trial: Trial) -> None:
    """Write down which trial a folder is of. Raises S608 for another trial's, S502 and S681."""
    require_folder(folder)
    place = folder / RESULT
    stored: Any = {}
    with suppress(OSError, ValueError):
        stored = json.loads(place.read_text(encoding="utf-8"))
    if isinstance(stored, dict) and stored.get("key", trial.key) != trial.key:
        raise ScanlabError.at(
            "S608",
            f"{folder} holds another training: of other data, steps, sizes, recipe or seed",
            help="give another folder with --out",
        )
    if not stored:
        _write_result(place, {"key": trial.key, "config": trial.config})


def _write_result(place: Path, data: Mapping[str, Any]) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(place, f"{json.dumps(data, indent=2)}\n".encode(), mode=None)
    except OSError as error:
        raise ScanlabError.at(
            "S502", f"{place} cannot be written: {reason_of(error)}", help="give another --out"
        ) from None


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
