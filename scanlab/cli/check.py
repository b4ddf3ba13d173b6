"""``scanlab check``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.text import Text

from scanlab.checking import Checked, check_module, mark_of, verdict_of
from scanlab.cli.arguments import module_of
from scanlab.cli.output import console, diagnostic_data, print_diagnostic, print_json
from scanlab.compiler.equivalences import Equivalence
from scanlab.compiler.proof import Proof
from scanlab.ir.assumptions import shared_assumptions, sizes_text
from scanlab.ir.diagnostics import Diagnostic, ScanlabError
from scanlab.ir.grids import grid_of
from scanlab.ir.printer import print_expr
from scanlab.ir.text import count_text
from scanlab.language.library import library_modules
from scanlab.language.module import Module

__all__ = ["run"]


def run(files: list[Path], grid: str | None, as_json: bool) -> int:
    """Check the files, or the library; returns the exit code."""
    extents = grid_of(grid) if grid else None
    results, problems = [], []
    for module in _modules(files, problems, quiet=as_json):
        problems += module.problems
        results += [(module, c) for c in check_module(module, extents, look_up=bool(files))]
    problems += [d for _, c in results for d in c.diagnostics]
    failed = any(d.severity == "error" for d in problems)
    if as_json:
        data = [_data(m, c) for m, c in results]
        print_json({"ok": not failed, "definitions": data, "diagnostics": [diagnostic_data(d) for d in problems]})
    else:
        _print(results, problems, bool(files))
    return int(failed)


def _modules(files: list[Path], problems: list[Diagnostic], quiet: bool) -> Iterator[Module]:
    if not files:
        out = console(stderr=True)
        hidden = quiet or not out.is_terminal
        yield from track(library_modules(), "proving the library", console=out, transient=True, disable=hidden)
        return
    for file in files:
        try:
            yield module_of(file)
        except ScanlabError as error:
            problems += error.diagnostics


def _data(module: Module, checked: Checked) -> dict[str, Any]:
    definition = checked.definition
    return {
        "file": module.name,
        "line": definition.span.line,
        "name": definition.name,
        "kind": definition.kind,
        "axes": list(definition.axes),
        "body": definition.body,
        "assume": [] if definition.value is None else list(map(print_expr, shared_assumptions(definition.value))),
        "proof": None if checked.proof is None else _proof(checked.proof),
        "claims": [_proof(p) for p in checked.claims],
        "kin": [_kin(k) for k in checked.equivalences],
        "streams": {axis: _proof(p) for axis, p in checked.streams.items()},
    }


def _kin(kin: Equivalence) -> dict[str, Any]:
    return {"name": kin.name, "how": kin.how, "verdict": kin.proof.verdict, "scope": kin.proof.scope}


def _proof(proof: Proof) -> dict[str, Any]:
    return {
        "claim": proof.claim,
        "verdict": proof.verdict,
        "method": proof.method,
        "reason": proof.reason,
        "grid": None if proof.grid is None else list(proof.grid),
        "scope": proof.scope,
        "notes": list(proof.notes),
    }


def _print(results: list[tuple[Module, Checked]], problems: list[Diagnostic], all_lines: bool) -> None:
    out = console()
    for _, checked in results:
        line = _line(checked)
        if line and all_lines:
            out.print(line)
    for diagnostic in sorted(problems, key=Diagnostic.sort_key):
        print_diagnostic(diagnostic, out)
    _summary(results, problems, out)


_STYLES = {"✗": "red", "✓": "green", "?": "yellow", "·": "dim"}


def _line(checked: Checked) -> Text:
    mark, words = mark_of(checked), verdict_of(checked)
    line = Text.assemble((mark, _STYLES[mark]), " ", (checked.definition.signature, "bold"))
    return line.append(f": {words}") if words else line


def _summary(results: list[tuple[Module, Checked]], problems: list[Diagnostic], out: Console) -> None:
    errors = sum(d.severity == "error" for d in problems)
    claims, warnings = sum(len(c.claims) for _, c in results), len(problems) - errors
    sound = [c.proof for _, c in results if c.proof is not None and mark_of(c) == "✓"]
    proved = sum(p.verdict == "proved" and not p.scope for p in sound)
    counts = [count_text(len(results), "definition"), f"{proved or 'none'} proved for all sizes"]
    assumed = sum(p.verdict == "proved" and p.scope.startswith(sizes_text(())) for p in sound)
    counts += [f"{assumed} for the sizes assumed"] if assumed else []
    counts += [count_text(n, word) for n, word in ((claims, "claim"), (warnings, "warning")) if n]
    last = Text(count_text(errors, "error"), style="bold red") if errors else Text("no errors")
    out.print(Text(", ").join([*map(Text, counts), last]))
