"""Several grids in one call: their rows side by side, and one table that goes through them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from scanlab.ir.diagnostics import ScanlabError
from scanlab.kernels.columns import FIRST, LAST, SEQUENCE
from scanlab.ops.modes import outside_modes
from scanlab.ops.partition import cut
from scanlab.ops.path_tables import PathTable, vouched

__all__ = ["packed_table"]


def packed_table(tables: Sequence[PathTable], lengths: Sequence[int] | None = None) -> PathTable:
    """One table over the rows of several: those of the first, then those of the second, and so on.

    Path k goes along the k-th path of every table, one after the other, and starts each from zero. So u [1, L1 + L2 +
    …, D], the rows of images of any sizes side by side, is scanned in one call with the parameters of K paths, and
    nothing is filled up. Virtual tokens are rows like others: those of a table stand after its patches. lengths: of the
    rows of each, by default as its table has them; rows beyond its table are visited by nothing. Raises S717 for no
    tables, tables with different numbers of paths, chains, orders per sample, and lengths that do not hold the tables'
    rows; S713 for a table that was altered and is not sound.

    >>> import torch, scanlab
    >>> from scanlab.ops import path_table
    >>> tables = [path_table(scanlab.compile("snake", grid)) for grid in ((2, 2), (1, 3))]
    >>> packed_table(tables).steps.tolist()
    [[[0, 1, 3, 2, 4, 5, 6]]]
    """
    tables = [_sound(table) for table in tables]
    lengths = [table.length for table in tables] if lengths is None else list(lengths)
    _check(tables, lengths)
    if lengths == [tables[0].length]:
        return tables[0]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    steps: list[list[np.ndarray]] = [[] for _ in range(tables[0].paths)]
    segments = []
    done = np.zeros(tables[0].paths, dtype=np.int64)
    for table, start in zip(tables, starts[:-1], strict=True):
        rows, own = table.steps[0].cpu().numpy(), table.segments.numpy().copy()
        counts = np.zeros(len(done), dtype=np.int64)
        np.maximum.at(counts, own[:, SEQUENCE], own[:, LAST])
        for k, count in enumerate(counts):
            steps[k].append(rows[k, :count] + start)
        own[:, [FIRST, LAST]] += done[own[:, SEQUENCE], None].astype(np.int32)
        done += counts
        segments.append(own)
    return _made([np.concatenate(s) for s in steps], np.concatenate(segments), tables, lengths)


def _made(
    steps: list[np.ndarray], segments: np.ndarray, tables: Sequence[PathTable], lengths: Sequence[int]
) -> PathTable:
    padded = np.full((len(steps), max(map(len, steps))), -1, dtype=np.int32)
    for row, values in zip(padded, steps, strict=True):
        row[: len(values)] = values
    in_order = segments[np.argsort(segments[:, SEQUENCE], kind="stable")].astype(np.int32)
    whole = all(table.length == length for table, length in zip(tables, lengths, strict=True))
    with outside_modes():
        made = torch.from_numpy(np.ascontiguousarray(in_order))
        table = PathTable(
            steps=torch.from_numpy(padded)[None].to(tables[0].steps.device),
            segments=made,
            grid_size=int(sum(lengths)),
            paths=len(steps),
            checkpoints=cut(made, len(steps)).checkpoints,
            revisits=any(table.revisits for table in tables),
            complete=whole and all(table.complete for table in tables),
            disjoint=all(table.disjoint for table in tables),
        )
        return vouched(table)


def _sound(table: PathTable) -> PathTable:
    if not isinstance(table, PathTable):
        what = f"one of these tables is a {type(table).__name__}"
        raise ScanlabError.at("S717", what, help="give path_table(scan) for each")
    return table.checked()


def _check(tables: Sequence[PathTable], lengths: Sequence[int]) -> None:
    problem = None
    if not tables:
        problem = "there are none"
    elif len(lengths) != len(tables):
        problem = f"there are {len(tables)}, and {len(lengths)} lengths"
    elif len({table.paths for table in tables}) > 1:
        problem = f"they have {' and '.join(str(n) for n in sorted({t.paths for t in tables}))} paths"
    elif any(table.sequences != table.paths for table in tables):
        problem = "a chain goes through several paths with one state, and those of the next grid would come between"
    elif any(len(table.steps) > 1 for table in tables):
        problem = "an order per sample is one table for each already"
    else:
        short = next((n for n, table in enumerate(tables) if lengths[n] < table.length), None)
        if short is not None:
            problem = f"table {short} has {tables[short].length} rows, and its length is {lengths[short]}"
    if problem:
        raise ScanlabError.at("S717", f"these tables cannot be packed: {problem}", help="scan them one by one")
