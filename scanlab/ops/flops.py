"""How much the operators compute, by the shapes of their arguments: what torch's FlopCounterMode asks for.

A multiply-add is two operations. Activations (softplus, silu) are not counted, as torch counts none.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack
from torch.utils.flop_counter import FlopCounterMode, flop_registry, register_flop_formula

import scanlab.ops.conv.operator
import scanlab.ops.mamba.operator
import scanlab.ops.mamba2.operator  # noqa: F401  (the operators must be there)

__all__ = ["SCAN_FLOPS"]

Shape = Sequence[int]
# Per step, channel and state: exp(delta A), delta B u, and the two sums. VMamba and Mamba's authors count 9 as well
# (github.com/state-spaces/mamba, issue 110).
SCAN_FLOPS = 9
# States again (9 without the output's 2), their adjoint (3), dC, dB and the sum for du and ddelta (2 each), ddelta by
# the decay (4), dA (2).
SCAN_BACKWARD_FLOPS = 22
# Decay, input and output, 2 each; backward the states again, their adjoint (4 each), dx and ddt, dB, dC, ddecay.
SSD_FLOPS, SSD_BACKWARD_FLOPS = 6, 16


def _steps(steps: Shape, batch: int) -> int:
    """Of all samples and sequences; steps is [Bt, T, S]."""
    return batch * prod(steps[1:])


def _scan(per_state: int, skip: int, u: Shape, *arguments: Any) -> int:
    # delta, A, B, C, D, bias, weights, initial, steps
    states, steps = arguments[1][2], arguments[8]
    return _steps(steps, u[0]) * u[-1] * (per_state * states + (skip if arguments[4] is not None else 0))


def _convolution(per_tap: int, x: Shape, weight: Shape, *arguments: Any) -> int:
    # bias, initial, steps
    return _steps(arguments[2], x[0]) * x[-1] * per_tap * weight[-1]


def _ssd(per_state: int, skip: int, x: Shape, *arguments: Any) -> int:
    # dt, decay, B, C, D, weights, initial, steps
    states, steps = arguments[2][-1], arguments[7]
    return _steps(steps, x[0]) * prod(x[-2:]) * (per_state * states + (skip if arguments[4] is not None else 0))


@register_flop_formula(torch.ops.scanlab.selective_scan)
def _(*shapes: Any, out_shape: Any = None, **_: Any) -> int:
    return _scan(SCAN_FLOPS, 2, *shapes)


@register_flop_formula(torch.ops.scanlab.selective_scan_backward)
def _(dy: Shape, dlast: Shape, checkpoints: Shape, *shapes: Any, out_shape: Any = None, **_: Any) -> int:
    return _scan(SCAN_BACKWARD_FLOPS, 4, *shapes)


@register_flop_formula(torch.ops.scanlab.causal_conv1d)
def _(*shapes: Any, out_shape: Any = None, **_: Any) -> int:
    return _convolution(2, *shapes)


@register_flop_formula(torch.ops.scanlab.causal_conv1d_backward)
def _(dy: Shape, dlast: Shape, *shapes: Any, out_shape: Any = None, **_: Any) -> int:
    # dx and dweight; the output again where silu is to be differentiated (x, weight, bias, initial, table, last, silu).
    return _convolution(6 if shapes[9] else 4, *shapes)


@register_flop_formula(torch.ops.scanlab.ssd)
def _(*shapes: Any, out_shape: Any = None, **_: Any) -> int:
    return _ssd(SSD_FLOPS, 2, *shapes)


@register_flop_formula(torch.ops.scanlab.ssd_backward)
def _(dy: Shape, dlast: Shape, *shapes: Any, out_shape: Any = None, **_: Any) -> int:
    return _ssd(SSD_BACKWARD_FLOPS, 4, *shapes)


# A counter that is at work while this is imported has copied torch's table before.
for _mode in _get_current_dispatch_mode_stack():
    if isinstance(_counter := getattr(_mode, "counter", None), FlopCounterMode):
        _counter.flop_registry.update(flop_registry)
