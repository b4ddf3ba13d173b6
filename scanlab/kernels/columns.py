"""The columns of every integer table, for Python, Numba and Triton alike; the tables are described where they are made.

Plain module-level numbers, one name each, since nothing else serves all three without importing any of them: Python and
numpy index with them, Numba freezes them into a kernel as the literals that would stand there otherwise, and Triton,
which reads no global but a `tl.constexpr`, gets them wrapped once in gpu/columns.py. Not an enum, nor a named tuple, of
which Triton takes neither. Nor `columns.TRACK` by way of the module: Triton takes that, but leaves its value out of the
key under which it keeps a compiled kernel.

A table of stretches begins with the same four columns, whatever follows: steps first to last - 1 of a track, with the
parameters of one path.
"""

from __future__ import annotations

TRACK, PATH, FIRST, LAST = range(4)

# Runs (PathTable.runs) and what they are cut into, the chunks (Chunks.rows): whether the state goes on from before.
CARRY = 4
RUN_COLUMNS = 5

# Chunks: where the state before is kept.
SLOT = 5

# Chunks as a GPU reads them (Plan.chunks): whether the track ends with it, and where its parameters' gradients go.
ENDS_TRACK, HOME = 6, 7
PLANNED_COLUMNS = 8

# Spans of chunks (Plan.spans): the first, and the one after the last.
SPAN_FIRST, SPAN_LAST = range(2)
SPAN_COLUMNS = 2

# Pieces (Pieces.rows): the walk around a piece is steps start to end - 1.
START, END = 4, 5
PIECE_COLUMNS = 6
