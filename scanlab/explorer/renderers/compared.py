"""Strategies side by side: locality, and which are provably one another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from scanlab.compiler.comparison import CAVEAT, Measured, columns, figures, measured
from scanlab.compiler.equivalences import Equivalence, find_equivalences
from scanlab.explorer.renderers.markup import figures_table, note, paragraph, section
from scanlab.explorer.snapshot import Snapshot, Subject

__all__ = ["compare_page", "metrics_page", "relation_sentences"]

# Pairs of paths that are looked at: each takes some milliseconds.
MOST_PAIRS = 2000


def metrics_page(snapshot: Snapshot) -> str:
    """The locality of every path, as `scanlab compare` prints it."""
    return _tables(snapshot.subjects) + note(CAVEAT)


def compare_page(snapshot: Snapshot) -> str:
    """What two to six strategies have to do with each other, and their locality."""
    if len(snapshot.subjects) < 2:
        hint = "Show two strategies or more, at most six: choose them above the paths or in the gallery."
        return paragraph(hint, "empty") + _tables(snapshot.subjects)
    sentences = "".join(paragraph(s, "finding") for s in relation_sentences(snapshot.subjects))
    return section("What they have in common", sentences, about="as the prover says") + metrics_page(snapshot)


def _tables(subjects: tuple[Subject, ...]) -> str:
    """One table for each grid: figures of different grids do not compare."""
    places: dict[tuple[tuple[str, ...], tuple[int, ...]], list[Subject]] = {}
    for subject in subjects:
        places.setdefault((subject.value.axes, subject.grid), []).append(subject)
    tables = ""
    for (axes, grid), there in places.items():
        rows = measured((s.name, s.scans) for s in there)
        size = "×".join(map(str, grid))
        # Where all are paths of one strategy, its name need not stand before each.
        labels = [row.path.label if len(subjects) == 1 else row.label for row in rows]
        body = figures_table(
            ["path", *columns(axes)], [[label, *figures(row)] for label, row in zip(labels, rows, strict=True)]
        )
        tables += section("Rank gaps", body, about=f"of neighbouring patches and steps, on {size}")
    return tables


def relation_sentences(subjects: tuple[Subject, ...]) -> Iterator[str]:
    """What pairs of strategies have in common: all of it, or some of their paths; then the pairs without anything."""
    left, strangers, untried = MOST_PAIRS, [], []
    for first, second in combinations(subjects, 2):
        pair = f"{first.name} and {second.name}"
        grid = first.grid if first.grid == second.grid else None
        whole = next(find_equivalences(first.value, {second.name: second.value}, grid), None)
        if whole is not None:
            yield f"{first.name} {_words(whole)}."
            continue
        a, b = _different(first), _different(second)
        left -= len(a) * len(b)
        relations = list(_paths(a, b, grid)) if left >= 0 else []
        yield from relations
        if not relations:
            (strangers if left >= 0 else untried).append(pair)
    if strangers:
        yield f"No path in common, not even reversed or transposed: {'; '.join(strangers)}."
    if untried:
        yield f"Different, with too many paths to compare one by one here: {'; '.join(untried)}."


def _different(subject: Subject) -> list[Measured]:
    """The paths of a strategy, each order once."""
    rows = measured([(subject.name, subject.scans)])
    return list({row.path.order: row for row in reversed(rows)}.values())[::-1]


def _paths(first: list[Measured], second: list[Measured], grid: tuple[int, ...] | None) -> Iterator[str]:
    """The plainest relation of each path of the first strategy to one of the second."""
    others = {row.label: row.path.order for row in second}
    for row in first:
        equivalences = sorted(find_equivalences(row.path.order, others, grid), key=lambda k: len(k.how))
        if equivalences:
            yield f"{row.label} {_words(equivalences[0])}."


def _words(equivalence: Equivalence) -> str:
    return equivalence.words() + (" (proved for all sizes)" if equivalence.proof.verdict == "proved" else "")
