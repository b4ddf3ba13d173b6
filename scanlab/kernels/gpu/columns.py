"""The columns of the integer tables as Triton takes them: constants that are part of the key of a compiled kernel."""

from __future__ import annotations

import triton.language as tl

from scanlab.kernels import columns

SEQUENCE, PATH, FIRST, LAST = (tl.constexpr(c) for c in (columns.SEQUENCE, columns.PATH, columns.FIRST, columns.LAST))
CARRY, CHECKPOINT = tl.constexpr(columns.CARRY), tl.constexpr(columns.CHECKPOINT)
ENDS_SEQUENCE, ACCUMULATOR = tl.constexpr(columns.ENDS_SEQUENCE), tl.constexpr(columns.ACCUMULATOR)
ITEM_FIRST, ITEM_LAST = tl.constexpr(columns.ITEM_FIRST), tl.constexpr(columns.ITEM_LAST)
START, END = tl.constexpr(columns.START), tl.constexpr(columns.END)
PLANNED_COLUMNS, ITEM_COLUMNS = tl.constexpr(columns.PLANNED_COLUMNS), tl.constexpr(columns.ITEM_COLUMNS)
TILE_COLUMNS = tl.constexpr(columns.TILE_COLUMNS)
