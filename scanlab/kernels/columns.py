"""The columns of every integer table, for Python, Numba and Triton alike; the tables are described where they are made.

Plain module-level numbers, one name each, since nothing else serves all three without importing any of them: Python and
numpy index with them, Numba freezes them into a kernel as the literals that would stand there otherwise, and Triton,
which reads no global but a `tl.constexpr`, gets them wrapped once in gpu/columns.py. Not an enum, nor a named tuple, of
which Triton takes neither. Nor `columns.SEQUENCE` by way of the module: Triton takes that, but leaves its value out of
the key under which it keeps a compiled kernel.

A table of stretches of steps begins with the same four columns, whatever follows: steps first to last - 1 of a
sequence, with the parameters of one path.
"""

from __future__ import annotations

SEQUENCE, PATH, FIRST, LAST = range(4)

# Segments (PathTable.segments) and the chunks that they are cut into (Chunks.rows): whether the state goes on from
# before.
CARRY = 4
SEGMENT_COLUMNS = 5

# Chunks: the number of the checkpoint that holds the state before.
CHECKPOINT = 5

# Chunks as a GPU reads them (Plan.chunks): whether the sequence ends with it, and which of the accumulators its
# parameters' gradients are added to.
ENDS_SEQUENCE, ACCUMULATOR = 6, 7
PLANNED_COLUMNS = 8

# Work items (Plan.work_items): the first chunk, and the one after the last.
ITEM_FIRST, ITEM_LAST = range(2)
ITEM_COLUMNS = 2

# Tiles (Tiles.rows): steps start to end - 1 are the traversal that a tile belongs to, from one reset to the next.
START, END = 4, 5
TILE_COLUMNS = 6
