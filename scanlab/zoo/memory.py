"""How much memory a stretch of work takes at most."""

from __future__ import annotations

import ctypes
import gc
from pathlib import Path

import torch

__all__ = ["PeakMemory"]

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
