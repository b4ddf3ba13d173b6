"""One patch worked out in everything that a page shows of it: keys, index expressions, path functions, line by line.

A worker process does this, and remembers the texts that it was asked of last, so that a question needs few bytes.
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from scanlab.codegen.stepping import LineValue, expression_lines, function_lines, same_value_steps
from scanlab.compiler.tracks import Track, tracks
from scanlab.compiler.worked_keys import WorkedKeys
from scanlab.explorer.renderers.linked import Part, Scene, code_parts, expression_parts, key_parts, scenes_of
from scanlab.explorer.snapshot import Snapshot

__all__ = ["PANES", "explain", "line_steps"]

PANES = ("keys", "expr", "triton", "cpu")
"""The panes that have linked lines."""

MOST_KEPT = 4
# A line in a loop gives a value in each round; so many of them are shown.
MOST_ROUNDS = 8

Explained = dict[str, list[dict[str, Any]]]


@dataclass(eq=False)
class _Known:
    """A snapshot with what has been computed of it."""

    snapshot: Snapshot
    _parts: dict[str, list[Part]] = field(default_factory=dict)
    _keys: dict[int, WorkedKeys] = field(default_factory=dict)
    _tables: dict[int, tuple[tuple[Track, ...], np.ndarray]] = field(default_factory=dict)

    @cached_property
    def scenes(self) -> tuple[Scene, ...]:
        return scenes_of(self.snapshot)

    def parts(self, pane: str) -> list[Part]:
        if pane not in self._parts:
            self._parts[pane] = list(_PARTS[pane](self.snapshot))
        return self._parts[pane]

    def keys(self, scene: Scene) -> WorkedKeys:
        if scene.number not in self._keys:
            path = scene.path
            self._keys[scene.number] = WorkedKeys(path.order, path.grid, path.indices)
        return self._keys[scene.number]

    def table(self, scene: Scene) -> tuple[tuple[Track, ...], np.ndarray]:
        """The sequences of a scene's scan, and the table that its path function may look into, int32 [T, S]."""
        first = scene.number - scene.place
        if first not in self._tables:
            sequences = tracks(scene.scan)
            table = np.full((len(sequences), max(len(s.rows) for s in sequences)), -1, dtype=np.int32)
            for row, sequence in zip(table, sequences, strict=True):
                row[: len(sequence.rows)] = sequence.rows
            self._tables[first] = sequences, table
        return self._tables[first]


_PARTS: Mapping[str, Any] = MappingProxyType(
    {
        "keys": key_parts,
        "expr": expression_parts,
        "triton": lambda snapshot: code_parts(snapshot, "triton"),
        "cpu": lambda snapshot: code_parts(snapshot, "cpu"),
    }
)
_kept: OrderedDict[str, _Known] = OrderedDict()


def explain(
    version: str, shown: Snapshot | None, patches: Sequence[int], own: int, panes: Sequence[str]
) -> Explained | None:
    """For each pane, its parts with what every line comes to; None where the version is not known, and not given.

    patches: for each scene the patch that is worked out, -1 for none. own: the scene that the page looks at: where a
    part is of several, its lines are of that one. A part is {"at": what it is of, "scene", "lines": [[line, words,
    whether it is of the scene, first step, last step], …]}; the steps are those of keys, -1 elsewhere.
    """
    known = _known(version, shown)
    if known is None:
        return None
    return {pane: [_explained(known, pane, part, patches, own) for part in known.parts(pane)] for pane in panes}


def line_steps(
    version: str, shown: Snapshot | None, pane: str, number: int, line: int, scene: int, patch: int
) -> dict[str, Any] | None:
    """The steps of a scene at which a line comes to the same as at a patch: {"scene", "steps": base64 of bits, lowest
    first}; None where the version is not known."""
    known = _known(version, shown)
    if known is None:
        return None
    part, of = known.parts(pane)[number], known.scenes[scene]
    step = int(of.path.ranks[patch])
    bits = np.zeros(len(of.path.indices), dtype=bool)
    if step >= 0:
        bits[_same_steps(known, part, pane, line, of, step)] = True
    return {"scene": scene, "steps": base64.b64encode(np.packbits(bits, bitorder="little").tobytes()).decode("ascii")}


