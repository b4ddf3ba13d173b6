"""The strategy library as a catalogue: an entry for each definition, under the system that it belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scanlab.library_index import Entry, read_index

__all__ = ["HELPERS", "by_system", "entries", "entry_of", "thumbnail_address"]

HELPERS = "Helpers"
_OWNERLESS = ("Basic", "Curves")


def entries() -> list[dict[str, Any]]:
    """What a gallery shows of each definition, in the library's order."""
    return [entry_of(entry) for entry in read_index()["definitions"]]


def by_system(catalogue: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries with those of one system together, in the order of their first; helpers come last."""
    listed = list(catalogue)
    order = [*dict.fromkeys(e["system"] for e in listed if e["drawable"]), HELPERS]
    return sorted(listed, key=lambda e: order.index(e["system"]))


def entry_of(entry: Entry) -> dict[str, Any]:
    """What a gallery shows of a definition.

    The system is what stands before the colon of its doc, as in "VMamba: ..."; without one, the file's own name. The
    basic orders and curves belong to nobody, and their docs may have colons of another kind. What takes paths or
    parameters, and so has no picture, is a helper.
    """
    head, colon, rest = entry["doc"].partition(": ")
    named = colon and len(head.split()) <= 3 and _title(entry["file"]) not in _OWNERLESS
    drawable = bool(entry["form"])
    system = HELPERS if not drawable else head if named else _title(entry["file"])
    doc = rest[:1].upper() + rest[1:] if named and drawable else entry["doc"]
    kept = {key: entry[key] for key in ("name", "signature", "kind", "source", "note")}
    return {**kept, "doc": doc, "system": system, "axes": " ".join(entry["axes"]), "drawable": drawable}


def thumbnail_address(name: str, version: str) -> str:
    """The address of a library strategy's picture; version: of the library."""
    return f"/scanlab/thumbnail/{name}.svg?{version}"


def _title(file: str) -> str:
    return file.rsplit("/", 1)[-1].removesuffix(".scan").capitalize()
