"""What a study knows of its trials, as the store reads it: the joint between running and judging."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scanlab.study.predictions import Predictions

from scanlab.study.history import History

__all__ = ["DIVERGED", "STATUSES", "Epoch", "MemberRecord", "StudyRecord", "TrialRecord", "TrialResult"]

STATUSES = ("waiting", "running", "done", "failed")
# The first word of the error of a trial whose loss was no number.
DIVERGED = "diverged"


@dataclass(frozen=True)
class Epoch:
    """One pass over the training part: its mean loss, then the metrics on the part that is measured; training seconds.

    Metrics by name; shares such as accuracy and Dice in [0, 1]. rate, throughput: the learning rate of its last step,
    and training samples per second, as loggers take them; 0 in an epoch that was read from a database.

    >>> Epoch(0.4, {"accuracy": 0.9}).metrics["accuracy"]
    0.9
    """

    loss: float
    metrics: Mapping[str, float]
    seconds: float = 0.0
    rate: float = dataclasses.field(default=0.0, compare=False)
    throughput: float = dataclasses.field(default=0.0, compare=False)


@dataclass(frozen=True)
class TrialResult:
    """What a finished trial measured.

    epochs: all that were trained, first to last; none was chosen by what results are of. parameters, flops: of the
    model, and of one forward pass of one sample. seconds: training alone, without the tests after each epoch. loading:
    the share of them in which batches were put together, in [0, 1]. memory: bytes by which the process (or, on a GPU,
    the device's memory) grew at most; None where the system does not tell, and of trials trained together. throughput:
    training samples per second.
    transfer: the primary metric on changed inputs, by their name. field: the effective receptive field of the centre
    patch over the first grid, in raster order, its largest value 1 (`study.receptive_field` on a few test images).
    unreadable: how many images could not be read and were left out, and why the first (`study.left_out.counts_of`),
    empty for none. predictions: what it said of every sample it was measured on, fresh from its training; a result that
    was read has None (`read_predictions`).

    >>> epochs = (Epoch(0.9, {"accuracy": 0.7}), Epoch(0.4, {"accuracy": 0.9}))
    >>> TrialResult(epochs, parameters=1_000, flops=50_000, seconds=1.5).final["accuracy"]
    0.9
    """

    epochs: tuple[Epoch, ...]
    parameters: int
    flops: int
    seconds: float
    loading: float = 0.0
    memory: int | None = None
    throughput: float = 0.0
    transfer: Mapping[str, float] = dataclasses.field(default_factory=dict)
    field: tuple[float, ...] = ()
    unreadable: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    predictions: Predictions | None = dataclasses.field(default=None, compare=False, repr=False)
    weights: Mapping[str, Mapping[str, bytes]] = dataclasses.field(default_factory=dict, compare=False, repr=False)

    def figures(self) -> dict[str, Any]:
        """All but the predictions and weights, in JSON's types."""
        whole = dataclasses.asdict(dataclasses.replace(self, predictions=None, weights={}))
        return {name: value for name, value in whole.items() if name not in ("predictions", "weights")}

    @property
    def final(self) -> Mapping[str, float]:
        """The metrics after the last epoch."""
        return self.epochs[-1].metrics


@dataclass(frozen=True)
class TrialRecord:
    """A trial as it stands. error: "" or what went wrong, a word such as "out of memory" first, then the traceback.

    epochs: those that are finished, also of a trial that still runs or failed. environment: versions, machine, device
    and code of the process that ran it.

    >>> TrialRecord("f788fa772104aa8d", "failed", {}, error="out of memory").result is None
    True
    """

    key: str
    status: str
    config: Mapping[str, Any]
    epochs: tuple[Epoch, ...] = ()
    result: TrialResult | None = None
    error: str = ""
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    attempts: int = 0

    @property
    def diverged(self) -> bool:
        """Whether it failed because its loss was no number, as it would again."""
        return self.status == "failed" and self.error.partition("\n")[0] == DIVERGED


@dataclass(frozen=True)
class MemberRecord:
    """Which trial stands for a strategy on a problem with a seed; control: the control's name, or None.

    >>> MemberRecord("digits", "row", seed=0, control=None, key="f788fa772104aa8d").strategy
    'row'
    """

    problem: str
    strategy: str
    seed: int
    control: str | None
    key: str


@dataclass(frozen=True)
class StudyRecord:
    """A study with all its trials. about: what `Study.about` gives; command: what made it, "" where unknown. database:
    the file it was read from, None where it was not.

    history: what was in force and when it was looked at; None for a record that comes from no database. Two records are
    equal where they hold the same study and results, whatever their histories.

    >>> member = MemberRecord("digits", "row", seed=0, control=None, key="f788fa772104aa8d")
    >>> record = StudyRecord({"name": "orders"}, (member,), {member.key: TrialRecord(member.key, "waiting", {})})
    >>> record.trial(member).status
    'waiting'
    """

    about: Mapping[str, Any]
    members: tuple[MemberRecord, ...]
    trials: Mapping[str, TrialRecord]
    command: str = ""
    database: Path | None = dataclasses.field(default=None, compare=False, repr=False)
    history: History | None = dataclasses.field(default=None, compare=False)

    def trial(self, member: MemberRecord) -> TrialRecord:
        """The trial of a member."""
        return self.trials[member.key]
