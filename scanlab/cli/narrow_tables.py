"""Tables that lose nothing: turned on their side, or written out, where the screen is too narrow for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

__all__ = ["fitted", "print_table"]


# A label that heads a column is given so much before it wraps.
_LABEL = 18


@dataclass(frozen=True)
class _Column:
    """A column of a table, set to the right or not. least: its width where no word and no figure is broken."""

    heading: Text
    cells: Sequence[Text]
    least: int
    right: bool = False

    @property
    def natural(self) -> int:
        """How wide it is with every cell on the lines that it has."""
        return max(map(_width, (self.heading, *self.cells)))


def print_table(out: Console, table: Table) -> None:
    """Print a table so that every cell can be read whole, at any width of the console.

    Where it does not fit, headings and texts wrap at words; then rows and columns change places, a few rows at a time;
    then each row is written out. A pipe has no width: there the table is as wide as its longest words need.
    """
    usual = out.width
    try:
        if out.soft_wrap:
            out.width = max(usual, _frame(table, len(table.columns)) + sum(c.least for c in _columns(table, out)))
        for part in fitted(table, out.width, out):
            out.print(part)
    finally:
        out.width = usual


def fitted(table: Table, width: int, out: Console) -> Iterator[RenderableType]:
    """What to print for a table on a screen of so many columns; `out` reads the cells that are plain strings."""
    columns = _columns(table, out)
    if not columns:
        return
    frame = _frame(table, len(columns))
    if sum(c.natural for c in columns) + frame <= width:
        yield table
        return
    widths = _widths(columns, width - frame)
    if widths is not None:
        made = _drawn(table, columns, widths)
        for row, before in zip(made.rows, table.rows, strict=True):
            row.end_section = before.end_section
        made.title, made.title_justify = table.title, table.title_justify
        made.caption, made.caption_justify = table.caption, table.caption_justify
        yield made
        return
    if table.title:
        yield Text(str(table.title), style="italic")
    yield from list(_turned(table, columns, width) if table.show_header else ()) or _written(columns)
    if table.caption:
        yield Text(str(table.caption), style="dim italic")


def _columns(table: Table, out: Console) -> list[_Column]:
    def read(cell: RenderableType) -> Text:
        return cell.copy() if isinstance(cell, Text) else out.render_str(str(cell))

    columns = []
    for column in table.columns:
        cells = [read(cell) for cell in column.cells]
        for cell, row in zip(cells, table.rows, strict=True):
            cell.stylize_before(row.style or column.style)
        heading = read(column.header) if table.show_header else Text()
        # What is set to the right are figures, which stay whole.
        right = column.justify == "right"
        least = max([_longest_word(heading), *map(_width if right else _longest_word, cells)])
        columns.append(_Column(heading, cells, least, right))
    return columns


def _frame(table: Table, columns: int) -> int:
    """The characters of a row that are no cell: lines and the blanks beside them."""
    return 3 * columns + 1 if table.box is not None else 2 * columns


def _widths(columns: Sequence[_Column], room: int) -> list[int] | None:
    """How wide each column is when all have so much room together; None where some word would be broken."""
    least = [c.least for c in columns]
    if sum(least) > room:
        return None
    widths = [c.natural for c in columns]
    while sum(widths) > room:
        widest = max((i for i, w in enumerate(widths) if w > least[i]), key=lambda i: widths[i])
        widths[widest] -= 1
    return widths


def _drawn(table: Table, columns: Sequence[_Column], widths: Sequence[int]) -> Table:
    """A table of these columns, just so wide."""
    made = Table(box=table.box, show_header=table.show_header, pad_edge=table.pad_edge)
    for column, width in zip(columns, widths, strict=True):
        made.add_column(column.heading, justify="right" if column.right else "left", width=width, overflow="fold")
    for row in zip(*(c.cells for c in columns), strict=True):
        made.add_row(*row)
    return made


def _turned(table: Table, columns: Sequence[_Column], width: int) -> Iterator[Table]:
    """The rows as columns, as many in one table as fit; nothing where not even one does."""
    first, *others = columns
    headings = [c.heading for c in others]
    names = _Column(first.heading, headings, max(map(_longest_word, (first.heading, *headings))))
    left = [_turned_row(label, [(c, c.cells[i]) for c in others]) for i, label in enumerate(first.cells)]
    if any(_widths([names, row], width - _frame(table, 2)) is None for row in left):
        return
    while left:
        count = len(left)
        while (widths := _widths([names, *left[:count]], width - _frame(table, count + 1))) is None:
            count -= 1
        yield _drawn(table, [names, *left[:count]], widths)
        left = left[count:]


def _turned_row(label: Text, cells: Sequence[tuple[_Column, Text]]) -> _Column:
    """A row as a column; its figures stay to the right, and whole."""
    turned = [cell.copy() for _, cell in cells]
    for cell, (column, _) in zip(turned, cells, strict=True):
        cell.justify = "right" if column.right else "left"
    least = [_width(cell) if column.right else _longest_word(cell) for column, cell in cells]
    return _Column(label, turned, max([_longest_word(label), min(_width(label), _LABEL), *least]))


def _written(columns: Sequence[_Column]) -> Iterator[RenderableType]:
    """Each row as lines of its own, one for each cell that is not empty."""
    first, *others = columns
    for number, label in enumerate(first.cells):
        yield Text(label.plain, style="bold")
        for column in others:
            cell = column.cells[number]
            if cell.plain.strip():
                heading = f"{column.heading.plain}: " if column.heading.plain else ""
                yield Padding(Text.assemble(heading, cell), (0, 0, 0, 2))


def _width(text: Text) -> int:
    return max((Text(line).cell_len for line in text.plain.split("\n")), default=0)


def _longest_word(text: Text) -> int:
    return max((Text(word).cell_len for word in re.split(r"[ \n]+", text.plain)), default=0)
