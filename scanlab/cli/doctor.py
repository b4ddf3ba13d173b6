"""``scanlab doctor``: what this machine can run, and whether what it computes is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import torch
from rich.progress import track
from rich.table import Table

from scanlab.bench.capabilities import Fact, facts
from scanlab.bench.numerics import ORDER, Finding, findings, most_findings
from scanlab.cli.narrow_tables import print_table
from scanlab.cli.output import console, print_json
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = ["run"]


def run(chosen: Sequence[str], as_json: bool) -> int:
    """Check these backends, or all; print the results, and return the exit code.

    It is 1 if any check failed, and where a backend that was asked for cannot run here. Raises S750 for an unknown one.
    """
    for name in chosen:
        if name not in ORDER:
            raise ScanlabError.at("S750", f"there is no backend `{name}`", help=_meant(name))
    backends = [name for name in ORDER if name in chosen] or list(ORDER)
    screen = console(stderr=True)
    hidden = as_json or not screen.is_terminal
    checks = findings(backends)
    results = list(
        track(checks, "checking the backends", most_findings(backends), console=screen, transient=True, disable=hidden)
    )
    machine = list(facts(backends))
    healthy = all(finding.holds and (finding.ran or not chosen) for finding in results)
    if as_json:
        data = [asdict(f) | {"holds": f.holds, "ran": f.ran} for f in results]
        print_json({"healthy": healthy, "machine": [asdict(f) for f in machine], "checks": data})
    else:
        _print(machine, results, chosen)
    return 0 if healthy else 1


def _meant(name: str) -> str:
    gpu = name.lower() in ("gpu", "cuda", "rocm", "hip", "nvidia", "amd")
    return "the backend of GPUs is triton" if gpu else f"choose one of {', '.join(ORDER)}"


def _print(machine: Sequence[Fact], results: Sequence[Finding], chosen: Sequence[str]) -> None:
    out = console()
    about = Table(title="this machine", title_justify="left", show_header=False)
    about.add_column()
    about.add_column(overflow="fold")
    about.add_column(overflow="fold", style="yellow")
    for fact in machine:
        about.add_row(fact.name, fact.value, fact.advice)
    print_table(out, about)
    table = Table(title="values and gradients against the float64 reference", title_justify="left")
    for name in ("backend", "operator", "dtype"):
        table.add_column(name)
    for name in ("error", "at most", "in"):
        table.add_column(name, justify="right")
    table.add_column("same bits twice")
    table.add_column("", overflow="fold")
    for finding in results:
        table.add_row(*_cells(finding), style="" if finding.holds else "bold red")
    print_table(out, table)
    out.print(_verdict(results, chosen))


def _verdict(results: Sequence[Finding], chosen: Sequence[str]) -> str:
    wrong = sum(not finding.holds for finding in results)
    idle = [f"{finding.backend} cannot run here" for finding in results if not finding.ran and chosen]
    if wrong or idle:
        return "; ".join([*([f"{count_text(wrong, 'check')} failed"] if wrong else []), *idle])
    words = f"every check of {' and '.join(chosen) if chosen else 'what can run here'} holds"
    emulated = any(f.backend == "triton" and f.ran for f in results) and not torch.cuda.is_available()
    return f"{words}; triton ran in its interpreter, on no GPU" if emulated else words


def _cells(finding: Finding) -> tuple[str, ...]:
    head = (finding.backend, finding.operator, finding.dtype)
    if finding.error is None:
        return *head, "–", "", "", "", finding.note
    verdict = "" if finding.holds else "wrong"
    repeats = "yes" if finding.repeats else "no"
    return *head, f"{finding.error:.1e}", f"{finding.allowed:.0e}", finding.worst, repeats, verdict
