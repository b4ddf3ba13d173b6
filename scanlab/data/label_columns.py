"""The classes, or the labels, that columns of a table give."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scanlab.data.layout import Layout, settled_by
from scanlab.data.notes import Note, listed
from scanlab.data.places import plain
from scanlab.data.table_files import Row, is_missing, wrong_table
from scanlab.data.words import alike, composed
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = ["labels_of_columns", "one_number"]

# What a column with the class is usually called.
_LABELS = ("label", "labels", "class", "classes", "classname", "target", "category", "diagnosis", "y", "tags", "level")
# Powers of ten are none: 5E10 and 50E9 may be codes.
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?")
_POWER = re.compile(_NUMBER.pattern + r"[eE][+-]?\d{1,3}")


def labels_of_columns(
    path: Path, candidates: Sequence[str], rows: Sequence[Row], layout: Layout, notes: list[Note]
) -> tuple[NDArray, tuple[str, ...]]:
    """Classes int64 [M], or labels uint8 [M, classes], with the names of the classes.

    candidates: the columns that may give them. Raises S644 for rows without a class and columns that give none, and
    S691 for what may be one thing or another.
    """
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
    if chosen:
        notes += _left_columns([column for column in candidates if column != chosen], chosen)
        _check_missing(path, chosen, [row[chosen] for row in rows], "multi_label" in layout)
    if chosen and "multi_label" not in layout:
        return _classes([composed(row[chosen]).strip() for row in rows], path, chosen, notes)
    if chosen:
        return _several([composed(row[chosen]) for row in rows], path, chosen)
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


def _left_columns(columns: Sequence[str], chosen: str) -> list[Note]:
    if not columns:
        return []
    return [
        Note("left out", f"the column{'s' if len(columns) > 1 else ''} {listed(columns)}: {chosen} gives the class")
    ]


def _check_missing(path: Path, column: str, values: Sequence[str], several: bool) -> None:
    """Raise S644 for rows without a class; where a picture has several labels, an empty cell says that it has none."""
    missing = [value for value in values if is_missing(value) and (value.strip() or not several)]
    if missing:
        said = f" ({missing[0].strip()})" if missing[0].strip() else ""
        problem = f"its column {column} is empty{said} in {count_text(len(missing), 'row')}"
        raise wrong_table(path, problem, "give every picture a class, or take those without one out of the table")


def one_number(values: Sequence[str], notes: list[Note]) -> list[str]:
    """Values of which 0 and 0.0 are one: each number as it is written the shortest."""
    shortest: dict[Decimal, str] = {}
    for value in sorted(set(values), key=lambda value: (len(value), value)):
        if _NUMBER.fullmatch(value):
            shortest.setdefault(Decimal(value), value)
    made = [shortest[Decimal(value)] if _NUMBER.fullmatch(value) else value for value in values]
    pairs = sorted({(value, short) for value, short in zip(values, made, strict=True) if value != short})
    if pairs:
        notes.append(Note("mapped", f"numbers: {listed(f'{value} is {short}' for value, short in pairs)}"))
    return made


def _classes(values: Sequence[str], path: Path, column: str, notes: list[Note]):
    values = one_number(values, notes)
    names = sorted(
        set(values),
        key=lambda value: (
            not value.lstrip("-").isdecimal(),
            int(value) if value.lstrip("-").isdecimal() else 0,
            value,
        ),
    )
    if twice := alike(names) or _equal_powers(names):
        raise ScanlabError.at(
            "S691",
            f"{path} has the classes {listed(twice)} in its column {column}, which may be one",
            help="write a class alike in all rows, or call different ones by different words",
        )
    if 2 * len(names) > len(values) and len(names) > 2:
        problem = f"its column {column} has {len(names):,} different values in {count_text(len(values), 'row')}"
        raise wrong_table(path, problem, "a class needs several pictures: numbers to predict are no classes")
    notes.append(
        Note(
            "mapped",
            f"classes of the column {column}: {listed(f'{name} is class {n}' for n, name in enumerate(names))}",
        )
    )
    return np.array([names.index(value) for value in values], np.int64), tuple(names)


def _equal_powers(names: Sequence[str]) -> list[str]:
    """Names that are one number if powers of ten are meant, as 1e1 and 10."""
    numbers = {name: Decimal(name) for name in names if _NUMBER.fullmatch(name) or _POWER.fullmatch(name)}
    return [name for name, number in numbers.items() if list(numbers.values()).count(number) > 1]


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
        raise wrong_table(
            path, f"its column {column} has one label", f"separate labels by | ; , or spaces; {settled_by('classes')}"
        )
    return np.array([[name in some for name in names] for some in sets], np.uint8), tuple(names)
