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
from scanlab.data.layout import Layout
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import grid_of
from scanlab.nn import Classifier
from scanlab.places import expand_home
from scanlab.study.evaluate import Evaluation, Listener, evaluate, load_classifier, load_model, notes, render
from scanlab.study.inputs import Inputs, of_dataset, of_folder
from scanlab.zoo import preprocessing
from scanlab.zoo.presets import ALIASES, evaluation_of
from scanlab.zoo.weights import AVERAGED, WEIGHTS, Weights, hash_note

__all__ = ["Checkpoint", "Images", "run"]

_PATIENCE = 1.0


@dataclass(frozen=True)
class Checkpoint:
    """A file, and for an official one the model it is of, as the options say; what is left out is the model's own.

    weights: which of several in the file; of those whose authors measured averaged ones these, where it holds them.
    """

    path: Path
    model: str = ""
    classes: int | None = None
    channels: int | None = None
    input: str = ""
    weights: str = ""

    def load(self) -> Classifier:
        """The model, ready to classify. Raises what `load_classifier` does, S400, and a usage error."""
        options = self._options()
        if self.official is not None and self.official.averaged and not self.weights:
            try:
                return load_classifier(*options, key=AVERAGED)
            except ScanlabError as error:
                if error.code != "S641":
                    raise
        return load_classifier(*options, key=self.weights)

    @property
    def official(self) -> Weights | None:
        """What is known of the named model's official weights, where the file is called as they are."""
        known = WEIGHTS.get(ALIASES.get(self.model, self.model))
        return known if known is not None and known.file == self.path.name else None

    def load_any(self) -> nn.Module:
        """The model, whatever it gives. Raises what `load_model` does, S400, and a usage error."""
        return load_model(*self._options(), key=self.weights)

    def _options(self) -> tuple[Any, ...]:
        if not self.model and (self.classes or self.channels or self.input or self.weights):
            raise typer.BadParameter("--classes, --channels, --input and --weights go with --model")
        extents = grid_of(self.input, what="input size") if self.input else None
        return self.path, self.model, self.classes, self.channels, extents


@dataclass(frozen=True)
class Images:
    """What is classified. source: a name, an array file or a folder; part, layout: of it; unreadable: files that may be
    left out; loaders: processes that read, None for as many as fit."""

    source: str
    part: str = "test"
    layout: str = ""
    unreadable: int = 0
    loaders: int | None = None


def run(checkpoint: Checkpoint, scans: str, images: Images, batch: int, as_json: bool) -> None:
    """Evaluate under every scan, and print the table."""
    model = checkpoint.load()
    inputs = _inputs(model, checkpoint, images)
    axes = "x".join("1" for _ in model.backbone.input_size)
    names = strategies([name.strip() for name in scans.split(";") if name.strip()], axes)
    screen = console(stderr=True)
    columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=screen, disable=as_json or not screen.is_terminal, transient=True)
    try:
        evaluation = evaluate(model, names, inputs, batch=batch, progress=_bar_listener(bar))
    finally:
        bar.stop()
    _print(evaluation, as_json)


def _inputs(model: Classifier, checkpoint: Checkpoint, images: Images) -> Inputs:
    """A published model gets pictures as its authors prepare them, and arrays with their mean and deviation taken off;
    others get what they were trained on, pixels in [0, 1]."""
    _, prepared, _ = evaluation_of(model)
    coloured = bool(prepared) and model.backbone.channels == 3
    folder, layout = expand_home(images.source), Layout.read(images.layout)
    if coloured and folder.is_dir():
        how = {"class_names": model.class_names, "unreadable_at_most": images.unreadable, "loaders": images.loaders}
        inputs = of_folder(folder, preprocessing(model), model.num_classes, images.part, layout, **how)
    elif images.unreadable or images.loaders is not None:
        help = "leave --unreadable and --loaders out"
        problem = "files are read one by one for published models, of pictures in a folder per class"
        raise ScanlabError.at("S659", problem, help=help)
    else:
        # What a file of ours was trained on since it was published, nothing says.
        normalise = preprocessing(model, size=1) if coloured and checkpoint.model else None
        inputs = of_dataset(data.load(images.source, layout=images.layout), images.part, normalise, model.class_names)
        if normalise is not None:
            inputs.notes.append("Images are not resized or cropped; the authors' mean and deviation are applied.")
        elif prepared:
            inputs.notes.append("Images are taken as they are, without the mean and deviation of the model's authors.")
    if note := hash_note(ALIASES.get(checkpoint.model, checkpoint.model), checkpoint.path):
        inputs.notes.append(f"{note}.")
    if (weights := checkpoint.official) is not None:
        which = "its averaged weights" if weights.averaged else "them"
        inputs.notes.append(f"The authors give {weights.top1} % on {weights.data} for {which} ({weights.source}).")
    return inputs


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
