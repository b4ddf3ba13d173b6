"""``scanlab predict`` of the boxes around objects in pictures and GeoTIFFs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.table import Table
from rich.text import Text

from scanlab.cli.narrow_tables import print_table
from scanlab.cli.output import console
from scanlab.cli.predict_job import MOST_LISTED, Answer, Job, OutRows, Row
from scanlab.cli.predict_pictures import SUFFIXES
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text
from scanlab.nn import Detector
from scanlab.nn.detector import LEAST_SCORE
from scanlab.predict.box_files import COLUMNS, Place, boxes_in_coco, boxes_in_geojson, boxes_in_rows, place_of
from scanlab.predict.boxes import BoxesOfPicture, detect_picture
from scanlab.predict.drawn import boxed_picture, draw_boxes
from scanlab.predict.inputs import Opened, kind_of
from scanlab.predict.names import class_count
from scanlab.predict.written import make_folders, refuse_over_inputs, write_json, write_table
from scanlab.view.samples import check_sheet

__all__ = ["BOXES"]

Results = Mapping[str, BoxesOfPicture]
GEOJSON, PICTURE = ".geojson", ".png"


def _coco(job: Job, out: Path, results: Results, places: Mapping[str, Place]) -> None:
    write_json(out, boxes_in_coco(results, job.names, class_count(job.model)))


def _csv(job: Job, out: Path, results: Results, places: Mapping[str, Place]) -> None:
    write_table(out, boxes_in_rows(results), COLUMNS)


def _geojson(job: Job, out: Path, results: Results, places: Mapping[str, Place]) -> None:
    write_json(out, boxes_in_geojson(results, places))


# By the suffix of --out, what is written of all files together.
WRITERS: Mapping[str, Callable[[Job, Path, Results, Mapping[str, Place]], None]] = {
    ".json": _coco,
    ".csv": _csv,
    GEOJSON: _geojson,
}


def _boxes(job: Job) -> OutRows:
    options, out = job.options, job.options.out
    drawings = _drawings(job)
    places = _georeferences(job) if out is not None and out.suffix.lower() == GEOJSON else {}
    least = LEAST_SCORE if options.score is None else options.score
    results: dict[str, BoxesOfPicture] = {}
    rows: list[Row] = []
    for file in job.watched(job.files):
        name = job.called(file)
        opening = kind_of(file).opened(file, job.channels, options.chosen_bands)
        with job.damaged.left_out(file), opening as opened:
            said = detect_picture(job.model, opened.rows, job.names, options.how, least)
            if drawings:
                _draw(job, drawings[file], name, opened, said)
            results[name] = said
            row: Row = {"file": name, "boxes": said.rows}
            row |= {"written": str(drawings[file])} if drawings else {}
            rows.append(row | {"notes": [*opened.notes, *said.notes]})
    if out is not None and not drawings:
        WRITERS[out.suffix.lower()](job, out, results, places)
    return OutRows(rows, lambda: _say(results, least, out is not None))


def _draw(job: Job, target: Path, name: str, opened: Opened, said: BoxesOfPicture) -> None:
    picture = boxed_picture(opened.rows.read(0, opened.rows.extents[0]), said.boxes, scores=True)
    draw_boxes(target, [(None, [picture])], job.names, class_count(job.model), name)


def _drawings(job: Job) -> dict[Path, Path]:
    """Where the drawing of each file goes; {} where none is drawn. Raises S729, S502, and S500 without matplotlib."""
    out, place = job.options.out, job.place
    if out is None or out.suffix.lower() in WRITERS:
        return {}
    alone = not place.is_dir() and out.suffix.lower() == PICTURE
    if out.suffix and not alone and not out.is_dir():
        suffixes = ", ".join(WRITERS)
        help = f"let it end in {suffixes}, or give {'a folder' if place.is_dir() else 'a .png file or a folder'}"
        raise ScanlabError.at("S729", f"{out} is no place for boxes", help=help)
    made = {file: out if alone else (out / job.called(file)).with_suffix(PICTURE) for file in job.files}
    refuse_over_inputs(made.values(), job.files)
    make_folders(made.values())
    check_sheet(next(iter(made.values())))
    return made


def _georeferences(job: Job) -> dict[str, Place]:
    """Where each file lies, before anything is computed. Raises S738."""
    places: dict[str, Place] = {}
    for file in job.files:
        name = job.called(file)
        # Of a picture nothing need be read to know that it has no coordinates.
        if not kind_of(file).placed:
            place_of(None, name)
        opening = kind_of(file).opened(file, job.channels, job.options.chosen_bands)
        with job.damaged.left_out(file), opening as opened:
            places[name] = place_of(opened.raster.georeference if opened.raster else None, name)
    boxes_in_geojson({}, places)
    return places


def _say(results: Results, least: float, written: bool) -> None:
    screen, rows = console(), boxes_in_rows(results)
    if rows:
        table = Table("file", "class", box=None, pad_edge=False)
        for heading in ("score", *COLUMNS[4:]):
            table.add_column(heading, justify="right")
        for row in rows[:MOST_LISTED]:
            sides = (f"{row[side]:.1f}" for side in COLUMNS[4:])
            table.add_row(Text(row["file"]), Text(row["name"]), f"{row['score']:.2f}", *sides)
        print_table(screen, table)
    if len(rows) > MOST_LISTED:
        screen.print(f"and {len(rows) - MOST_LISTED:,} more" + ("" if written else "; --out writes them all"))
    counts = Counter(row["name"] for row in rows)
    kinds = f" ({', '.join(f'{count:,} {name}' for name, count in counts.most_common())})" if counts else ""
    empty = sum(not len(said.boxes) for said in results.values())
    without = f"; {count_text(empty, 'picture')} without any" if empty and len(results) > 1 else ""
    where = count_text(len(results), "picture")
    screen.print(Text(f"{count_text(len(rows), 'box')} with a score above {least:g} in {where}{kinds}{without}"))


BOXES = Answer(Detector, SUFFIXES, frozenset({"names", "size", "tile", "bands", "scale", "score"}), _boxes)
