"""``scanlab predict``: what a model says of pictures, GeoTIFFs, volumes and streams of frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import typer
from rich.progress import track
from rich.text import Text
from torch import nn

from scanlab.cli.output import console, print_json
from scanlab.cli.predict_volumes import run_volumes, volumes_at
from scanlab.data.geotiff import GEOTIFFS, NO_CLASS, opened_raster, write_classes
from scanlab.data.pictures import IMAGES, require_pillow
from scanlab.data.places import below
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import grid_of
from scanlab.nn import PictureRows, Segmenter
from scanlab.nn.backbone import backbone_of
from scanlab.nn.in_parts import row_blocks
from scanlab.predict.names import class_count, names_from, with_class_names
from scanlab.predict.pictures import ClassOfPicture, How, MaskOfPicture, picture_rows, predict_picture
from scanlab.predict.written import class_colours, refuse_over_inputs, write_legend, write_mask, write_table
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
    places = _places(place, files, options.out, masks)
    rows: list[dict[str, Any]] = []
    shown = files if options.json or len(files) < 2 else track(files, "predicting", console=console(stderr=True))
    for file in shown:
        out = places[file]
        said = _kind(file).predict(model, file, out, names, options)
        where = {} if out is None else {"written": str(out)}
        rows.append({"file": str(file.relative_to(place)) if place.is_dir() else file.name} | where | said)
    if options.out is not None and masks:
        legend = (
            options.out / LEGEND if place.is_dir() else options.out.with_name(options.out.name.split(".")[0] + ".json")
        )
        if place.is_dir() or _kind(place).predict is not _raster:
            write_legend(legend, names, class_count(model))
    elif options.out is not None:
        write_table(options.out, [{k: v for k, v in row.items() if k != "notes"} for row in rows])
    _print(rows, options)


@dataclass(frozen=True)
class InputKind:
    """A kind of file that is predicted from.

    suffixes: of its files; masks: those that a mask of it may have, the usual one first; predict: gives the row of the
    table, and writes the mask to the place that it is given.
    """

    suffixes: tuple[str, ...]
    masks: tuple[str, ...]
    predict: Callable[[nn.Module, Path, Path | None, tuple[str, ...], Options], dict[str, Any]]


def _picture(
    model: nn.Module, file: Path, out: Path | None, names: tuple[str, ...], options: Options
) -> dict[str, Any]:
    require_pillow()
    if options.bands or options.scale is not None:
        raise ScanlabError.at("S659", f"{file.name} is no GeoTIFF", help="leave --bands and --scale out")
    said = predict_picture(model, picture_rows(file, backbone_of(model).channels), names, options.how)
    if isinstance(said, MaskOfPicture) and out is not None:
        write_mask(out, said.mask, class_count(model))
    return _row(said, ())


def _raster(model: nn.Module, file: Path, out: Path | None, names: tuple[str, ...], options: Options) -> dict[str, Any]:
    with opened_raster(file, backbone_of(model).channels, options.chosen_bands, options.scale) as raster:
        rows = PictureRows(raster.shape, lambda first, last: torch.from_numpy(raster.read(first, last)))
        said = predict_picture(model, rows, names, options.how)
        if isinstance(said, MaskOfPicture) and out is not None:
            for block in row_blocks(len(said.mask), 1024):
                said.mask[block][~raster.valid(block.start, block.stop)] = NO_CLASS
            out.parent.mkdir(parents=True, exist_ok=True)
            write_classes(out, said.mask, raster.georeference, said.names, class_colours(class_count(model)))
        return _row(said, raster.notes)


# In their order: the first whose suffix fits.
INPUTS = (
    InputKind(GEOTIFFS, GEOTIFFS, _raster),
    InputKind(IMAGES, (".png",), _picture),
)


def _row(said: ClassOfPicture | MaskOfPicture, notes: Sequence[str]) -> dict[str, Any]:
    said_of_it = [*notes, *said.notes]
    if isinstance(said, ClassOfPicture):
        share = round(said.shares[0], 4)
        return {"class": said.classes[0], "name": said.name, "share": share, "notes": said_of_it}
    return {"shares": said.shares, "notes": said_of_it}


def _kind(file: Path) -> InputKind:
    return next(kind for kind in INPUTS if file.name.lower().endswith(kind.suffixes))


def _files(place: Path) -> list[Path]:
    suffixes = tuple(dict.fromkeys(s for kind in INPUTS for s in kind.suffixes))
    if place.is_dir():
        files = list(below(place, suffixes))
    else:
        files = [place] if place.is_file() and place.name.lower().endswith(suffixes) else []
    if not files:
        problem = f"there is no {place}" if not place.exists() else f"{place} is nothing to predict from"
        help = (
            f"give a picture, a GeoTIFF, a volume or a folder of them ({', '.join(suffixes)}); frames go with --stream"
        )
        raise ScanlabError.at("S725", problem, help=help)
    return files


def _places(place: Path, files: Sequence[Path], out: Path | None, masks: bool) -> dict[Path, Path | None]:
    """Where the mask of each file goes, None for classes; before anything is computed. Raises S729."""
    if not masks:
        if out is not None and out.suffix.lower() not in (".csv", ".json"):
            help = "let it end in .csv or .json"
            raise ScanlabError.at("S729", f"{out} is no place for a table of classes", help=help)
        return dict.fromkeys(files)
    if out is None:
        problem = "the model gives a mask for every input, and nothing says where to write it"
        raise ScanlabError.at("S729", problem, help="give --out")
    if not place.is_dir():
        if not out.name.lower().endswith(_kind(place).masks):
            problem = f"{out} is no place for the mask of {place.name}"
            raise ScanlabError.at("S729", problem, help=f"let it end in {_kind(place).masks[0]}")
        refuse_over_inputs([out], files)
        return {place: out}
    made: dict[Path, Path | None] = {}
    masks_of: list[Path] = []
    for file in files:
        kind = _kind(file)
        ending = next(s for s in kind.suffixes if file.name.lower().endswith(s))
        mask = out / file.relative_to(place).parent / (file.name[: -len(ending)] + kind.masks[0])
        made[file] = mask
        masks_of.append(mask)
    refuse_over_inputs(masks_of, files)
    return made


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
