"""How much work a call may do: a bound that a busy machine cannot break, as seconds could be."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

__all__ = ["at_most"]


@contextmanager
def at_most(calls: int) -> Iterator[None]:
    """Fail as soon as more functions are called, be they Python's or C's; what never ends is stopped by it, too."""
    left = calls

    def count(frame: FrameType, event: str, _: Any) -> None:
        nonlocal left
        left -= event in ("call", "c_call")
        if left < 0:
            sys.setprofile(None)
            # Not an Exception, which what is tested may catch.
            pytest.fail(f"more than {calls} calls, in {frame.f_code.co_qualname}")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)
