"""The path functions that kernels call, for GPUs and CPUs, and what compiled kernels take."""

from __future__ import annotations

from collections.abc import Sequence

from scanlab.codegen import program
from scanlab.codegen.assembly import Report
from scanlab.codegen.compiler_explorer import ABOUT, compiler_explorer_link
from scanlab.codegen.listing import TABLE, Listing, title
from scanlab.codegen.programs import Target
from scanlab.compiler.bind import CompiledScan
from scanlab.explorer.renderers.linked import linked_code, listings
from scanlab.explorer.renderers.markup import figures_table, note, outward, section
from scanlab.explorer.snapshot import Snapshot
from scanlab.ir.diagnostics import ScanlabError
from scanlab.stages import change_to_code

__all__ = ["KERNEL_COLUMNS", "code_page", "kernel_rows", "kernels_page", "programs_of"]

KERNEL_COLUMNS = (
    "kernel",
    "registers",
    "spills",
    "stack, B",
    "shared, B",
    "barriers",
    "instructions",
    "per step",
)


def code_page(snapshot: Snapshot, target: Target) -> str:
    """The path function of every scan that is shown, as `--emit triton` and `--emit cpu` print it."""
    page, number = "", 0
    for scan, listing, linked in listings(snapshot, target):
        page += _listing(listing, scan, [linked_code(part, number + at, "python") for at, part in enumerate(linked)])
        number += len(linked)
    return page


def _listing(listing: Listing, scan: CompiledScan, texts: list[str]) -> str:
    change = change_to_code(scan, listing.program.forms, listing.rows)
    parts = [note(line) for line in (*listing.heading[1:], *listing.rows, change)]
    if listing.program.target == "triton":
        parts.append(_link(scan))
    parts += [texts[0], *(f"<details><summary>What was not chosen:</summary>{t}</details>" for t in texts[1:])]
    return section(title(scan), *parts, about=listing.name)


def _link(scan: CompiledScan) -> str:
    """Compiler Explorer's page with this function, where an address can hold it."""
    try:
        link = compiler_explorer_link(scan)
    except ScanlabError as error:
        return note(error.diagnostics[0].message)
    return f"<p>{outward('Open in Compiler Explorer', link)}</p>{note(f'The link is {ABOUT}.')}"


def programs_of(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Each scan that is shown, with the name of its stored path program, "" for the table. Raises S731."""
    return [(title(scan), program(scan, "triton").name) for subject in snapshot.subjects for scan in subject.scans]


def kernel_rows(reports: Sequence[Report], names: Sequence[str]) -> list[list[object]]:
    """What each kernel takes, in KERNEL_COLUMNS; dots for those that are still compiled.

    Names lose the words that they all begin with.
    """
    known = {r.kernel: r for r in reports}
    words = [n.split("_") for n in names]
    shared = 0
    while len(names) > 1 and all(len(w) > shared + 1 and w[shared] == words[0][shared] for w in words):
        shared += 1
    short = {n: " ".join(w[shared:]) for n, w in zip(names, words, strict=True)}
    waiting = ["…"] * (len(KERNEL_COLUMNS) - 1)
    return [[short[n], *(_figures(known[n]) if n in known else waiting)] for n in names]


def _figures(r: Report) -> list[object]:
    step = f"{r.loop / r.group:.0f}"
    return [r.registers, r.spills, r.stack, r.shared, r.barriers, f"{r.instructions:,}", step]


def kernels_page(name: str, used: Sequence[str], reports: Sequence[Report], names: Sequence[str]) -> str:
    """The table of one path function's kernels. used: the scans that share it."""
    return section(", ".join(used), figures_table(KERNEL_COLUMNS, kernel_rows(reports, names)), about=name or TABLE)
