"""Strategies side by side: the locality of every path in words, and which orders are provably equivalent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from scanlab.compiler.bind import CompiledScan, Path
from scanlab.compiler.equivalences import Equivalence, find_equivalences
from scanlab.compiler.locality import Locality, locality
from scanlab.ir.shown import Shown

__all__ = [
    "CAVEAT",
    "EquivalentPair",
    "Measured",
    "OrderComparison",
    "columns",
    "compared",
    "equivalent_pairs",
    "figures",
    "measured",
]

CAVEAT = (
    "No single figure here is “locality”: the mean gap barely tells raster from Hilbert, the median does, and "
    "neither sees direction."
)


@dataclass(frozen=True, eq=False)
class Measured:
    """A path of a strategy, and its locality."""

    strategy: str
    path: Path
    locality: Locality

    @property
    def label(self) -> str:
        """The path's label, after the strategy's name where the two differ."""
        return self.path.label if self.path.label == self.strategy else f"{self.strategy} · {self.path.label}"


@dataclass(frozen=True)
class EquivalentPair:
    """The first path's order is the second's, as it is or changed. strategies: those that the two belong to."""

    first: str
    equivalence: Equivalence
    strategies: tuple[str, str]

    def __str__(self) -> str:
        proved = " (proved)" if self.equivalence.proof.verdict == "proved" else ""
        return f"{self.first} {self.equivalence.words()}{proved}"


@dataclass(frozen=True, eq=False, repr=False)
class OrderComparison(Shown):
    """Strategies side by side. rows: every path with its locality; pairs: those that are provably the same order, or
    reverse or exchange axes of each other.

    >>> import scanlab
    >>> comparison = scanlab.compare(["snake", "column"], (8, 8))
    >>> [round(row.locality.mean_gap, 2) for row in comparison.rows]
    [4.5, 4.5]
    """

    rows: tuple[Measured, ...]
    pairs: tuple[EquivalentPair, ...]

    def grids(self) -> dict[tuple[tuple[str, ...], tuple[int, ...]], list[Measured]]:
        """The rows by axes and grid: figures of different ones do not compare."""
        places: dict[tuple[tuple[str, ...], tuple[int, ...]], list[Measured]] = {}
        for row in self.rows:
            places.setdefault((row.path.axes, row.path.grid), []).append(row)
        return places

    def __str__(self) -> str:
        return ", ".join(dict.fromkeys(row.strategy for row in self.rows))


def compared(strategies: Iterable[tuple[str, Iterable[CompiledScan]]], grid: tuple[int, ...] | None) -> OrderComparison:
    """Compare strategies by their names, each bound to a grid; grid: that on which equivalences are decided."""
    rows = tuple(measured(strategies))
    return OrderComparison(rows, tuple(equivalent_pairs(rows, grid)))


def measured(strategies: Iterable[tuple[str, Iterable[CompiledScan]]]) -> list[Measured]:
    """Every path of every strategy with its locality, in order."""
    return [
        Measured(name, path, locality(path.indices, path.grid, path.restarts))
        for name, scans in strategies
        for scan in scans
        for path in scan.paths
    ]


def columns(axes: tuple[str, ...]) -> list[str]:
    """The headings of `figures`, for paths over these axes."""
    means = [f"mean along {a}" for a in axes]
    steps = ["unit share", "diagonals", "jumps", "longest step"]
    return [*steps, "mean gap", *means, "median", "p95", "bandwidth", "anisotropy"]


def figures(row: Measured) -> list[str]:
    """A path's locality as a reader needs it, one text for each of `columns`."""
    m = row.locality
    return [
        f"{m.unit_step_share:.2f}",
        str(m.diagonals),
        str(m.jumps),
        str(m.longest_step),
        _number(m.mean_gap),
        *map(_number, m.mean_gaps),
        _number(m.median_gap),
        _number(m.p95_gap),
        str(m.bandwidth),
        _number(m.anisotropy),
    ]


def equivalent_pairs(rows: Iterable[Measured], grid: tuple[int, ...] | None) -> Iterator[EquivalentPair]:
    """Each pair of paths that are the same order, or reverse or exchange axes of each other, with its proof."""
    for first, second in combinations(rows, 2):
        a, b = first.path, second.path
        if len(a.axes) != len(b.axes):
            continue
        # Paths of one name are distinguished by their strategies.
        one, two = (a.label, b.label) if a.label != b.label else (first.label, second.label)
        for equivalence in find_equivalences(a.order, {two: b.order}, grid):
            yield EquivalentPair(one, equivalence, (first.strategy, second.strategy))


def _number(value: float) -> str:
    return "–" if value != value else f"{value:.2f}".rstrip("0").rstrip(".")
