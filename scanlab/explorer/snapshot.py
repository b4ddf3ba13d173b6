"""What a text means on a grid: the paths to draw, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

from scanlab.compiler.bind import CompiledPlan, CompiledScan, bind
from scanlab.facade import as_value
from scanlab.ir.diagnostics import CounterExample, Diagnostic, ScanlabError, Source
from scanlab.ir.values import Value, orders_of
from scanlab.language.library import library_templates
from scanlab.language.module import read_module
from scanlab.library_index import USUAL_GRIDS
from scanlab.view.scene import PathScene, scenes_of

__all__ = ["MOST_SUBJECTS", "Snapshot", "Subject", "snapshot"]

MOST_SUBJECTS = 6
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
    """What can be shown of a text. names: all definitions that stand alone; subjects: those that are shown."""

    names: tuple[str, ...]
    subjects: tuple[Subject, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def counterexample(self) -> CounterExample | None:
        """The first grid with patches that show why something is wrong."""
        return next((d.counterexample for d in self.diagnostics if d.counterexample), None)


def snapshot(text: str, grid: tuple[int, ...] = (), names: tuple[str, ...] = (), file: str = "<text>") -> Snapshot:
    """Read a text and bind what it defines.

    text: definitions as in a .scan file, or one line such as `by h, ~w` or `cross`. grid: the extents, for definitions
    with as many axes; others get a usual grid. names: which definitions are shown, by default the last; at most
    MOST_SUBJECTS. Never raises for what a text says: that is in the diagnostics, sorted by place.
    """
    found, problems = _definitions(text, file)
    wanted = [name for name in names if name in found] or list(found)[-1:]
    subjects = []
    left = MOST_PATCHES
    for name in wanted[:MOST_SUBJECTS]:
        try:
            subject = _subject(name, found[name], grid, left)
            left -= sum(scene.patches for scene in subject.scenes)
            subjects.append(subject)
        except ScanlabError as error:
            problems += error.diagnostics
    ordered = sorted(dict.fromkeys(problems), key=Diagnostic.sort_key)
    return Snapshot(tuple(found), tuple(subjects), tuple(ordered))


def _definitions(text: str, file: str) -> tuple[dict[str, Value], list[Diagnostic]]:
    if _DEFINES.search(text):
        try:
            module = read_module(Source(text, file), library_templates)
        except ScanlabError as error:
            return {}, list(error.diagnostics)
        return {d.name: d.value for d in module.definitions if d.value is not None}, list(module.problems)
    if not text.strip():
        return {}, []
    try:
        value = as_value(text.strip())
    except ScanlabError as error:
        return {}, list(error.diagnostics)
    # Under its own text where it has no name, as everywhere else.
    named = value if value.name else replace(value, name=text.strip())
    return {named.name: named}, []


def _subject(name: str, value: Value, grid: tuple[int, ...], left: int) -> Subject:
    extents = grid if len(grid) == len(value.axes) else USUAL_GRIDS[len(value.axes)]
    paths = sum(1 for _ in _orders(value))
    if prod(extents) * paths > left:
        raise ScanlabError.at(
            "S504",
            f"{prod(extents) * paths:,} patches of {name} are too many to draw here",
            note=f"all paths together may have {MOST_PATCHES:,}",
            help="choose a smaller grid, or fewer strategies",
        )
    bound = bind(value, extents)
    scans = bound.scans if isinstance(bound, CompiledPlan) else (bound,)
    scenes = [replace(scene, group=name) for scan in scans for scene in scenes_of(scan)]
    return Subject(name, value, extents, scans, tuple(scenes))


def _orders(value: Value) -> Iterator[object]:
    return orders_of(value)
