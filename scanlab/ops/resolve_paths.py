"""What is given to an operator as paths, made a table of steps: a compiled scan, a table, or an array of indices."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from scanlab.compiler.bind import CompiledScan
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops.dispatch import program_for
from scanlab.ops.marks import may_be_compiled, untraced
from scanlab.ops.modes import check_no_graph, outside_modes, readable
from scanlab.ops.partition import CHUNK
from scanlab.ops.path_tables import PathTable, path_table, vouched

__all__ = ["Paths", "index_table", "indexed", "kept_raster", "kept_table", "raster_table", "table_for"]


Paths = CompiledScan | PathTable | Tensor


def table_for(paths: Paths, name: str, x: Tensor, axis: int = -2) -> PathTable:
    """The table of whatever an operator takes as paths over the rows of x, called `name`, which lie along an axis.

    Raises S700, S708, S713, S714.
    """
    check_no_graph(name)
    if x.ndim < 1 - axis or x.shape[axis] == 0:
        lacks = "no rows to scan" if x.ndim > -axis else "too few axes"
        wanted = "[B, L, D]" if axis == -2 else "[B, L, H, P]"
        raise ScanlabError.at(
            "S700", f"{name} has shape {list(x.shape)}: {lacks}", help=f"give {wanted}, with L from 1"
        )
    if isinstance(paths, PathTable):
        return paths.checked()
    if isinstance(paths, CompiledScan):
        return kept_table(paths, x.device)
    if not isinstance(paths, Tensor):
        raise ScanlabError.at(
            "S708",
            f"paths is a {type(paths).__name__}",
            help="give scanlab.compile(…), a PathTable, or a tensor of whole numbers [K, L]",
        )
    return indexed(paths, x.shape[axis])


def index_table(indices: Tensor, length: int, *, permutations: bool | None = None) -> PathTable:
    """The table of K paths given as indices: [K, L] for all samples, or [B, K, L] per sample.

    indices[..., k, p] is the row that path k visits at step p; every path is a sequence, and the state starts from zero
    at its first step. length: rows of u. permutations: True promises that every path visits every row once, False that
    nothing is known (rows visited twice add up, rows left out are 0), None looks, which waits for a GPU. Raises S708
    for rows outside 0 to length - 1, where it looks; elsewhere (in a compiled graph, on the meta device, for one of
    many by vmap) nothing is known and they are clamped, so that no kernel reads outside.

    >>> table = index_table(torch.tensor([[0, 1, 2], [2, 1, 0]]), 3)
    >>> table.sequences, table.permutations
    (2, True)
    """
    indices = indices if indices.ndim == 3 else indices[None]
    whole = not (indices.dtype.is_floating_point or indices.dtype.is_complex or indices.dtype == torch.bool)
    if indices.ndim != 3 or not whole or 0 in indices.shape[1:]:
        raise ScanlabError.at(
            "S708",
            f"indices of shape {list(indices.shape)} and dtype {indices.dtype} are no paths",
            help="give whole numbers [K, L], or [B, K, L] for one order per sample",
        )
    if length == 0:
        raise ScanlabError.at("S708", "the paths visit rows, and u has none", help="give u at least one row")
    values = readable(indices)
    if values is None:
        return _over(indices, length, bool(permutations))
    with outside_modes():
        if permutations is None:
            _check_rows(values, length)
            ordered = values.sort(-1).values
            permutations = values.shape[2] == length and bool((ordered == _rows_like(values, length)).all())
        return _over(values, length, permutations)


def _over(indices: Tensor, length: int, permutations: bool) -> PathTable:
    sequences, steps = indices.shape[1:]
    table = PathTable(
        steps=indices.clamp(0, length - 1).to(torch.int32).contiguous(),
        segments=_whole_paths(sequences, steps, carry=0),
        grid_size=length,
        paths=sequences,
        checkpoints=sequences * ((steps - 1) // CHUNK),
        revisits=not permutations,
        complete=permutations,
        disjoint=permutations and sequences == 1,
    )
    if torch.compiler.is_compiling():
        # In a graph the segments cannot be read to plan for initial states: it is done here, where they are known.
        segments, chunks = _whole_paths(sequences, steps, carry=1), sequences * ((steps - 1) // CHUNK + 1)
        table._continued["table"] = vouched(replace(table, segments=segments, checkpoints=chunks))
    return vouched(table)


def _whole_paths(sequences: int, steps: int, carry: int) -> Tensor:
    """The segments of paths that are one segment each."""
    rows = [[k, k, 0, steps, carry] for k in range(sequences)]
    if torch.compiler.is_compiling():
        return torch.tensor(rows, dtype=torch.int32, device="cpu")
    with outside_modes():
        return torch.tensor(rows, dtype=torch.int32)


def indexed(indices: Tensor, length: int) -> PathTable:
    """As `index_table`, planned once for the same indices: by their values on a CPU, elsewhere by the tensor itself.

    A tensor on a GPU whose values change in a way that torch does not count (.data, a foreign kernel) is to be given to
    `index_table`.
    """
    values = readable(indices)
    if values is None or (values.is_inference() and values.device.type != "cpu"):
        return index_table(indices, length)
    if values.device.type == "cpu":
        small = values.numel() * values.itemsize <= MOST_BYTES
        return _by_content(*_content(values), length) if small and values.numel() else index_table(values, length)
    key = (values._version, length)
    known = _BY_TENSOR.get(values)
    if known is None or known[0] != key:
        known = _BY_TENSOR[values] = (key, index_table(values, length))
    return known[1]


# Larger ones, an order for every sample of a batch, are hardly seen twice.
MOST_BYTES = 1 << 20
_BY_TENSOR: WeakTensorKeyDictionary = WeakTensorKeyDictionary()


def _content(values: Tensor) -> tuple[bytes, tuple[int, ...], torch.dtype]:
    with outside_modes() if torch._C._are_functorch_transforms_active() else nullcontext():
        return values.numpy().tobytes(), tuple(values.shape), values.dtype


@lru_cache(maxsize=32)
def _by_content(content: bytes, shape: tuple[int, ...], dtype: torch.dtype, length: int) -> PathTable:
    with outside_modes():
        values = torch.frombuffer(bytearray(content), dtype=dtype).reshape(shape)
    return index_table(values, length)


def _rows_like(indices: Tensor, length: int) -> Tensor:
    return torch.arange(length, device=indices.device)


def _check_rows(indices: Tensor, length: int) -> None:
    if indices.numel() == 0:  # an order per sample, and no sample
        return
    low, high = int(indices.min()), int(indices.max())
    if low < 0 or high >= length:
        raise ScanlabError.at(
            "S708",
            f"the paths visit rows {low} to {high}, but u has rows 0 to {length - 1}",
            help="indices[k, p] is the flat index of the patch visited at step p",
        )


@lru_cache(maxsize=256)
def raster_table(length: int, device: torch.device) -> PathTable:
    """One path over rows 0 to length - 1 in turn."""
    with outside_modes():
        return index_table(torch.arange(length)[None], length, permutations=True).to(device)


def kept_table(scan: CompiledScan, device: torch.device) -> PathTable:
    """The table of a compiled scan on a device."""
    if may_be_compiled():
        from scanlab.ops.marked import MARKED

        return MARKED["_compiled"](scan, device)
    return _compiled(scan, device)


def kept_raster(length: int, device: torch.device) -> PathTable:
    """One path over rows 0 to length - 1 in turn."""
    if torch.compiler.is_compiling():
        return index_table(torch.arange(length, device=device)[None], length, permutations=True)
    return raster_table(length, device)


# A model scans the same few grids again and again. Dynamo would trace what is behind the cache, and warn.
@untraced("a compiled scan is laid out: give path_table(scan) in its place")
@lru_cache(maxsize=256)
def _compiled(scan: CompiledScan, device: torch.device) -> PathTable:
    return path_table(scan, program_for(scan, device)).to(device)
