"""``scanlab predict`` of pictures and GeoTIFFs: a class of each, or a class for every pixel."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.text import Text

from scanlab.cli.output import console
from scanlab.cli.predict_job import Answer, Job, OutRows, Row, say_lines, write_rows
from scanlab.data.geotiff import GEOTIFFS, NO_CLASS, Georeference, Raster, require_rasterio, write_classes
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Classifier, Segmenter
from scanlab.nn.in_parts import row_blocks
from scanlab.predict.inputs import INPUTS, kind_of
from scanlab.predict.names import class_count
from scanlab.predict.pictures import ClassOfPicture, MaskOfPicture, predict_picture
from scanlab.predict.written import (
    check_legend,
    class_colours,
    make_folders,
    refuse_over_inputs,
    write_legend,
    write_mask,
)

__all__ = ["CLASSES", "MASKS", "SUFFIXES"]

LEGEND = "classes.json"
SUFFIXES = tuple(dict.fromkeys(suffix for kind in INPUTS for suffix in kind.suffixes))


def _classes(job: Job) -> OutRows:
    out = job.options.out
    if out is not None and out.suffix.lower() not in (".csv", ".json"):
        help = "let it end in .csv or .json"
        raise ScanlabError.at("S729", f"{out} is no place for a table of classes", help=help)
    rows: list[Row] = []
    for file in job.watched(job.files):
        opening = kind_of(file).opened(file, job.channels, job.options.chosen_bands)
        with job.damaged.left_out(file), opening as opened:
            said = predict_picture(job.model, opened.rows, job.names, job.options.how)
            assert isinstance(said, ClassOfPicture)
            share = round(said.shares[0], 4)
            row: Row = {"file": job.called(file), "class": said.classes[0], "name": said.name, "share": share}
            rows.append(row | {"notes": [*opened.notes, *said.notes]})
    if out is not None:
        write_rows(out, rows)

    def line(row: Row) -> str:
        return f"{row['file']}: {row['name']}, {100 * row['share']:.1f} %"

    return OutRows(rows, lambda: say_lines(rows, line, out is not None))


def _masks(job: Job) -> OutRows:
    places = _places(job)
    rows: list[Row] = []
    for file in job.watched(job.files):
        opening = kind_of(file).opened(file, job.channels, job.options.chosen_bands)
        with job.damaged.left_out(file), opening as opened:
            said = predict_picture(job.model, opened.rows, job.names, job.options.how)
            assert isinstance(said, MaskOfPicture)
            lacks = _write(file, places[file], said, opened.raster, class_count(job.model))
            row: Row = {"file": job.called(file), "written": str(places[file]), "shares": said.shares}
            rows.append(row | {"notes": [*opened.notes, *lacks, *said.notes]})
    legend = _legend(job)
    if legend is not None:
        write_legend(legend, job.names, class_count(job.model))

    def line(row: Row) -> str:
        shares = ", ".join(f"{name} {100 * share:.1f} %" for name, share in row["shares"].items())
        return f"{row['file']}: {shares or 'no pixel has data'}; written to {row['written']}"

    def say() -> None:
        say_lines(rows, line, written=True)
        if legend is not None:
            console().print(Text(f"which number is which class is written to {legend}"))

    return OutRows(rows, say)


def _write(file: Path, target: Path, said: MaskOfPicture, raster: Raster | None, classes: int) -> list[str]:
    """Write a mask as its name says; and what there is to say of it."""
    if raster is not None:
        for block in row_blocks(len(said.mask), 1024):
            said.mask[block][~raster.valid(block.start, block.stop)] = NO_CLASS
    if not target.name.lower().endswith(GEOTIFFS):
        write_mask(target, said.mask, classes)
        return []
    where = Georeference() if raster is None else raster.georeference
    make_folders([target])
    write_classes(target, said.mask, where, said.names, class_colours(classes))
    return [f"{file.name} lacks {where.missing}: so does what is written of it"] if where.missing else []


def _legend(job: Job) -> Path | None:
    """Where it says which number is which class: beside the masks; a single GeoTIFF says it in itself."""
    out, single = job.options.out, not job.place.is_dir()
    assert out is not None
    if single and kind_of(job.place).placed:
        return None
    return out.with_name(out.name.split(".")[0] + ".json") if single else out / LEGEND


def _places(job: Job) -> dict[Path, Path]:
    """Where the mask of each file goes. Raises S729."""
    place, out = job.place, job.options.out
    if out is None:
        problem = "the model gives a mask for every input, and nothing says where to write it"
        raise ScanlabError.at("S729", problem, help="give --out")
    if not place.is_dir():
        if not out.name.lower().endswith(kind_of(place).masks):
            problem = f"{out} is no place for the mask of {place.name}"
            raise ScanlabError.at("S729", problem, help=f"let it end in {kind_of(place).masks[0]}")
        refuse_over_inputs([out], job.files)
        _check_written(job, [out])
        return {place: out}
    made: dict[Path, Path] = {}
    for file in job.files:
        kind = kind_of(file)
        ending = next(suffix for suffix in kind.suffixes if file.name.lower().endswith(suffix))
        made[file] = out / file.relative_to(place).parent / (file.name[: -len(ending)] + kind.masks[0])
    refuse_over_inputs(made.values(), job.files)
    _check_written(job, made.values())
    return made


def _check_written(job: Job, targets: Iterable[Path]) -> None:
    """Raise S722 before anything is computed where rasterio is to write, and is missing; S729 where the legend would be
    written over something else."""
    if (legend := _legend(job)) is not None:
        check_legend(legend)
    if any(target.name.lower().endswith(GEOTIFFS) for target in targets):
        require_rasterio()


CLASSES = Answer(Classifier, SUFFIXES, frozenset({"names", "size", "bands", "scale"}), _classes)
MASKS = Answer(Segmenter, SUFFIXES, frozenset({"names", "size", "tile", "bands", "scale"}), _masks)
