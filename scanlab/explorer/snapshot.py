"""What a text means on a grid: the paths to draw, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod

from scanlab.compiler.bind import CompiledPlan, CompiledScan
from scanlab.compiler.layout import layers_text
from scanlab.explorer.state import MOST_PATCHES, MOST_SUBJECTS
from scanlab.facade import as_definition, as_value, bound, load
from scanlab.ir.diagnostics import CounterExample, Diagnostic, ScanlabError, Source
from scanlab.ir.values import Plan, Scan, Value, orders_of
from scanlab.language.library import library_templates
from scanlab.language.module import Definition, Module, read_module
from scanlab.library_index import USUAL_GRIDS
from scanlab.view.scene import PathScene, scenes_of

__all__ = ["MOST_PATCHES", "MOST_SUBJECTS", "Snapshot", "Subject", "defines", "definition_of", "read", "snapshot"]

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
    what is shown of the library beside them; text: what was read; requested: the names of those that were to be
    shown, of which some may have a mistake or be too large to draw."""

    names: tuple[str, ...]
    subjects: tuple[Subject, ...]
    diagnostics: tuple[Diagnostic, ...]
    text: str = ""
    requested: tuple[str, ...] = ()

    def is_of_library(self, name: str) -> bool:
        """Whether what is shown under a name is the library's, beside what the text defines."""
        return bool(self.names) and name not in self.names

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
    definitions, problems = _definitions(text, file)
    subjects = []
    left = MOST_PATCHES
    requested = _requested(names, definitions)[:MOST_SUBJECTS]
    for name in requested:
        try:
            subject = _subject(name, definitions[name] if name in definitions else load(name), grid, left)
            left -= sum(scene.patches for scene in subject.scenes)
            subjects.append(subject)
        except ScanlabError as error:
            problems += error.diagnostics
    ordered = sorted(dict.fromkeys(problems), key=Diagnostic.sort_key)
    return Snapshot(tuple(definitions), tuple(subjects), tuple(ordered), text, tuple(requested))


def defines(text: str) -> bool:
    """Whether a text holds definitions, as a .scan file does, and not one line without a name."""
    return _DEFINES.search(text) is not None


def read(text: str, file: str) -> Module:
    """The definitions of a text, with the library's names known."""
    return read_module(Source(text, file), library_templates)


def definition_of(text: str, name: str) -> Definition | None:
    """What is shown under a name, with its text and claims: of a text, or else of the library; None for neither."""
    try:
        own = {d.name: d for d in read(text, "<text>").definitions} if defines(text) else {}
        return own[name] if name in own else as_definition(name)
    except ScanlabError:
        return None


def _requested(names: tuple[str, ...], definitions: Mapping[str, Value]) -> list[str]:
    """The names that still mean something; where the text's own are all gone, its last definition comes first."""
    library = library_templates()
    kept = [n for n in dict.fromkeys(names) if n in definitions or n.split("[", 1)[0] in library]
    return kept if any(n in definitions for n in kept) or not definitions else [*list(definitions)[-1:], *kept]


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
    compiled = bound(value, extents)
    scans = compiled.scans
    parts = [_part(compiled.plan, scan.scan) if isinstance(compiled, CompiledPlan) else "" for scan in scans]
    scenes = [
        replace(scene, group=name, part=part)
        for scan, part in zip(scans, parts, strict=True)
        for scene in scenes_of(scan)
    ]
    return Subject(name, value, extents, scans, tuple(scenes))


def _part(plan: Plan, scan: Scan) -> str:
    """Which scan of a plan this is, and which layers use it: "cross in layers 0, 2, 4, …"."""
    return f"{scan.name or scan} in {layers_text(plan, scan)}"
