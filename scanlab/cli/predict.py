"""``scanlab predict``: what a model says of pictures, GeoTIFFs, volumes and streams of frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.text import Text
from torch import nn

from scanlab.cli.output import console, print_json
from scanlab.cli.predict_boxes import BOXES
from scanlab.cli.predict_job import (
    Answer,
    Job,
    Options,
    Row,
    damaged_of,
    files_at,
    refuse_options,
    say_damaged,
    with_damaged,
)
from scanlab.cli.predict_lines import TEXTS
from scanlab.cli.predict_pictures import CLASSES, MASKS
from scanlab.cli.predict_volumes import run_volumes, volumes_at
from scanlab.ir.diagnostics import ScanlabError
from scanlab.predict.names import names_from, with_class_names
from scanlab.zoo import create_model
from scanlab.zoo.files import require_numbers
from scanlab.zoo.pretrained import read_model

__all__ = ["ANSWERS", "Options", "run"]

# Of every head that says something of files, what it is.
ANSWERS: Sequence[Answer] = (CLASSES, MASKS, TEXTS, BOXES)
# A stream refuses more of them by itself, and says why.
OF_STREAMS = ("names", "size", "tile", "bands", "scale")
OF_VOLUMES = (*OF_STREAMS, "unreadable")


def run(checkpoint: Path, place: Path, options: Options, stream: bool) -> None:
    """Predict, print and write. Raises S725 for what is no input, S726 for a model that does not take it, S659 for an
    option that means nothing to it, S729 for an --out that does not fit, and more."""
    model = _model(checkpoint, options)
    _check_out(place, options.out)
    if stream:
        from scanlab.cli.predict_stream import run_stream

        refuse_options(options, OF_STREAMS, "a stream of frames")
        run_stream(model, place, _names(model, options), options)
        return
    if options.follow is not None or options.latency != 1 or options.clip is not None:
        raise typer.BadParameter("--follow, --latency and --clip go with --stream")
    if volumes := volumes_at(place):
        refuse_options(options, OF_VOLUMES, "volumes")
        run_volumes(model, volumes, place, _names(model, options), options)
        return
    answer = _answer(model)
    refuse_options(options, {*answer.takes, "unreadable"}, f"a {answer.head.__name__}")
    names = _names(model, options) if "names" in answer.takes else ()
    files = files_at(place, answer.inputs)
    job = Job(model, place, files, names, options, damaged_of(options, len(files)))
    said = answer.run(job)
    say_damaged(job.damaged)
    if options.json:
        print_json(with_damaged(said.rows, job.damaged, job.called))
        return
    said.say()
    _say_notes(said.rows)


def _model(checkpoint: Path, options: Options) -> nn.Module:
    """An official one, one in a folder of Hugging Face's form, or a file of ours."""
    model = create_model(options.model, checkpoint=checkpoint) if options.model else read_model(checkpoint)
    require_numbers(model, checkpoint)
    return model.eval()


def _check_out(place: Path, out: Path | None) -> None:
    """Raise S729 for a file that lies among the inputs, such as their annotations."""
    if out is not None and out.is_file() and place.is_dir() and out.resolve().is_relative_to(place.resolve()):
        problem = f"{out} is a file of the folder that is predicted from"
        raise ScanlabError.at("S729", problem, help="give a place outside of it, or another name")


def _answer(model: nn.Module) -> Answer:
    for answer in ANSWERS:
        if isinstance(model, answer.head):
            return answer
    heads = ", ".join(answer.head.__name__ for answer in ANSWERS)
    raise ScanlabError.at(
        "S726",
        f"a {type(model).__name__} says nothing of single pictures",
        help=f"give one of {heads}; a NextFrame reads frames with --stream",
    )


def _names(model: nn.Module, options: Options) -> tuple[str, ...]:
    return with_class_names(model, names_from(options.names))


def _say_notes(rows: Sequence[Row]) -> None:
    counts = Counter(note for row in rows for note in row["notes"])
    for note, count in counts.items():
        console().print(Text(note + (f" ({count:,} files)" if count > 1 else "")))
