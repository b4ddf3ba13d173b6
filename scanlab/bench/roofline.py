"""Two limits of this machine, measured: how fast memory is copied, and how many exponentials a second it computes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from scanlab.bench.timing import in_turns
from scanlab.bench.workloads import Size
from scanlab.kernels.cpu.lanes import WIDTH
from scanlab.kernels.cpu.roofline import exp2_rate_kernel
from scanlab.ops.numba_runtime import kernel_threads

__all__ = ["Roofline", "measure_roofline"]


@dataclass(frozen=True)
class Roofline:
    """copy_gb_s: bytes read and written, in 10^9 a second. exp2_g_s: 10^9 exponentials a second. threads: in use."""

    copy_gb_s: float
    exp2_g_s: float
    threads: int

    def shortest_ms(self, size: Size) -> float:
        """How long a float32 forward pass takes at least: its exponentials (two for each softplus), or its bytes."""
        rows = size.samples * size.length * size.channels
        exponentials = rows * size.paths * (size.states + 2)
        moved = 4 * (rows * (2 + size.paths) + 2 * size.samples * size.paths * size.length * size.states)
        return 1e-6 * max(exponentials / self.exp2_g_s, moved / self.copy_gb_s)


def measure_roofline(budget_s: float = 1.0) -> Roofline:
    """Copy 128 MB, and chain exponentials in registers, with as many threads as torch uses."""
    threads, rounds = torch.get_num_threads(), 200_000
    source, target = torch.zeros(1 << 25), torch.empty(1 << 25)
    seeds = np.full((threads, WIDTH), 0.5, dtype=np.float32)

    def exponentials_of_all() -> None:
        with kernel_threads():
            exp2_rate_kernel(threads, rounds, seeds)

    times = in_turns({"copy": lambda: target.copy_(source), "exp2": exponentials_of_all}, budget_s)
    exponentials = 4 * rounds * WIDTH * threads
    return Roofline(
        2 * source.nbytes / times["copy"].median_ms / 1e6, exponentials / times["exp2"].median_ms / 1e6, threads
    )
