"""The strategy library for the explorer's gallery: its entries, and a thumbnail of each, drawn once."""

from __future__ import annotations

from functools import cache
from typing import Any

from nicegui import app
from starlette.responses import JSONResponse, Response

from scanlab.explorer.catalogue import by_system, entries, thumbnail_address
from scanlab.explorer.workers import WorkerFailed, Workers
from scanlab.library_index import digest

__all__ = ["serve_gallery"]


def serve_gallery(workers: Workers) -> None:
    """Serve the entries, and thumbnails as they are asked for, each drawn once."""
    drawn: dict[str, str] = {}

    @cache
    def listed() -> list[dict[str, Any]]:
        version = digest()[:12]
        pictures = {e["name"]: thumbnail_address(e["name"], version) for e in entries() if e["drawable"]}
        return [{**e, "picture": pictures.get(e["name"], "")} for e in by_system(entries())]

    @app.get("/scanlab/library.json")
    def library() -> Response:
        return JSONResponse(listed())

    @app.get("/scanlab/thumbnail/{name}.svg")
    async def picture(name: str) -> Response:
        if not any(e["name"] == name and e["drawable"] for e in listed()):
            return Response("no such strategy", status_code=404)
        if name not in drawn:
            try:
                drawn[name] = await workers.do("draw_thumbnail", name)
            except WorkerFailed:
                return Response("this strategy could not be drawn", status_code=500)
        # The address holds the library's digest: another library has other addresses.
        headers = {"Cache-Control": "max-age=31536000, immutable"}
        return Response(drawn[name], media_type="image/svg+xml", headers=headers)
