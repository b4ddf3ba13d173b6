"""A note on the screen when a first call waits for the compiler."""

from __future__ import annotations

import sys
from functools import cache
from threading import Timer
from typing import Any

from numba.core.event import Event, Listener, register

__all__ = ["announce_compilation"]

PATIENCE_S = 2.0


@cache
def announce_compilation() -> None:
    """From now on, say so when Numba has been compiling a kernel of ScanLab for PATIENCE_S seconds.

    Kernels that come from Numba's cache are quicker.
    """
    register("numba:compile", _Announcer())


class _Announcer(Listener):
    """Numba compiles under a lock, and what a kernel calls within it: only the outermost kernel is announced."""

    def __init__(self) -> None:
        self.timer: Timer | None = None
        self.kernel: Any = None

    def on_start(self, event: Event) -> None:
        data: Any = event.data
        kernel = data["dispatcher"]
        if self.timer is None and str(kernel.py_func.__module__).startswith("scanlab.kernels"):
            name = kernel.py_func.__name__.replace("_", " ").strip()
            self.timer, self.kernel = Timer(PATIENCE_S, _say, (name,)), kernel
            self.timer.daemon = True
            self.timer.start()

    def on_end(self, event: Event) -> None:
        data: Any = event.data
        if self.timer is not None and data["dispatcher"] is self.kernel:
            self.timer.cancel()
            self.timer = self.kernel = None


def _say(name: str) -> None:
    from scanlab.kernels.cpu.caching import not_kept

    kept = "for this process alone" if not_kept() else "once; it is kept on disk"
    print(f"ScanLab: compiling the {name} for this processor, {kept}", file=sys.stderr, flush=True)
