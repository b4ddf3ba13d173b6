"""``scanlab explain``."""

from __future__ import annotations

import unicodedata

from rich.text import Text

from scanlab.cli.output import console
from scanlab.ir.codes import CODES
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["run"]


def run(code: str) -> None:
    """Print what a code means; without one, all codes. Raises S201 for an unknown code."""
    out = console()
    if not code:
        for name, entry in CODES.items():
            out.print(Text.assemble((name, "bold"), f"  {entry.title}"))
        return
    name = code.strip().upper()
    entry = CODES.get(name)
    if entry is None:
        raise ScanlabError.at("S201", f"there is no code `{code}`", help=_help(name))
    out.print(Text.assemble((f"{name}: {entry.title}", "bold"), f"\n\n{entry.meaning}"))
    for word, text in (("wrong", entry.wrong), ("right", entry.right)):
        if text:
            out.print(Text(f"\n{word}", style="bold"))
            out.print("\n".join(f"    {line}" for line in text.split("\n")), soft_wrap=True)


def _help(name: str) -> str:
    """Codes are numbers, so a similar one has another meaning: only one that is written otherwise is meant."""
    digits = "".join(c for c in unicodedata.normalize("NFKC", name) if c.isdecimal())
    if f"S{digits}" in CODES:
        return f"did you mean `S{digits}`?"
    near = [code for code in CODES if code.startswith(f"S{digits[:2]}")] if len(digits) in (2, 3) else []
    if near:
        return f"those near it are {', '.join(near)}; `scanlab explain` lists all"
    return "`scanlab explain` lists all"
