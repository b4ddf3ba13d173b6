"""Python that makes the same paths: what "copy as Python" copies."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator

from scanlab.explorer.snapshot import Snapshot, Subject
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import Plan, Value
from scanlab.language.library import library_definitions

__all__ = ["as_python"]


def as_python(snapshot: Snapshot) -> str:
    """A script that compiles every strategy that is shown to its grid, under its name as far as Python allows.

    `<name>.indices` int64 [K, L] and `.ranks` int64 [K, P] are those of the explorer; of a plan, those of its scans.
    """
    lines: list[str] = ["import scanlab", ""]
    taken: set[str] = {"scanlab", "grid"}
    for subject in snapshot.subjects:
        name = _variable(subject.name, taken)
        taken.add(name)
        lines += [*_subject(subject, name), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _subject(subject: Subject, name: str) -> Iterator[str]:
    if name != subject.name:
        yield f"# {subject.name}"
    yield f"{name} = scanlab.compile({_made(subject)}, grid={subject.grid!r})"
    if isinstance(subject.value, Plan):
        yield f"print([scan.indices for scan in {name}.scans])  # of each different scan: the patch at each step"
        yield f"print({name}.layer(0).ranks)  # of layer 0: the step of each patch"
        return
    yield f"print({name}.indices)  # int64 {list(subject.scans[0].indices.shape)}: the patch at each step of each path"
    yield f"print({name}.ranks)  # int64 {list(subject.scans[0].ranks.shape)}: the step of each patch"


def _made(subject: Subject) -> str:
    """The strategy as an expression: by its name where the library's is the same, else from its text."""
    if _is_of_library(subject.name, subject.value):
        return f"scanlab.load({subject.name!r})"
    axes = " ".join(subject.value.axes)
    return f"scanlab.parse({str(subject.value)!r}, axes={axes!r})"


def _is_of_library(name: str, value: Value) -> bool:
    if name.split("[", 1)[0] not in library_definitions():
        return False
    from scanlab.facade import load

    try:
        return load(name) == value
    except ScanlabError:
        return False


def _variable(name: str, taken: set[str]) -> str:
    """The name where Python can have it, else what is left of its letters, else "path"."""
    plain = name if _is_plain(name) else re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower()
    if not _is_plain(plain):
        plain = "path"
    while plain in taken:
        plain += "_"
    return plain


def _is_plain(name: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z_]\w{0,30}", name, flags=re.ASCII)) and not keyword.iskeyword(name)
