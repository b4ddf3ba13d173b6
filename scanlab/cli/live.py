"""The table of a study while it runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from scanlab.cli.narrow_tables import fitted
from scanlab.study.engines import EpochDone, Failed, Finished, Lost, Restarted, Started
from scanlab.study.left_wording import left_sentence
from scanlab.study.runner import Listener, StudyProgress
from scanlab.study.tasks import task_named
from scanlab.study.time_needed import duration
from scanlab.study.trial import Study, Trial
from scanlab.study.trial_wording import failure_reason

__all__ = ["watched"]

Row = tuple[str, str]


@dataclass
class _Board:
    """What is known of a run: figures by problem and strategy, trials under way, and what went wrong."""

    study: Study
    finals: dict[Row, list[float]] = field(default_factory=dict)
    running: dict[str, tuple[Trial, int, float]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    epochs: tuple[int, int] = (0, 1)
    trials: tuple[int, int] = (0, 1)
    start: float = field(default_factory=time.monotonic)
    first: int | None = None
    note: str = ""

    def __post_init__(self) -> None:
        # Strategies that share a trial share its line's figures.
        self.places: dict[str, list[Row]] = {}
        for m in self.study.members():
            self.places.setdefault(m.trial.key, []).append((m.problem, m.strategy))

    def take(self, update: StudyProgress) -> None:
        """Take an update in."""
        event, trial = update.event, update.trial
        self.epochs, self.trials = update.epochs, update.trials
        self.first = update.epochs[0] if self.first is None else self.first
        self.note = "" if event else "another runner has all that is left: waiting for it"
        if event is None or trial is None:
            return
        if isinstance(event, Started):
            self.running[event.key] = (trial, 0, float("nan"))
        elif isinstance(event, EpochDone):
            metric = task_named(trial.problem.task).primary
            self.running[event.key] = (trial, event.number + 1, event.epoch.metrics.get(metric, float("nan")))
        elif isinstance(event, Restarted):
            words = f"{self.name(event.key)}: its checkpoint is of no use ({event.why}), so it starts anew"
            self.problems.append(words)
        else:
            self.running.pop(event.key, None)
        if isinstance(event, Finished):
            value = event.result.final[task_named(trial.problem.task).primary]
            for place in self.places[event.key]:
                self.finals.setdefault(place, []).append(value)
            if event.result.unreadable:
                self.problems.append(f"{self.name(event.key)}: {left_sentence(event.result.unreadable)}")
        elif isinstance(event, Failed):
            reason = failure_reason("\n".join((event.kind, event.trace)))
            self.problems.append(f"{self.name(event.key)} failed: {reason}")
        elif isinstance(event, Lost):
            self.problems.append(f"{self.name(event.key)}: {event.why}; it goes on from a checkpoint")

    def name(self, key: str) -> str:
        """A trial in words."""
        problem, strategy = self.places[key][0]
        seed = next(m.seed for m in self.study.members() if m.trial.key == key)
        return f"{problem}, {strategy}, seed {seed}"

    def left(self) -> float | None:
        """Seconds until the end, by the pace so far."""
        done = self.epochs[0] - (self.first or 0)
        return (time.monotonic() - self.start) / done * (self.epochs[1] - self.epochs[0]) if done > 0 else None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        left = self.left()
        words = f"{self.trials[0]} of {self.trials[1]} trials, {self.epochs[0]} of {self.epochs[1]} epochs"
        words += "" if left is None else f", about {duration(left)} left"
        yield from fitted(self._results(), options.max_width, console)
        yield from (self._under_way(), Text(words))
        yield from (Text(line, style="red") for line in self.problems[-5:])
        yield Text(self.note, style="yellow")

    def _results(self) -> Table:
        table = Table(box=None, pad_edge=False)
        table.add_column("strategy")
        for problem in self.study.problems:
            table.add_column(f"{problem.name} ({task_named(problem.task).primary})", justify="right")
        # Trainings that learning rates are chosen by are no results.
        judged = {problem.name for problem in self.study.problems}
        places = [place for places in self.places.values() for place in places]
        labels = dict.fromkeys(strategy for problem, strategy in places if problem in judged)
        best = {p.name: self._best(p.name) for p in self.study.problems}
        for label in labels:
            cells = []
            for problem in self.study.problems:
                values = self.finals.get((problem.name, label), [])
                mean = f"{sum(values) / len(values):.4f} ({len(values)})" if values else "…"
                cells.append(Text(mean, style="bold" if best[problem.name] == label else ""))
            table.add_row(Text(label, style="dim" if label.startswith("control: ") else ""), *cells)
        return table

    def _best(self, problem: str) -> str:
        higher = next(task_named(p.task).higher for p in self.study.problems if p.name == problem)
        means = {
            label: sum(values) / len(values)
            for (where, label), values in self.finals.items()
            if where == problem and not label.startswith("control: ")
        }
        return (max if higher else min)(means, key=lambda label: means[label]) if means else ""

    def _under_way(self) -> Table:
        table = Table(box=None, pad_edge=False, show_header=False)
        for key, (trial, epoch, value) in self.running.items():
            total = trial.problem.recipe.epochs
            shown = "" if value != value else f"{value:.4f}"
            table.add_row(Text(self.name(key)), ProgressBar(total, epoch, width=24), f"epoch {epoch} of {total}", shown)
        return table


@contextmanager
def watched(study: Study, screen: Console, quiet: bool) -> Iterator[Listener]:
    """A listener that shows a study while it runs: a live table on a terminal, one line per trial elsewhere."""
    board = _Board(study)
    if quiet:
        yield lambda update: None
        return
    if not screen.is_terminal:

        def plain(update: StudyProgress) -> None:
            board.take(update)
            if isinstance(update.event, Restarted):
                screen.print(board.problems[-1])
            elif isinstance(update.event, Finished | Failed | Lost):
                line = f"{update.trials[0]} of {update.trials[1]}: {board.name(update.event.key)}"
                whole = isinstance(update.event, Finished) and not update.event.result.unreadable
                what = "" if whole else f", {board.problems[-1]}"
                screen.print(Text(f"{line}{what}"))

        yield plain
        return
    with Live(board, console=screen, refresh_per_second=4, transient=True):
        yield board.take
