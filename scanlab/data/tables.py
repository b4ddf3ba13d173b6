"""Labels of image files in a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scanlab.data.class_folders import Labelled
from scanlab.data.layout import Layout, settled_by
from scanlab.data.notes import Note, listed
from scanlab.data.pairs import without_suffix
from scanlab.data.parts import PARTS
from scanlab.data.places import below, files_in, part_and_rest, plain
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = ["labels_of_tables"]

# Columns with the class, the part and the group of a file, by what they are usually called.
_LABELS = ("label", "labels", "class", "classes", "classname", "target", "category", "diagnosis", "y", "tags", "level")
_PARTS = ("split", "part", "set", "subset", "fold", "phase")
_GROUPS = ("group", "groups", "groupid", "patient", "patientid", "subject", "subjectid", "case", "caseid")
_WORDS = {"train": ("train", "training"), "val": ("val", "valid", "validation", "dev"), "test": ("test", "testing")}
# Endings of what a column names, where it names pictures.
_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".dcm")
Row = dict[str, str]


@dataclass(frozen=True)
class _Table:
    """A CSV file whose rows name pictures. files: of every row; column: that names them."""

    path: Path
    rows: Sequence[Row]
    files: Sequence[Path]
    column: str


def labels_of_tables(folder: Path, layout: Layout, notes: list[Note]) -> Labelled | None:
    """The pictures below a folder with the labels that CSV files beside them give; None where no such file names them.

    A column names the files, with or without suffix; one gives the class, or several of 0 and 1 say which labels a file
    has. Columns such as split and patient give part and group; several files called after parts are the parts. Raises
    S644 for rows without a picture, and S691 where several columns may give the class.
    """
    pictures = list(below(folder))
    tables = _tables(folder, pictures, layout)
    if not tables:
        return None
    first = tables[0]
    for column in (*layout.named("group"), *layout.named("label")):
        if column not in first.rows[0]:
            raise _wrong(first.path, f"it has no column {column}", f"its columns are {listed(first.rows[0])}")
    rows = [row for table in tables for row in table.rows]
    files = [file for table in tables for file in table.files]
    placed = _parts(folder, tables, files)
    order = sorted(range(len(rows)), key=lambda n: PARTS.index(placed[n]))
    notes.append(Note("layout", f"pictures with labels in {listed(table.path.name for table in tables)}"))
    labels, names = _labels(tables, [rows[n] for n in order], layout, notes)
    if left := len(set(pictures) - set(files)):
        notes.append(Note("left out", f"{count_text(left, 'picture')} without a label"))
    group = next(iter(layout.named("group") or _columns(tables, _GROUPS)), "")
    groups = np.unique([rows[n][group] for n in order], return_inverse=True)[1].astype(np.int64) if group else None
    if group:
        notes.append(Note("assumed", f"the column {group} names groups, which no split divides"))
    counts = {part: placed.count(part) for part in PARTS if part in placed}
    read = tuple(table.path.suffix for table in tables)
    return Labelled([files[n] for n in order], labels, counts, names, groups, read)


def _tables(folder: Path, pictures: Sequence[Path], layout: Layout) -> list[_Table]:
    """The CSV files that name pictures and say something of them; forms to fill in do not."""
    paths = [path for path in files_in(folder, (".csv", ".tsv")) if "submission" not in path.name.lower()]
    tables = [table for path in paths if (table := _table(path, pictures)) is not None and _candidates(table, layout)]
    parts = [_part_of(without_suffix(table.path)) for table in tables]
    if len(tables) > 1 and (not all(parts) or len(set(parts)) < len(parts)):
        names = listed(table.path.name for table in tables)
        raise ScanlabError.at(
            "S691", f"{folder} has labels in {names}", help="leave one, or call them train.csv and test.csv"
        )
    return tables


def _parts(folder: Path, tables: Sequence[_Table], files: Sequence[Path]) -> list[str]:
    """The part of every row: by the name of its table, by a column, or by the folder of its picture; or all "train"."""
    if len(tables) > 1:
        return [_part_of(without_suffix(table.path)) for table in tables for _ in table.rows]
    if columns := _columns(tables, _PARTS):
        placed = [_part_of(row[columns[0]]) for row in tables[0].rows]
        if "" in placed:
            problem = f"its column {columns[0]} says more than train, val and test"
            raise _wrong(tables[0].path, problem, "name a part in every row")
        return placed
    homes = [part_and_rest(file.relative_to(folder).parts[0])[0] for file in files]
    return homes if all(homes) and "train" in homes else ["train"] * len(files)


def _table(path: Path, pictures: Sequence[Path]) -> _Table | None:
    """A CSV file, if one of its columns names pictures."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = list(csv.DictReader(text.splitlines(), dialect=csv.Sniffer().sniff(text[:4096], ",;\t")))
    except (OSError, UnicodeDecodeError, csv.Error):
        return None
    rows = [row for row in rows if None not in row and None not in row.values()]
    if not rows:
        return None
    known = _known(path.parent, pictures)
    if named := [cell for cell in rows[0] if _picture(cell, known) is not None and Path(cell).suffix]:
        raise ScanlabError.at(
            "S691", f"the first line of {path} names a picture, {named[0]}", help="begin with a line of column names"
        )
    # Of different pictures, since numbers of classes may be names of pictures, too.
    best = max(rows[0], key=lambda column: len({_picture(row[column], known) for row in rows} - {None}))
    found = [_picture(row[best], known) for row in rows]
    # A column of classes 0 and 1 names the pictures 0.png and 1.png in every row.
    if 2 * len(set(found) - {None}) <= len(rows):
        _refuse_strangers(path, rows)
        return None
    missing = [row[best] for row, file in zip(rows, found, strict=True) if file is None]
    if missing:
        raise _wrong(
            path, f"{listed(missing)} of its column {best} are no pictures there", "give every row its picture"
        )
    files = [file for file in found if file is not None and file != Path()]
    if len(files) < len(rows):
        raise ScanlabError.at(
            "S691", f"{path} names pictures that two folders have", help="write the folder before the name"
        )
    if len(set(files)) < len(files):
        raise ScanlabError.at("S691", f"{path} has several rows for a picture", help="give every picture one row")
    return _Table(path, rows, files, best)


