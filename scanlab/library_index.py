"""What ``scanlab list`` prints, computed ahead: ``strategies/index.json``, valid for the files it was made from only.

``python -m scanlab.library_index`` writes it anew. Where its digest does not fit the library, the index is computed on
the spot, so it can be stale but never wrong.
"""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from scanlab.places import write_whole

if TYPE_CHECKING:
    from scanlab.language.module import Definition

__all__ = ["Entry", "Index", "build_index", "digest", "read_index"]

USUAL_GRIDS = {1: (64,), 2: (14, 14), 3: (4, 14, 14), 4: (3, 4, 6, 6), 5: (2, 3, 3, 4, 4)}


class Entry(TypedDict):
    """One definition, as ``list`` and ``--json`` show it."""

    name: str
    signature: str
    kind: str
    file: str
    axes: list[str]
    form: str
    proof: str
    doc: str
    source: str
    note: str
    body: str


class Index(TypedDict):
    """All definitions, and the digest of the files they come from."""

    digest: str
    definitions: list[Entry]


def digest() -> str:
    """SHA-256 over the names and bytes of the library's files."""
    total = hashlib.sha256()
    folder = files("scanlab.strategies")
    for file in sorted((f for f in folder.iterdir() if f.name.endswith(".scan")), key=lambda f: f.name):
        total.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return total.hexdigest()


def read_index() -> Index:
    """The stored index if it belongs to the library's files, else a fresh one."""
    stored = files("scanlab.strategies").joinpath("index.json")
    if stored.is_file():
        index: Index = json.loads(stored.read_text(encoding="utf-8"))
        if index["digest"] == digest():
            return index
    return build_index()


def build_index() -> Index:
    """Prove every definition and derive its index form at a usual grid."""
    from scanlab.language.library import library_definitions

    return {"digest": digest(), "definitions": [_entry(d) for d in library_definitions().values()]}


def _entry(definition: Definition) -> Entry:
    from scanlab.compiler.bind import bind
    from scanlab.compiler.prove import prove

    form = proof = ""
    if definition.value is not None:
        grid = USUAL_GRIDS[len(definition.axes)]
        proof = prove(definition.value, grid).verdict
        bound = bind(definition.value, grid)
        scans = bound.scans
        forms = {p.form for s in scans for p in s.paths}
        form = max(forms, key=("affine", "curve", "table").index)
    return {
        "name": definition.name,
        "signature": definition.signature,
        "kind": definition.kind,
        "file": definition.span.source.name,
        "axes": list(definition.axes),
        "form": form,
        "proof": proof,
        "doc": definition.doc,
        "source": definition.source,
        "note": definition.note,
        "body": definition.body,
    }


def main() -> None:
    """Write ``index.json`` beside the library's files, whole or not at all."""
    target = Path(str(files("scanlab.strategies").joinpath("index.json")))
    text = json.dumps(build_index(), indent=1, ensure_ascii=False) + "\n"
    write_whole(target, text.encode(), mode=None)
    print(f"wrote {target}")


if __name__ == "__main__":
    main()
