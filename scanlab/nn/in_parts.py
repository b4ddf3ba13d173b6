"""A mixer that takes a few channels at a time, so that a long sequence fits into little memory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TypeGuard

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scanlab.nn.embed import to_picture, to_rows
from scanlab.nn.kinds import CONVOLUTIONS
from scanlab.nn.mixer import Mixer, PathConvolution, ScanMixer, own_sets, plain_linear, unwrapped
from scanlab.nn.mixer_state import Memory, Pack
from scanlab.ops import PathTable, causal_conv1d, selective_scan

__all__ = ["mixed_in_parts", "row_blocks"]

# What one part of the channels may take for each of its tensors, and how many rows are projected at a time.
PART_BYTES = 16 << 20
ROWS = 8192
# Kernels take channels in registers of so many.
LANES = 16


def mixed_in_parts(mixer: Mixer, x: Tensor, grid: tuple[int, ...]) -> Tensor:
    """What `mixer(x, grid)` gives, to rounding: [B, L, dim] -> [B, L, dim], without gradients; x may be written over.

    A selective scan treats its channels one by one once delta, B and C are known, so these are summed up over parts of
    the channels first, and each part is projected, convolved and scanned again then: a tenth more work, and a fraction
    of the memory. Mixers of other kinds, and projections that are more than a matrix, are computed as ever.
    """
    return mixer.through(x, grid, partial(_mixed, mixer)) if _divisible(mixer) else mixer(x, grid)


def row_blocks(length: int, rows: int = ROWS) -> list[slice]:
    """Slices of so many rows one after the other.

    >>> row_blocks(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    return [slice(first, min(first + rows, length)) for first in range(0, length, rows)]


def _divisible(mixer: Mixer) -> TypeGuard[ScanMixer]:
    if type(mixer) is not ScanMixer or not (plain_linear(mixer.project_in) and plain_linear(mixer.project_scan)):
        return False
    return mixer.convolution is None or unwrapped(mixer.convolution, PathConvolution, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def _mixed(
    mixer: ScanMixer, rows: Tensor, table: PathTable, grid: tuple[int, ...] | Pack, memory: Memory | None = None
) -> Tensor:
    assert not isinstance(grid, Pack) and memory is None, "a whole image at a time"
    parts = _parts(rows, table, mixer.inner)
    projected = _scan_parameters(mixer, rows, table, grid, parts)
    y = rows.new_empty(*rows.shape[:2], mixer.inner)
    for part in parts:
        y[..., part] = _scanned(mixer, _convolved(mixer, rows, table, grid, part), projected, table, part)
    for block in row_blocks(rows.shape[1]):
        rows[:, block] = _finished(mixer, rows[:, block], y[:, block])
    return rows


def _parts(rows: Tensor, table: PathTable, inner: int) -> list[slice]:
    each = rows.element_size() * rows.shape[0] * rows.shape[1] * table.paths
    width = max(1, PART_BYTES // (each * LANES)) * LANES
    return row_blocks(inner, width)


def _convolved(mixer: ScanMixer, rows: Tensor, table: PathTable, grid: tuple[int, ...], part: slice) -> Tensor:
    """What is scanned of a part of the channels: [B, L, P], or [B, K, L, P] along every path."""
    assert isinstance(mixer.project_in, nn.Linear)
    u = F.linear(rows, mixer.project_in.weight[: mixer.inner][part])
    module, kind = mixer.convolution, CONVOLUTIONS[mixer.config.convolution]
    if module is None:
        return F.silu(u)
    if isinstance(module, PathConvolution):
        table = table.part(0, kind.along) if kind.along else table
        weight, bias = (None if p is None else own_sets(p, table.paths)[:, part] for p in (module.weight, module.bias))
        assert weight is not None
        y = causal_conv1d(u, weight, bias, paths=table)
        assert isinstance(y, Tensor)
        return y[:, 0] if kind.along else y
    assert isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d)
    patches = table.grid_size
    convolve = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[len(grid)]
    weight, bias = module.weight[part], None if module.bias is None else module.bias[part]
    picture = convolve(to_picture(u[:, :patches], grid), weight, bias, padding=module.padding, groups=len(weight))  # pyright: ignore[reportArgumentType]
    return F.silu(torch.cat([to_rows(picture), u[:, patches:]], dim=1))


def _scan_parameters(
    mixer: ScanMixer, rows: Tensor, table: PathTable, grid: tuple[int, ...], parts: Sequence[slice]
) -> Tensor:
    """`project_scan` of all channels, summed up part by part: [B, K or 1, L, R + 2 N]."""
    weight = mixer.own(mixer.project_scan.weight.unflatten(0, (mixer.sets, -1)), table.paths)
    total = torch.zeros((), dtype=rows.dtype, device=rows.device)
    for part in parts:
        u = _convolved(mixer, rows, table, grid, part)
        # Without a convolution along paths all of them share the rows.
        u = u if u.ndim == 4 else u[:, None]
        total = total + u @ weight[..., part].mT
    return total


def _scanned(mixer: ScanMixer, u: Tensor, projected: Tensor, table: PathTable, part: slice) -> Tensor:
    paths, state = table.paths, mixer.config.state
    low, B, C = projected.split([mixer.rank, state, state], dim=-1)
    delta = low @ mixer.own(mixer.delta_weight, paths)[..., part]
    decay = -mixer.own(mixer.decay_log, paths)[:, part].exp()
    sets = max(delta.shape[1], len(decay))
    weights = mixer.merge()
    y = selective_scan(
        u,
        delta.expand(-1, sets, -1, -1),
        decay.expand(sets, -1, -1),
        B.expand(-1, sets, -1, -1),
        C.expand(-1, sets, -1, -1),
        mixer.own(mixer.skip, paths)[:, part].expand(sets, -1),
        delta_bias=mixer.own(mixer.delta_bias, paths)[:, part].expand(sets, -1),
        delta_softplus=True,
        paths=table,
        merge="sum" if weights is None else weights[:, part],
    )
    assert isinstance(y, Tensor)
    return y


def _finished(mixer: ScanMixer, rows: Tensor, y: Tensor) -> Tensor:
    """Norm, gate and projection of some rows."""
    assert isinstance(mixer.project_in, nn.Linear)
    y = y if mixer.scale == 1 else y * mixer.scale
    y = y if mixer.norm is None else mixer.norm(y)
    if mixer.config.gate:
        y = y * F.silu(F.linear(rows, mixer.project_in.weight[mixer.inner :]))
    return mixer.project_out(y)
