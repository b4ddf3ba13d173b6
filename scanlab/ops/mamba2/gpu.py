"""Launches of the Triton state space dual: grids, block sizes, and what is summed afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from triton import knobs

from scanlab.kernels.columns import PATH, SEQUENCE
from scanlab.kernels.gpu.convolution_ssd_variants import (
    PASS,
    longest_chunk,
    ssd_blocks,
)
from scanlab.kernels.gpu.grid import folded
from scanlab.kernels.gpu.ssd import (
    ssd_forward_kernel,
    ssd_outer_kernel,
    ssd_pass_kernel,
)
from scanlab.kernels.gpu.ssd_backward import (
    ssd_coefficient_backward_kernel,
    ssd_input_backward_kernel,
)
from scanlab.ops.dispatch import path_function
from scanlab.ops.gpu_sums import merged
from scanlab.ops.mamba2.operator import SsdArguments, SsdForward, SsdGradients
from scanlab.ops.partition import Tiles, path_sums, tiles_of

__all__ = ["backward", "forward"]


def forward(arguments: SsdArguments, *, separate: bool, last: bool) -> SsdForward:
    """y and the last states; see SsdForward."""
    with torch.cuda.device_of(arguments.x):
        return _forward(arguments, separate, last)


def backward(arguments: SsdArguments, dy: Tensor, dlast: Tensor | None, *, separate: bool) -> SsdGradients:
    """All gradients; dy is shaped like y and contiguous, dlast like the last states."""
    with torch.cuda.device_of(arguments.x):
        return _backward(arguments, dy, dlast, separate)


def _forward(arguments: SsdArguments, separate: bool, last: bool) -> SsdForward:
    x, table = arguments.x, arguments.table
    batch, _, length, heads, width = x.shape
    tiles = _tiles(arguments)
    states, last_state = _states(arguments, tiles, last)
    y = _output(tiles, x, (batch, table.paths, length, heads, width), table.paths == 1)
    for round_number in range(tiles.rounds):
        ssd_forward_kernel[_grid(arguments, tiles)](
            **_tensors(arguments),
            states=states,
            y=y,
            visits=tiles.visits,
            round_number=round_number,
            y_sample=y.stride(0),
            y_path=y.stride(1),
            **_step_tables(arguments, tiles),
            **_constants(arguments),
            REVISITS=tiles.rounds > 1,
            SKIP=arguments.D is not None,
            WEIGHTS=arguments.weights is not None,
        )
    return SsdForward(_by_sequence(y, arguments, tiles, separate), last_state)


def _backward(arguments: SsdArguments, dy: Tensor, dlast: Tensor | None, separate: bool) -> SsdGradients:
    tiles = _tiles(arguments)
    strides = {"dy_sample": dy.stride(0), "dy_sequence": dy.stride(1) if separate else 0}
    states, _ = _states(arguments, tiles, False)
    gradients, dinitial = _state_gradients(arguments, tiles, dy, dlast, strides)
    read = {"dy": dy, "states": states, "gradients": gradients, "visits": tiles.visits, **strides}
    read |= {"paths": arguments.table.paths, "length": arguments.x.shape[2]}
    read |= _step_tables(arguments, tiles) | _constants(arguments) | {"REVISITS": tiles.rounds > 1}
    read |= {"WEIGHTS": arguments.weights is not None}
    dx, ddt, ddecay, dD, dweights = _input_gradients(arguments, tiles, read)
    dB, dC = _coefficient_gradients(arguments, tiles, read)
    return SsdGradients(dx, ddt, ddecay, dB, dC, dD, dweights, dinitial)


def _input_gradients(
    arguments: SsdArguments, tiles: Tiles, read: dict[str, Any]
) -> tuple[Tensor, Tensor, Tensor, Tensor | None, Tensor | None]:
    """Of x, dt, the decays, D and the weights."""
    x, table = arguments.x, arguments.table
    batch, sets, length, heads, width = x.shape
    own = arguments.dt.shape[1]
    dx = _output(tiles, x, (batch, table.paths, length, heads, width), sets == table.paths)
    ddt, ddecay = (_output(tiles, arguments.dt, (batch, table.paths, length, heads), True) for _ in range(2))
    factors = arguments.dt.new_empty(2, batch, len(tiles.rows), heads, width)
    written = {"dx": dx, "ddt": ddt, "ddecay": ddecay, "dD": factors[0], "dweights": factors[1]}
    for round_number in range(tiles.rounds):
        ssd_input_backward_kernel[_grid(arguments, tiles)](
            **_tensors(arguments), **read, **written, round_number=round_number, SKIP=arguments.D is not None
        )
    return (
        merged(dx, x.dtype, sets),
        merged(ddt, torch.float32, own),
        merged(ddecay, torch.float32, own),
        None if arguments.D is None else path_sums(factors[0], tiles, own),
        None if arguments.weights is None else path_sums(factors[1], tiles, table.paths),
    )


def _coefficient_gradients(arguments: SsdArguments, tiles: Tiles, read: dict[str, Any]) -> Iterator[Tensor]:
    """Of B and C."""
    B, (batch, _, length, heads, _) = arguments.B, arguments.x.shape
    shape = (batch, arguments.table.paths, length, heads, B.shape[4])
    dB, dC = (_output(tiles, arguments.dt, shape, True) for _ in "BC")
    tensors = {name: t for name, t in _tensors(arguments).items() if not name.startswith("D")}
    for round_number in range(tiles.rounds):
        ssd_coefficient_backward_kernel[_grid(arguments, tiles)](
            **tensors, **read, dB=dB, dC=dC, round_number=round_number
        )
    for t in (dB, dC):
        yield merged(t.unflatten(3, (B.shape[3], -1)).sum(4), torch.float32, arguments.dt.shape[1])


def _tiles(arguments: SsdArguments) -> Tiles:
    table = arguments.table
    return tiles_of(
        table.steps, table.segments, table.paths, arguments.x.shape[2], _chunk(arguments), plain=table.permutations
    )


def _chunk(arguments: SsdArguments) -> int:
    """Steps of a tile: as many as asked for, as far as their matrices fit into registers."""
    return min(arguments.chunk, longest_chunk(arguments.x.dtype != torch.float32))


def _grid(arguments: SsdArguments, tiles: Tiles) -> tuple[int]:
    return folded(len(tiles.rows), arguments.x.shape[3], len(arguments.x))


def _output(tiles: Tiles, like: Tensor, shape: tuple[int, ...], final: bool) -> Tensor:
    """Not initialised where every row is written exactly once, else zeros; float32 where it is summed afterwards."""
    make = like.new_empty if tiles.complete and tiles.rounds == 1 else like.new_zeros
    return make(shape, dtype=like.dtype if final and tiles.rounds == 1 else torch.float32)


def _by_sequence(y: Tensor, arguments: SsdArguments, tiles: Tiles, separate: bool) -> Tensor:
    """y [B, K, ...] in the dtype of x, summed over all paths, or over those of each sequence."""
    if not separate:
        return merged(y, arguments.x.dtype)[:, 0]
    table = arguments.table
    if table.sequences == table.paths:
        return y.to(arguments.x.dtype)
    sequence_of = dict(zip(tiles.rows[:, PATH].tolist(), tiles.rows[:, SEQUENCE].tolist(), strict=True))
    members = [[k for k, t in sequence_of.items() if t == sequence] for sequence in range(table.sequences)]
    return torch.stack([y[:, own].sum(1) for own in members], 1).to(arguments.x.dtype)


def _states(arguments: SsdArguments, tiles: Tiles, last: bool) -> tuple[Tensor, Tensor | None]:
    """The states before the tiles, float32 [B, Q, H, N, P], and after the sequences, [B, T, H, N, P]."""
    tensors = _tensors(arguments)
    given = {name: t for name, t in tensors.items() if name[0] not in "CD"}
    weights = arguments.weights is not None
    return _passed(arguments, tiles, given, arguments.initial, weights, adjoint=False, last=last)


def _state_gradients(
    arguments: SsdArguments, tiles: Tiles, dy: Tensor, dlast: Tensor | None, strides: dict[str, int]
) -> tuple[Tensor, Tensor | None]:
    """The gradients of the states after the tiles, float32 [B, Q, H, N, P], and of those before the sequences."""
    heads, width = arguments.x.shape[3:]
    tensors = _tensors(arguments)
    given = {name.replace("C", "B"): t for name, t in tensors.items() if name[0] not in "BDx"}
    given |= {"x": dy, "x_sample": strides["dy_sample"], "x_path": strides["dy_sequence"]}
    given |= {"x_row": heads * width, "x_head": width}
    return _passed(arguments, tiles, given, dlast, False, adjoint=True, last=arguments.initial is not None)


def _passed(
    arguments: SsdArguments,
    tiles: Tiles,
    tensors: dict[str, Any],
    given: Tensor | None,
    weights: bool,
    *,
    adjoint: bool,
    last: bool,
) -> tuple[Tensor, Tensor | None]:
    batch, _, _, heads, width = arguments.x.shape
    table, size = arguments.table, arguments.B.shape[4]
    states = arguments.dt.new_empty(batch, len(tiles.rows), heads, size, width)
    decays = arguments.dt.new_empty(batch, len(tiles.rows), heads)
    last_state = arguments.dt.new_empty(batch, table.sequences, heads, size, width) if last else None
    tables = _step_tables(arguments, tiles)
    ssd_outer_kernel[_grid(arguments, tiles)](
        **tensors, states=states, decays=decays, **tables, **_constants(arguments), ADJOINT=adjoint, WEIGHTS=weights
    )
    blocks = -(-size * width // PASS)
    ssd_pass_kernel[folded(blocks, table.sequences * heads, batch)](
        states,
        decays,
        states if given is None else given,
        states if last_state is None else last_state,
        tables["tiles"],
        tiles.ranges,
        blocks,
        heads,
        table.sequences,
        size * width,
        len(tiles.rows),
        ADJOINT=adjoint,
        GIVEN=given is not None,
        LAST=last,
        BLOCK=PASS,
    )
    return states, last_state


def _tensors(arguments: SsdArguments) -> dict[str, Any]:
    """The tensors that are read, with their strides; where there is none, any pointer, which is not read."""
    x, dt, D, weights = arguments.x, arguments.dt, arguments.D, arguments.weights
    heads, width = x.shape[3:]
    tensors: dict[str, Any] = {"x": x, "dt": dt, "decay": arguments.decay, "B": arguments.B, "C": arguments.C}
    tensors |= {"D": dt if D is None else D, "weights": dt if weights is None else weights}
    tensors |= {"D_path": heads * width if D is not None and len(D) > 1 else 0}
    tensors |= {"dt_sample": dt.stride(0), "dt_path": dt.stride(1) if dt.shape[1] > 1 else 0}
    for name, last in (("x", "head"), ("B", "group"), ("C", "group")):
        t = tensors[name]
        names = (f"{name}_sample", f"{name}_path", f"{name}_row", f"{name}_{last}")
        tensors |= dict(zip(names, (t.stride(0), t.stride(1) if t.shape[1] > 1 else 0, *t.stride()[2:4]), strict=True))
    return tensors


def _step_tables(arguments: SsdArguments, tiles: Tiles) -> dict[str, Any]:
    steps, (heads, width) = arguments.table.steps, arguments.x.shape[3:]
    return {
        "steps": steps,
        "tiles": tiles.on(steps.device),
        "tile_count": len(tiles.rows),
        "heads": heads,
        "group": heads // arguments.B.shape[3],
        "size": arguments.B.shape[4],
        "width": width,
        "steps_sample": steps.stride(0) if len(steps) > 1 else 0,
        "steps_sequence": steps.stride(1),
    }


def _constants(arguments: SsdArguments) -> dict[str, Any]:
    half = arguments.x.dtype != torch.float32
    blocks, warps = ssd_blocks(_chunk(arguments), arguments.B.shape[4], arguments.x.shape[4], half)
    # Three products on tensor cores make one of float32; AMD has no such mode and multiplies in float32.
    fast = "ieee" if torch.version.hip else "tf32x3"
    return {
        "PATCH_AT": path_function(arguments.table.program),
        "PRECISION": "interpreted" if knobs.runtime.interpret else fast,
        **blocks,
        "num_warps": warps,
    }