def _picture(cell: str, known: Mapping[str, Path]) -> Path | None:
    """The picture that a cell names: from any folder above it, with either slash, with or without its suffix."""
    steps = [step for step in cell.strip().replace("\\", "/").split("/") if step not in ("", ".")]
    for start in range(len(steps)):
        name = "/".join(steps[start:])
        for each in (name, name.rpartition(".")[0]):
            if each in known:
                return known[each]
    return None


def _refuse_strangers(path: Path, rows: Sequence[Row]) -> None:
    """Raise S644 for a table of pictures of which none is there: its labels were meant, and would be lost silently."""
    for column in rows[0]:
        named = [row[column] for row in rows if row[column].lower().strip().endswith(_SUFFIXES)]
        if 2 * len(named) > len(rows):
            problem = f"its column {column} names pictures, as {named[0]}, and hardly one of them is there"
            raise _wrong(path, problem, "give names below this folder, or take the table out of it")


def _known(folder: Path, pictures: Sequence[Path]) -> Mapping[str, Path]:
    """Pictures by all that a row may call them; an empty path for a name that two of them have."""
    known: dict[str, Path] = {}
    for file in pictures:
        relative = file.relative_to(folder)
        names = {str(relative), relative.as_posix(), file.name, without_suffix(file), str(relative.with_suffix(""))}
        for name in names:
            known[name] = Path() if name in known else file
    return known


def _columns(tables: Sequence[_Table], names: Sequence[str]) -> list[str]:
    return [column for column in tables[0].rows[0] if plain(column) in names and column != tables[0].column]


def _candidates(table: _Table, layout: Layout) -> list[str]:
    """Columns that may give classes: all but those of files, parts and groups, and numbers of rows."""
    others = {table.column, *_columns([table], _PARTS), *_columns([table], _GROUPS), *layout.named("group"), ""}
    return [column for column in table.rows[0] if column not in others]


