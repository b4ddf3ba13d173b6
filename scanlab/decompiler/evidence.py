"""What there is to go by: paths as arrays on some grids, checked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from scanlab.compiler.bind import CLASS_TOKEN, MEAN_TOKEN, CompiledScan
from scanlab.compiler.lattice import MOST_PATCHES
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import grid_of
from scanlab.ir.text import count_text, grid_text
from scanlab.ir.values import MOST_PATHS, Scan

__all__ = ["PAD", "Evidence", "Fault", "evidence_of"]

Grid = tuple[int, ...]
# The steps of every path, int64 [steps] each.
Paths = tuple[np.ndarray, ...]
# A step that reads zeros: what fills up a grid to whole windows.
PAD = -1
_WANTED = "give integers [L], or [K, L] for K paths: the flat row-major number of the patch at every step"
# A path that is longer, filled up to whole windows and with tokens, is of another grid.
PADDED, MOST_TOKENS = 64, 4096
_MARKS = {PAD: "a pad", CLASS_TOKEN: "a class token", MEAN_TOKEN: "a mean token"}


@dataclass(frozen=True)
class Fault:
    """Why a sequence is no order: patches that are read more than once or never, or steps that read a pad, on a grid.

    path: its number, or None for what no path reads. most: how often the patches in `twice` are read at most.
    """

    grid: Grid
    path: int | None
    kind: str
    twice: tuple[int, ...] = ()
    never: tuple[int, ...] = ()
    most: int = 2
    pads: int = 0
    steps: int = 0

    def __str__(self) -> str:
        where = f"on {grid_text(self.grid)}"
        if self.pads:
            return f"{where} {self.pads} of {count_text(self.steps, 'step')} read a pad"
        parts = [
            f"{'patches' if len(numbers) > 1 else 'patch'} {_some(numbers)} {what}"
            for numbers, what in ((self.twice, "twice" if self.most == 2 else "several times"), (self.never, "never"))
            if numbers
        ]
        return f"{where} it reads {' and '.join(parts)}"


def _some(numbers: tuple[int, ...], most: int = 4) -> str:
    shown = ", ".join(map(str, numbers[:most]))
    return f"{shown} and {len(numbers) - most:,} more" if len(numbers) > most else shown


@dataclass(frozen=True)
class Evidence:
    """Sequences by grid, for each of K paths: flat row-major patch numbers, with -1, -2, -3 for pads and tokens.

    scans: the different scans of which these are, where compiled ones were given: they know their merges and restarts.
    """

    sequences: Mapping[Grid, Paths]
    scans: tuple[Scan, ...] = ()

    @property
    def grids(self) -> tuple[Grid, ...]:
        """From the smallest to the largest."""
        return tuple(sorted(self.sequences, key=lambda grid: (math.prod(grid), grid)))

    @property
    def paths(self) -> int:
        """How many paths there are on every grid."""
        return len(next(iter(self.sequences.values())))

    def path(self, number: int, grid: Grid) -> np.ndarray:
        """The patches of a path alone, int64."""
        steps = self.sequences[grid][number]
        return steps[steps >= 0]

    def in_passes(self) -> Evidence | None:
        """Its passes as paths, where one path reads the whole grid several times, pass by pass, on every grid."""
        if self.paths > 1 or self.scans:
            return None
        parted = {divmod(len(steps), math.prod(grid)) for grid, (steps,) in self.sequences.items()}
        count, rest = parted.pop()
        if parted or rest or not 1 < count <= MOST_PATHS:
            return None
        passes = {grid: tuple(np.split(steps, count)) for grid, (steps,) in self.sequences.items()}
        once = (np.array_equal(np.sort(p), np.arange(math.prod(grid))) for grid, paths in passes.items() for p in paths)
        return Evidence(passes) if all(once) else None

    def overlap(self) -> tuple[Grid, int, int, int] | None:
        """The smallest grid on which two paths read one patch, their numbers, and that patch; None where none do."""
        for grid in self.grids:
            reader = np.full(math.prod(grid), -1)
            for number in range(self.paths):
                path = self.path(number, grid)
                shared = path[reader[path] >= 0]
                if len(shared):
                    return grid, int(reader[shared[0]]), number, int(shared[0])
                reader[path] = number
        return None

    def with_more(self, more: Evidence, grids: Iterable[Grid]) -> Evidence:
        """This, and some grids of `more`."""
        sequences = {**self.sequences, **{grid: more.sequences[grid] for grid in grids}}
        return Evidence(sequences, tuple(dict.fromkeys((*self.scans, *more.scans))))

    def faults(self) -> Iterator[Fault]:
        """Steps that read a pad, patches that a path reads more than once, and those that no path reads."""
        for grid in self.grids:
            total = math.prod(grid)
            seen, whole = np.zeros(total, bool), True
            for number, steps in enumerate(self.sequences[grid]):
                path = steps[steps >= 0]
                counts = np.bincount(path, minlength=total)
                seen |= counts > 0
                twice, never = np.flatnonzero(counts > 1), np.flatnonzero(counts == 0)
                if len(twice):
                    kind = "not a permutation"
                    yield Fault(grid, number, kind, tuple(twice.tolist()), tuple(never.tolist()), int(counts.max()))
                    whole = False
                if pads := int((steps == PAD).sum()):
                    yield Fault(grid, number, "padded", pads=pads, steps=len(steps))
            if whole and not seen.all():
                yield Fault(grid, None, "not a permutation", never=tuple(np.flatnonzero(~seen).tolist()))


def evidence_of(given: Mapping[Any, Any]) -> Evidence:
    """Arrays, or compiled scans, by grid, checked: integers, [L] or [K, L], with as many paths on every grid.

    Raises S430 for what is none, S431 for patches that a grid has not, and what `grid_of` raises for grids.
    """
    if not given:
        raise ScanlabError.at("S430", "there is no array", help="give one by grid, as in {(8, 8): array}")
    sequences = {}
    for key, array in given.items():
        grid = grid_of(key)
        if math.prod(grid) > MOST_PATCHES:
            raise ScanlabError.at("S401", f"the grid {grid_text(grid)} has more than {MOST_PATCHES:,} patches")
        compiled = isinstance(array, CompiledScan)
        sequences[grid] = _sequences([path.sequence for path in array.paths] if compiled else array, grid)
    shapes = {grid: len(paths) for grid, paths in sequences.items()}
    if len(set(shapes.values())) > 1 or len({len(grid) for grid in shapes}) > 1:
        listed = ", ".join(f"{count_text(k, 'path')} on {grid_text(grid)}" for grid, k in shapes.items())
        raise ScanlabError.at(
            "S430",
            f"the arrays are not of one scan: {listed}",
            help="give as many paths and axes on every grid",
        )
    scans = dict.fromkeys(array.scan for array in given.values() if isinstance(array, CompiledScan))
    return Evidence(sequences, tuple(scans))


def _sequences(given: Any, grid: Grid) -> Paths:
    """One array, or one per path, as int64 [steps] each. Raises S430 and S431."""
    where, total = f"the array of {grid_text(grid)}", math.prod(grid)
    parts = _parts(given, where)
    if len(parts) > MOST_PATHS:
        paths = f"{where} has {len(parts):,} paths; a scan has at most {MOST_PATHS}"
        help = "give [K, L], one row per path" if len(parts) != total else "it looks like [L, K]: give its transpose"
        raise ScanlabError.at("S430", paths, help=help)
    longest = max(map(len, parts))
    if longest > PADDED * total + MOST_TOKENS:
        steps = f"{where} has {count_text(longest, 'step')} for {count_text(total, 'patch')}"
        raise ScanlabError.at("S430", steps, help="give the grid that the array is for")
    if len(parts) == total > 1 and total > longest and _is_transposed(parts):
        shape = f"{where} is of shape ({total}, {longest}): {total} paths of {count_text(longest, 'step')}"
        raise ScanlabError.at("S430", shape, help="it looks like [L, K]: give its transpose")
    paths = [_whole_numbers(part, where) for part in parts]
    for number, steps in enumerate(paths):
        wrong = np.flatnonzero((steps >= total) | (steps < min(_MARKS)))
        if len(wrong):
            which = f" of path {number}" if len(paths) > 1 else ""
            raise ScanlabError.at(
                "S431",
                f"{where} reads patch {steps[wrong[0]]} at step {wrong[0]}{which}; such a grid has patches "
                f"0 to {total - 1}",
                note="negative numbers stand for " + ", ".join(f"{what} ({n})" for n, what in _MARKS.items()),
                help="give the grid that the array is for, and flat row-major numbers",
            )
        if not (steps >= 0).any():
            raise ScanlabError.at("S430", f"{where} has a path without a patch", help="give the patches of every path")
    return tuple(steps.astype(np.int64) for steps in paths)


def _is_transposed(parts: list[Any]) -> bool:
    """Whether the columns are whole orders and the rows are not."""
    if len(set(map(len, parts))) > 1:
        return False
    columns = np.array(parts).T
    return all(np.array_equal(np.sort(column), np.arange(len(parts))) for column in columns)


def _parts(given: Any, where: str) -> list[Any]:
    """The paths of one grid: the rows of an array, or the items of a list of arrays."""
    if isinstance(given, list | tuple) and given and all(np.ndim(_array(item, where)) == 1 for item in given):
        return [_array(item, where) for item in given]
    array = _array(given, where)
    if array.ndim not in (1, 2) or not array.size:
        raise _no_list(array, given, where)
    return list(np.atleast_2d(array))


def _array(given: Any, where: str) -> np.ndarray:
    try:
        array = np.asanyarray(given.detach().cpu() if hasattr(given, "detach") else given)
    except Exception as error:  # what is no array raises whatever it likes
        said = f"{type(error).__name__}: {error}"
        raise ScanlabError.at("S430", f"{where} cannot be read: {said}", help=_WANTED) from None
    if np.ma.is_masked(array):
        raise ScanlabError.at("S430", f"{where} has masked entries, which are no patches", help=_WANTED)
    return np.asarray(array)


def _whole_numbers(array: np.ndarray, where: str) -> np.ndarray:
    """The array, of whole numbers; those of floating point as int64 where they are whole and not beyond it."""
    if array.dtype.kind == "f" and (np.abs(array) < 2**53).all() and (array == np.round(array)).all():
        return array.astype(np.int64)
    if array.dtype.kind not in "iu" or not array.size:
        raise _no_list(array, array, where)
    return array


def _no_list(array: np.ndarray, given: Any, where: str) -> ScanlabError:
    if array.ndim == 0 and array.dtype.kind in "OUS":
        return ScanlabError.at("S430", f"{where} is {with_article(type(given).__name__)}", help=_WANTED)
    shown = f"{where} is {array.dtype} of shape {array.shape}, and no list of patch numbers"
    return ScanlabError.at("S430", shown, help=_WANTED)


def with_article(word: str) -> str:
    """A type's name in a sentence.

    >>> with_article("ndarray"), with_article("Order")
    ('a ndarray', 'an Order')
    """
    return f"{'an' if word[:1].lower() in 'aeiou' else 'a'} {word}"


def holds_numbers(given: Any) -> bool:
    """Whether something can be taken for an array: by its interface, or as a list or a tuple."""
    return isinstance(given, list | tuple | range) or any(
        hasattr(type(given), name) for name in ("__array__", "__array_interface__", "detach")
    )
