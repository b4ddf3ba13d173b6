"""The scan on a GPU: tensors handed to the Triton kernels as they lie in memory, and what is summed afterwards."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from triton import knobs

from scanlab.kernels.gpu.grid import folded
from scanlab.kernels.gpu.selective_scan_backward import selective_scan_backward_kernel
from scanlab.kernels.gpu.selective_scan_carry import selective_scan_local_kernel, selective_scan_pass_kernel
from scanlab.kernels.gpu.selective_scan_forward import selective_scan_forward_kernel
from scanlab.kernels.gpu.variants import PASS, Blocks, blocks_for
from scanlab.ops.dispatch import path_function
from scanlab.ops.gpu_sums import merged
from scanlab.ops.mamba.gpu_plan import Plan, division_for, plan_for
from scanlab.ops.mamba.operator import LOG2_E, Forward, Gradients, ScanArguments
from scanlab.ops.path_tables import CHUNK, PathTable

__all__ = ["backward", "forward"]


def forward(arguments: ScanArguments, table: PathTable, *, separate: bool, keep: bool, last: bool) -> Forward:
    """Scan all sequences; see `Forward`. keep: states for the backward; last: the states after each sequence."""
    with torch.cuda.device_of(arguments.u):
        return _forward(arguments, table, separate=separate, keep=keep, last=last)


def backward(
    arguments: ScanArguments, table: PathTable, checkpoints: Tensor, dy: Tensor, dlast: Tensor | None, *, separate: bool
) -> Gradients:
    """The gradients of everything, from the checkpoints of the forward, dy, shaped and typed like y, and the gradients
    of the last states, float32 [B, T, N, D].
    """
    with torch.cuda.device_of(arguments.u):
        return _backward(arguments, table, checkpoints, dy, dlast, separate=separate)


def _forward(arguments: ScanArguments, table: PathTable, *, separate: bool, keep: bool, last: bool) -> Forward:
    u, A = arguments.u, arguments.A
    batch, channels = u.shape[0], u.shape[3]
    blocks = _blocks(arguments, backward=False)
    plan = _plan(arguments, table, blocks, separate)
    y = _rows_by_sequence(u, table, plan, separate)
    checkpoints = A.new_empty(batch, table.checkpoints if keep else 0, A.shape[1], channels)
    initial = arguments.initial
    last_state = _states(arguments, table, initial) if last else A.new_empty(0)
    carried = _carried(arguments, table, plan, arguments.u, initial, adjoint=False) if plan.cut else A
    if len(plan.work_items):
        selective_scan_forward_kernel[_grid(arguments, plan, blocks)](
            **_tensors(arguments), **_step_tables(table, plan), **_sizes(arguments, plan, blocks),
            y=y, checkpoints=checkpoints, initial=A if initial is None else initial, last_state=last_state,
            carried=carried,
            checkpoint_count=table.checkpoints, sequences=table.sequences, **_together(table, plan),
            y_sample=y.stride(0), y_sequence=y.stride(1) if y.shape[1] > 1 else 0,
            **_constants(arguments, table, blocks),
            KEEP=keep, INITIAL=initial is not None and not plan.cut, LAST=last, CARRIED=plan.cut, ADD=plan.merged,
            REVISITS=table.revisits,
        )  # fmt: skip
    merged_y = y.to(u.dtype) if separate else merged(y, u.dtype)
    return Forward(
        merged_y if separate else merged_y[:, 0], checkpoints if keep else None, last_state if last else None
    )


def _backward(
    arguments: ScanArguments, table: PathTable, checkpoints: Tensor, dy: Tensor, dlast: Tensor | None, *, separate: bool
) -> Gradients:
    u, delta, A = arguments.u, arguments.delta, arguments.A
    batch, channels = u.shape[0], u.shape[3]
    states = A.shape[1]
    blocks = _blocks(arguments, backward=True)
    plan = _plan(arguments, table, blocks, separate)
    dy = dy if separate else dy[:, None]
    own = len(A) > 1
    du, ddelta = _gradient_rows(u, table, plan, u.shape[1] > 1), _gradient_rows(delta, table, plan, own)
    dB, dC = (_parts(t, arguments, table, plan, blocks) for t in (arguments.B, arguments.C))
    part = dB if arguments.B.ndim == 5 else dC
    rows = 3 + states * (1 + (arguments.B.ndim == 3) + (arguments.C.ndim == 3))
    sums = A.new_zeros(batch, len(plan.owners), rows, channels)
    grid = _grid(arguments, plan, blocks)
    scratch = A.new_empty(grid[0] * (CHUNK // blocks.steps) * states * blocks.channels)
    carried = _carried(arguments, table, plan, dy, dlast, adjoint=True) if plan.cut else A
    dinitial = None if arguments.initial is None else _states(arguments, table, dlast)
    if len(plan.work_items):
        selective_scan_backward_kernel[grid](
            **_tensors(arguments), **_step_tables(table, plan), **_sizes(arguments, plan, blocks),
            dy=dy, du=du, ddelta=ddelta, dB=dB, dC=dC, sums=sums, checkpoints=checkpoints, scratch=scratch,
            carried=carried, dlast=A if dlast is None else dlast, dinitial=A if dinitial is None else dinitial,
            checkpoint_count=table.checkpoints, accumulators=len(plan.owners), sequences=table.sequences,
            **_together(table, plan), groups_per_chunk=CHUNK // blocks.steps,
            dy_sample=dy.stride(0), dy_sequence=dy.stride(1) if separate else 0, dy_row=dy.stride(2),
            **_places("du", du, u.shape[1] > 1), **_places("ddelta", ddelta, own),
            **_places("part", part[0] if part.ndim == 6 else part, own),
            part_block=part.stride(0), part_group=part.stride(3) if part.ndim == 6 else 0,
            **_constants(arguments, table, blocks),
            CARRIED=plan.cut, INITIAL=dinitial is not None, LAST=dlast is not None,
            ADD_U=plan.merged and u.shape[1] == 1, ADD_PARAMETERS=plan.merged and not own, REVISITS=table.revisits,
        )  # fmt: skip
    return _gradients(arguments, plan, _by_path(sums, plan, table.paths), du, ddelta, dB, dC, dinitial)


def _states(arguments: ScanArguments, table: PathTable, none: Tensor | None) -> Tensor:
    """Memory for states at the ends of sequences, float32 [B, T, N, D]; those of sequences without steps are as
    `none`, or zero.
    """
    A = arguments.A
    shape = (len(arguments.u), table.sequences, *A.shape[1:])
    return A.new_zeros(shape) if none is None else none.clone()


def _carried(
    arguments: ScanArguments, table: PathTable, plan: Plan, values: Tensor, given: Tensor | None, *, adjoint: bool
) -> Tensor:
    """float32 [B, P, N, D]: the state before each of P work items or, for values dy, the adjoint of that after it.

    given [B, T, N, D]: those before, or after, the sequences, where not zero.
    """
    A, coefficients = arguments.A, arguments.C if adjoint else arguments.B
    blocks = _blocks(arguments, backward=False)
    ends, decays = A.new_empty(2, len(values), len(plan.work_items), *A.shape[1:])
    sizes = _sizes(arguments, plan, blocks)
    kept = ("width", "group_width", "programs", "blocks", "count", "A_path", "bias_path")
    kept += ("delta_sample", "delta_path", "delta_row")
    tensors = {k: v for k, v in _tensors(arguments).items() if k in ("delta", "A", "bias", "weights")}
    constants = _constants(arguments, table, blocks)
    for unused in ("SKIP", "C_CONSTANT"):
        del constants[unused]
    many = values.shape[1] > 1
    selective_scan_local_kernel[_grid(arguments, plan, blocks)](
        **tensors, **_step_tables(table, plan), **{k: sizes[k] for k in kept},
        u=values, B=coefficients, ends=ends, decays=decays,
        u_sample=values.stride(0), u_path=values.stride(1) if many and not adjoint else 0,
        u_sequence=values.stride(1) if many and adjoint else 0, u_row=values.stride(2),
        **_strides("B", coefficients),
        **constants | {"B_CONSTANT": coefficients.ndim == 3, "ADJOINT": adjoint},
    )  # fmt: skip
    size = A.shape[1] * A.shape[2]
    numbers = -(-size // PASS.channels)
    selective_scan_pass_kernel[folded(numbers, table.sequences, len(values))](
        ends, decays, A if given is None else given, plan.ranges, numbers, table.sequences, len(plan.work_items), size,
        BLOCK=PASS.channels, GROUP=PASS.steps, ADJOINT=adjoint, GIVEN=given is not None, num_warps=1,
    )  # fmt: skip
    return ends


def _gradients(
    a: ScanArguments,
    plan: Plan,
    sums: Tensor,
    du: Tensor,
    ddelta: Tensor,
    dB: Tensor,
    dC: Tensor,
    dinitial: Tensor | None,
) -> Gradients:
    """Add up what sequences, paths and blocks of channels left apart; sums: [K, R, D]."""
    states, dtype = a.A.shape[1], a.u.dtype
    shared = sums if len(a.A) > 1 else sums.sum(0, keepdim=True)
    constant = shared[:, 3 + states :].split(states, 1)
    return Gradients(
        merged(du, dtype, a.u.shape[1]),
        merged(ddelta, dtype, len(a.A)),
        shared[:, :states].transpose(1, 2) * LOG2_E,
        merged(dB, dtype, len(a.A), shares=True) if a.B.ndim == 5 else constant[0],
        merged(dC, dtype, len(a.A), shares=True) if a.C.ndim == 5 else constant[-1],
        shared[:, states] if a.D is not None else None,
        shared[:, states + 1] if a.bias is not None else None,
        sums[:, states + 2] if a.weights is not None else None,
        dinitial,
    )


def _by_path(sums: Tensor, plan: Plan, paths: int) -> Tensor:
    """Add up over samples and over the accumulators of each path, which lie side by side: [K, R, D]; in fixed order."""
    by_accumulator = sums.sum(0)
    if not plan.cut:
        return by_accumulator
    first, last = (plan.owners.searchsorted(range(paths), side) for side in ("left", "right"))
    return torch.stack([by_accumulator[i:j].sum(0) for i, j in zip(first, last, strict=True)])


def _plan(arguments: ScanArguments, table: PathTable, blocks: Blocks, separate: bool) -> Plan:
    programs = len(arguments.u) * _programs(arguments, blocks)
    division = division_for(table, programs, blocks.channels, separate=separate)
    return plan_for(table, division, arguments.u.device)


def _together(table: PathTable, plan: Plan) -> dict[str, int]:
    """How many sequences a work item takes, and how many of them write where nothing stands yet."""
    return {"together": plan.division.together, "fresh": int(table.visits_each_once)}


def _copies(table: PathTable, plan: Plan) -> int:
    """How many copies of what sequences share are added up afterwards."""
    return table.sequences // plan.division.together


def _rows_by_sequence(like: Tensor, table: PathTable, plan: Plan, separate: bool) -> Tensor:
    """Memory for y, [B, copies, L, D]: float32 where it will be added to, and not initialised where all is written."""
    sequences = _copies(table, plan)
    once = not table.revisits and (separate or table.sequences == 1)
    make = like.new_empty if table.visits_each_once else like.new_zeros
    shape = (len(like), sequences, *like.shape[2:])
    return make(shape, dtype=like.dtype if once else torch.float32)


def _gradient_rows(like: Tensor, table: PathTable, plan: Plan, own: bool) -> Tensor:
    """As `_rows_by_sequence`, for a gradient shaped [B, K, L, D] where each path has its own."""
    if not own:
        return _rows_by_sequence(like, table, plan, False)
    make = like.new_empty if table.permutations else like.new_zeros
    return make(like.shape, dtype=torch.float32 if table.revisits else like.dtype)


def _parts(coefficients: Tensor, a: ScanArguments, table: PathTable, plan: Plan, blocks: Blocks) -> Tensor:
    """float32 [blocks, B, K or copies, G, L, N] for the shares of dB or dC; nothing where constant in time."""
    if coefficients.ndim == 3:
        return a.A.new_empty(0)
    batch, own, *rest = coefficients.shape
    if own == 1:
        own, written = _copies(table, plan), table.visits_each_once
    else:
        written = table.permutations
    make = a.A.new_empty if written else a.A.new_zeros
    return make(_programs(a, blocks) // a.groups, batch, own, *rest)


def _blocks(arguments: ScanArguments, *, backward: bool) -> Blocks:
    _, states, channels = arguments.A.shape
    lanes = 64 if torch.version.hip else 32
    return blocks_for(states, channels // arguments.groups, lanes=lanes, backward=backward)


def _programs(arguments: ScanArguments, blocks: Blocks) -> int:
    """Groups times blocks of channels within each."""
    groups = arguments.groups
    return groups * -(-arguments.A.shape[2] // (groups * blocks.channels))


def _grid(arguments: ScanArguments, plan: Plan, blocks: Blocks) -> tuple[int]:
    return folded(_programs(arguments, blocks), len(plan.work_items), len(arguments.u))


def _tensors(a: ScanArguments) -> dict[str, Tensor]:
    # A stands for what is not given; its pointer is not read then.
    given = {"u": a.u, "delta": a.delta, "A": a.A, "B": a.B, "C": a.C, "D": a.D, "bias": a.bias, "weights": a.weights}
    return {name: a.A if tensor is None else tensor for name, tensor in given.items()}


def _step_tables(table: PathTable, plan: Plan) -> dict[str, Any]:
    steps = table.steps
    return {
        "steps": steps,
        "chunks": plan.chunks,
        "work_items": plan.work_items,
        "steps_sample": steps.stride(0) if len(steps) > 1 else 0,
        "steps_sequence": steps.stride(1),
    }


def _sizes(a: ScanArguments, plan: Plan, blocks: Blocks) -> dict[str, int]:
    own, states, width = a.A.shape
    return {
        "width": width,
        "group_width": width // a.groups,
        "programs": _programs(a, blocks),
        "blocks": _programs(a, blocks) // a.groups,
        "count": len(plan.work_items),
        **{f"u_{name}": stride for name, stride in zip(("sample", "path", "row"), _row_strides(a.u), strict=True)},
        **{f"delta_{name}": s for name, s in zip(("sample", "path", "row"), _row_strides(a.delta), strict=True)},
        **_strides("B", a.B),
        **_strides("C", a.C),
        "A_path": states * width if own > 1 else 0,
        "bias_path": width if own > 1 else 0,
    }


def _in_words(coefficients: Tensor) -> bool:
    """Whether every row of B or C begins and ends at a multiple of eight bytes; no row of what is constant is read."""
    if coefficients.ndim == 3:
        return True
    strides = (s for s, size in zip(coefficients.stride()[:-1], coefficients.shape, strict=False) if size > 1)
    sizes = (coefficients.shape[-1], *strides)
    return coefficients.data_ptr() % 8 == 0 and all(n * coefficients.element_size() % 8 == 0 for n in sizes)


def _row_strides(rows: Tensor) -> tuple[int, int, int]:
    """Of samples, paths (0 where shared) and rows of [B, K or 1, L, D]."""
    return rows.stride(0), rows.stride(1) if rows.shape[1] > 1 else 0, rows.stride(2)


def _strides(name: str, coefficients: Tensor) -> dict[str, int]:
    """Of B or C; those constant in time differ by path only."""
    if coefficients.ndim == 3:
        strides = (0, coefficients.stride(0) if len(coefficients) > 1 else 0, 0, 0)
    else:
        sample, path, group, row, _ = coefficients.stride()
        strides = (sample, path if coefficients.shape[1] > 1 else 0, group, row)
    return {f"{name}_{axis}": s for axis, s in zip(("sample", "path", "group", "row"), strides, strict=True)}


def _places(name: str, rows: Tensor, own: bool) -> dict[str, int]:
    """The strides of a gradient whose second axis is the path where each has its own, else the sequence."""
    if rows.ndim == 1:
        return {f"{name}_{axis}": 0 for axis in ("sample", "path", "sequence")}
    second = rows.stride(1) if rows.shape[1] > 1 else 0
    return {
        f"{name}_sample": rows.stride(0),
        f"{name}_path": second if own else 0,
        f"{name}_sequence": 0 if own else second,
    }


def _constants(a: ScanArguments, table: PathTable, blocks: Blocks) -> dict[str, Any]:
    return {
        "PATCH_AT": path_function(table.program),
        "N": a.A.shape[1],
        "BLOCK": blocks.channels,
        "GROUP": blocks.steps,
        "SOFTPLUS": a.softplus,
        "SKIP": a.D is not None,
        "BIAS": a.bias is not None,
        "WEIGHTS": a.weights is not None,
        "B_CONSTANT": a.B.ndim == 3,
        "C_CONSTANT": a.C.ndim == 3,
        "WORDS": all(_in_words(t) for t in (a.B, a.C)),
        "ASM": torch.version.hip is None and not knobs.runtime.interpret,
        "num_warps": 1,
        "enable_fp_fusion": True,
    }