def _labels(tables: Sequence[_Table], rows: Sequence[Row], layout: Layout, notes: list[Note]):
    """Classes int64 [M], or labels uint8 [M, classes], with the names of the classes."""
    path, candidates = tables[0].path, _candidates(tables[0], layout)
    named = [column for column in candidates if plain(column) in _LABELS]
    chosen = named[0] if len(named) == 1 else candidates[0] if len(candidates) == 1 else ""
    chosen = next(iter(layout.named("label")), chosen)
    if chosen and not layout.chosen("multi_label", "table") and _may_be_several([row[chosen] for row in rows], chosen):
        raise ScanlabError.at(
            "S691",
            f"{path} has several words in its column {chosen}, such as {max((r[chosen] for r in rows), key=len)!r}: "
            "several labels, or the name of one class",
            help=settled_by("multi_label", "table"),
        )
    if chosen and "multi_label" not in layout:
        return _classes([row[chosen].strip() for row in rows], path, chosen, notes)
    if chosen:
        return _several([row[chosen] for row in rows], path, chosen)
    marks = [column for column in candidates if {row[column].strip() for row in rows} <= {"0", "1", "0.0", "1.0"}]
    if len(marks) < 2 or len(marks) < len(candidates):
        raise ScanlabError.at(
            "S691",
            f"{path} has the columns {listed(candidates)}, and each may give the class",
            help=f'say which, as in layout = "label={candidates[0]}"',
        )
    table = np.array([[float(row[column]) for column in marks] for row in rows], np.uint8)
    if (table.sum(1) == 1).all() and "multi_label" not in layout:
        notes.append(Note("assumed", f"the columns {listed(marks)} give one class each row"))
        return table.argmax(1).astype(np.int64), tuple(marks)
    notes.append(Note("assumed", f"the columns {listed(marks)} are labels, of which a picture has any number"))
    return table, tuple(marks)


def _classes(values: Sequence[str], path: Path, column: str, notes: list[Note]):
    names = sorted(
        set(values),
        key=lambda value: (
            not value.lstrip("-").isdecimal(),
            int(value) if value.lstrip("-").isdecimal() else 0,
            value,
        ),
    )
    if "" in names:
        raise _wrong(
            path, f"its column {column} is empty in {count_text(values.count(''), 'row')}", "give every picture a class"
        )
    if 2 * len(names) > len(values) and len(names) > 2:
        problem = f"its column {column} has {len(names):,} different values in {count_text(len(values), 'row')}"
        raise _wrong(path, problem, "a class needs several pictures: numbers to predict are no classes")
    notes.append(
        Note(
            "mapped",
            f"classes of the column {column}: {listed(f'{name} is class {n}' for n, name in enumerate(names))}",
        )
    )
    return np.array([names.index(value) for value in values], np.int64), tuple(names)


def _may_be_several(values: Sequence[str], column: str) -> bool:
    """Whether cells list labels: with marks between them, or words that return in other cells of a column of tags."""
    distinct = sorted(set(values))
    if any(mark in value.strip("|; ,") for value in distinct for mark in "|;,"):
        return True
    words = [word for value in distinct for word in set(value.split())]
    return plain(column) in ("tags", "labels", "findings", "findinglabels") and len(set(words)) < len(words)


def _several(values: Sequence[str], path: Path, column: str):
    """Cells with several labels, with |, ; or spaces between them."""
    mark = next((m for m in ("|", ";", ",") if any(m in value for value in values)), None)
    sets = [{word.strip() for word in value.split(mark) if word.strip()} for value in values]
    names = sorted(set().union(*sets))
    if len(names) < 2:
        raise _wrong(
            path, f"its column {column} has one label", f"separate labels by | ; , or spaces; {settled_by('classes')}"
        )
    return np.array([[name in some for name in names] for some in sets], np.uint8), tuple(names)


def _part_of(word: str) -> str:
    return next((part for part, words in _WORDS.items() if plain(word) in words), "")


def _wrong(path: Path, problem: str, expected: str) -> ScanlabError:
    return ScanlabError.at("S644", f"{path} is no table of labels: {problem}", help=expected)
