"""``scanlab predict``: what a model says of pictures, GeoTIFFs, volumes and streams of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.progress import track
from rich.text import Text
from torch import nn

from scanlab.cli.output import console, print_json
from scanlab.cli.predict_volumes import run_volumes, volumes_at
from scanlab.data.geotiff import GEOTIFFS, NO_CLASS, Georeference, opened_raster, write_classes
from scanlab.data.pictures import IMAGES, require_pillow
from scanlab.data.places import below
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import grid_of
from scanlab.nn import PictureRows, Segmenter
from scanlab.nn.backbone import backbone_of
from scanlab.predict.names import class_count, names_from, with_class_names
from scanlab.predict.pictures import ClassOfPicture, How, MaskOfPicture, picture_rows, predict_picture
from scanlab.predict.written import class_colours, write_legend, write_mask, write_table
from scanlab.zoo import create_model, load

__all__ = ["Options", "run"]

MOST_LISTED = 40
LEGEND = "classes.json"
OWN = "own"


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
    clip: int = 0
    model: str = ""
    json: bool = False

    @property
    def how(self) -> How:
        """How pictures are read."""
        size = () if self.size == OWN else grid_of(self.size, what="size") if self.size else None
        return How(size, self.tile)

    @property
    def chosen_bands(self) -> tuple[int, ...]:
        """Bands of a GeoTIFF. Raises S659 for what are no numbers."""
        try:
            return tuple(int(word) for word in self.bands.split(",")) if self.bands else ()
        except ValueError:
            help = "give numbers from 1 with commas between them, as in 4,3,2"
            raise ScanlabError.at("S659", f"--bands is {self.bands!r}", help=help) from None


def run(checkpoint: Path, place: Path, options: Options, stream: bool) -> None:
    """Predict, print and write. Raises S725 for what is no input, S726 for a model that does not take it, and more."""
    model = (create_model(options.model, checkpoint=checkpoint) if options.model else load(checkpoint)).eval()
    names = with_class_names(model, names_from(options.names))
    if stream:
        from scanlab.cli.predict_stream import run_stream

        run_stream(model, place, names, options)
        return
    if options.follow is not None or options.latency != 1 or options.clip:
        raise typer.BadParameter("--follow, --latency and --clip go with --stream")
    if volumes := volumes_at(place):
        run_volumes(model, volumes, place, names, options)
        return
    files = _files(place)
    masks = isinstance(model, Segmenter)
    _check_out(place, options, masks)
    rows: list[dict[str, Any]] = []
    shown = files if options.json or len(files) < 2 else track(files, "predicting", console=console(stderr=True))
    for file in shown:
        rows.append(_predicted(model, file, place, names, options))
    if masks and options.out is not None and place.is_dir():
        write_legend(options.out / LEGEND, names, class_count(model))
    if not masks and options.out is not None:
        write_table(options.out, [{k: v for k, v in row.items() if k != "notes"} for row in rows])
    _print(rows, options)


@dataclass(frozen=True)
class InputKind:
    """A kind of file that is predicted from: suffixes, and what opens it and says where it lies (None for pictures)."""

    suffixes: tuple[str, ...]
    opened: Callable[[Path, nn.Module, Options], Any]


@contextmanager
def _picture(file: Path, model: nn.Module, options: Options) -> Iterator[tuple[PictureRows, Any, list[str]]]:
    require_pillow()
    if options.bands or options.scale is not None:
        raise ScanlabError.at("S659", f"{file.name} is no GeoTIFF", help="leave --bands and --scale out")
    yield picture_rows(file, backbone_of(model).channels), None, []


@contextmanager
def _raster(file: Path, model: nn.Module, options: Options) -> Iterator[tuple[PictureRows, Any, list[str]]]:
    import torch

    with opened_raster(file, backbone_of(model).channels, options.chosen_bands, options.scale) as raster:
        rows = PictureRows(raster.shape, lambda first, last: torch.from_numpy(raster.read(first, last)))
        yield rows, raster, list(raster.notes)


# In their order: the first whose suffix fits.
INPUTS = (InputKind(GEOTIFFS, _raster), InputKind(IMAGES, _picture))


def _files(place: Path) -> list[Path]:
    suffixes = tuple(dict.fromkeys(s for kind in INPUTS for s in kind.suffixes))
    if place.is_dir():
        files = list(below(place, suffixes))
    else:
        files = [place] if place.is_file() and place.name.lower().endswith(suffixes) else []
    if not files:
        problem = f"there is no {place}" if not place.exists() else f"{place} is nothing to predict from"
        help = f"give a picture, a GeoTIFF or a folder of them ({', '.join(suffixes)}); frames go with --stream"
        raise ScanlabError.at("S725", problem, help=help)
    return files


def _check_out(place: Path, options: Options, masks: bool) -> None:
    """That what is predicted has its place, before anything is computed. Raises S729."""
    out = options.out
    if out is None:
        if masks:
            raise ScanlabError.at(
                "S729",
                "the model gives a mask for every picture, and nothing says where to write it",
                help="give --out",
            )
        return
    if not masks and out.suffix.lower() not in (".csv", ".json"):
        raise ScanlabError.at("S729", f"{out} is no place for a table of classes", help="let it end in .csv or .json")
    if masks and not place.is_dir():
        kind = ".tif" if place.suffix.lower() in GEOTIFFS else ".png"
        if out.suffix.lower() not in ((*GEOTIFFS,) if kind == ".tif" else (kind,)):
            raise ScanlabError.at(
                "S729", f"{out} is no place for the mask of {place.name}", help=f"let it end in {kind}"
            )


def _predicted(model: nn.Module, file: Path, place: Path, names: tuple[str, ...], options: Options) -> dict[str, Any]:
    """A row of the table; a mask is written."""
    shown = str(file.relative_to(place)) if place.is_dir() else file.name
    kind = next(kind for kind in INPUTS if file.name.lower().endswith(kind.suffixes))
    with kind.opened(file, model, options) as (rows, raster, notes):
        said = predict_picture(model, rows, names, options.how)
        if isinstance(said, ClassOfPicture):
            row = {"file": shown, "class": said.classes[0], "name": said.name, "share": round(said.shares[0], 4)}
            return row | {"notes": [*notes, *said.notes]}
        if raster is not None:
            for part in range(0, len(said.mask), 1024):
                valid = raster.valid(part, min(part + 1024, len(said.mask)))
                said.mask[part : part + 1024][~valid] = NO_CLASS
        written = _written(said, shown, raster.georeference if raster is not None else None, model, place, options)
    shares = {name: round(share, 4) for name, share in said.shares.items()}
    return {"file": shown, "written": str(written), "shares": shares, "notes": [*notes, *said.notes]}


def _written(
    said: MaskOfPicture, shown: str, where: Georeference | None, model: nn.Module, place: Path, options: Options
) -> Path:
    out, classes = options.out, class_count(model)
    assert out is not None
    file = (out / shown).with_suffix(".tif" if where is not None else ".png") if place.is_dir() else out
    if where is None:
        write_mask(file, said.mask, classes)
        if not place.is_dir():
            write_legend(file.with_suffix(".json"), said.names, classes)
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_classes(file, said.mask, where, said.names, class_colours(classes))
    return file


def _print(rows: list[dict[str, Any]], options: Options) -> None:
    if options.json:
        print_json(rows)
        return
    screen = console()
    for row in rows[:MOST_LISTED]:
        if "name" in row:
            screen.print(Text(f"{row['file']}: {row['name']}, {100 * row['share']:.1f} %"))
        else:
            shares = ", ".join(f"{name} {100 * share:.1f} %" for name, share in row["shares"].items())
            screen.print(Text(f"{row['file']}: {shares}; written to {row['written']}"))
    if len(rows) > MOST_LISTED:
        screen.print(f"and {len(rows) - MOST_LISTED:,} more" + ("" if options.out else "; --out writes them all"))
    counts: dict[str, int] = {}
    for row in rows:
        for note in row["notes"]:
            counts[note] = counts.get(note, 0) + 1
    for note, count in counts.items():
        screen.print(Text(f"{note}" + (f" ({count:,} files)" if count > 1 else "")))
