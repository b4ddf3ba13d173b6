"""What can be told of code of a person's own before it is trained: what it raises, and whether it uses the order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations

import torch
from torch import Tensor, nn

from scanlab.data import Dataset
from scanlab.data.brought import is_given
from scanlab.imported import RAISED, shown_traceback
from scanlab.ir.diagnostics import ScanlabError
from scanlab.study.controls import CONTROLS
from scanlab.study.engines import Engine
from scanlab.study.engines.local import InProcess
from scanlab.study.learning import learning_of, loss_of, metrics_of
from scanlab.study.line_images import of_one_size
from scanlab.study.loading import LoadedImages
from scanlab.study.model_inputs import has_field
from scanlab.study.own_augmentation import check_own_augmentation
from scanlab.study.own_model import MODEL_NOTES
from scanlab.study.tasks import is_given_task, is_own, task_named
from scanlab.study.training_run import initial_model, part_of
from scanlab.study.trial import Problem, Study, Trial
from scanlab.study.window_measure import in_windows
from scanlab.study.work import dataset_of

__all__ = [
    "check_augmentations",
    "check_own_controls",
    "check_portable",
    "has_own_code",
    "noted",
    "own_sentences",
    "tried",
]

# Samples that loss and metrics are tried on.
TRIED = 8
# How far weights are moved at random, so that parts that begin at zero are seen.
MOVED = 0.1


def has_own_code(problem: Problem) -> bool:
    """Whether a person's own functions take part in the trials of a problem."""
    return problem.model is not None or is_own(problem.task)


def check_own_controls(study: Study) -> None:
    """Raise S853 for controls that replace the mixer of ScanLab's backbone, where a model is a person's own."""
    impossible = [name for name in study.controls if name in CONTROLS and CONTROLS[name].mixer]
    for problem in study.problems:
        if problem.model is not None and impossible:
            left = [name for name in study.controls if name not in impossible]
            raise ScanlabError.at(
                "S853",
                f"{', '.join(impossible)} put another mixer into ScanLab's backbone, and the models of {problem.name} "
                f"are made by {problem.model.make}",
                help=f"leave {'it' if len(impossible) == 1 else 'them'} out: controls = {left}".replace("'", '"'),
            )


def check_augmentations(study: Study) -> None:
    """Try every augmentation of a person's own once. Raises what `check_own_augmentation` raises."""
    for problem in study.problems:
        if problem.recipe.augment:
            dataset = dataset_of(problem.data)
            check_own_augmentation(problem.recipe.augment, *part_of(dataset, dataset.train[:TRIED], "cpu"))


def check_portable(study: Study, engine: Engine) -> None:
    """Raise S854 for functions and data that other processes cannot have, where trials run in such."""
    if isinstance(engine, InProcess):
        return
    for problem in study.problems:
        kept = [f"the function {problem.model.make}"] if problem.model and problem.model.function else []
        kept += [f"the task {problem.task}"] if is_given_task(problem.task) else []
        kept += [f"the data {problem.data.name}"] if is_given(problem.data.name) else []
        if kept:
            raise ScanlabError.at(
                "S854",
                f"{problem.name}: {kept[0]} lives in this process alone, and trials are to run in others",
                help="run with one worker, or put it into a module and name it as package.module:function",
            )


def tried(problem: Problem, dataset: Dataset, measure: Callable[[nn.Module], object]) -> Iterator[tuple[str, object]]:
    """What is measured of each strategy's untrained model, after its loss and metrics were tried on a few samples.

    A strategy whose code raises is left out: its trials will fail with the traceback, and the others go on. Raises what
    the first raised where all do.
    """
    first: ScanlabError | None = None
    some = 0
    for label, plan in problem.strategies:
        try:
            model = initial_model(Trial(problem, plan, 0), dataset)
            _try(problem, dataset, model)
            held = measure(model)
        except ScanlabError as error:
            first = first or error
            continue
        except RAISED as error:
            first = first or _raised(problem, label, error)
            continue
        some += 1
        yield label, held
    if not some and first is not None:
        raise first


