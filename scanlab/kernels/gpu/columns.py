"""The columns of the integer tables as Triton takes them: constants that are part of the key of a compiled kernel."""

from __future__ import annotations

import triton.language as tl

from scanlab.kernels import columns

TRACK, PATH, FIRST, LAST = (tl.constexpr(c) for c in (columns.TRACK, columns.PATH, columns.FIRST, columns.LAST))
CARRY, SLOT = tl.constexpr(columns.CARRY), tl.constexpr(columns.SLOT)
ENDS_TRACK, HOME = tl.constexpr(columns.ENDS_TRACK), tl.constexpr(columns.HOME)
SPAN_FIRST, SPAN_LAST = tl.constexpr(columns.SPAN_FIRST), tl.constexpr(columns.SPAN_LAST)
START, END = tl.constexpr(columns.START), tl.constexpr(columns.END)
PLANNED_COLUMNS, SPAN_COLUMNS = tl.constexpr(columns.PLANNED_COLUMNS), tl.constexpr(columns.SPAN_COLUMNS)
PIECE_COLUMNS = tl.constexpr(columns.PIECE_COLUMNS)
