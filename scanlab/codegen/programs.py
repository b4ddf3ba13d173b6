"""The path program of a compiled scan: one function from (sequence, step) to the row that is visited.

Each sequence is arithmetic where the arithmetic is cheap and looks into the table of steps otherwise (cost.py says
when). A scan whose every sequence is better off with the table has no program: the kernels' own `patch_from_table`
serves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from scanlab.codegen import cost
from scanlab.codegen.arithmetic import arithmetic
from scanlab.codegen.dialects import DIALECTS, Branch, function_text
from scanlab.codegen.intervals import NoArithmetic
from scanlab.codegen.lines import Arithmetic
from scanlab.codegen.naming import named
from scanlab.codegen.reading import rows_of
from scanlab.compiler.bind import CompiledScan
from scanlab.compiler.tracks import Track, token_rows, tracks
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.printer import print_value
from scanlab.ir.text import grid_text

__all__ = ["FAILED", "Program", "Target", "generate"]

FAILED = "its arithmetic failed the check against its table, which is a mistake in ScanLab: please report it"

Target = Literal["triton", "cpu"]


@dataclass(frozen=True)
class Program:
    """A path function: its name with the hash of its content, its module's text, and how each path is computed.

    name and source are "" where all sequences use the table. forms: "arithmetic" or "table" for each path; reasons: why
    a path uses the table, "" where it does not.
    """

    name: str
    target: Target
    source: str
    forms: tuple[str, ...]
    reasons: tuple[str, ...]


def generate(scan: CompiledScan, target: Target = "triton", *, limit: int | None = None) -> Program:
    """The program of a scan, checked against its table on every step; nothing is stored.

    Text that fails the check is not handed out: the table serves, and the reason says so.
    limit: the most instructions per step that arithmetic may take, by default the target's own (cost.py).
    """
    sequences = tracks(scan)
    rows = token_rows(scan)
    rules = [_rule(scan, sequence, rows) for sequence in sequences]
    used = [
        rule if isinstance(rule, Arithmetic) else None
        for rule, sequence in zip(rules, sequences, strict=True)
        if len(sequence.rows)
    ]
    instructions = cost.instructions(used)
    if instructions > (cost.LIMITS[target] if limit is None else limit):
        why = cost.REASONS[target].format(instructions)
        rules = [why if isinstance(rule, Arithmetic) else rule for rule in rules]
    by_path = {k: rule for sequence, rule in zip(sequences, rules, strict=True) for k in sequence.paths}
    reasons = tuple(r if isinstance(r := by_path[k], str) else "" for k in range(len(scan.paths)))
    forms = tuple("table" if reason else "arithmetic" for reason in reasons)
    if "arithmetic" not in forms:
        return Program("", target, "", forms, reasons)
    branches = _branches(scan, sequences, rules)
    doc = _doc(scan, target)
    name, source = named(lambda name: function_text(DIALECTS[target], name, doc, branches))
    if not _gives_table(source, sequences):
        reasons = tuple(reason or FAILED for reason in reasons)
        return Program("", target, "", ("table",) * len(reasons), reasons)
    return Program(name, target, source, forms, reasons)


def _rule(scan: CompiledScan, sequence: Track, rows: dict[int, int]) -> Arithmetic | str:
    """The arithmetic of a sequence, or why it uses the table."""
    if not len(sequence.rows):
        return "the path visits no patch of this grid"
    try:
        return arithmetic([scan.paths[k] for k in sequence.paths], rows)
    except NoArithmetic as why:
        return str(why)
    except ScanlabError as error:
        # Several paths together, or what keeps dividends positive, can make more terms than an expression may have.
        return error.diagnostics[0].message


def _branches(scan: CompiledScan, sequences: tuple[Track, ...], rules: Sequence[Arithmetic | str]) -> list[Branch]:
    """Sequences with one rule share a branch; empty sequences are never asked for and go with the last."""
    groups: dict[Arithmetic | None, list[int]] = {}
    for number, (sequence, rule) in enumerate(zip(sequences, rules, strict=True)):
        if len(sequence.rows):
            groups.setdefault(None if isinstance(rule, str) else rule, []).append(number)
    return [Branch(tuple(g), rule, _comment(scan, [sequences[t] for t in g])) for rule, g in groups.items()]


def _comment(scan: CompiledScan, group: list[Track]) -> str:
    """The sources of the orders, without names, so that one order under two names is one function."""
    orders = dict.fromkeys(
        " then ".join(print_value(scan.paths[k].order) for k in sequence.paths) for sequence in group
    )
    return _one_line("; ".join(orders))


def _one_line(text: str, longest: int = 300) -> str:
    """Text that stays inside a comment or a docstring, whatever names and literals it holds."""
    plain = "".join(c if c.isprintable() else " " for c in text).replace("\\", "/").replace('"', "'")
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def _doc(scan: CompiledScan, target: Target) -> str:
    size = grid_text(scan.grid)
    table = "a pointer to its row of the table" if target == "triton" else "the table"
    return f"The row that a sequence visits at a step, on a {size} grid; steps: {table}, int32."


def _gives_table(source: str, sequences: tuple[Track, ...]) -> bool:
    """Whether the text gives every row of every sequence at its step; if not, that is a defect of the generator."""
    lengths = [len(sequence.rows) for sequence in sequences]
    table = np.full((len(sequences), max(lengths)), -1, dtype=np.int32)
    for row, sequence in zip(table, sequences, strict=True):
        row[: len(sequence.rows)] = sequence.rows
    computed = rows_of(source, table, lengths)
    return all(np.array_equal(sequence.rows, rows) for sequence, rows in zip(sequences, computed, strict=True))
