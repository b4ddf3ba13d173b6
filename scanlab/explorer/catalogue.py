"""The strategy library as a catalogue: an entry for each definition, under the system that it belongs to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from scanlab.library_index import Entry, read_index

__all__ = ["HELPERS", "by_system", "entries", "entry_of", "thumbnail_address", "users_of"]

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
    also = [name for name in users_of(entry["name"]) if name != system]
    return {**kept, "doc": doc, "system": system, "axes": " ".join(entry["axes"]), "drawable": drawable, "also": also}


def users_of(name: str) -> list[str]:
    """The systems whose published code visits patches as a definition of the library does, by the audit and SAME_AS."""
    return sorted({*_audited().get(name, ()), *(user.system for user in SAME_AS if user.name == name)}, key=str.lower)


@dataclass(frozen=True)
class User:
    """A system with its own name for an order of the library. source: where its code was read."""

    system: str
    name: str
    source: str


SAME_AS = (User("MedMamba", "cross", "YubiaoYue/MedMamba, commit 37630a4, MedMamba.py: SS2D.forward_corev0"),)
"""Systems outside of the audit, whose code was read; nothing of it was run."""


@cache
def _audited() -> dict[str, set[str]]:
    """The audit's systems by the definition that their code was seen to be the same as."""
    audit = json.loads(files("scanlab.strategies").joinpath("audit.json").read_text(encoding="utf-8"))
    users: dict[str, set[str]] = {}
    for row in audit["rows"]:
        name = (row["library"] or "").removeprefix("the same as ")
        if name:
            users.setdefault(name, set()).add(row["system"])
    return users


def thumbnail_address(name: str, version: str) -> str:
    """The address of a library strategy's picture; version: of the library."""
    return f"/scanlab/thumbnail/{name}.svg?{version}"


def _title(file: str) -> str:
    return file.rsplit("/", 1)[-1].removesuffix(".scan").capitalize()
