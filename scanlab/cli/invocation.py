"""One run of a command: what goes wrong is said as text, or as JSON where JSON was asked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer

from scanlab.cli.app import app
from scanlab.cli.output import diagnostic_data, print_json
from scanlab.ir.diagnostics import Diagnostic, ScanlabError

__all__ = ["asks_for_json", "run"]


def run(words: Sequence[str]) -> None:
    """Run the command that the process was started with, `words`.

    Raises ScanlabError, and SystemExit: with 2 for wrong usage, which is printed. With --json both are printed on
    stdout in one shape, that of `scanlab check --json`: {"ok": false, "diagnostics": […]}.
    """
    command = typer.main.get_command(app)
    if not asks_for_json(command, words):
        command()
        return
    try:
        status = command(standalone_mode=False)
    except ScanlabError as error:
        _print(error.diagnostics)
        status = 1
    except typer.Abort:
        status = 1
    except Exception as error:
        # Errors of usage are typer's own, or click's where typer stands on click; both have these two.
        if not (hasattr(error, "format_message") and hasattr(error, "exit_code")):
            raise
        status = _usage(error)
    sys.exit(status if isinstance(status, int) else 0)


def asks_for_json(command: Any, words: Sequence[str]) -> bool:
    """Whether words ask a command for JSON on stdout: not where its --json names a file."""
    options = words[: words.index("--")] if "--" in words else words
    if "--json" not in options:
        return False
    for word in options:
        inner = getattr(command, "commands", {})
        if word in inner:
            command = inner[word]
        elif not inner or not word.startswith("-"):
            break
    return all(getattr(p, "is_flag", True) for p in command.params if p.name == "json")


def _usage(error: Any) -> int:
    context = getattr(error, "ctx", None)
    help = f"`{context.command_path} --help` lists arguments and options" if context is not None else ""
    _print([Diagnostic("S659", error.format_message(), help=help)])
    return error.exit_code


def _print(diagnostics: Sequence[Diagnostic]) -> None:
    print_json({"ok": False, "diagnostics": [diagnostic_data(d) for d in diagnostics]})
