"""Refuse a study that cannot run, before any training; and say what of it need not run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from torch import nn

from scanlab.compiler.bind import CompiledScan
from scanlab.compiler.relations import prove_same
from scanlab.data import Dataset
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text
from scanlab.ir.values import orders_of
from scanlab.nn.measure import parameter_count
from scanlab.study.changes import hundredths
from scanlab.study.digest import Compiled
from scanlab.study.drawing import check_drawing
from scanlab.study.optimizing import freeze
from scanlab.study.own_checks import check_augmentations, check_own_controls, has_own_code, tried
from scanlab.study.ranges import check_ranges, check_seeds, check_study_ranges
from scanlab.study.reading import check_lines
from scanlab.study.tasks import check_task, task_named
from scanlab.study.train import initial_model, trial_flops
from scanlab.study.train_sizes import check_train_sizes
from scanlab.study.transfer import patch_grid, transfer_grid
from scanlab.study.trial import Problem, Study, Trial
from scanlab.study.weights import check_kept
from scanlab.study.window_measure import check_windows
from scanlab.study.work import dataset_of

__all__ = ["Cost", "check_study", "coarse_margins", "costs", "is_coarse", "same_orders"]


@dataclass(frozen=True)
class Cost:
    """How large a strategy's model is, and how many operations one forward pass of one sample takes."""

    parameters: int
    flops: int


def check_study(study: Study) -> dict[tuple[str, str], Cost]:
    """The cost of every strategy by problem and label, if the study can run.

    Raises S601 for no or repeated seeds, S607 for strategies that are missing, repeated or not those of the other
    problems, or a baseline that is none of them; S608 for a setting out of range or an unknown control; S770 and S771
    for parts that cannot be drawn anew and learning rates that cannot be chosen; S861 for best weights that no
    validation part chooses; S650 and S652 for a task; S834 for windows of volumes that it is not measured by; S651 for
    a change of the inputs; S670 and S673 for lines of text that cannot be learnt; S602 for a grid that is not the
    images' in patches; what the models raise (S603 to S605, S612, S615); S850 to S853 for code of a person's own that
    is wrong for all strategies of a problem; and S658 where strategies differ in parameters or FLOPs and the study does
    not allow it.

    >>> from scanlab.study import study_of, with_options
    >>> cost = check_study(study_of(with_options(None, {"strategies": ["row"]})))["digits", "row"]
    >>> f"{cost.parameters:,} parameters"
    '16,042 parameters'
    """
    check_seeds(study.seeds)
    _check_labels(study)
    check_study_ranges(study)
    check_kept(study)
    check_drawing(study)
    check_train_sizes(study)
    check_own_controls(study)
    check_augmentations(study)
    all_costs = {}
    for problem in study.problems:
        dataset = dataset_of(problem.data)
        check_ranges(problem, dataset)
        check_task(task_named(problem.task), dataset)
        check_lines(problem, dataset)
        check_windows(problem, dataset)
        _check_grids(problem, dataset)
        all_costs |= {(problem.name, label): cost for label, cost in costs(problem, dataset).items()}
        if not study.unequal:
            _check_equal(problem, {label: cost for (name, label), cost in all_costs.items() if name == problem.name})
    return all_costs


def costs(problem: Problem, dataset: Dataset) -> dict[str, Cost]:
    """The cost of every strategy of a problem, by its label, but for those whose own code raises."""
    if has_own_code(problem):
        return {
            label: cost
            for label, cost in tried(problem, dataset, lambda made: _cost(made, problem, dataset))
            if isinstance(cost, Cost)
        }
    measured = {}
    for label, plan in problem.strategies:
        model = initial_model(Trial(problem, plan, 0), dataset)
        measured[label] = _cost(model, problem, dataset)
    return measured


def _cost(model: nn.Module, problem: Problem, dataset: Dataset) -> Cost:
    freeze(model, problem.recipe)
    return Cost(parameter_count(model), trial_flops(model, dataset))


