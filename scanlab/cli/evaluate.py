"""``scanlab eval``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import nn

from scanlab import data
from scanlab.cli.arguments import strategies
from scanlab.cli.narrow_tables import print_table
from scanlab.cli.output import console, print_json
from scanlab.ir.grids import grid_of
from scanlab.nn import Classifier
from scanlab.study.evaluate import Evaluation, Listener, evaluate, load_classifier, load_model, notes, render

__all__ = ["Checkpoint", "run"]

_PATIENCE = 1.0


@dataclass(frozen=True)
class Checkpoint:
    """A file, and for an official one the model it is of, as the options say; what is left out is the model's own."""

    path: Path
    model: str = ""
    classes: int | None = None
    channels: int | None = None
    input: str = ""

    def load(self) -> Classifier:
        """The model, ready to classify. Raises what `load_classifier` does, S400, and a usage error."""
        return load_classifier(*self._options())

    def load_any(self) -> nn.Module:
        """The model, whatever it gives. Raises what `load_model` does, S400, and a usage error."""
        return load_model(*self._options())

    def _options(self) -> tuple[Any, ...]:
        if not self.model and (self.classes or self.channels or self.input):
            raise typer.BadParameter("--classes, --channels and --input go with --model")
        extents = grid_of(self.input, what="input size") if self.input else None
        return self.path, self.model, self.classes, self.channels, extents


def run(
    checkpoint: Checkpoint, scans: str, source: str, part: str, batch: int, as_json: bool, layout: str = ""
) -> None:
    """Evaluate under every scan, and print the table. layout: words that settle how the source is read."""
    model = checkpoint.load()
    dataset = data.load(source, layout=layout)
    axes = "x".join("1" for _ in model.backbone.input_size)
    names = strategies([name.strip() for name in scans.split(";") if name.strip()], axes)
    screen = console(stderr=True)
    columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=screen, disable=as_json or not screen.is_terminal, transient=True)
    try:
        evaluation = evaluate(model, names, dataset, part, batch, _bar_listener(bar))
    finally:
        bar.stop()
    _print(evaluation, as_json)


def _bar_listener(bar: Progress) -> Listener:
    """What moves the bar, and shows it once a second has passed."""
    start, task = perf_counter(), bar.add_task("classifying")

    def advance(scan: str, done: int, total: int) -> None:
        bar.update(task, completed=done, total=total, description=scan)
        if perf_counter() - start > _PATIENCE:
            bar.start()

    return advance


def _print(evaluation: Evaluation, as_json: bool) -> None:
    if as_json:
        print_json(evaluation.to_json() | {"notes": notes(evaluation)})
        return
    screen = console()
    print_table(screen, render(evaluation))
    for sentence in notes(evaluation):
        screen.print(sentence)
