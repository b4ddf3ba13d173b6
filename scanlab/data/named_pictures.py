"""Which pictures the cells of a table name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from scanlab.data.mask_names import without_suffix
from scanlab.data.notes import listed
from scanlab.data.table_files import Row
from scanlab.data.words import composed
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["PICTURE_SUFFIXES", "known_pictures", "naming_column", "picture_of"]

# Endings of what a column names, where it names pictures.
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".dcm")


def naming_column(path: Path, rows: Sequence[Row], known: Mapping[str, Path]) -> str:
    """The column that names the most pictures: different ones, since numbers of classes may be names of pictures, too.

    Of several the one with suffixes; numbers of rows, a column without a name, come last. Raises S691 where two name
    different pictures.
    """
    named = {column: [picture_of(row[column], known) for row in rows] for column in rows[0]}
    counts = {column: len(set(files) - {None}) for column, files in named.items()}

    def rank(column: str) -> tuple[bool, int, bool]:
        suffixes = sum(row[column].strip().lower().endswith(PICTURE_SUFFIXES) for row in rows)
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


def picture_of(cell: str, known: Mapping[str, Path]) -> Path | None:
    """The picture that a cell names: from any folder above it, with either slash, with or without its suffix."""
    steps = [step for step in composed(cell).strip().replace("\\", "/").split("/") if step not in ("", ".")]
    for start in range(len(steps)):
        name = "/".join(steps[start:])
        for each in (name, name.rpartition(".")[0]):
            if each in known:
                return known[each]
    return None


def known_pictures(folder: Path, pictures: Sequence[Path]) -> Mapping[str, Path]:
    """Pictures by all that a row may call them; an empty path for a name that two of them have."""
    known: dict[str, Path] = {}
    for file in pictures:
        relative = file.relative_to(folder)
        names = {str(relative), relative.as_posix(), file.name, without_suffix(file), str(relative.with_suffix(""))}
        for name in map(composed, names):
            known[name] = Path() if name in known else file
    return known
