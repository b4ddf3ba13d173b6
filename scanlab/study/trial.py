"""A study is trials: strategies by problems by seeds, everything else held equal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

from scanlab.compiler.bind import CompiledPlan, CompiledScan
from scanlab.data.redraw import Redraw
from scanlab.nn import BackboneConfig
from scanlab.nn.config import stored
from scanlab.renamed import renamed_fields, renamed_value, spaced, stored_name
from scanlab.study.controls import CONTROLS, DEFAULT_CONTROLS, Control, control_name, stored_control
from scanlab.study.data_choice import DataChoice
from scanlab.study.digest import Compiled, order_digest, source_of
from scanlab.study.own_model import GRID_SETTINGS, OwnModel
from scanlab.study.recipe import Recipe
from scanlab.study.tasks import TASKS, facts_of, task_source
from scanlab.study.tune import Tune, tuning_place

__all__ = [
    "CONTROLS",
    "Control",
    "DataChoice",
    "Member",
    "Problem",
    "Recipe",
    "Resample",
    "Study",
    "Tested",
    "Trial",
    "control_name",
]

# Counted up when a change of the code changes what a trial with the same configuration gives.
TRIAL_VERSION = 1
# With fewer, only differences of many standard deviations can be told from chance: `study.power`.
DEFAULT_SEEDS = (0, 1, 2, 3, 4)


@dataclass(frozen=True)
class Resample:
    """That every seed draws its own parts. pooled: also where the data came with parts of their own. tested, pool: how
    many samples a seed measures on, and of how many they are drawn; what is in both parts of it by chance makes seeds
    depend on each other (`study.resampled`).

    >>> Resample(pooled=False, tested=539, pool=1797).tested
    539
    """

    pooled: bool
    tested: int
    pool: int


@dataclass(frozen=True)
class Tested:
    """What results are measured on. samples: how many; step: the smallest change of the metric that they allow, None
    for a metric that is no share of them.

    >>> Tested(samples=539, step=1 / 539).samples
    539
    """

    samples: int
    step: float | None = None


@dataclass(frozen=True)
class TrainSize:
    """One of several numbers of training images. of: the name of the problem without it; equal: what the trainings on
    them have in common, "steps" or "epochs". Every seed draws which images they are, more having all that fewer have,
    unless it draws all parts anew.

    >>> TrainSize("digits", images=100, equal="steps").images
    100
    """

    of: str
    images: int
    equal: str


@renamed_fields(sizes="config")
@dataclass(frozen=True, eq=False)
class Problem:
    """One thing to learn, with one model and one recipe, for every strategy alike.

    name: its row in the results. task: a name in `study.tasks.TASKS`, or of a task of one's own. fingerprint: of the
    data. strategies: labels with compiled scans or plans over the grid of this problem's patches; the same labels in
    every problem of a study.
    transfer: other inputs that the trained model is tested on, such as "rotate 90" or "size 16x16". resample: how each
    seed draws its own parts, None for the same parts for all; the fingerprint is then that of the data with all their
    parts. tuning: the fingerprint of the data that learning rates are chosen on, "" where none are. notes: what was
    assumed, mapped and left out when the data were read (`scanlab.data.notes.notes_of`); tested: the samples that
    results are measured on, None where nobody said. No trial depends on these two. model: the function that makes the
    models, None for a backbone of these sizes with the head of the task; of `config` it has the grid and depth alone.
    train_size: where it is one of several that differ in the number of their training images.

    >>> import scanlab
    >>> from scanlab import data
    >>> plans = tuple((name, scanlab.compile(name, grid=(4, 4))) for name in ("row", "hilbert"))
    >>> digits = data.load("digits")
    >>> problem = Problem("digits", DataChoice("digits"), "classification", digits.fingerprint, plans)
    >>> problem.config.patch_sides(len(digits.extents))
    (2, 2)
    """

    name: str
    data: DataChoice
    task: str
    fingerprint: str
    strategies: tuple[tuple[str, Compiled], ...]
    config: BackboneConfig = field(default_factory=BackboneConfig)
    recipe: Recipe = field(default_factory=Recipe)
    transfer: tuple[str, ...] = ()
    resample: Resample | None = None
    tuning: str = ""
    notes: Mapping[str, list[str]] = field(default_factory=dict)
    tested: Tested | None = None
    model: OwnModel | None = None
    train_size: TrainSize | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "task", renamed_value(self.task, spaced(TASKS), "Problem.task"))


@dataclass(frozen=True, eq=False)
class Trial:
    """A strategy trained once on a problem.

    The seed fixes the initial weights, the order of the batches and the augmentation, whatever the strategy. control:
    None, or the name of the control that this trial is.

    >>> import scanlab
    >>> row = scanlab.compile("row", grid=(4, 4))
    >>> problem = Problem("digits", DataChoice("digits"), "classification", "8f14e45fceea167a", (("row", row),))
    >>> trial = Trial(problem, row, seed=0)
    >>> trial.config["order"]["grid"], len(trial.key)
    ([4, 4], 16)
    """

    problem: Problem
    plan: CompiledScan | CompiledPlan
    seed: int
    control: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "control", renamed_value(self.control, spaced(CONTROLS), "Trial.control"))

    @cached_property
    def config(self) -> dict[str, Any]:
        """All that determines the trial's numbers, in JSON's types. Strategies stand in it by their steps, not name."""
        problem, data = self.problem, self.problem.data
        return {
            "version": TRIAL_VERSION,
            # Not where they came from: the same pixels and parts are the same data.
            "data": problem.fingerprint,
            "task": stored_name(problem.task),
            "order": {
                "digest": order_digest(self.plan, problem.config, problem.transfer),
                "grid": list(self.plan.grid),
            },
            "sizes": _sizes(problem),
            "recipe": problem.recipe.stored(),
            "transfer": list(problem.transfer),
            "seed": self.seed,
            "control": stored_control(self.control),
            # The fingerprint is then of the whole data, and says nothing of how they were divided.
            **({"parts": _parts(data, data.redraw)} if data.redraw else {}),
            **_own_code(problem),
        }

    @property
    def samples(self) -> str:
        """A name for the samples that it is measured on, the same for trials on the same ones."""
        redraw = self.problem.data.redraw
        if redraw and redraw.training:
            kept = {name: getattr(self.problem.data, name) for name in ("part", "test_limit")}
            return f"{self.problem.fingerprint} {json.dumps(kept, sort_keys=True)}"
        parts = self.config.get("parts")
        return self.problem.fingerprint + (f" {json.dumps(parts, sort_keys=True)} seed {self.seed}" if parts else "")

    @cached_property
    def key(self) -> str:
        """16 hexadecimal digits of the SHA-256 of `config`: the same for the same trial in any process."""
        text = json.dumps(self.config, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Member:
    """A trial's place in a study. Strategies with the same steps have trials in common, which run once.

    >>> from scanlab.study import study_of, with_options
    >>> study = study_of(with_options(None, {"strategies": ["row"], "seeds": 1}))
    >>> [member.strategy for member in study.members()][:2]
    ['row', 'control: A/A']
    """

    problem: str
    strategy: str
    seed: int
    control: str | None
    trial: Trial


@dataclass(frozen=True, eq=False)
class Study:
    """What to compare, and everything that is held equal.

    baseline: the label all others are compared with, and what the controls change. margins: for each problem, the
    largest difference of its primary metric that still counts as none, set before the run; 0 for no such claim.
    unequal: strategies may differ in parameters or FLOPs. question: what the study is to answer, for the report. tune:
    learning rates to choose from for every strategy and control, None for the recipe's; chosen: those that were, by
    problem and name. looks: the numbers of seeds at which it will be judged, the last the most that it is to have;
    empty where none are declared (study/looks.py says at which level each look is judged). keep: which weights of the
    strategies' trainings are kept, "last" and "best" by the validation part; no result depends on it.

    >>> from scanlab.study import study_of, with_options
    >>> study = study_of(with_options(None, {"strategies": ["row", "hilbert"], "seeds": 2}))
    >>> study.name, study.seeds, len(study.trials())
    ('digits', (0, 1), 12)
    """

    name: str
    problems: tuple[Problem, ...]
    seeds: tuple[int, ...] = DEFAULT_SEEDS
    baseline: str = ""
    controls: tuple[str, ...] = DEFAULT_CONTROLS
    margins: Mapping[str, float] = field(default_factory=dict)
    confidence: float = 0.95
    unequal: bool = False
    question: str = ""
    tune: Tune | None = None
    chosen: Mapping[tuple[str, str], float] = field(default_factory=dict)
    looks: tuple[int, ...] = ()
    keep: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        controls = tuple(renamed_value(control, spaced(CONTROLS), "Study.controls") for control in self.controls)
        object.__setattr__(self, "controls", controls)

    def members(self) -> Iterator[Member]:
        """Seed by seed, so that a run cut short has whole pairs; controls after the strategies. Where learning rates
        are chosen, the trainings for that come first."""
        yield from self.tuning_members()
        for seed in self.seeds:
            for problem in self.problems:
                for name, _, control in self.arms(problem):
                    yield Member(problem.name, name, seed, control, self.trial(problem, name, seed))

    def tuning_members(self) -> Iterator[Member]:
        """The trainings that learning rates are chosen by, under a problem and names of their own."""
        if self.tune is None:
            return
        for seed in self.tune.seeds:
            for problem in self.problems:
                for name, plan, control in self.arms(problem):
                    for rate in self.tune.learning_rate:
                        recipe = replace(problem.recipe, learning_rate=rate)
                        data = replace(problem.data, tuning=True)
                        met = replace(problem, data=data, recipe=recipe, fingerprint=problem.tuning, transfer=())
                        place = tuning_place(problem.name, name, rate)
                        yield Member(*place, seed, control, Trial(met, plan, seed, control))

    def arms(self, problem: Problem) -> Iterator[tuple[str, Compiled, str | None]]:
        """Name, scan and control of everything that is trained on a problem: its strategies, then the controls."""
        plans = dict(problem.strategies)
        yield from ((label, plan, None) for label, plan in problem.strategies)
        plan = plans[self.baseline or problem.strategies[0][0]]
        yield from ((control_name(control), plan, control) for control in self.controls)

    def trial(self, problem: Problem, name: str, seed: int) -> Trial:
        """The trial of a strategy or control on a problem, with the parts and the learning rate that are its own."""
        plan, control = next((plan, control) for known, plan, control in self.arms(problem) if known == name)
        met = problem
        if problem.resample:
            redraw = Redraw(seed, problem.resample.pooled, apart=self.tune is not None)
            met = replace(met, data=replace(met.data, redraw=redraw))
        elif problem.train_size:
            met = replace(met, data=replace(met.data, redraw=Redraw(seed, training=True)))
        if (rate := self.chosen.get((problem.name, name))) is not None:
            met = replace(met, recipe=replace(met.recipe, learning_rate=rate))
        return Trial(met, plan, seed, control)

    def trials(self) -> list[Trial]:
        """Every different trial once, in the order of the members."""
        return list({member.trial.key: member.trial for member in self.members()}.values())

    def about(self) -> dict[str, Any]:
        """What a report needs to know beside the trials, in JSON's types."""
        return {
            "name": self.name,
            "question": self.question,
            "baseline": self.baseline or self.problems[0].strategies[0][0],
            "seeds": list(self.seeds),
            "controls": {control_name(c): CONTROLS[c].meaning for c in self.controls},
            "margins": dict(self.margins),
            "confidence": self.confidence,
            "unequal": self.unequal,
            **({"looks": list(self.looks)} if self.looks else {}),
            "problems": [_about(problem) for problem in self.problems],
            **({"tune": self.tune.about(self.chosen, self._tunings())} if self.tune else {}),
        }

    def _tunings(self) -> int:
        """How many different trainings learning rates are chosen by."""
        return len({member.trial.key for member in self.tuning_members()})


