"""The strategy library for the gallery: its entries by system, and a thumbnail of each."""

from __future__ import annotations

from functools import cache
from typing import Any

from nicegui import app
from starlette.responses import JSONResponse, Response

from scanlab.explorer.workers import WorkerFailed, Workers
from scanlab.library_index import digest, read_index

__all__ = ["entries", "serve_gallery"]


def entries() -> list[dict[str, Any]]:
    """What the gallery shows of each definition, in the library's order.

    The system is what stands before the colon of its doc, as in "VMamba: ..."; without one, the file's own name. The
    basic orders and curves belong to nobody, and their docs may have colons of another kind. What takes paths or
    parameters, and so has no picture, comes last.
    """
    version = digest()[:12]
    return [_entry(dict(entry), version) for entry in read_index()["definitions"]]


def _entry(entry: dict[str, Any], version: str) -> dict[str, Any]:
    head, colon, rest = entry["doc"].partition(": ")
    named = colon and len(head.split()) <= 3 and _title(entry["file"]) not in ("Basic", "Curves")
    drawable = bool(entry["form"])
    system = "Helpers" if not drawable else head if named else _title(entry["file"])
    kept = {key: entry[key] for key in ("name", "signature", "kind", "source", "note")}
    picture = f"/scanlab/thumbnail/{entry['name']}.svg?{version}" if drawable else ""
    doc = rest[:1].upper() + rest[1:] if named and drawable else entry["doc"]
    return {**kept, "doc": doc, "system": system, "axes": " ".join(entry["axes"]), "picture": picture}


def _title(file: str) -> str:
    return file.rsplit("/", 1)[-1].removesuffix(".scan").capitalize()


def serve_gallery(workers: Workers) -> None:
    """Serve the entries, and thumbnails as they are asked for, each drawn once."""
    drawn: dict[str, str] = {}

    @cache
    def listed() -> list[dict[str, Any]]:
        definitions = entries()
        order = [*dict.fromkeys(e["system"] for e in definitions if e["picture"]), "Helpers"]
        return sorted(definitions, key=lambda e: order.index(e["system"]))

    @app.get("/scanlab/library.json")
    def library() -> Response:
        return JSONResponse(listed())

    @app.get("/scanlab/thumbnail/{name}.svg")
    async def picture(name: str) -> Response:
        if not any(e["name"] == name and e["picture"] for e in listed()):
            return Response("no such strategy", status_code=404)
        if name not in drawn:
            try:
                drawn[name] = await workers.do("draw_thumbnail", name)
            except WorkerFailed:
                return Response("this strategy could not be drawn", status_code=500)
        # The address holds the library's digest: another library has other addresses.
        headers = {"Cache-Control": "max-age=31536000, immutable"}
        return Response(drawn[name], media_type="image/svg+xml", headers=headers)
