"""``scanlab erf``: receptive fields predicted from ranks; of models before and after training; of a checkpoint."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from math import isnan, prod
from pathlib import Path
from typing import Any

from rich.columns import Columns
from rich.console import Group
from rich.table import Table
from rich.text import Text

from scanlab.cli.arguments import Subject, grid_for, labelled
from scanlab.cli.narrow_tables import print_table
from scanlab.cli.output import console, print_json
from scanlab.compiler.decay import mean_distance, predicted_decay
from scanlab.compiler.spread import SHARES, Spread, spread
from scanlab.facade import bound
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text
from scanlab.view.receptive_field import FAINTEST, MOST_AXES, Field, check_picture, heat_map, write

__all__ = ["Options", "run"]

PREDICTED = "predicted from ranks"
# Beyond so many, the mean over all patches takes more than a moment, and heat maps more than a page.
_MOST_PATCHES = 1024
_WIDEST_MAP = 64


@dataclass(frozen=True)
class Options:
    """What is asked for.

    grid: as typed, "" for the usual one. decay, layers: of the prediction. train, epochs: measure the study's model
    before and after training. checkpoint: measure a saved model. data: the images of both; layout: how they are read.
    out: a picture.
    """

    grid: str = ""
    decay: float = 0.9
    layers: int | None = None
    train: bool = False
    epochs: int | None = None
    checkpoint: Path | None = None
    data: str | None = None
    layout: str = ""
    out: Path | None = None


def run(names: list[str], options: Options, as_json: bool) -> None:
    """Print how far the receptive fields of strategies spread, or draw them into a file."""
    _check(options)
    if options.out is not None:
        check_picture(options.out)
    subject = _subject(names, options, quiet=as_json)
    layers = options.layers or subject.layers
    fields = [
        Field(name, PREDICTED, predicted_decay(plan, options.decay, layers=layers), axes=plan.axes)
        for name, plan in subject.plans
    ]
    fields += subject.measured
    if options.out is not None:
        write(fields, options.out, shlex.join(["scanlab", *sys.argv[1:]]))
        console(stderr=True).print(f"wrote {options.out}", soft_wrap=True)
    if as_json:
        print_json({"decay": options.decay, "layers": layers, **_data(subject, fields, options.decay, layers)})
    elif options.out is None:
        _print(subject, fields, options.decay, layers)


def _check(options: Options) -> None:
    problems = (
        (options.train and options.checkpoint, "a checkpoint is not trained", "leave out --train or --checkpoint"),
        (options.epochs is not None and not options.train, "without training there are no epochs", "add --train"),
        (
            options.data is not None and not (options.train or options.checkpoint),
            "a prediction from ranks reads no data",
            "add --train or --checkpoint",
        ),
        (options.layout and options.data is None, "layout says how data are read, and none are named", "add --data"),
        (options.grid and options.checkpoint, "the images of a checkpoint decide its grid", "leave out --grid"),
    )
    for wrong, message, help in problems:
        if wrong:
            raise ScanlabError.at("S636", message, help=help)


def _subject(names: list[str], options: Options, quiet: bool) -> Subject:
    if options.checkpoint is not None:
        from scanlab.cli.receptive_field_models import of_checkpoint

        return of_checkpoint(options.checkpoint, names, options.data, options.layout)
    if options.train:
        from scanlab.cli.receptive_field_models import of_training
        from scanlab.study.trial import DataChoice

        choice = DataChoice(options.data or "digits", layout=options.layout)
        return of_training(names, options.grid, options.epochs, choice, quiet)
    values = labelled(names, options.grid)
    return Subject([(name, bound(value, grid_for(value, options.grid))) for name, value in values])


def _everywhere(subject: Subject, decay: float, layers: int | None) -> dict[str, float]:
    """The mean distance over all patches for each plan on a grid that is small enough."""
    small = [(name, plan) for name, plan in subject.plans if prod(plan.grid) <= _MOST_PATCHES]
    return {name: mean_distance(plan, decay, layers=layers) for name, plan in small}


def _print(subject: Subject, fields: list[Field], decay: float, layers: int | None) -> None:
    out = console()
    print_table(out, _table(fields, _everywhere(subject, decay, layers)))
    drawn = [f for f in fields if f.values.ndim <= MOST_AXES and f.values.shape[-1] <= _WIDEST_MAP]
    colour = out.color_system is not None and not out.no_color
    if drawn:
        heading = "contribution / largest, by decade: " if colour else "tenths of the decades: "
        out.print(f"{heading}{FAINTEST:g} to 1" + ("" if colour else " as 0 to 9, · is exactly 0"))
        maps = [Group(f.strategy, Text(f.kind, style="dim"), heat_map(f, colour, out.width), "") for f in drawn]
        out.print(Columns(maps, padding=(0, 4)))
    over = f" and {count_text(layers, 'layer')}" if layers else ""
    if subject.plans:
        out.print(f"{PREDICTED}: a state keeps {decay:g} of itself at every step{over}.")
    for note in subject.notes:
        out.print(note)


def _table(fields: list[Field], everywhere: dict[str, float]) -> Table:
    table = Table(title="share of the grid's area that holds so much of what reaches the centre", title_justify="left")
    table.add_column("strategy")
    table.add_column("receptive field")
    table.add_column("grid")
    for share in SHARES:
        table.add_column(f"{share:.0%}", justify="right")
    table.add_column("mean distance", justify="right")
    table.add_column("of all patches", justify="right")
    for field in fields:
        reach = spread(field.values, field.centre)
        mean = everywhere.get(field.strategy) if field.kind == PREDICTED else None
        size = "×".join(map(str, field.values.shape))
        areas = [_number(area, 3) for area in reach.areas]
        table.add_row(field.strategy, field.kind, size, *areas, _number(reach.mean_distance, 2), _number(mean, 2))
    return table


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None or isnan(value) else f"{value:.{digits}f}"


def _data(subject: Subject, fields: list[Field], decay: float, layers: int | None) -> dict[str, Any]:
    everywhere = _everywhere(subject, decay, layers)
    return {
        "fields": [
            {
                "strategy": field.strategy,
                "kind": field.kind,
                "grid": list(field.values.shape),
                "cell": [list(span) for span in field.centre],
                **_figures(spread(field.values, field.centre)),
                "mean_distance_of_all_patches": everywhere.get(field.strategy) if field.kind == PREDICTED else None,
                "contributions": field.values.tolist(),
            }
            for field in fields
        ],
        "notes": list(subject.notes),
    }


def _figures(reach: Spread) -> dict[str, Any]:
    """Without NaN, which JSON does not have."""
    known = [None if isnan(area) else area for area in reach.areas]
    return {
        "areas": {f"{share:g}": area for share, area in zip(SHARES, known, strict=True)},
        "mean_distance": None if isnan(reach.mean_distance) else reach.mean_distance,
    }
