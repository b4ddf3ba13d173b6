"""While somebody types, what they have not finished is no mistake yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

__all__ = ["Rest"]

# Seconds without a key after which typing rests.
REST = 0.6


class Rest:
    """Holds back what would disturb somebody who types, until typing rests; the newest key forgets what waits."""

    def __init__(self) -> None:
        self._until = 0.0
        self._waiting: list[Callable[[], Any]] = []
        self._timer: asyncio.TimerHandle | None = None

    def typed(self) -> None:
        """Somebody types: typing rests only after this."""
        self._until = asyncio.get_running_loop().time() + REST

    def forget(self) -> None:
        """Let nothing come of what waits."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def hold(self, action: Callable[[], Any]) -> None:
        """Do something once typing rests, after what waits already; at once where it rests."""
        loop = asyncio.get_running_loop()
        if loop.time() >= self._until and not self._waiting:
            action()
            return
        self._waiting.append(action)
        if self._timer is None:
            self._timer = loop.call_at(self._until, self._release)

    def _release(self) -> None:
        self._timer = None
        waiting, self._waiting = self._waiting, []
        for action in waiting:
            action()
