"""Labels of image files in a table: a CSV file, or another with a delimiter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scanlab.data.class_folders import Labelled
from scanlab.data.label_columns import labels_of_columns
from scanlab.data.layout import Layout
from scanlab.data.notes import Note, listed
from scanlab.data.pairs import without_suffix
from scanlab.data.parts import PARTS
from scanlab.data.places import below, files_in, part_and_rest, plain
from scanlab.data.table_files import TABLES, Row, is_missing, read_rows, wrong_table
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = ["labels_of_tables"]

# Columns with the part and the group of a file, by what they are usually called.
_PARTS = ("split", "part", "set", "subset", "fold", "phase")
_GROUPS = ("group", "groups", "groupid", "patient", "patientid", "subject", "subjectid", "case", "caseid")
_WORDS = {"train": ("train", "training"), "val": ("val", "valid", "validation", "dev"), "test": ("test", "testing")}
# Endings of what a column names, where it names pictures.
_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".dcm")


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
    groups = np.unique([rows[n][group] for n in order], return_inverse=True)[1].astype(np.int64) if group else None
    if group:
        _check_groups(first, group, [row[group] for row in rows])
        notes.append(Note("assumed", f"the column {group} names groups, which no split divides"))
    counts = {part: placed.count(part) for part in PARTS if part in placed}
    read = tuple(table.path.name.lower() for table in tables)
    return Labelled([files[n] for n in order], labels, counts, names, groups, read)


def _tables(folder: Path, pictures: Sequence[Path], layout: Layout) -> list[_Table]:
    """The CSV files that name pictures and say something of them; forms to fill in do not."""
    read = TABLES if not _sorted_by_folders(folder, pictures) else TABLES[:-1]
    paths = [path for path in files_in(folder, read) if "submission" not in path.name.lower()]
    known = _known(folder, pictures) if paths else {}
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


def _check_groups(table: _Table, column: str, values: Sequence[str]) -> None:
    """Raise S644 for rows without a group: they would be one."""
    if empty := sum(map(is_missing, values)):
        raise wrong_table(
            table.path, f"its column {column} is empty in {count_text(empty, 'row')}", "give every picture its group"
        )


def _table(path: Path, known: Mapping[str, Path]) -> _Table | None:
    """A table, if one of its columns names pictures; known: pictures by what they may be called."""
    rows, encoding, dropped, twice = read_rows(path)
    # A list of pictures alone says nothing of them.
    if not rows or len(rows[0]) < 2:
        return None
    held = [cell for cell in rows[0] if _picture(cell, known) is not None and Path(cell).suffix]
    if named := [cell for cell in held if path.suffix.lower() != ".txt" or cell.lower().endswith(_SUFFIXES)]:
        raise ScanlabError.at(
            "S691", f"the first line of {path} names a picture, {named[0]}", help="begin with a line of column names"
        )
    if path.suffix.lower() == ".txt" and any(_picture(cell, known) for cell in rows[0]):
        # Numbered classes, or boxes: without names of columns, and no table.
        return None
    best = _naming_column(path, rows, known)
    found = [_picture(row[best], known) for row in rows]
    # A column of classes 0 and 1 names the pictures 0.png and 1.png in every row.
    if 2 * len(set(found) - {None}) <= len(rows):
        _refuse_strangers(path, rows)
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


def _naming_column(path: Path, rows: Sequence[Row], known: Mapping[str, Path]) -> str:
    """The column that names the most pictures: different ones, since numbers of classes may be names of pictures, too.

    Of several the one with suffixes; numbers of rows, a column without a name, come last. Raises S691 where two name
    different pictures.
    """
    named = {column: [_picture(row[column], known) for row in rows] for column in rows[0]}
    counts = {column: len(set(files) - {None}) for column, files in named.items()}

    def rank(column: str) -> tuple[bool, int, bool]:
        suffixes = sum(row[column].strip().lower().endswith(_SUFFIXES) for row in rows)
        return 2 * suffixes > len(rows) and counts[column] > 0, counts[column], bool(column)

    best = max(rows[0], key=rank)
    rivals = [column for column in rows[0] if rank(column) == rank(best) and named[column] != named[best]]
    if rivals and 2 * counts[best] > len(rows):
        raise ScanlabError.at(
            "S691",
            f"{path} has the columns {listed([best, *rivals])}, and each may name the pictures",
            help="write the names with their suffix, as in 7.png, or take the other column out",
        )
    return best


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
            raise wrong_table(path, problem, "give names below this folder, or take the table out of it")


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


def _part_of(word: str) -> str:
    return next((part for part, words in _WORDS.items() if plain(word) in words), "")
