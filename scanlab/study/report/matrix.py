"""The matrix of a study's strategies by its problems, as HTML for the page and the explorer."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from scanlab.study.findings import Findings
from scanlab.study.kinds import Kind
from scanlab.study.matrix import Cell, MatrixRow, matrix_of

__all__ = ["glyph_html", "matrix_html"]

# More problems than these have their names on their sides where the page is narrow.
MOST_UPRIGHT = 3


def matrix_html(findings: Findings) -> str:
    """A table of glyphs, strategies first and controls in rows of their own, over what the glyphs mean."""
    matrix = matrix_of(findings)
    head = "".join(f'<th scope="col"><span>{escape(name)}</span></th>' for name in matrix.problems)
    many = " many" if len(matrix.problems) > MOST_UPRIGHT else ""
    controls = f'<tbody class="of-controls">{_rows(matrix.controls)}</tbody>' if matrix.controls else ""
    return (
        f'<div class="scroll whole" tabindex="0"><table class="matrix{many}">'
        f'<thead><tr><th scope="col">strategy</th>{head}'
        f"</tr></thead><tbody>{_rows(matrix.strategies)}</tbody>{controls}</table></div>"
        f'<ul class="legend">{"".join(_legend(kind) for kind in matrix.legend)}</ul>'
    )


def glyph_html(kind: Kind) -> str:
    """A kind's glyph in its colour; its name is there for who does not see it, and where the mouse rests."""
    return (
        f'<span class="glyph {kind.css}" title="{escape(kind.legend)}"><span aria-hidden="true">{escape(kind.glyph)}'
        f'</span><span class="unseen">{escape(kind.name)}</span></span>'
    )


def _rows(rows: Sequence[MatrixRow]) -> str:
    return "".join(f'<tr><th scope="row">{escape(row.label)}</th>{"".join(map(_cell, row.cells))}</tr>' for row in rows)


def _cell(cell: Cell) -> str:
    detail = f" <small>{escape(cell.detail)}</small>" if cell.detail else ""
    return f'<td class="{cell.kind.css}" title="{escape(cell.about)}">{glyph_html(cell.kind)}{detail}</td>'


def _legend(kind: Kind) -> str:
    return f'<li class="{kind.css}"><b aria-hidden="true">{escape(kind.glyph)}</b> {escape(kind.legend)}</li>'
