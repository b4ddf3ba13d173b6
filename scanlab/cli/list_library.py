"""``scanlab list``."""

from __future__ import annotations

from fnmatch import fnmatch

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from scanlab.cli.output import console, print_json
from scanlab.ir.text import count_text
from scanlab.library_index import Entry, read_index

__all__ = ["print_list"]

# On a screen that leaves less room beside the columns, documentation stands below them.
_NARROW = 40
_HINT = "`scanlab list WORD` shows those with WORD in their name, file, documentation or source; 'h*' matches names."


def print_list(pattern: str, as_json: bool) -> None:
    """Print the library's definitions that match, file by file."""
    entries = [e for e in read_index()["definitions"] if _matches(e, pattern.lower())]
    if as_json:
        print_json(entries)
        return
    out = console()
    if not entries:
        out.print(f"Nothing in the library matches {pattern!r}. `scanlab list` shows all of it.")
        return
    width = max(len(e["signature"]) for e in entries)
    file = ""
    for entry in entries:
        if entry["file"] != file:
            file = entry["file"]
            out.print(Text(f"\n{file}", style="bold"))
        _print_entry(out, entry, width)
    legend = "kind, axes, index form at a usual grid, proof (✓: visits every patch as its merge asks, on every grid)"
    out.print(f"\n{count_text(len(entries), 'definition')}. Columns: {legend}.")
    if out.is_terminal and not pattern:
        out.print(_HINT)


def _print_entry(out: Console, entry: Entry, width: int) -> None:
    axes = " ".join(entry["axes"]) or "any"
    proof = {"proved": "✓", "proved for this grid": "✓ on a grid", "": "–"}.get(entry["proof"], entry["proof"])
    facts = f"{entry['kind']:5}  {axes:7}  {entry['form'] or '–':6}  {proof}"
    line = Text.assemble("  ", (entry["signature"].ljust(width), "cyan"), f"  {facts}")
    room = out.width - len(line) - 2
    if out.soft_wrap or len(entry["doc"]) <= room:
        out.print(line.append(f"  {entry['doc']}"))
    elif room >= _NARROW:
        first, *rest = Text(entry["doc"]).wrap(out, room)
        out.print(line.append("  ").append_text(first))
        for part in rest:
            out.print(Padding(part, (0, 0, 0, out.width - room)))
    else:
        out.print(line)
        out.print(Padding(entry["doc"], (0, 0, 0, 6)))


def _matches(entry: Entry, pattern: str) -> bool:
    if not pattern:
        return True
    fields = (entry["name"], entry["file"], entry["doc"], entry["source"])
    if "*" in pattern or "?" in pattern:
        return fnmatch(entry["name"].lower(), pattern)
    return any(pattern in f.lower() for f in fields)
