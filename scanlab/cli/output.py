"""Printing for people and for machines: errors with carets, tables, JSON."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from scanlab.cli.streams import holds_all_text
from scanlab.ir.diagnostics import Diagnostic, ScanlabError, Span
from scanlab.ir.plain import plain

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["console", "diagnostic_data", "print_diagnostic", "print_error", "print_json"]


def console(stderr: bool = False) -> Console:
    """A rich console that honours NO_COLOR, never wraps in pipes, and prints text as it is: brackets are no markup."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else 160
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=width is not None, width=width)


def print_error(error: ScanlabError) -> None:
    """Print all diagnostics of an error to stderr."""
    out = console(stderr=True)
    for diagnostic in error.diagnostics:
        print_diagnostic(diagnostic, out)


def print_diagnostic(diagnostic: Diagnostic, out: Console) -> None:
    """Print one diagnostic; its first line and the carets are coloured."""
    from rich.text import Text

    colour = "red" if diagnostic.severity == "error" else "yellow"
    text = Text()
    for i, line in enumerate(diagnostic.text(out.width if out.is_terminal else None).split("\n")):
        carets = line.strip(" |").startswith("^")
        text.append(line + "\n", style=f"bold {colour}" if i == 0 or carets else "")
    out.print(text, soft_wrap=True)


def print_json(data: Any) -> None:
    """Print a value as JSON on stdout, with escapes where its encoding does not hold all text."""
    text = json.dumps(plain(data), indent=2, allow_nan=False, ensure_ascii=not holds_all_text(sys.stdout.encoding))
    sys.stdout.write(text + "\n")


def diagnostic_data(diagnostic: Diagnostic) -> dict[str, Any]:
    """A diagnostic as JSON-ready data, with file, line and column (from 1) instead of offsets."""
    data: dict[str, Any] = {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "note": diagnostic.note,
        "help": diagnostic.help,
        "place": None if diagnostic.span is None else _place(diagnostic.span),
        "counterexample": None if diagnostic.counterexample is None else asdict(diagnostic.counterexample),
        "edit": None,
    }
    if diagnostic.edit is not None:
        place = None if diagnostic.edit.span is None else _place(diagnostic.edit.span)
        data["edit"] = {"place": place, "replacement": diagnostic.edit.replacement}
    return data


def _place(span: Span) -> dict[str, Any]:
    end_line, end_column = span.source.position(span.end)
    return {
        "file": span.source.name,
        "line": span.line,
        "column": span.column,
        "end_line": end_line,
        "end_column": end_column,
    }
