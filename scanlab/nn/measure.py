"""How large a model is and how much it computes, and models of other kinds made as large."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

import scanlab.ops  # noqa: F401  (tells torch how to count its operators)
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["flop_count", "matched", "parameter_count"]

M = TypeVar("M", bound=nn.Module)
Shape = Sequence[int]
WIDEST = 4096


def parameter_count(model: nn.Module) -> int:
    """Learned numbers in a model."""
    return sum(p.numel() for p in model.parameters())


def flop_count(model: nn.Module, images: Tensor) -> int:
    """Floating-point operations of one forward pass, a multiply-add counted as two.

    Matrix products, convolutions and attention as torch's counter knows them; of a selective scan 9 per step, channel
    and state and 2 for the skip; of the state space dual 6 per step, channel and state (decay, input, output) and 2 for
    the skip; of a convolution along paths 2 per step, channel and tap (scanlab/ops/flops.py). Norms and activations are
    not counted.
    """
    # torch's counter knows the attention kernels of GPUs only.
    formulas: dict[Any, Any] = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention}
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


def _attention(queries: Shape, keys: Shape, values: Shape, *_: Any, out_shape: Any = None, **__: Any) -> int:
    return sdpa_flop_count(queries, keys, values)