def _try(problem: Problem, dataset: Dataset, model: nn.Module) -> None:
    task = task_named(problem.task)
    images, targets = part_of(dataset, dataset.test[:TRIED], "cpu")
    with torch.random.fork_rng(devices=[]):
        some, truth = images[:] if isinstance(images, LoadedImages) else images, targets[:]
        loss_of(learning_of(task), model, some, truth, problem.recipe).backward()
        model.zero_grad(set_to_none=True)
        model.eval()
        # Over whole volumes that would take long, and ScanLab's own tasks alone are learnt by windows.
        with torch.no_grad():
            model(images[:1]) if in_windows(images) else metrics_of(task, model, images, targets, problem.recipe.batch)
        model.train()


def _raised(problem: Problem, label: str, error: BaseException) -> ScanlabError:
    what = f"{problem.name}, {label}: {type(error).__name__}: {error}"
    return ScanlabError.at("S851", what, note=shown_traceback(error), help="mend it and run the same command again")


def noted(study: Study) -> Study:
    """The study, whose problems note what is computed of models of a person's own: orders that they do not use, and
    what cannot be measured."""

    def of(problem: Problem) -> Problem:
        if problem.model is None:
            return problem
        lines = list(_of_problem(study, problem, dataset_of(problem.data)))
        return replace(problem, notes={**problem.notes, MODEL_NOTES: lines}) if lines else problem

    return replace(study, problems=tuple(map(of, study.problems)))


def own_sentences(study: Study) -> list[str]:
    """What a `noted` study says of models of a person's own."""
    return [f"{problem.name}: {line}" for problem in study.problems for line in problem.notes.get(MODEL_NOTES, ())]


def _of_problem(study: Study, problem: Problem, dataset: Dataset) -> Iterator[str]:
    assert problem.model is not None
    models: dict[str, tuple[nn.Module, Trial]] = {}
    for name, plan, control in study.arms(problem):
        if control and CONTROLS[control].alter is None:
            continue
        trial = Trial(problem, plan, 0, control)
        try:
            models[name] = initial_model(trial, dataset), trial
        except RAISED:  # Its trials fail and say why.
            yield f"{name} cannot be built; its trials will fail, with the traceback."
    images, _ = part_of(dataset, dataset.test[:TRIED], "cpu")
    outputs = {
        name: _moved_outputs(model, of_one_size(images, TRIED, dataset.extents)) for name, (model, _) in models.items()
    }
    same = [
        (one, other)
        for one, other in combinations(models, 2)
        if models[one][1].key != models[other][1].key and _equal(outputs[one], outputs[other])
    ]
    for one, other in same:
        yield (
            f"the model of {problem.model.make} does not use the order: for {one} and {other} it has "
            "the same weights and gives the same outputs, to the last bit, with its weights moved at random as well."
        )
    if models and not has_field(next(iter(models.values()))[0]):
        yield (
            f"no receptive field is measured, for the model of {problem.model.make} has no `backbone` of scanlab.nn."
        )


def _moved_outputs(model: nn.Module, images: Tensor) -> list[Tensor]:
    """Weights, and what a model gives of some images with these weights and with all of them moved at random."""
    draw = torch.Generator().manual_seed(0)
    weights = [parameter.detach().clone() for parameter in model.parameters()]
    model.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            first = model(images)
            for parameter in model.parameters():
                parameter.add_(MOVED * torch.randn(parameter.shape, generator=draw))
            torch.manual_seed(0)
            made = [first, model(images)]
    except RAISED:  # Its trials fail and say why.
        return []
    return [*weights, *(value for value in made if isinstance(value, Tensor))]


def _equal(one: list[Tensor], other: list[Tensor]) -> bool:
    return bool(one) and len(one) == len(other) and all(map(torch.equal, one, other))
