"""``scanlab explain``."""

from __future__ import annotations

import difflib

from scanlab.cli.output import console
from scanlab.ir.codes import CODES
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["run"]


def run(code: str) -> None:
    """Print what a code means; without one, all codes. Raises S201 for an unknown code."""
    out = console()
    if not code:
        for name, entry in CODES.items():
            out.print(f"[bold]{name}[/bold]  {entry.title}", soft_wrap=True)
        return
    entry = CODES.get(code.upper())
    if entry is None:
        close = difflib.get_close_matches(code.upper(), CODES, 1, 0.5)
        raise ScanlabError.at(
            "S201",
            f"there is no code `{code}`",
            help=f"did you mean `{close[0]}`?" if close else "`scanlab explain` lists all",
        )
    out.print(f"[bold]{code.upper()}: {entry.title}[/bold]\n\n{entry.meaning}", soft_wrap=True)
    for word, text in (("wrong", entry.wrong), ("right", entry.right)):
        if text:
            out.print(f"\n[bold]{word}[/bold]")
            out.print("\n".join(f"    {line}" for line in text.split("\n")), markup=False, soft_wrap=True)
