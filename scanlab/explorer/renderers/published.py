"""Published results for the systems that strategies belong to: strategies/published.json holds them with sources."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from scanlab.compiler.equivalences import Equivalence, Fingerprint, find_equivalences, fingerprint
from scanlab.explorer.renderers.markup import note, paragraph, section, table, text
from scanlab.explorer.snapshot import Snapshot, Subject
from scanlab.ir.values import Value
from scanlab.language.library import library_definitions

__all__ = ["Match", "library_matches", "published_data", "published_page", "tables_for"]

SECONDARY = "Read in notes by others, not in the paper itself."
_ARXIV = re.compile(r"arXiv (\d{4}\.\d{4,5})")


@dataclass(frozen=True)
class Match:
    """A strategy of the library that is the one asked for, as far as the proof goes, and its source."""

    equivalence: Equivalence
    source: str

    @property
    def name(self) -> str:
        """The strategy's name in the library."""
        return self.equivalence.name

    @property
    def papers(self) -> set[str]:
        """The numbers of the papers that it comes from, at arXiv."""
        return set(_ARXIV.findall(self.source))


@cache
def published_data() -> dict[str, Any]:
    """All figures: {"note", "read", "tables", "findings"}."""
    return json.loads(files("scanlab.strategies").joinpath("published.json").read_text(encoding="utf-8"))


def library_matches(value: Value, grid: tuple[int, ...] | None = None) -> list[Match]:
    """The library's strategies that are this one, whatever they are called: alike on two grids, then proved."""
    own = fingerprint(value)
    if own is None:
        return []
    names = [n for n, s in _fingerprints(len(value.axes)).items() if s == own]
    definitions = library_definitions()
    matches = []
    for name in names:
        other = definitions[name].value
        assert other is not None, "fingerprints are of definitions that stand alone"
        for equivalence in find_equivalences(value, {name: other}, grid):
            if not equivalence.how:
                matches.append(Match(equivalence, definitions[name].source))
    # What holds for all sizes comes before what holds here.
    return sorted(matches, key=lambda m: m.equivalence.proof.verdict != "proved")


@cache
def _fingerprints(axes: int) -> dict[str, Fingerprint]:
    fingerprints = {
        n: fingerprint(d.value) for n, d in library_definitions().items() if d.value is not None and len(d.axes) == axes
    }
    return {n: s for n, s in fingerprints.items() if s is not None}


def tables_for(matches: list[Match]) -> list[tuple[dict[str, Any], list[int]]]:
    """The published tables of the matches' systems, each with the rows that are one of the matches."""
    names, papers = {m.name for m in matches}, {p for m in matches for p in m.papers}
    tables = []
    for entry in published_data()["tables"]:
        rows = [i for i, row in enumerate(entry["rows"]) if row["strategy"] in names]
        if rows or papers.intersection(entry["systems"]):
            tables.append((entry, rows))
    return tables


def published_page(snapshot: Snapshot) -> str:
    """What was published about the strategies that are shown, then studies across systems."""
    subjects = "".join(_subject(subject) for subject in snapshot.subjects)
    studies = [f for f in published_data()["findings"] if not f["systems"]]
    general = "".join(map(_finding, studies))
    head = note(f"{published_data()['note']} Read on {published_data()['read']}.")
    return f"{subjects}{section('Across systems', general)}{head}"


def _subject(subject: Subject) -> str:
    matches = library_matches(subject.value, subject.grid)
    if not matches:
        message = "This is no strategy of the library, so nothing that was published can be put beside it."
        return section(subject.name, paragraph(message, "empty"))
    parts = [paragraph(_belongs(subject.name, matches))]
    tables = tables_for(matches)
    parts += [_table(entry, rows) for entry, rows in tables]
    papers = {p for m in matches for p in m.papers}
    parts += [_finding(f) for f in published_data()["findings"] if papers.intersection(f["systems"])]
    if len(parts) == 1:
        parts.append(paragraph("No comparison of orders that was published for it is known here.", "empty"))
    return section(subject.name, *parts)


def _belongs(name: str, matches: list[Match]) -> str:
    sources = list(dict.fromkeys(m.source for m in matches if m.source))
    others = [m.equivalence.words() for m in matches if m.name != name]
    same = f"In the library, it {', '.join(others)}. " if others else ""
    return f"{same}Source: {'; '.join(sources)}." if sources else same


def _table(entry: dict[str, Any], marked: list[int]) -> str:
    digits = [max(map(_decimals, column)) for column in zip(*(row["values"] for row in entry["rows"]), strict=True)]
    rows = [[row["what"], *map(_value, row["values"], digits)] for row in entry["rows"]]
    notes = [entry["source"] + ".", entry["note"], SECONDARY if entry["secondary"] else ""]
    footnotes = "".join(note(line) for line in notes if line)
    return f"<h4>{text(entry['title'])}</h4>{table(['', *entry['columns']], rows, marked=marked)}{footnotes}"


def _finding(finding: dict[str, Any]) -> str:
    source = f"{finding['source']}. {SECONDARY if finding['secondary'] else ''}".strip()
    return f"<h4>{text(finding['title'])}</h4>{paragraph(finding['text'])}{note(source)}"


def _decimals(value: float) -> int:
    return 0 if isinstance(value, int) else len(f"{value:g}".partition(".")[2])


def _value(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}"
