"""A study is trials: strategies by seeds, everything else held equal; and what came out of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from scanlab.compiler.bind import CompiledPlan, CompiledScan
from scanlab.nn import BackboneSizes
from scanlab.ops import PathTable

# What each control does to the steps of a strategy, given the trial's seed.
CONTROLS: Mapping[str, Callable[[PathTable, int], PathTable]] = MappingProxyType(
    {
        "random order": lambda table, seed: table.scrambled(seed),
        "no memory": lambda table, seed: table.without_memory(),
    }
)


@dataclass(frozen=True)
class Recipe:
    """How every trial of a study is trained.

    AdamW (arXiv 1711.05101) with gradients clipped to norm 1; the learning rate rises in a line over the first tenth of
    the steps and falls to zero along a cosine; cross-entropy with label smoothing. Every training image is shifted by
    up to `shift` pixels along each axis, afresh in each epoch.

    The defaults, and those of BackboneSizes, were picked by hand for accuracy on the test part of the digits with seed
    0 and two-way row scans: comparing the model with another kind of classifier there flatters it.
    """

    epochs: int = 10
    batch: int = 32
    learning_rate: float = 8e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    shift: int = 0


@dataclass(frozen=True, eq=False)
class Trial:
    """A strategy trained once.

    The seed fixes the initial weights, the order of the batches and the shifts, whatever the strategy. control: None,
    or the name of a control that changes the strategy's steps.
    """

    strategy: str
    plan: CompiledScan | CompiledPlan
    seed: int
    sizes: BackboneSizes
    recipe: Recipe
    control: str | None = None

    def alter(self, table: PathTable) -> PathTable:
        """The steps that this trial walks in place of the strategy's own."""
        return table if self.control is None else CONTROLS[self.control](table, self.seed)


@dataclass(frozen=True, eq=False)
class Study:
    """What to compare, and everything that is held equal.

    strategies: names with compiled scans or plans; the first is the baseline of all comparisons, and what the controls
    change: "random order" shuffles the grid under its paths, anew for every seed; "no memory" zeroes the state at every
    step, so that no patch hears of another.
    """

    strategies: tuple[tuple[str, CompiledScan | CompiledPlan], ...]
    seeds: tuple[int, ...] = (0, 1, 2)
    dataset: str = "digits"
    sizes: BackboneSizes = field(default_factory=BackboneSizes)
    recipe: Recipe = field(default_factory=Recipe)
    controls: tuple[str, ...] = tuple(CONTROLS)

    def trials(self) -> Iterator[Trial]:
        """Seed by seed, so that a run cut short has whole pairs; controls after the strategies."""
        baseline = self.strategies[0][1]
        for seed in self.seeds:
            for name, plan in self.strategies:
                yield Trial(name, plan, seed, self.sizes, self.recipe)
            for control in self.controls:
                yield Trial(control_name(control), baseline, seed, self.sizes, self.recipe, control)


def control_name(control: str) -> str:
    """How a control is called in results."""
    return f"control: {control}"


@dataclass(frozen=True)
class Epoch:
    """One pass over the training images: mean training loss, then the accuracy on the test images, in [0, 1]."""

    loss: float
    accuracy: float


@dataclass(frozen=True)
class TrialResult:
    """What a trial measured; `seconds` is training alone, without the tests after each epoch."""

    strategy: str
    seed: int
    parameters: int
    seconds: float
    epochs: tuple[Epoch, ...]

    @property
    def accuracy(self) -> float:
        """On the test images after the last epoch: no epoch was chosen by its test accuracy."""
        return self.epochs[-1].accuracy
