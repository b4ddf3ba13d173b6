"""From a compiled scan to the table of steps that an operator follows.

A sequence is the steps that share one state: one path, or the paths of a `chain` one after the other. A segment is a
part of a sequence with the parameters of one path and without a restart inside; chunks are segments cut to at most
CHUNK steps. Restarts and chains exist only in these two tables, so the step loops of the kernels need no flags.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from scanlab.compiler.bind import CompiledScan
from scanlab.compiler.tracks import Track, reset_steps, token_names, tracks
from scanlab.ir.diagnostics import ScanlabError
from scanlab.kernels.columns import CARRY, FIRST, LAST, PATH, SEGMENT_COLUMNS, SEQUENCE
from scanlab.ops.marks import untraced
from scanlab.ops.modes import adopted, nobody_looks_on, outside_modes, readable
from scanlab.ops.partition import CHUNK, Chunks, cut
from scanlab.ops.soundness import check_table
from scanlab.renamed import renamed_fields

__all__ = [
    "CHECKPOINT_COUNT",
    "CHUNK",
    "PATH_COUNT",
    "TABLE",
    "Packed",
    "PathTable",
    "packed",
    "path_table",
    "unpacked",
]


@renamed_fields(runs="segments", slots="checkpoints", tracks="sequences")
@dataclass(frozen=True, eq=False)
class PathTable:
    """What each sequence visits, step by step.

    steps int32 [Bt, T, S]: the row of u that each step reads and writes; -1 after a sequence's end. Bt is 1, or one
    table per sample. Rows below `grid_size` are patches; after them stand the virtual tokens, in the order of `tokens`.
    segments int32 [R, 5], on the CPU: (sequence, path, first step, last step + 1, carry), in order of sequence and
    step, where paths rise and each is of one sequence; carry is 1 where the state goes on from the segment before, 0
    where it starts from zero. The columns of this and every other table have names in scanlab/kernels/columns.py.
    paths: K. checkpoints: how many states a forward pass keeps for its backward, one per chunk that goes on from
    another. revisits: some sequence visits a row twice. complete: every sequence visits every row. disjoint: no row is
    visited twice, by whichever sequences. program: the name of the generated function that gives the row of a step, ""
    where only the table does.

    Kernels read and write where a table tells them to. Those that this package makes are sound. One that is made or
    changed by hand (PathTable(…), dataclasses.replace, steps or segments altered in place) is checked before it is
    used, once, and refused with S713; its program is dropped. What torch does not see (writing through .numpy() or
    .data) is not seen here either.

    >>> import scanlab
    >>> table = path_table(scanlab.compile(scanlab.parse("sum((by h, w), -(by h, w))", "h w"), (2, 2)))
    >>> table.steps.tolist(), table.segments.tolist()
    ([[[0, 1, 2, 3], [3, 2, 1, 0]]], [[0, 0, 0, 4, 0], [1, 1, 0, 4, 0]])
    """

    steps: Tensor
    segments: Tensor
    grid_size: int
    paths: int
    checkpoints: int
    tokens: tuple[str, ...] = ()
    revisits: bool = False
    complete: bool = True
    disjoint: bool = False
    program: str = ""
    # The versions of steps and segments that are known to be sound; not copied by dataclasses.replace.
    _sound: tuple[int, int] | None = field(default=None, init=False, repr=False)
    _copy: tuple[tuple[int, int], PathTable] | None = field(default=None, init=False, repr=False)
    # Parts, and their segments and checkpoints: the latter are the same for every copy of the steps.
    _parts: dict[tuple[int, int], PathTable] = field(default_factory=dict, init=False, repr=False)
    _plans: dict[tuple[int, int], tuple[Tensor, int]] = field(default_factory=dict, init=False, repr=False)
    _continued: dict[str, PathTable] = field(default_factory=dict, init=False, repr=False)
    _chunks: Chunks | None = field(default=None, init=False, repr=False)

    @property
    def sound(self) -> bool:
        """Whether this table was made here, or checked, and has not been altered in place since."""
        if torch.compiler.is_compiling():
            return self._sound is not None
        return self._sound is not None and self._sound == _versions(self)

    def checked(self) -> PathTable:
        """This table if it is sound, else a copy that is: made once, and again after a change. Raises S713."""
        if self.sound or readable(self.steps) is None:
            return self
        versions = _versions(self)
        if self._copy is None or self._copy[0] != versions or -1 in versions:
            claims = {"revisits": self.revisits, "complete": self.complete, "disjoint": self.disjoint}
            with outside_modes():
                steps, segments = self.steps.detach().clone(), self.segments.detach().clone()
                check_table(steps, segments, self.length, self.paths, self.checkpoints, claims)
                copy = vouched(replace(self, steps=steps, segments=segments, program=""))
            object.__setattr__(self, "_copy", (versions, copy))
            return copy
        return self._copy[1]

    @property
    def length(self) -> int:
        """L: patches and virtual tokens together."""
        return self.grid_size + len(self.tokens)

    @property
    def sequences(self) -> int:
        """T."""
        return self.steps.shape[1]

    @property
    def visits_each_once(self) -> bool:
        """Every sequence visits every row once."""
        return self.complete and not self.revisits

    @property
    def permutations(self) -> bool:
        """Every path is a sequence of its own that visits every row once; those of a chain may leave rows to others."""
        return self.complete and not self.revisits and self.paths == self.sequences

    @property
    def chunks(self) -> Chunks:
        """The segments cut to at most CHUNK steps."""
        if self._chunks is None:
            object.__setattr__(self, "_chunks", cut(self.segments, self.sequences))
        return self._chunks  # pyright: ignore

    def to(self, device: torch.device | str) -> PathTable:
        """The same table with its steps on a device; the segments stay on the CPU, which plans with them."""
        if self.steps.device == torch.device(device):
            return self
        with outside_modes():
            return self.over(self.steps.to(device))

    def over(self, steps: Tensor) -> PathTable:
        """The same table with a copy of its steps in their place, as sound as this one."""
        moved = replace(self, steps=steps)
        if not self.sound:
            return moved
        object.__setattr__(moved, "_plans", self._plans)
        return vouched(moved)

    def scrambled(self, seed: int) -> PathTable:
        """The same sequences over a grid whose patches were shuffled.

        Numbers of paths, reversals, restarts, tokens and merges stay; which patches are neighbours becomes random. The
        permutation depends on the seed and the grid's size only. Virtual tokens keep their places.
        """
        sound = self.checked()
        shuffled = np.random.RandomState(seed).permutation(self.grid_size)
        names = np.concatenate([shuffled, np.arange(self.grid_size, self.length)])
        renamed = torch.from_numpy(names.astype(np.int32)).to(self.steps.device)
        steps = torch.where(sound.steps < 0, sound.steps, renamed[sound.steps.long()])
        return _like(self, steps=steps, program="")

    def without_memory(self) -> PathTable:
        """The same steps with the state zeroed before each of them, so that no patch depends on another."""
        segments = self.segments.numpy()
        lengths = segments[:, LAST] - segments[:, FIRST]
        alone = np.repeat(segments, lengths, axis=0)
        alone[:, FIRST] += np.arange(len(alone)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        alone[:, LAST], alone[:, CARRY] = alone[:, FIRST] + 1, 0
        return _like(self, segments=torch.from_numpy(alone), checkpoints=0)

    def part(self, first: int, last: int) -> PathTable:
        """Sequences first to last - 1 alone, each of which is one path; made once."""
        if torch.compiler.is_compiling():
            # A graph is not to change what lies outside of it.
            return _part(self, first, last)
        table = self.checked()
        known = table._parts.get((first, last))
        if known is None:
            with outside_modes():
                known = table._parts[first, last] = _part(table, first, last)
        return known

    def continued(self) -> PathTable:
        """The same steps with a state that goes on into every sequence from before it; made once.

        For calls that give initial states: a forward pass keeps these, too, among its checkpoints. Raises S715 where a
        sequence does not go on: it restarts, or begins with a virtual token.
        """
        table = self if torch.compiler.is_compiling() else self.checked()
        if "table" not in table._continued:
            if torch.compiler.is_compiling():
                from scanlab.ops.marked import MARKED

                return MARKED["_continued"](table)
            with outside_modes():
                table._continued["table"] = _continued(table)
        return table._continued["table"]

    def by_step(self) -> tuple[Tensor, Tensor]:
        """For each step, [T, S]: whose parameters are used (int64), and whether the state is zeroed before (bool)."""
        paths = torch.zeros(self.steps.shape[1:], dtype=torch.long, device="cpu")
        resets = torch.zeros(self.steps.shape[1:], dtype=torch.bool, device="cpu")
        for sequence, path, first, last, carry in self.segments.tolist():
            paths[sequence, first:last] = path
            resets[sequence, first] = not carry
        return paths.to(self.steps.device), resets.to(self.steps.device)


def vouched(table: PathTable) -> PathTable:
    """The table itself, marked as sound: its maker knows that it is."""
    object.__setattr__(table, "_sound", (0, 0) if torch.compiler.is_compiling() else _versions(table))
    return table


def _versions(table: PathTable) -> tuple[int, int]:
    """How often torch has altered steps and segments in place; tensors of inference mode do not count it."""
    steps, segments = table.steps, table.segments
    return -1 if steps.is_inference() else steps._version, -1 if segments.is_inference() else segments._version


def _like(table: PathTable, **changes: Any) -> PathTable:
    """A table that one of its own methods derives, as sound as it is."""
    derived = replace(table, **changes)
    return vouched(derived) if table.sound else derived


@untraced("a table is planned anew for initial states: call its method continued() before")
def _continued(table: PathTable) -> PathTable:
    segments = table.segments.clone()
    restarts = segments[(segments[:, FIRST] > 0) & (segments[:, CARRY] == 0)]
    if len(restarts):
        said = f"a state is given to sequence {int(restarts[0, SEQUENCE])}, which starts anew at step"
        raise ScanlabError.at(
            "S715", f"{said} {int(restarts[0, FIRST])}", help="leave `restart by` out, or give no state"
        )
    # A table of indices has no tokens, and is not looked at: that would wait for a GPU.
    if table.tokens and bool((table.steps[:, :, 0] >= table.grid_size).any()):
        raise ScanlabError.at(
            "S715",
            "a state is given to a sequence that begins with a virtual token, which stands for one image as a whole",
            help="leave the token out, or place it at the end",
        )
    segments[segments[:, FIRST] == 0, CARRY] = 1
    return _like(table, segments=segments, checkpoints=cut(segments, table.sequences).checkpoints)


def _part(table: PathTable, first: int, last: int) -> PathTable:
    known = table._plans.get((first, last))
    if known is None:
        sequence = table.segments[:, SEQUENCE]
        segments = table.segments[(sequence >= first) & (sequence < last)].clone()
        segments[:, SEQUENCE] -= first
        segments[:, PATH] -= first
        known = segments, cut(segments, last - first).checkpoints
        if not torch.compiler.is_compiling():
            table._plans[first, last] = known
    # Whole: what is planned for the steps lies as they do.
    steps, (segments, checkpoints) = table.steps[:, first:last].contiguous(), known
    return _like(table, steps=steps, segments=segments, paths=last - first, checkpoints=checkpoints, program="")


def path_table(scan: CompiledScan, program: str = "") -> PathTable:
    """Lay out the paths of a compiled scan as sequences.

    Every path is a sequence of its own, except that the paths of a `chain` follow one another in one sequence with the
    state carried over. Virtual tokens of the same name are one row of u, whoever visits them and however often.

    >>> import scanlab
    >>> path_table(scanlab.compile("snake", (2, 3))).steps.tolist()
    [[[0, 1, 2, 5, 4, 3]]]
    """
    with outside_modes():
        return vouched(_laid_out(scan, program))


def _laid_out(scan: CompiledScan, program: str) -> PathTable:
    sequences, tokens = tracks(scan), token_names(scan)
    grid_size = int(np.prod(scan.grid))
    segments = torch.from_numpy(_segments(scan, sequences))
    counts = np.stack([np.bincount(sequence.rows, minlength=grid_size + len(tokens)) for sequence in sequences])
    return PathTable(
        steps=torch.from_numpy(_padded([sequence.rows for sequence in sequences]))[None],
        segments=segments,
        grid_size=grid_size,
        paths=len(scan.paths),
        checkpoints=cut(segments, len(sequences)).checkpoints,
        tokens=tokens,
        revisits=bool((counts > 1).any()),
        complete=bool((counts > 0).all()),
        disjoint=bool((counts.sum(0) <= 1).all()),
        program=program,
    )


def _segments(scan: CompiledScan, sequences: Sequence[Track]) -> np.ndarray:
    """The segments of PathTable."""
    segments = []
    for number, sequence in enumerate(sequences):
        start = 0
        for k in sequence.paths:
            length = len(scan.paths[k].sequence)
            bounds = np.unique(np.concatenate([[0], reset_steps(scan.paths[k]), [length]]))
            for first, last in pairwise(bounds):
                carry = first == 0 and start > 0
                segments.append((number, k, start + first, start + last, carry))
            start += length
    return np.array(segments, dtype=np.int32).reshape(-1, SEGMENT_COLUMNS)


def _padded(rows: list[np.ndarray]) -> np.ndarray:
    table = np.full((len(rows), max(map(len, rows))), -1, dtype=np.int32)
    for row, values in zip(table, rows, strict=True):
        row[: len(values)] = values
    return table


TABLE = "Tensor steps, Tensor segments, int[] numbers, str program"
Packed = tuple[Tensor, Tensor, list[int], str]
# The columns of `numbers`, see PathTable; truths are 0 or 1.
PATH_COUNT, CHECKPOINT_COUNT, REVISITS, COMPLETE, SOUND = range(5)


def packed(table: PathTable, like: Tensor | None = None) -> Packed:
    """The arguments that `TABLE` declares, for a call beside a tensor `like` (given where that may be a fake one)."""
    numbers = _numbers(table)
    if nobody_looks_on() and table.sound:
        numbers = _Remembering(numbers)
        numbers.table = table
    steps, segments = table.steps, table.segments
    if like is not None:
        steps, segments = adopted(steps, like), adopted(segments, like)
    return steps, segments, numbers, table.program


def _numbers(table: PathTable) -> list[int]:
    numbers = [0] * 5
    numbers[PATH_COUNT], numbers[CHECKPOINT_COUNT] = table.paths, table.checkpoints
    numbers[REVISITS], numbers[COMPLETE], numbers[SOUND] = int(table.revisits), int(table.complete), int(table.sound)
    return numbers


class _Remembering(list[int]):
    """Numbers that know their table, until torch's dispatcher makes a plain list of them."""

    table: PathTable


def unpacked(arguments: Packed, length: int) -> PathTable:
    """The table again, over `length` rows, virtual tokens included; that these have names may be forgotten.

    Called by the operators themselves, so that a table that was not known to be sound while a graph was made is checked
    when it runs; once for the same tensors. Raises S713.
    """
    steps, segments, numbers, program = arguments
    if isinstance(numbers, _Remembering):
        return numbers.table
    paths, checkpoints = numbers[PATH_COUNT], numbers[CHECKPOINT_COUNT]
    claims = bool(numbers[REVISITS]), bool(numbers[COMPLETE])
    table = PathTable(steps, segments, length, paths, checkpoints, (), *claims, False, program)
    if numbers[SOUND]:
        return table
    known = _CHECKED.get(steps)
    # The table of the last call checks itself anew where its tensors were altered.
    if known is None or not _same(known, table):
        known = _CHECKED[steps] = table
    return known.checked()


# Keyed weakly by the steps.
_CHECKED: WeakTensorKeyDictionary = WeakTensorKeyDictionary()


def _same(known: PathTable, table: PathTable) -> bool:
    names = ("length", "paths", "checkpoints", "revisits", "complete")
    return known.segments is table.segments and all(getattr(known, name) == getattr(table, name) for name in names)
