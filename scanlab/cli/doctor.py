"""``scanlab doctor``: what this machine can run, and whether what it computes is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from rich.progress import track
from rich.table import Table

from scanlab.bench.facts import Fact, facts
from scanlab.bench.numerics import MOST, Finding, findings
from scanlab.cli.output import console, print_json

__all__ = ["run"]


def run(as_json: bool) -> int:
    """Check every backend, print what was found, and return the exit code: 1 if any check failed."""
    screen = console(stderr=True)
    found = list(track(findings(), "checking the backends", MOST, console=screen, transient=True, disable=as_json))
    machine = list(facts())
    healthy = all(finding.holds for finding in found)
    if as_json:
        checks = [asdict(f) | {"holds": f.holds, "ran": f.ran} for f in found]
        print_json({"healthy": healthy, "machine": [asdict(f) for f in machine], "checks": checks})
    else:
        _print(machine, found)
    return 0 if healthy else 1


def _print(machine: Sequence[Fact], found: Sequence[Finding]) -> None:
    out = console()
    about = Table(title="this machine", title_justify="left", show_header=False)
    about.add_column(no_wrap=True)
    about.add_column(overflow="fold")
    about.add_column(overflow="fold", style="yellow")
    for fact in machine:
        about.add_row(fact.name, fact.value, fact.advice)
    out.print(about)
    table = Table(title="values and gradients against the float64 reference", title_justify="left")
    for name in ("backend", "operator", "dtype"):
        table.add_column(name)
    for name in ("error", "at most", "in"):
        table.add_column(name, justify="right")
    table.add_column("same bits twice")
    table.add_column("", overflow="fold")
    for finding in found:
        table.add_row(*_cells(finding), style="" if finding.holds else "bold red")
    out.print(table)
    wrong = [finding for finding in found if not finding.holds]
    out.print(f"{len(wrong)} checks failed" if wrong else "every check of what can run here holds")


def _cells(finding: Finding) -> tuple[str, ...]:
    head = (finding.backend, finding.operator, finding.dtype)
    if finding.error is None:
        return *head, "–", "", "", "", finding.note
    verdict = "" if finding.holds else "wrong"
    repeats = "yes" if finding.repeats else "no"
    return *head, f"{finding.error:.1e}", f"{finding.allowed:.0e}", finding.worst, repeats, verdict
