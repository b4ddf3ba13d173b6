"""The end of a process whose work is done."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import NoReturn

__all__ = ["STOPPED", "end"]

STOPPED = 130


def end(status: int | str | None) -> NoReturn:
    """End this process: with 130 where Ctrl-C still comes in time, and never killed by it after the work is done.

    While Python takes its modules apart, which lasts longer than most commands, it lets Ctrl-C kill the process. Here
    nothing needs to be taken apart, unless threads or torch's libraries are there, which have ends of their own.
    """
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if isinstance(status, str) or "torch" in sys.modules or len(threading.enumerate()) > 1:
        if interruptible:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.exit(status)
    if interruptible:
        signal.signal(signal.SIGINT, lambda *_: os._exit(STOPPED))
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        # Closed, or its reader has gone.
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status or 0)
