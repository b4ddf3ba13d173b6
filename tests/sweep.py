"""How much a randomised test tries: little in every run, much by `make sweep`, which sets SCANLAB_SWEEP=1.

    @pytest.mark.sweep
    @pytest.mark.parametrize("seeds", chunks(5_000, sweep=100_000), ids=str)
    def test_programs(seeds: range) -> None: ...

Chunks are tests of their own, so that pytest-xdist spreads them over the processors. SCANLAB_SWEEP may also be a
factor such as 0.1, the share of a whole sweep that is tried.
"""

from __future__ import annotations

import os

__all__ = ["chunks", "examples", "sweeping"]


def sweeping() -> float:
    """The share of a whole sweep that is asked for; 0 in an ordinary run."""
    return float(os.environ.get("SCANLAB_SWEEP") or 0)


def examples(usual: int, sweep: int) -> int:
    """The number of examples: ``usual``, or the share of ``sweep`` that is asked for."""
    return max(usual, round(sweep * sweeping())) if sweeping() else usual


def chunks(usual: int, sweep: int, count: int = 10) -> list[range]:
    """The examples, numbered from 0, in ``count`` ranges of about the same length."""
    total = examples(usual, sweep)
    return [range(i * total // count, (i + 1) * total // count) for i in range(count)]