def _known(version: str, shown: Snapshot | None) -> _Known | None:
    if version not in _kept:
        if shown is None:
            return None
        _kept[version] = _Known(shown)
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    _kept.move_to_end(version)
    return _kept[version]


def _explained(known: _Known, pane: str, part: Part, patches: Sequence[int], own: int) -> dict[str, Any]:
    """One part: the lines of its own scene first, and of the others those that it does not reach."""
    ordered = sorted(part.scenes, key=lambda scene: scene.number != own)
    lines: dict[int, list[Any]] = {}
    for scene in ordered[: 1 if pane == "keys" else None]:
        if 0 <= patches[scene.number] < len(scene.path.ranks):
            for line, *rest in _lines(known, pane, part, scene, patches[scene.number]):
                lines.setdefault(line, [line, rest[0], scene is ordered[0], *rest[1:]])
    if not ordered:
        return {"at": "", "scene": -1, "lines": []}
    at = _place(ordered[0], patches[ordered[0].number])
    return {"at": at, "scene": ordered[0].number, "lines": sorted(lines.values())}


def _place(scene: Scene, patch: int) -> str:
    path = scene.path
    if not 0 <= patch < len(path.ranks):
        return ""
    where = ", ".join(
        f"{axis} {int(at)}" for axis, at in zip(path.axes, np.unravel_index(patch, path.grid), strict=True)
    )
    step = int(path.ranks[patch])
    visited = f"step {step:,}" if step >= 0 else "not visited"
    return f"at ({where}), patch {patch:,}: {visited} of {path.label}"


def _lines(known: _Known, pane: str, part: Part, scene: Scene, patch: int) -> Iterator[tuple[int, str, int, int]]:
    step = int(scene.path.ranks[patch])
    if pane == "keys":
        for line, key in enumerate(known.keys(scene).at(patch), 1):
            yield line, key.words, key.first, key.last
    elif step >= 0:
        values = _values(known, part, pane, scene, step)
        for line in dict.fromkeys(value.line for value in values):
            yield line, _words([value for value in values if value.line == line]), -1, -1


def _values(known: _Known, part: Part, pane: str, scene: Scene, step: int) -> tuple[LineValue, ...]:
    if pane == "expr":
        return expression_lines(part.text, step, scene.path.indices)
    table, sequence, steps = _called(known, scene)
    return function_lines(part.text, table, sequence, int(steps[step]))


def _called(known: _Known, scene: Scene) -> tuple[np.ndarray, int, np.ndarray]:
    """What a path function is called with for the patches of a path: the table, the number of its sequence, and int64
    [L] the steps of that, which count tokens and the paths before it, too."""
    sequences, table = known.table(scene)
    [number] = [n for n, sequence in enumerate(sequences) if scene.place in sequence.paths]
    paths = sequences[number].paths
    before = sum(len(scene.scan.paths[k].sequence) for k in paths[: paths.index(scene.place)])
    return table, number, before + np.flatnonzero(scene.path.sequence >= 0)


def _same_steps(known: _Known, part: Part, pane: str, line: int, scene: Scene, step: int) -> np.ndarray:
    if pane == "expr":
        return same_value_steps(part.text, line, step, len(scene.path.indices), scene.path.indices)
    table, sequence, steps = _called(known, scene)
    length = len(known.table(scene)[0][sequence].rows)
    return np.flatnonzero(np.isin(steps, same_value_steps(part.text, line, int(steps[step]), length, table, sequence)))


def _words(values: list[LineValue]) -> str:
    """What one line comes to; in a loop the values of all rounds."""
    names = dict.fromkeys(value.name for value in values)
    if len(values) == 1:
        return _one(values[0])
    rounds = []
    for name in names:
        of = [value.value for value in values if value.name == name]
        shown = ", ".join(map(str, of[:MOST_ROUNDS])) + (", …" if len(of) > MOST_ROUNDS else "")
        rounds.append(shown if len(names) == 1 else f"{name}: {shown}")
    return "; ".join(rounds)


def _one(value: LineValue) -> str:
    if value.name == "if":
        return f"{value.filled}: {'yes' if value.value else 'no'}"
    return value.filled if value.filled == str(value.value) else f"{value.filled} = {value.value}"
