"""How large a model is and how much it computes, and models of other kinds made as large."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

import scanlab.ops  # noqa: F401  (registers the operators that are counted)
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["flop_count", "matched", "parameter_count"]

M = TypeVar("M", bound=nn.Module)
Shape = Sequence[int]
# Per step, channel and state: exp(delta A), delta B u, and the two sums. VMamba and Mamba's authors count 9 as well
# (github.com/state-spaces/mamba, issue 110).
SCAN_FLOPS = 9
WIDEST = 4096


def parameter_count(model: nn.Module) -> int:
    """Learned numbers in a model."""
    return sum(p.numel() for p in model.parameters())


def flop_count(model: nn.Module, images: Tensor) -> int:
    """Floating-point operations of one forward pass, a multiply-add counted as two.

    Matrix products, convolutions and attention as torch's counter knows them; of a selective scan 9 per step, channel
    and state and 2 for the skip; of the state space dual 6 per step, channel and state (decay, input, output) and 2 for
    the skip; of a convolution along paths 2 per step, channel and tap. Norms and activations are not counted.
    """
    formulas: dict[Any, Any] = {
        torch.ops.scanlab.selective_scan: _selective_scan,
        torch.ops.scanlab.causal_convolution: _causal_convolution,
        torch.ops.scanlab.ssd: _ssd,
        # torch's counter knows the attention kernels of GPUs only.
        torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    }
    with torch.no_grad(), FlopCounterMode(display=False, custom_mapping=formulas) as counter:
        model(images)
    return counter.get_total_flops()


def matched(
    build: Callable[[int], M], target: int, measure: Callable[[M], int], step: int = 8, tolerance: float = 0.1
) -> tuple[M, int]:
    """The model whose measure is closest to a target, and its width, among the widths that are multiples of `step`.

    build: a model of a given width, whose measure grows with it. Raises S630 where the closest is farther off than the
    tolerance, a share of the target.
    """
    wide = 1
    while measure(build(wide * step)) < target and wide * step < WIDEST:
        wide *= 2
    narrow = wide // 2
    while narrow + 1 < wide:
        middle = (narrow + wide) // 2
        narrow, wide = (narrow, middle) if measure(build(middle * step)) >= target else (middle, wide)
    tried = {w * step: measure(build(w * step)) for w in (narrow, wide) if w}
    width = min(tried, key=lambda w: abs(tried[w] - target))
    if abs(tried[width] - target) > tolerance * target:
        raise ScanlabError.at(
            "S630",
            f"no width gives {target:,}: {' and '.join(f'{w} gives {n:,}' for w, n in tried.items())}",
            help="choose a smaller step of widths, another depth, or a larger tolerance",
        )
    return build(width), width


def _steps(shape: Shape, batch: int) -> int:
    return batch * prod(shape[1:])


def _attention(queries: Shape, keys: Shape, values: Shape, *_: Any, out_shape: Any = None, **__: Any) -> int:
    return sdpa_flop_count(queries, keys, values)


def _selective_scan(u: Shape, *arguments: Any, out_shape: Any = None, **_: Any) -> int:
    # delta, A, B, C, D, bias, weights, steps
    states, steps = arguments[1][2], arguments[7]
    return _steps(steps, u[0]) * u[-1] * (SCAN_FLOPS * states + (2 if arguments[4] is not None else 0))


def _causal_convolution(x: Shape, weight: Shape, *arguments: Any, out_shape: Any = None, **_: Any) -> int:
    return _steps(arguments[1], x[0]) * x[-1] * 2 * weight[-1]


def _ssd(x: Shape, *arguments: Any, out_shape: Any = None, **_: Any) -> int:
    # dt, decay, B, C, D, weights, steps
    states, steps = arguments[2][-1], arguments[6]
    return _steps(steps, x[0]) * prod(x[-2:]) * (6 * states + (2 if arguments[4] is not None else 0))
