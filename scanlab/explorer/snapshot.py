"""What a text means on a grid: the paths to draw, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod

from scanlab.compiler.bind import CompiledPlan, CompiledScan
from scanlab.explorer.state import MOST_SUBJECTS
from scanlab.facade import as_value, bound, load
from scanlab.ir.diagnostics import CounterExample, Diagnostic, ScanlabError, Source
from scanlab.ir.values import Value, orders_of
from scanlab.language.library import library_templates
from scanlab.language.module import Module, read_module
from scanlab.library_index import USUAL_GRIDS
from scanlab.view.scene import PathScene, scenes_of

__all__ = ["MOST_SUBJECTS", "Snapshot", "Subject", "defines", "read", "snapshot"]

# All paths of a picture together: four paths over 256x256 patches, a few times over.
MOST_PATCHES = 1_000_000
_DEFINES = re.compile(r"^\s*(grid|order|scan|plan)\b", re.MULTILINE)


@dataclass(frozen=True, eq=False)
class Subject:
    """A strategy on a grid, with one scene for each of its paths."""

    name: str
    value: Value
    grid: tuple[int, ...]
    scans: tuple[CompiledScan, ...]
    scenes: tuple[PathScene, ...]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What can be shown of a text. names: all its definitions that stand alone; subjects: those that are shown, and
    what is shown of the library beside them; text: what was read."""

    names: tuple[str, ...]
    subjects: tuple[Subject, ...]
    diagnostics: tuple[Diagnostic, ...]
    text: str = ""

    @property
    def counterexample(self) -> CounterExample | None:
        """The first grid with patches that show why something is wrong."""
        return next((d.counterexample for d in self.diagnostics if d.counterexample), None)


def snapshot(text: str, grid: tuple[int, ...] = (), names: tuple[str, ...] = (), file: str = "<text>") -> Snapshot:
    """Read a text and bind what it defines.

    text: definitions as in a .scan file, or one line such as `by h, ~w` or `cross`. grid: the extents, for definitions
    with as many axes; others get a usual grid. names: what is shown, of the text or else of the library, by default
    the text's last definition; at most MOST_SUBJECTS. Never raises for what a text says: that is in the diagnostics,
    sorted by place.
    """
    found, problems = _definitions(text, file)
    subjects = []
    left = MOST_PATCHES
    for name in _wanted(names, found)[:MOST_SUBJECTS]:
        try:
            subject = _subject(name, found[name] if name in found else load(name), grid, left)
            left -= sum(scene.patches for scene in subject.scenes)
            subjects.append(subject)
        except ScanlabError as error:
            problems += error.diagnostics
    ordered = sorted(dict.fromkeys(problems), key=Diagnostic.sort_key)
    return Snapshot(tuple(found), tuple(subjects), tuple(ordered), text)


def defines(text: str) -> bool:
    """Whether a text holds definitions, as a .scan file does, and not one line without a name."""
    return _DEFINES.search(text) is not None


def read(text: str, file: str) -> Module:
    """The definitions of a text, with the library's names known."""
    return read_module(Source(text, file), library_templates)


def _wanted(names: tuple[str, ...], found: Mapping[str, Value]) -> list[str]:
    """The names that still mean something; where the text's own are all gone, its last definition comes first."""
    library = library_templates()
    kept = [n for n in dict.fromkeys(names) if n in found or n.split("[", 1)[0] in library]
    return kept if any(n in found for n in kept) or not found else [*list(found)[-1:], *kept]


def _definitions(text: str, file: str) -> tuple[dict[str, Value], list[Diagnostic]]:
    try:
        if defines(text):
            module = read(text, file)
            return {d.name: d.value for d in module.definitions if d.value is not None}, list(module.problems)
        if not text.strip():
            return {}, []
        value = as_value(text.strip())
    except ScanlabError as error:
        return {}, list(error.diagnostics)
    # Under its own text where it has no name, as everywhere else.
    named = value if value.name else replace(value, name=text.strip())
    return {named.name: named}, []


def _subject(name: str, value: Value, grid: tuple[int, ...], left: int) -> Subject:
    extents = grid if len(grid) == len(value.axes) else USUAL_GRIDS[len(value.axes)]
    count = prod(extents) * sum(1 for _ in orders_of(value))
    if count > left:
        raise ScanlabError.at(
            "S504",
            f"{count:,} patches of {name} are too many to draw here",
            note=f"all paths together may have {MOST_PATCHES:,}",
            help="choose a smaller grid, or fewer strategies",
        )
    found = bound(value, extents)
    scans = found.scans if isinstance(found, CompiledPlan) else (found,)
    scenes = [replace(scene, group=name) for scan in scans for scene in scenes_of(scan)]
    return Subject(name, value, extents, scans, tuple(scenes))
