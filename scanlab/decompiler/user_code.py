"""The user's own code, run because the user named it: it may fail, end the process or never come back."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import shortened

__all__ = ["LONGEST_CALL", "CodeFailed", "CodeTooSlow", "run_user_code"]

T = TypeVar("T")

# Seconds that one call, or one import, may take.
LONGEST_CALL = 20.0


class CodeFailed(Exception):
    """What the code raised, in one line; an error of ScanLab's own stays the cause."""


class CodeTooSlow(CodeFailed):
    """The code was stopped after LONGEST_CALL seconds."""


class _Stopped(BaseException):
    """Passes through `except Exception`, which the code may have around its own loops."""


def run_user_code(task: Callable[[], T]) -> T:
    """What a task returns. Raises CodeFailed for whatever it raises, sys.exit among them, and CodeTooSlow.

    Python code is stopped where it runs in the main thread of a system with timers, as programs and notebooks do;
    a loop inside a compiled extension is not.
    """
    try:
        with _at_most(LONGEST_CALL):
            return task()
    except _Stopped:
        raise CodeTooSlow(f"it took more than {LONGEST_CALL:g} seconds") from None
    except ScanlabError as error:
        raise CodeFailed(error.diagnostics[0].message) from error
    except SystemExit as error:
        raise CodeFailed(f"it ends the program: SystemExit: {error}") from error
    except Exception as error:
        said = shortened(str(error), 200)
        raise CodeFailed(f"it raises {type(error).__name__}{f': {said}' if said else ''}") from error


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_: object) -> None:
        raise _Stopped

    before = signal.signal(signal.SIGALRM, stop)
    # Again and again: code may catch the first one.
    left = signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *left)
        signal.signal(signal.SIGALRM, before)
