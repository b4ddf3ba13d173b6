"""What the machine could do at best: exponentials that never leave the registers."""

from __future__ import annotations

import numpy as np
from numba import prange

from .caching import kernel
from .elementary import exp2
from .lanes import WIDTH, load, splat, store

__all__ = ["exp2_rate_kernel"]


@kernel(parallel=True, error_model="numpy", nogil=True)
def exp2_rate_kernel(threads, rounds, seeds):
    """rounds times four independent chains of exp2 in each of `threads` threads; seeds float32 [threads, WIDTH]."""
    minus = splat(np.float32(-1))
    for thread in prange(threads):
        a = load(seeds[thread], 0, WIDTH)
        b, c, d = a * a, a * minus, a + a
        for _ in range(rounds):
            a, b, c, d = exp2(a) * minus, exp2(b) * minus, exp2(c) * minus, exp2(d) * minus
        store(seeds[thread], 0, WIDTH, a + b + c + d)
