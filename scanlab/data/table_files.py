"""Tables in text files: their delimiter, their encoding, and what stands for no value in them."""

from __future__ import annotations

import csv
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["TABLES", "Row", "Rows", "is_missing", "read_rows", "wrong_table"]

TABLES = (".csv", ".tsv", ".txt")
_DELIMITERS = ",;\t|"
# What programs write where there is no value.
_MISSING = ("", "nan", "NaN", "NAN", "NA", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL")
Row = dict[str, str]


class Rows(NamedTuple):
    """rows: by the names of the first line; encoding: "" for UTF-8; dropped: how many rows are not as long as that;
    twice: a name that two columns have, "" for none."""

    rows: list[Row]
    encoding: str = ""
    dropped: int = 0
    twice: str = ""


def read_rows(path: Path) -> Rows:
    """The rows of a table; none of what is no table.

    The delimiter is the one of , ; | and tabulators that divides the first line into the most columns, and blanks in a
    .txt file without these, if they divide all lines alike.
    """
    text, encoding = _decoded(path)
    lines = text.splitlines()
    if not lines or not lines[0].strip():
        return Rows([])
    mark = max(_DELIMITERS, key=lambda each: len(_cells(lines[:1], each)[0]))
    blanks = path.suffix.lower() == ".txt" and len(_cells(lines[:1], mark)[0]) < 2
    first, *others = [line.split() for line in lines] if blanks else _cells(lines, mark)
    names, others = [name.strip() for name in first], [row for row in others if row]
    if blanks and any(len(row) != len(names) for row in others):
        return Rows([])
    rows = [dict(zip(names, row, strict=True)) for row in others if len(row) == len(names)]
    twice = next((name for name in names if name and names.count(name) > 1), "")
    return Rows(rows, encoding, len(others) - len(rows), twice)


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no value.

    >>> is_missing(" NaN "), is_missing("none")
    (True, False)
    """
    return cell.strip() in _MISSING


def _cells(lines: Sequence[str], mark: str) -> list[list[str]]:
    try:
        return list(csv.reader(lines, delimiter=mark, skipinitialspace=True)) or [[]]
    except csv.Error:
        return [[]]


def _decoded(path: Path) -> tuple[str, str]:
    """The text of a file and its encoding, "" for UTF-8; of one that is no text nothing."""
    try:
        content = path.read_bytes()
        if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
            return content.decode("utf-16"), "UTF-16"
        if b"\0" in content:
            return "", ""
        try:
            return content.decode("utf-8-sig"), ""
        except UnicodeDecodeError:
            return content.decode("cp1252"), "Windows-1252"
    except (OSError, UnicodeDecodeError):
        return "", ""


def wrong_table(path: Path, problem: str, expected: str) -> ScanlabError:
    """S644 for a table that gives no labels, with what was expected."""
    return ScanlabError.at("S644", f"{path} is no table of labels: {problem}", help=expected)
