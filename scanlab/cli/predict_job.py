"""What `scanlab predict` is asked: its options, the files, and what a row per head says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from rich.progress import track
from rich.text import Text
from torch import nn

from scanlab.cli.output import console
from scanlab.data.damaged import Damaged
from scanlab.data.places import below
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import grid_of
from scanlab.nn.backbone import backbone_of
from scanlab.predict.inputs import Bands
from scanlab.predict.pictures import How
from scanlab.predict.written import write_table

__all__ = [
    "MOST_LISTED",
    "Answer",
    "Job",
    "Options",
    "OutRows",
    "Row",
    "damaged_of",
    "files_at",
    "refuse_options",
    "say_damaged",
    "say_lines",
    "with_damaged",
    "write_rows",
]

MOST_LISTED = 40
OWN = "own"
Row = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """What the options of the command say."""

    out: Path | None = None
    names: str = ""
    size: str = ""
    tile: int = 0
    bands: str = ""
    scale: float | None = None
    latency: int = 1
    follow: float | None = None
    clip: int | None = None
    model: str = ""
    json: bool = False
    beam: int = 1
    layout: str = ""
    score: float | None = None
    unreadable: int = 0

    @property
    def extents(self) -> tuple[int, ...] | None:
        """That pictures are resized to; () for their own, None for what is usual."""
        return () if self.size == OWN else grid_of(self.size, what="size") if self.size else None

    @property
    def how(self) -> How:
        """How pictures are read."""
        return How(self.extents, self.tile)

    @property
    def chosen_bands(self) -> Bands:
        """Bands of a GeoTIFF. Raises S659 for what are no numbers."""
        try:
            return Bands(tuple(int(word) for word in self.bands.split(",")) if self.bands else (), self.scale)
        except ValueError:
            help = "give numbers from 1 with commas between them, as in 4,3,2"
            raise ScanlabError.at("S659", f"--bands is {self.bands!r}", help=help) from None


# Those that say how something is read, and so mean nothing to some heads.
_OF_INPUTS = ("names", "size", "tile", "bands", "scale", "beam", "layout", "score", "unreadable")


def refuse_options(options: Options, takes: Iterable[str], what: str) -> None:
    """Raise S659 for an option that was given and that means nothing here. what: does not take it."""
    usual = {each.name: each.default for each in fields(Options)}
    for name in _OF_INPUTS:
        if name not in takes and getattr(options, name) != usual[name]:
            raise ScanlabError.at("S659", f"--{name} says nothing to {what}", help=f"leave --{name} out")


@dataclass(frozen=True)
class Job:
    """A model and the files that it is asked about. names: of its classes, () for numbers; damaged: files that could
    not be read, as they are met."""

    model: nn.Module
    place: Path
    files: Sequence[Path]
    names: tuple[str, ...]
    options: Options
    damaged: Damaged = field(default_factory=Damaged)

    @property
    def channels(self) -> int:
        """That the model reads."""
        return backbone_of(self.model).channels

    def called(self, file: Path) -> str:
        """The name of a file in what is printed and written."""
        return file.relative_to(self.place).as_posix() if self.place.is_dir() else file.name

    def watched(self, files: Iterable[Path], what: str = "predicting") -> Iterable[Path]:
        """The files, with a bar on the screen where there are several."""
        if self.options.json or len(self.files) < 2:
            return files
        return track(files, what, total=len(self.files), console=console(stderr=True))


@dataclass(frozen=True)
class OutRows:
    """What was predicted: a row per file, with its notes; and what to print of them."""

    rows: Sequence[Row]
    say: Callable[[], None]


@dataclass(frozen=True)
class Answer:
    """What a head says of files. inputs: how their names end; takes: the options that mean something to it; run: checks
    --out before anything is computed, predicts and writes."""

    head: type[nn.Module]
    inputs: tuple[str, ...]
    takes: frozenset[str]
    run: Callable[[Job], OutRows]


def files_at(place: Path, suffixes: Sequence[str]) -> list[Path]:
    """The files that a place names. Raises S725 where there are none."""
    if place.is_dir():
        files = list(below(place, suffixes))
    else:
        files = [place] if place.is_file() and place.name.lower().endswith(tuple(suffixes)) else []
    if not files:
        problem = f"there is no {place}" if not place.exists() else f"{place} is nothing to predict from"
        help = (
            f"give a picture, a GeoTIFF, a volume or a folder of them ({', '.join(suffixes)}); frames go with --stream"
        )
        raise ScanlabError.at("S725", problem, help=help)
    return files


def with_damaged(rows: Sequence[Row], damaged: Damaged, called: Callable[[Path], str]) -> list[Row]:
    """What is said of files as JSON: behind their rows one for each that could not be read, with its error."""
    odd = damaged.errors.items()
    return [*rows, *({"file": called(file), "error": error.diagnostics[0].message} for file, error in odd)]


def damaged_of(options: Options, files: int) -> Damaged:
    """What counts the files that cannot be read: of so many, one at least must be."""
    return Damaged(min(options.unreadable, files - 1))


def say_damaged(damaged: Damaged) -> None:
    """Say how many files were left out, beside what is printed."""
    if damaged.errors:
        console(stderr=True).print(Text(damaged.sentence))


def write_rows(out: Path, rows: Sequence[Row]) -> None:
    """A table of rows without their notes. Raises what `write_table` raises."""
    write_table(out, [{key: value for key, value in row.items() if key != "notes"} for row in rows])


def say_lines(rows: Sequence[Row], line: Callable[[Row], str], written: bool) -> None:
    """Print a line per row, the first ones of many. written: whether all are in a file."""
    screen = console()
    for row in rows[:MOST_LISTED]:
        screen.print(Text(line(row)))
    if len(rows) > MOST_LISTED:
        screen.print(f"and {len(rows) - MOST_LISTED:,} more" + ("" if written else "; --out writes them all"))
