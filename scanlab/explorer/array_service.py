"""Arrays come by HTTP: a message over the page's own connection may not be as large as one."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from typing import Any

from nicegui import app
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from scanlab.explorer.workers import TooLong, WorkerFailed, Workers
from scanlab.ir.diagnostics import Diagnostic

__all__ = ["LIMIT", "MOST_BYTES", "serve_arrays"]

# Seconds that an array may take; bytes that are taken.
LIMIT = 30.0
MOST_BYTES = 8 << 20
# How often a request is asked whether somebody still waits for it.
_WATCH = 0.25


def serve_arrays(workers: Workers) -> None:
    """Serve what is known of an array that is posted: one at a time, and not longer than somebody waits for it."""
    seat = asyncio.Semaphore(1)

    @app.post("/scanlab/array")
    async def array(request: Request) -> Response:
        content = bytearray()
        async for part in request.stream():
            content += part
            if len(content) > MOST_BYTES:
                return _refused(
                    Diagnostic(
                        "S504",
                        f"an array may take {MOST_BYTES >> 20} MB here",
                        help="give it to `scanlab decompile` in a terminal",
                    )
                )
        said = [request.query_params.get(name, "") for name in ("name", "grid", "pick")]
        async with seat:
            asked = asyncio.create_task(workers.do("look_at_array", bytes(content), *said, limit=LIMIT))
            while not asked.done():
                await asyncio.wait({asked}, timeout=_WATCH)
                if not asked.done() and await request.is_disconnected():
                    asked.cancel()
                    return Response(status_code=499)
        try:
            return JSONResponse(asdict(asked.result()))
        except TooLong:
            return _refused(
                Diagnostic(
                    "S514",
                    f"no answer came within {LIMIT:g} seconds",
                    help="give it to `scanlab decompile` in a terminal",
                )
            )
        except WorkerFailed as error:
            print(error, file=sys.stderr, flush=True)
            return _refused(Diagnostic("S515", "the search failed on this array; the terminal says more"))


def _refused(why: Diagnostic) -> Response:
    from scanlab.explorer.renderers.markup import mistakes

    data: dict[str, Any] = {"html": mistakes([why]), "text": "", "grid": (), "ask": "", "choices": ()}
    return JSONResponse(data)
