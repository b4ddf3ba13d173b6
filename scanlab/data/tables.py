"""Labels of image files in a table: a CSV file, or another with a delimiter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scanlab.data.class_folders import Labelled
from scanlab.data.label_columns import labels_of_columns, one_number
from scanlab.data.layout import Layout, settled_by
from scanlab.data.mask_names import without_suffix
from scanlab.data.named_pictures import PICTURE_SUFFIXES, known_pictures, naming_column, picture_of
from scanlab.data.notes import Note, listed
from scanlab.data.parts import PARTS
from scanlab.data.places import below, files_in, part_and_rest, plain
from scanlab.data.table_files import TABLES, Row, is_missing, read_rows, wrong_table
from scanlab.data.words import composed
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = ["check_tables_beside", "labels_of_tables"]

# Columns with the part and the group of a file, by what they are usually called.
_PARTS = ("split", "part", "set", "subset", "fold", "phase")
_GROUPS = ("group", "groups", "groupid", "patient", "patientid", "subject", "subjectid", "case", "caseid")
_WORDS = {"train": ("train", "training"), "val": ("val", "valid", "validation", "dev"), "test": ("test", "testing")}
# Columns that name pictures, by what they are usually called.
_FILES = ("image", "imageid", "imagename", "imagepath", "imagefile", "img", "file", "filename", "filepath", "picture")


@dataclass(frozen=True)
class _Table:
    """A table whose rows name pictures. files: of every row; column: that names them; encoding: "" for UTF-8;
    dropped: rows that are not as long as the first."""

    path: Path
    rows: Sequence[Row]
    files: Sequence[Path]
    column: str
    encoding: str
    dropped: int


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
            raise wrong_table(first.path, f"it has no column {column}", f"its columns are {listed(first.rows[0])}")
    rows = [row for table in tables for row in table.rows]
    files = [file for table in tables for file in table.files]
    placed = _parts(folder, tables, files)
    order = sorted(range(len(rows)), key=lambda n: PARTS.index(placed[n]))
    notes.append(Note("layout", f"pictures with labels in {listed(table.path.name for table in tables)}"))
    for table in tables:
        rest = f"{count_text(table.dropped, 'row')} of {table.path.name}, of other length than the first"
        notes += [Note("assumed", f"the text of {table.path.name} is {table.encoding}")] if table.encoding else []
        notes += [Note("left out", rest)] if table.dropped else []
    notes += _notes_of_parts(folder, tables, placed)
    ordered = [rows[n] for n in order]
    labels, names = labels_of_columns(first.path, _candidates(first, layout), ordered, layout, notes)
    if left := len(set(pictures) - set(files)):
        notes.append(Note("left out", f"{count_text(left, 'picture')} without a label"))
    group = next(iter(layout.named("group") or _columns(tables, _GROUPS)), "")
    groups = _groups(first, group, [rows[n] for n in order], [placed[n] for n in order], notes) if group else None
    counts = {part: placed.count(part) for part in PARTS if part in placed}
    read = tuple(table.path.name.lower() for table in tables)
    said = [*([group] if group else []), *_columns(tables, _PARTS)[:1]] if len(tables) == 1 else ["division into files"]
    return Labelled([files[n] for n in order], labels, counts, names, groups, read, " and ".join(said))


def check_tables_beside(folder: Path, pictures: Iterable[Path], word: str, layout: Layout, notes: list[Note]) -> None:
    """Raise S691 for a table that gives the pictures parts or groups where their labels come from elsewhere.

    word: of layout, by which the table is left out, which is noted. pictures: those that are read.
    """
    fix = {"classes": "give it a column label with the class", "masks": "put each group into a folder of its own"}
    tables = [(path, read_rows(path).rows) for path in files_in(folder, TABLES)]
    dividing = [(path, rows) for path, rows in tables if rows and any(map(_divides, rows[0]))]
    pictures = list(pictures) if dividing else []
    known = known_pictures(folder, pictures)
    for path, rows in dividing:
        columns, others = ([name for name in rows[0] if _divides(name) == both] for both in (True, False))
        counts = [len({picture_of(row[column], known) for row in rows} - {None}) for column in others]
        if 2 * max(counts, default=0) <= len(pictures):
            continue
        said = f"the column{'s' if len(columns) > 1 else ''} {listed(columns)} of {path.name}"
        if word not in layout:
            raise ScanlabError.at(
                "S691",
                f"{said} would divide the samples of {folder} into parts or groups, and their labels are not from it",
                help=f"{fix[word]}; or, to leave the table out, {settled_by(word)}",
            )
        notes.append(Note("left out", said))


def _divides(column: str) -> bool:
    return plain(column) in (*_PARTS, *_GROUPS)


def _tables(folder: Path, pictures: Sequence[Path], layout: Layout) -> list[_Table]:
    """The CSV files that name pictures and say something of them; forms to fill in do not."""
    read = TABLES if not _sorted_by_folders(folder, pictures) else TABLES[:-1]
    paths = [path for path in files_in(folder, read) if "submission" not in path.name.lower()]
    known = known_pictures(folder, pictures) if paths else {}
    tables = [table for path in paths if (table := _table(path, known)) is not None and _candidates(table, layout)]
    parts = [_part_of(without_suffix(table.path)) for table in tables]
    if len(tables) > 1 and (not all(parts) or len(set(parts)) < len(parts)):
        names = listed(table.path.name for table in tables)
        raise ScanlabError.at(
            "S691", f"{folder} has labels in {names}", help="leave one, or call them train.csv and test.csv"
        )
    return tables


def _sorted_by_folders(folder: Path, pictures: Sequence[Path]) -> bool:
    """Whether pictures lie in several folders that are no parts: text beside folders of classes is no table of them."""
    homes = {file.parent for file in pictures} - {folder}
    return len({home.name for home in homes if not part_and_rest(home.name)[0]}) > 1


def _parts(folder: Path, tables: Sequence[_Table], files: Sequence[Path]) -> list[str]:
    """The part of every row: by the name of its table, by a column, or by the folder of its picture; or all "train"."""
    if len(tables) > 1:
        return [_part_of(without_suffix(table.path)) for table in tables for _ in table.rows]
    if columns := _columns(tables, _PARTS):
        placed = [_part_of(row[columns[0]]) for row in tables[0].rows]
        if "" in placed:
            problem = f"its column {columns[0]} says more than train, val and test"
            raise wrong_table(tables[0].path, problem, "name a part in every row")
        return placed
    homes = [part_and_rest(file.relative_to(folder).parts[0])[0] for file in files]
    return homes if all(homes) and "train" in homes else ["train"] * len(files)


def _notes_of_parts(folder: Path, tables: Sequence[_Table], placed: Sequence[str]) -> list[Note]:
    """From what the parts were read, where there are any; a column that looks as if it said so and was not asked."""
    columns = _columns(tables, _PARTS)
    if len(tables) > 1:
        beside = [Note("left out", f"the column {columns[0]}: the parts are those of the files")] if columns else []
        return [Note("assumed", f"{listed(table.path.name for table in tables)} are the parts"), *beside]
    if columns:
        words: dict[str, dict[str, None]] = {}
        for row, part in zip(tables[0].rows, placed, strict=True):
            words.setdefault(part, {})[row[columns[0]].strip()] = None
        pairs = listed(f"{' and '.join(said)} is {part}" for part, said in words.items())
        more = [Note("left out", f"the columns {listed(columns[1:])}")] if columns[1:] else []
        return [Note("assumed", f"the column {columns[0]} gives the parts: {pairs}"), *more]
    if set(placed) != {"train"}:
        return [Note("assumed", "the parts are those of the folders that the pictures lie in")]
    return []


def _groups(
    table: _Table, column: str, rows: Sequence[Row], placed: Sequence[str], notes: list[Note]
) -> NDArray[np.int64]:
    """Groups by number. Raises S644 for rows without one, since they would be one, and for a group in two parts."""
    values = [composed(row[column]).strip() for row in rows]
    if empty := sum(map(is_missing, values)):
        raise wrong_table(
            table.path, f"its column {column} is empty in {count_text(empty, 'row')}", "give every picture its group"
        )
    values = one_number(values, notes)
    parts: dict[str, str] = {}
    for value, part in zip(values, placed, strict=True):
        if parts.setdefault(value, part) != part:
            problem = f"its column {column} has {value} in {parts[value]} and in {part}"
            raise wrong_table(table.path, problem, "expected every group, such as a patient, in one part alone")
    notes.append(Note("assumed", f"the column {column} names groups, which no split divides"))
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _table(path: Path, known: Mapping[str, Path]) -> _Table | None:
    """A table, if one of its columns names pictures; known: pictures by what they may be called."""
    rows, encoding, dropped, twice = read_rows(path)
    # A list of pictures alone says nothing of them.
    if not rows or len(rows[0]) < 2:
        return None
    held = [cell for cell in rows[0] if picture_of(cell, known) is not None and Path(cell).suffix]
    if named := [cell for cell in held if path.suffix.lower() != ".txt" or cell.lower().endswith(PICTURE_SUFFIXES)]:
        raise ScanlabError.at(
            "S691", f"the first line of {path} names a picture, {named[0]}", help="begin with a line of column names"
        )
    if path.suffix.lower() == ".txt" and any(picture_of(cell, known) for cell in rows[0]):
        # Numbered classes, or boxes: without names of columns, and no table.
        return None
    best = naming_column(path, rows, known)
    found = [picture_of(row[best], known) for row in rows]
    # A column of classes 0 and 1 names the pictures 0.png and 1.png in every row.
    if 2 * len(set(found) - {None}) <= len(rows):
        _refuse_strangers(path, rows, best, found)
        return None
    missing = [row[best] for row, file in zip(rows, found, strict=True) if file is None]
    if missing:
        raise wrong_table(
            path, f"{listed(missing)} of its column {best} are no pictures there", "give every row its picture"
        )
    if twice:
        raise wrong_table(path, f"it has two columns called {twice}", "give every column a name of its own")
    files = [file for file in found if file is not None and file != Path()]
    if len(files) < len(rows):
        raise ScanlabError.at(
            "S691", f"{path} names pictures that two folders have", help="write the folder before the name"
        )
    if len(set(files)) < len(files):
        raise ScanlabError.at("S691", f"{path} has several rows for a picture", help="give every picture one row")
    return _Table(path, rows, files, best, encoding, dropped)


def _refuse_strangers(path: Path, rows: Sequence[Row], best: str, found: Sequence[Path | None]) -> None:
    """Raise S644 for a table of pictures of which few are there: its labels were meant, and would be lost silently."""
    expected = f"give names below this folder, or take the table out of it; or {settled_by('classes')}"
    for column in rows[0]:
        named = [row[column] for row in rows if row[column].lower().strip().endswith(PICTURE_SUFFIXES)]
        if 2 * len(named) > len(rows) or (plain(column) in _FILES and len({row[column] for row in rows}) == len(rows)):
            named = named or [row[column] for row in rows]
            problem = f"its column {column} names pictures, as {named[0]}, and {_few(found, rows)} there"
            raise wrong_table(path, problem, expected)
    # Without suffixes numbers of anything may be names of pictures: those of rows, a column without a name, too.
    if best and len(set(found) - {None}) > 1 and len({row[best] for row in rows}) == len(rows):
        missing = next(row[best] for row, file in zip(rows, found, strict=True) if file is None)
        problem = f"its column {best} names pictures, and {_few(found, rows)} there: {missing} is not"
        raise wrong_table(path, problem, expected)


def _few(found: Sequence[Path | None], rows: Sequence[Row]) -> str:
    count = len(set(found) - {None})
    return f"{count:,} of {len(rows):,} are" if count else "hardly one of them is"


def _columns(tables: Sequence[_Table], names: Sequence[str]) -> list[str]:
    return [column for column in tables[0].rows[0] if plain(column) in names and column != tables[0].column]


def _candidates(table: _Table, layout: Layout) -> list[str]:
    """Columns that may give classes: all but those of files, parts and groups, and numbers of rows."""
    others = {table.column, *_columns([table], _PARTS), *_columns([table], _GROUPS), *layout.named("group"), ""}
    return [column for column in table.rows[0] if column not in others]


def _part_of(word: str) -> str:
    return next((part for part, words in _WORDS.items() if plain(word) in words), "")
