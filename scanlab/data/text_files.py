"""Which images of a folder hold lines of text, and what stands in them: transcriptions beside them, or in tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scanlab.data.layout import Layout, settled_by
from scanlab.data.named_pictures import known_pictures, picture_of
from scanlab.data.notes import Note, listed
from scanlab.data.parts import PARTS
from scanlab.data.places import below, files_in, folders_in, part_of, part_places, plain
from scanlab.data.table_files import Row, read_rows
from scanlab.data.words import composed
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = ["Line", "LineFiles", "head_of", "json_rows", "line_files", "transcription_of"]

# Beside an image, the first that is there; what OCR tools write.
SIDECARS = (".gt.txt", ".txt")
TABLES = (".jsonl", ".csv", ".tsv", ".txt")
_TEXTS = ("text", "transcription", "transcript", "groundtruth", "gt", "sentence", "line", "words")
_GROUPS = ("group", "groups", "work", "book", "writer", "writerid", "document", "documentid", "page", "pageid")
_PARTS = ("split", "part", "set", "subset")
# A row of numbers is a box of a detector, and no text.
_BOX = re.compile(r"\s*\d+(\s+-?\d*\.?\d+([eE]-?\d+)?){4,}\s*")


@dataclass(frozen=True)
class Line:
    """One image with its transcription as it was written, and the group (a book, a writer) that it belongs to."""

    file: Path
    text: str
    group: str = ""


@dataclass(frozen=True)
class LineFiles:
    """Lines by part. how: where the texts are, in words; without: images that have none; grouped: by which column."""

    parts: Mapping[str, Sequence[Line]]
    how: str
    without: Sequence[Path] = ()
    grouped: str = ""


def line_files(folder: Path, layout: Layout, notes: list[Note]) -> LineFiles | None:
    """The lines of text of a folder; None where no transcription is there.

    A transcription stands beside its image, with the image's name and .gt.txt or .txt, or in a table (.jsonl, .csv,
    .tsv, .txt) whose rows name images and have a column called text, transcription, … (or as `layout` says), or that
    has no head and two columns. Tables without a head, and .txt beside images in folders that may be classes, hold
    texts only where most of them differ, as classes do not, or where `layout` speaks of text. Parts are the folders
    train, val and test, or the values of a column such as split. Raises S691 for folders that may as well be classes
    whose images have captions.
    """
    return _beside(folder, layout, notes) or _tabled(folder, layout, notes)


def _beside(folder: Path, layout: Layout, notes: list[Note]) -> LineFiles | None:
    if next(below(folder, SIDECARS), None) is None:
        return None
    images = list(below(folder))
    texts = {image: place for image in images if (place := _sidecar(image)) is not None}
    if not texts or 2 * len(texts) < len(images) or any(map(_holds_boxes, texts.values())):
        return None
    said = {place: _read(place) for place in texts.values()}
    if not all(str(place).endswith(SIDECARS[0]) for place in said):
        folders = _may_be_classes(folder, list(texts)) if not _told(layout) else []
        if folders and not _differ(said.values()):
            return None
        if folders:
            raise ScanlabError.at(
                "S691",
                f"{folder} has images in folders ({listed(folders)}) with texts beside them: either may be learned",
                help=settled_by("classes", "dark_ink", "light_ink"),
            )
    places = part_places(folder, layout, notes) if any(part_of(p.name) for p in folders_in(folder)) else {"": folder}
    parts = {
        part or "train": [Line(image, said[texts[image]]) for image in images if _lies_in(image, place, texts)]
        for part, place in places.items()
    }
    ends = sorted({SIDECARS[0] if str(place).endswith(SIDECARS[0]) else SIDECARS[1] for place in texts.values()})
    without = [image for image in images if image not in texts]
    return LineFiles(parts, f"a line of text per image, transcribed in a {' or '.join(ends)} file beside it", without)


def _told(layout: Layout) -> bool:
    """Whether it was said that these are lines of text."""
    return bool(layout.words or layout.names)


def _differ(texts: Iterable[str]) -> bool:
    """Whether more than half of the texts differ from all others before them, as names of classes do not."""
    rows = [text.strip() for text in texts]
    return 2 * len(set(rows)) > len(rows)


def _may_be_classes(folder: Path, images: Sequence[Path]) -> list[str]:
    """Folders that images lie in and that are no parts, where there are several."""
    names = {image.parent.name for image in images if image.parent != folder and not part_of(image.parent.name)}
    return sorted(names) if len(names) > 1 else []


def _lies_in(image: Path, place: Path, texts: Mapping[Path, Path]) -> bool:
    return image in texts and image.is_relative_to(place)


def _sidecar(image: Path) -> Path | None:
    stem = image.name[: -len(image.suffix)]
    # Kraken and OCRopus call an image line.bin.png or line.nrm.png, and its text line.gt.txt.
    for name in dict.fromkeys((stem, stem.partition(".")[0])):
        for ending in SIDECARS:
            place = image.parent / f"{name}{ending}"
            if place.is_file():
                return place
    return None


def _holds_boxes(place: Path) -> bool:
    rows = [row for row in _read(place).splitlines() if row.strip()]
    return bool(rows) and all(_BOX.fullmatch(row) for row in rows)


def _read(place: Path) -> str:
    try:
        return place.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        help = "save it as UTF-8, or take it and its image out of the folder"
        raise ScanlabError.at("S671", f"{place} cannot be read as a transcription: {error}", help=help) from None


def _tabled(folder: Path, layout: Layout, notes: list[Note]) -> LineFiles | None:
    tables = [(path, rows) for path in files_in(folder, TABLES) if (rows := _rows(path))]
    tables += [
        (path, rows) for place in folders_in(folder) for path in files_in(place, TABLES) if (rows := _rows(path))
    ]
    read: list[tuple[str, Line]] = []
    names, columns = [], []
    for path, rows in tables:
        head = head_of(rows)
        column = _text_column(head, layout)
        known = known_pictures(path.parent, list(below(path.parent))) if column else {}
        if not column or not known:
            continue
        naming = _naming(rows, column, known)
        headless = column == _SECOND and not _told(layout)
        if naming is None or (headless and not _differ([row.get(column, "") for row in rows])):
            continue
        group = next((name for name in head if plain(name) in _GROUPS), "")
        parted = [name for name in head if plain(name) in _PARTS]
        split = next((name for name in parted if any(part_of(row.get(name, "")) for row in rows)), "")
        own = part_of(path.name.split(".")[0]) or part_of(path.parent.name)
        names_of = [row.get(naming, "") for row in rows]
        missing = [name or "a row without a name" for name in names_of if picture_of(name, known) in (None, Path())]
        if missing:
            raise ScanlabError.at(
                "S671",
                f"{path} has {count_text(len(missing), 'row')} whose image is not there, or is there twice: "
                f"{listed(missing)}",
                help="give names below the table's folder, or take the rows out",
            )
        for row in rows:
            file = picture_of(row[naming], known)
            assert file is not None
            part = part_of(row.get(split, "")) if split else own or part_of(file.relative_to(folder).parts[0])
            if split and not part:
                problem = f"{path} puts {file.name} into the part {row.get(split, '')!r}, which is none"
                raise ScanlabError.at("S671", problem, help=f"write {', '.join(PARTS[:-1])} or {PARTS[-1]}")
            read.append((part or "train", Line(file, row.get(column, ""), row.get(group, ""))))
        names.append(path.name)
        columns.append((column, group))
    if not read:
        return None
    parts = {part: [line for own, line in read if own == part] for part in PARTS}
    used = {line.file for _, line in read}
    without = [image for image in below(folder) if image not in used]
    grouped = columns[0][1] if all(line.group for _, line in read) else ""
    how = f"lines of text, transcribed in the column {columns[0][0]} of {listed(names)}"
    if columns[0][0] == _SECOND:
        how = f"lines of text, transcribed in the second column of {listed(names)}"
    return LineFiles({part: lines for part, lines in parts.items() if lines}, how, without, grouped)


_FIRST, _SECOND = "the first column", "the second column"


def _rows(path: Path) -> Sequence[Row]:
    """The rows of a table with the names of its columns; a file of a name, a tabulator and a text has none."""
    if path.suffix == ".jsonl":
        return list(json_rows(path))
    if path.suffix in (".tsv", ".txt"):
        try:
            cells = [row.split("\t", 1) for row in path.read_text(encoding="utf-8-sig").splitlines() if row.strip()]
        except (OSError, UnicodeDecodeError):
            return []
        headed = bool(cells) and any(plain(cell) in _TEXTS for cell in cells[0][-1].split("\t"))
        if cells and not headed and all(len(row) == 2 and Path(row[0]).suffix for row in cells):
            return [{_FIRST: name, _SECOND: text} for name, text in cells]
        if path.suffix == ".txt":
            return []
    return read_rows(path).rows


def json_rows(path: Path) -> Iterator[Row]:
    """The objects of a file with one in each row, their values as words. Raises S671."""
    for number, row in enumerate(_read(path).splitlines(), start=1):
        if not row.strip():
            continue
        try:
            held = json.loads(row)
        except ValueError as error:
            raise ScanlabError.at("S671", f"row {number} of {path} is no JSON: {error}") from None
        if not isinstance(held, dict):
            raise ScanlabError.at("S671", f"row {number} of {path} is no object", help='write {"text": "…"}')
        # What is null is not there.
        given = {str(key): value for key, value in held.items() if value is not None}
        yield {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}


def head_of(rows: Iterable[Row]) -> dict[str, str]:
    """The columns of a table in their order, each empty: a row of JSON need not have all of them."""
    return {name: "" for row in rows for name in row}


def _text_column(row: Row, layout: Layout) -> str:
    chosen = next(iter(layout.named("text")), "")
    if chosen:
        return chosen if chosen in row else ""
    return next((name for name in row if plain(name) in _TEXTS or name == _SECOND), "")


def _naming(rows: Sequence[Row], text: str, known: Mapping[str, Path]) -> str | None:
    """The column that names the most images; None where less than half of the rows name one."""
    counts = {
        name: sum(picture_of(row.get(name, ""), known) is not None for row in rows)
        for name in head_of(rows)
        if name != text
    }
    best = max(counts, key=lambda name: counts[name], default=None)
    return best if best is not None and 2 * counts[best] >= len(rows) else None


def transcription_of(text: str) -> str:
    """A transcription as it is learned: composed accents (NFC), runs of white space as one space, none at the ends.

    >>> transcription_of(" Ha\\u0308user  und\\tHof\\n")
    'Häuser und Hof'
    """
    return " ".join(composed(text).split())