def coarse_margins(study: Study) -> list[str]:
    """A sentence for every margin that one sample of the part measured on is enough to leave: it allows no claim.

    Nothing is said of problems of which is not known on how many samples they are measured.
    """
    sentences = []
    for problem in study.problems:
        tested, margin = problem.tested, study.margins.get(problem.name, 0.0)
        if tested and tested.step and is_coarse(problem, margin):
            sentences.append(
                f"Nothing will be called equivalent on {problem.name}: its margin is {hundredths(margin)} points, and "
                f"one of the {count_text(tested.samples, 'sample')} measured on is {100 * tested.step:.2g}."
            )
    return sentences


def is_coarse(problem: Problem, margin: float) -> bool:
    """Whether one sample of those measured on is enough to leave a margin, as far as is known."""
    step = problem.tested.step if problem.tested else None
    return step is not None and 0 < margin < step * (1 - 1e-9)


def same_orders(study: Study) -> list[str]:
    """A sentence for every pair of strategies with the same trials, which run once."""
    sentences = []
    for problem in study.problems:
        trials = {label: study.trial(problem, label, study.seeds[0]).key for label, _ in problem.strategies}
        plans = dict(problem.strategies)
        for first, second in combinations(trials, 2):
            if trials[first] == trials[second]:
                where = "on every grid (proved)" if _proved(plans[first], plans[second]) else "on this grid"
                sentences.append(f"{problem.name}: {second} is the same as {first} {where}, and not run twice")
    return sentences


def _proved(one: Compiled, other: Compiled) -> bool:
    """Whether the prover knows two scans to be the same on all grids, path by path."""
    if not isinstance(one, CompiledScan) or not isinstance(other, CompiledScan) or one.axes != other.axes:
        return False
    pairs = list(zip(orders_of(one.scan), orders_of(other.scan), strict=False))
    if any(first.tokens or second.tokens or first.restart or second.restart for first, second in pairs):
        return all(first == second for first, second in pairs)
    return all(prove_same(first, second).verdict == "proved" for first, second in pairs)


def _check_labels(study: Study) -> None:
    first = [label for label, _ in study.problems[0].strategies]
    for problem in study.problems:
        labels = [label for label, _ in problem.strategies]
        if not labels or _repeated(labels):
            what = f"compares {_repeated(labels)[0]!r} twice" if labels else "has no strategies"
            raise ScanlabError.at(
                "S607", f"the study {what}", help="give at least one strategy, each under its own name"
            )
        if set(labels) != set(first):
            odd = sorted(set(labels) ^ set(first))[0]
            raise ScanlabError.at(
                "S607",
                f"{problem.name} and {study.problems[0].name} do not compare the same strategies: {odd}",
                help="give every problem a strategy of each name; what it stands for may differ",
            )
    if study.baseline and study.baseline not in first:
        raise ScanlabError.at(
            "S607", f"the baseline {study.baseline} is no strategy", help=f"one of {', '.join(first)}"
        )


def _check_grids(problem: Problem, dataset: Dataset) -> None:
    extents, stride = dataset.extents, problem.config.stride
    sides = problem.config.patch_sides(len(extents))
    expected = patch_grid(extents, sides, stride)
    for name, plan in problem.strategies:
        if tuple(plan.grid) != expected:
            raise ScanlabError.at(
                "S602",
                f"{name} is compiled for a {grid_text(plan.grid)} grid, and {grid_text(extents)} images do not give "
                f"one in {grid_text(sides)} patches",
                help=f"compile {name} for a {grid_text(expected)} grid, or choose another patch size",
            )
    for change in problem.transfer:
        transfer_grid(change, expected, sides, stride)


def _check_equal(problem: Problem, by_label: dict[str, Cost]) -> None:
    for what in ("parameters", "flops"):
        values = {label: getattr(cost, what) for label, cost in by_label.items()}
        (low, least), (high, most) = (f(values.items(), key=lambda item: item[1]) for f in (min, max))
        if least != most:
            word = "FLOPs" if what == "flops" else what
            raise ScanlabError.at(
                "S658",
                f"the strategies differ in {word}: {low} has {least:,} and {high} {most:,} ({problem.name})",
                note="a difference in results would then not be one of order alone",
                help="give all the same number of paths, as in sum(row, row) beside vim, or allow it: --unequal on the "
                "command line, unequal = true in a study file",
            )


def _repeated(values: Iterable) -> list:
    seen = list(values)
    return [v for i, v in enumerate(seen) if v in seen[:i]]
