"""The lecture, beside the explorer's page: made when it is first asked for."""

from __future__ import annotations

from nicegui import app
from starlette.responses import HTMLResponse, Response

from scanlab.explorer.workers import WorkerFailed, Workers

__all__ = ["LECTURE", "serve_lecture"]

LECTURE = "/scanlab/lecture.html"
_MAKING_S = 60.0


def serve_lecture(workers: Workers) -> None:
    """Serve the page, which needs no other file."""
    made: list[str] = []

    @app.get(LECTURE)
    async def lecture() -> Response:
        if not made:
            try:
                made.append(await workers.do("lecture", limit=_MAKING_S))
            except WorkerFailed:
                return Response("the lecture could not be made", status_code=500)
        return HTMLResponse(made[0])