def _parts(data: DataChoice, redraw: Redraw) -> dict[str, Any]:
    """How parts are drawn anew but for the seed, which is the trial's."""
    plain = {"part": data.part, "limit": data.limit, "test_limit": data.test_limit}
    drawn = {"training": True} if redraw.training else {}
    return plain | {"pooled": redraw.pooled, "apart": redraw.apart} | drawn


def _about(problem: Problem) -> dict[str, Any]:
    return {
        "name": problem.name,
        "data": problem.data.plain(),
        "fingerprint": problem.fingerprint,
        "notes": dict(problem.notes),
        "task": stored_name(problem.task),
        "sizes": _sizes(problem),
        "recipe": problem.recipe.stored(),
        "transfer": list(problem.transfer),
        "strategies": {label: _strategy(plan) for label, plan in problem.strategies},
        **({"resample": asdict(problem.resample)} if problem.resample else {}),
        **({"tested": asdict(problem.tested)} if problem.tested else {}),
        **({"train_size": asdict(problem.train_size)} if problem.train_size else {}),
        **_own_code(problem),
        **({"task_facts": facts} if (facts := facts_of(problem.task)) else {}),
    }


def _sizes(problem: Problem) -> dict[str, Any]:
    """What ScanLab decides of the model."""
    sizes = stored(problem.config)
    return {name: sizes[name] for name in GRID_SETTINGS} if problem.model else sizes


def _own_code(problem: Problem) -> dict[str, Any]:
    """What a trial knows of code of a person's own: nothing where there is none."""
    source = task_source(problem.task)
    model = {"model": problem.model.stored()} if problem.model else {}
    return model | ({"task_source": source} if source else {})


def _strategy(plan: CompiledScan | CompiledPlan) -> dict[str, Any]:
    return {"source": source_of(plan), "axes": list(plan.axes), "grid": list(plan.grid)}
