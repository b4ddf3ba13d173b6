"""What links the picture and the panes: the browser asks what a patch comes to, and gets it from a worker process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nicegui import ui

from scanlab.explorer.workers import TooLong, WorkerFailed, Workers

if TYPE_CHECKING:
    from scanlab.explorer.snapshot import Snapshot

__all__ = ["Linked"]

LIMIT = 5.0
# The panes with linked lines: see scanlab.explorer.explaining, which the server does not load.
PANES = ("keys", "expr", "triton", "cpu")


class Linked(ui.element, component="components/linked.js"):
    """Answers what the browser asks of the snapshot that is shown; `reach` gets a patch and a path that the table of
    indices is to turn to. What is of another snapshot by now gets no answer."""

    def __init__(self, workers: Workers, reach: Callable[[int, int], Any]) -> None:
        super().__init__()
        self._workers = workers
        self._snapshot: Snapshot | None = None
        self._version = ""
        self._patches: list[int] = []
        self.on("ask", lambda event: self._answer("explain", "answer", event.args, self._asked))
        self.on("line", lambda event: self._answer("line_steps", "mark", event.args, self._line))
        self.on("reach", lambda event: self._reach(event.args, reach))

    def follow(self, snapshot: Snapshot, version: str) -> None:
        """What is shown now; version: which text and grid it is of."""
        self._snapshot, self._version = snapshot, version
        # The patches of each path's grid: what a browser asks must be one of them.
        self._patches = [scene.patches for subject in snapshot.subjects for scene in subject.scenes]

    def _asked(self, fields: dict[str, Any]) -> tuple[Any, ...] | None:
        patches, own, panes = fields.get("patches"), fields.get("own"), fields.get("panes")
        if not isinstance(patches, list) or len(patches) != len(self._patches) or not isinstance(panes, list):
            return None
        fits = all(isinstance(p, int) and -1 <= p < most for p, most in zip(patches, self._patches, strict=True))
        known = tuple(pane for pane in PANES if pane in panes)
        return (patches, own, known) if fits and isinstance(own, int) else None

    def _line(self, fields: dict[str, Any]) -> tuple[Any, ...] | None:
        numbers = [fields.get(name) for name in ("part", "line", "scene", "patch")]
        if fields.get("pane") not in PANES or not all(isinstance(n, int) and n >= 0 for n in numbers):
            return None
        scene, patch = numbers[2], numbers[3]
        assert isinstance(scene, int) and isinstance(patch, int), "all of them were looked at"
        return (fields["pane"], *numbers) if self._has(scene, patch) else None

    def _has(self, scene: Any, patch: Any) -> bool:
        whole = isinstance(scene, int) and isinstance(patch, int)
        return whole and 0 <= scene < len(self._patches) and 0 <= patch < self._patches[scene]

    async def _answer(self, task: str, method: str, message: Any, read: Callable[[dict[str, Any]], Any]) -> None:
        fields = message if isinstance(message, dict) else {}
        version, snapshot, asked = self._version, self._snapshot, read(fields)
        answer = None
        if asked is not None and fields.get("of") == version and snapshot is not None:
            try:
                answer = await self._workers.do(task, version, None, *asked, limit=LIMIT)
                if answer is None:
                    answer = await self._workers.do(task, version, snapshot, *asked, limit=LIMIT)
            except TooLong:
                answer = None
            except WorkerFailed as error:
                print(error, file=sys.stderr, flush=True)
        # Also where there is none: the browser waits for one answer before it asks for the next.
        if not self.is_deleted:
            self.run_method(method, fields.get("turn"), version, answer)

    async def _reach(self, message: Any, reach: Callable[[int, int], Any]) -> None:
        fields = message if isinstance(message, dict) else {}
        if fields.get("of") == self._version and self._has(fields.get("scene"), fields.get("patch")):
            await reach(fields["patch"], fields["scene"])
