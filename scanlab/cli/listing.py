"""``scanlab list``."""

from __future__ import annotations

from fnmatch import fnmatch

from scanlab.cli.output import console, print_json
from scanlab.library_index import Entry, read_index

__all__ = ["print_list"]


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
            out.print(f"\n[bold]{file}[/bold]")
        axes = " ".join(entry["axes"]) or "any"
        proof = {"proved": "✓", "proved for this grid": "✓ on a grid", "": "–"}.get(entry["proof"], entry["proof"])
        facts = f"{entry['kind']:5}  {axes:7}  {entry['form'] or '–':6}  {proof}"
        out.print(
            f"  [cyan]{_escaped(entry['signature'].ljust(width))}[/cyan]  {facts}  {_escaped(entry['doc'])}",
            soft_wrap=True,
        )
    legend = "kind, axes, index form at a usual grid, proof (✓: every patch once, on every grid)"
    out.print(f"\n{len(entries)} definitions. Columns: {legend}.")


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")


def _matches(entry: Entry, pattern: str) -> bool:
    if not pattern:
        return True
    fields = (entry["name"], entry["file"], entry["doc"], entry["source"])
    if "*" in pattern or "?" in pattern:
        return fnmatch(entry["name"].lower(), pattern)
    return any(pattern in f.lower() for f in fields)
