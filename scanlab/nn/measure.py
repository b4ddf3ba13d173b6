"""How large a model is and how much it computes, and models of other kinds made as large."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch._library.simple_registry import singleton
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, _FlopCounterMode, sdpa_flop_count

import scanlab.ops  # noqa: F401  (tells torch how to count its operators)
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["PeakMemory", "counted", "flop_count", "matched", "parameter_count"]

M = TypeVar("M", bound=nn.Module)
Shape = Sequence[int]
WIDEST = 4096


def parameter_count(model: nn.Module) -> int:
    """Learned numbers in a model."""
    return sum(p.numel() for p in model.parameters())


def flop_count(model: nn.Module, images: Tensor) -> int:
    """Floating-point operations of one forward pass, a multiply-add counted as two.

    Matrix products, convolutions, attention and an LSTM's products as torch's counter knows them; of a selective scan 9
    per step, channel and state and 2 for the skip; of the state space dual 6 per step, channel and state (decay, input,
    output) and 2 for the skip; of a convolution along paths 2 per step, channel and tap (scanlab/ops/flops.py). Norms
    and activations are not counted.
    """
    return sum(counted(model, images).get("Global", {}).values())


def counted(model: nn.Module, images: Tensor) -> dict[str, dict[str, int]]:
    """What `flop_count` adds up: of every module by name ("Global" for all) the operations of every kind."""
    # torch's counter knows the attention kernels of GPUs only.
    formulas: dict[Any, Any] = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention}
    if hasattr(torch.ops.aten, "mkldnn_rnn_layer"):
        formulas[torch.ops.aten.mkldnn_rnn_layer] = _recurrent
    counter = FlopCounterMode(display=False, custom_mapping=formulas)
    with torch.no_grad(), _uncompiled(), _Unscanned(), counter:
        model(images)
    return {name: {str(kind): n for kind, n in kinds.items()} for name, kinds in counter.flop_counts.items()}


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


class _Unscanned(TorchDispatchMode):
    """Of this package's operators give outputs of the right shape alone, which is all that counting takes: their
    kernels take a second to load, and minutes to compile on a machine that never ran them."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        shaped = singleton.find(func._schema.name).fake_impl.kernel if func.namespace == "scanlab" else None
        return (shaped or func)(*args, **(kwargs or {}))


@contextmanager
def _uncompiled() -> Iterator[None]:
    """Count without torch's compiler, which torch otherwise imports, for seconds, to keep it from what is counted.

    Where it was never imported nothing is being compiled, and there is nothing to keep it from.
    """
    modes = () if "torch._dynamo" in sys.modules else (_FlopCounterMode, _Unscanned)
    guarded = [own for m in modes if (own := getattr(m.__torch_dispatch__, "__wrapped__", None)) is not None]
    for own in guarded:
        own.__dynamo_disable = own
    try:
        yield
    finally:
        for own in guarded:
            del own.__dynamo_disable


def _attention(queries: Shape, keys: Shape, values: Shape, *_: Any, out_shape: Any = None, **__: Any) -> int:
    return sdpa_flop_count(queries, keys, values)


def _recurrent(rows: Shape, inward: Shape, across: Shape, *_: Any, out_shape: Any = None, **__: Any) -> int:
    """One direction of one layer: the products with both matrices at every step."""
    return 2 * rows[0] * rows[1] * (inward[0] * inward[1] + across[0] * across[1])


RESET, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


class PeakMemory:
    """A context; after it, `peak` is the bytes by which memory grew at most within it.

    On a CPU that of the process, None where the system does not tell (not Linux); on a GPU what torch has allocated
    there. One at a time per process: it resets the counter that it reads.
    """

    def __init__(self, device: str = "cpu") -> None:
        self.device = device
        self.peak: int | None = None
        self._before: int | None = None

    def __enter__(self) -> PeakMemory:
        if self.device == "cpu":
            self._before = _process_memory()
        else:
            torch.cuda.reset_peak_memory_stats(self.device)
            self._before = torch.cuda.memory_allocated(self.device)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is None:
            return
        if self.device == "cpu":
            self.peak = max(0, _status("VmHWM") - self._before)
        else:
            self.peak = torch.cuda.max_memory_allocated(self.device) - self._before


def _process_memory() -> int | None:
    """Bytes of this process, its peak reset to them."""
    if not RESET.exists():
        return None
    gc.collect()
    # Have the C library return the memory that it keeps for later, or work would grow into it unseen.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    try:
        RESET.write_text("5", encoding="ascii")
    except OSError:
        return None
    return _status("VmRSS")


def _status(field: str) -> int:
    lines = STATUS.read_text(encoding="ascii").splitlines()
    [line] = [line for line in lines if line.startswith(field)]
    return 1024 * int(line.split()[1])
