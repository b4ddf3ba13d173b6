"""``scanlab predict`` of pictures of text: what stands in each."""

from __future__ import annotations

from pathlib import Path

from scanlab.cli.predict_job import Answer, Job, OutRows, Row, say_lines, write_rows
from scanlab.data.layout import Layout
from scanlab.data.line_pictures import DARK_INK, LIGHT_INK
from scanlab.data.pictures import IMAGES
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import TextReader
from scanlab.predict.lines import prepared_lines, read_texts
from scanlab.predict.written import refuse_over_inputs, write_text

__all__ = ["TEXTS"]

TABLES, TEXT = (".csv", ".json"), ".txt"
# Of an underflow, which no float tells from 0, the table says 0 all the same.
DIGITS = 6


def _texts(job: Job) -> OutRows:
    reader, options = job.model, job.options
    assert isinstance(reader, TextReader)
    layout = Layout.read(options.layout)
    layout.check((DARK_INK, LIGHT_INK), "pictures of text to be read")
    places = _places(job)
    ink = layout.chosen(DARK_INK, LIGHT_INK)
    prepared = prepared_lines(
        reader, job.files, ink, options.extents, lambda files: job.watched(files, "looking"), job.damaged
    )
    files = [file for file in job.files if file not in job.damaged.errors]
    images = (prepared.image(file) for file in job.watched(files, "reading"))
    rows: list[Row] = []
    for file, said in zip(files, read_texts(reader, images, options.beam), strict=True):
        row: Row = {"file": job.called(file), "text": said.text, "probability": round(said.probability, DIGITS)}
        rows.append(row | ({"written": str(places[file])} if places else {}) | {"notes": list(prepared.notes)})
    if places:
        for file, row in zip(files, rows, strict=True):
            write_text(places[file], f"{row['text']}\n")
    elif options.out is not None:
        write_rows(options.out, rows)

    def line(row: Row) -> str:
        return f"{row['file']}: {row['text']} ({row['probability']:.3g})"

    return OutRows(rows, lambda: say_lines(rows, line, options.out is not None))


def _places(job: Job) -> dict[Path, Path]:
    """Where the text of each picture goes by itself; {} where all go into a table, or nowhere. Raises S729."""
    out, place = job.options.out, job.place
    if out is None or out.suffix.lower() in TABLES:
        return {}
    alone = not place.is_dir() and out.suffix.lower() == TEXT
    if out.suffix and not alone and not out.is_dir():
        problem = f"{out} is no place for {'the text' if len(job.files) == 1 else 'texts'}"
        help = f"let it end in .csv or .json, or give a folder{'' if place.is_dir() else ', or a .txt file'}"
        raise ScanlabError.at("S729", problem, help=help)
    made = {file: out if alone else (out / job.called(file)).with_suffix(TEXT) for file in job.files}
    refuse_over_inputs(made.values(), job.files)
    home = (place if place.is_dir() else place.parent).resolve()
    # A text beside its picture is a transcription, which somebody wrote by hand.
    if kept := [file for file in made.values() if file.exists() and file.resolve().is_relative_to(home)]:
        problem = f"{kept[0]} lies beside its picture already, and may be a transcription of somebody's"
        raise ScanlabError.at("S729", problem, help="give another folder")
    return made


TEXTS = Answer(TextReader, IMAGES, frozenset({"size", "beam", "layout"}), _texts)
