"""Path programs give the rows of the table: every library strategy, both targets, on every step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

import scanlab
from scanlab.codegen import programs
from scanlab.codegen.cost import UNLIMITED
from scanlab.codegen.programs import FAILED, generate
from scanlab.codegen.reading import rows_of
from scanlab.compiler.bind import CompiledPlan, CompiledScan, bind
from scanlab.compiler.tracks import tracks
from scanlab.ir.diagnostics import ScanlabError
from scanlab.language.library import library_definitions
from scanlab.library_index import USUAL_GRIDS
from scanlab.ops.path_tables import path_table

VALUES = {name: d.value for name, d in library_definitions().items() if d.value is not None}
SMALL = {1: (9,), 2: (4, 4), 3: (2, 4, 4), 4: (2, 2, 3, 2), 5: (2, 2, 2, 2, 2)}


def _scans(name: str) -> Iterator[CompiledScan]:
    value = VALUES[name]
    for grids in (USUAL_GRIDS, SMALL):
        try:
            bound = bind(value, grids[len(value.axes)])
        except ScanlabError:
            continue
        yield from bound.scans if isinstance(bound, CompiledPlan) else (bound,)


def _compiled(text: str, grid: tuple[int, ...], axes: str = "h w") -> CompiledScan:
    return scanlab.compile(scanlab.parse(text, axes), grid)


def _plain(source: str, name: str, scan: CompiledScan) -> list[list[int]]:
    """The rows of a Numba text, run as Python on one step at a time."""
    names: dict = {}
    exec(source.replace("from numba import njit", "").replace("@njit", ""), names)
    table = path_table(scan).steps[0].numpy()
    return [[int(names[name](table, t, i)) for i in range(len(w.rows))] for t, w in enumerate(tracks(scan))]


@pytest.mark.parametrize("name", VALUES)
def test_the_library(name: str) -> None:
    """Sequences are those of the operators; plain Python and Triton's text give their rows, step by step or at once."""
    for scan in _scans(name):
        table = path_table(scan).steps[0].numpy()
        expected = [row[row >= 0].tolist() for row in table]
        sequences = tracks(scan)
        assert [sequence.rows.tolist() for sequence in sequences] == expected
        cpu, triton = (generate(scan, target, limit=UNLIMITED) for target in ("cpu", "triton"))
        if cpu.name:
            assert _plain(cpu.source, cpu.name, scan) == expected
            computed = rows_of(triton.source, table, [len(t.rows) for t in sequences])
            assert [rows.tolist() for rows in computed] == expected


TRITON = '''import triton
import triton.language as tl


@triton.jit
def {}(steps, sequence, step):
    """The row that a sequence visits at a step, on a 4x4 grid; steps: a pointer to its row of the table, int32."""
    if sequence == 0:
        # by h, ~w
        s = step.to(tl.uint32)
        h = s // 4
        r1 = s % 4
        w = tl.where(h % 2 == 0, r1, 3 - r1)
        row = (h * 4 + w).to(tl.int32)
    elif sequence == 1:
        # -(by w, h)
        s = step.to(tl.uint32)
        p = 15 - s
        row = (p % 4 * 4 + p // 4).to(tl.int32)
    else:
        # by random(h, w, seed=1)
        row = tl.load(steps + step)
    return row
'''

NUMBA = '''from numba import njit


@njit
def {}(steps, sequence, step):
    """The row that a sequence visits at a step, on a 4x4 grid; steps: the table, int32."""
    if sequence == 0:
        # by h, ~w
        h = step // 4
        r1 = step % 4
        w = r1 if h % 2 == 0 else 3 - r1
        row = h * 4 + w
    elif sequence == 1:
        # -(by w, h)
        p = 15 - step
        row = p % 4 * 4 + p // 4
    else:
        # by random(h, w, seed=1)
        row = steps[sequence, step]
    return row
'''


def test_text_of_both_targets() -> None:
    scan = _compiled("sum((by h, ~w), -(by w, h), (by random(seed=1)))", (4, 4))
    triton, cpu = generate(scan, "triton", limit=UNLIMITED), generate(scan, "cpu", limit=UNLIMITED)
    assert triton.source == TRITON.format(triton.name)
    assert cpu.source == NUMBA.format(cpu.name)
    assert triton.forms == ("arithmetic", "arithmetic", "table")
    assert triton.reasons[2] == "random has no inverse in closed form"


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("by w, h", "arithmetic"),
        ("sum((by h, w), -(by h, w))", "arithmetic arithmetic"),
        ("sum((by h, w), (by random(seed=1)))", "arithmetic table"),
        ("sum((by w, h), (by random(seed=1)))", "table table"),
        ("sum((by h, w), (by w, h), -(by h, w), -(by w, h))", "table table table table"),
        ("by hilbert(h, w)", "table"),
    ],
)
def test_what_is_worth_its_instructions(text: str, forms: str) -> None:
    made = generate(_compiled(text, (16, 16)), "triton")
    assert " ".join(made.forms) == forms
    assert (made.name == "") == ("arithmetic" not in forms)
    assert all((reason == "") == (form == "arithmetic") for form, reason in zip(made.forms, made.reasons, strict=True))
    assert set(generate(_compiled(text, (16, 16)), "cpu").forms) == {"table"}


@pytest.mark.parametrize(
    ("letters", "conditions"),
    [
        ("aaa", []),
        ("aab", ["if sequence < 2:", "else:"]),
        ("abbc", ["if sequence == 0:", "elif sequence < 3:", "else:"]),
        ("abab", ["if (sequence == 0) or (sequence == 2):", "else:"]),
    ],
)
def test_equal_orders_share_a_branch(letters: str, conditions: list[str]) -> None:
    orders = {"a": "(by h, w)", "b": "(by w, h)", "c": "-(by h, w)"}
    made = generate(_compiled(f"sum({', '.join(orders[c] for c in letters)})", (3, 5)), limit=UNLIMITED)
    lines = [line.strip() for line in made.source.split("\n")]
    assert [line for line in lines if line.startswith(("if", "elif", "else"))] == conditions


@pytest.mark.parametrize(
    "text",
    [
        "sum((by h, ~w), (by w, h), -(by h, w)) with cls at middle",
        "by hilbert(h, w)",
        "chain((by morton(h, w)), (by w, h))",
    ],
)
def test_numba_compiles_what_python_runs(text: str) -> None:
    scan = _compiled(text, (4, 4))
    names: dict = {}
    made = generate(scan, "cpu", limit=UNLIMITED)
    exec(made.source, names)
    table = path_table(scan).steps[0].numpy()
    for sequence, rows in enumerate(table):
        assert [names[made.name](table, sequence, step) for step in range(len(rows))] == rows.tolist()


def test_the_name_is_the_content() -> None:
    scan = _compiled("by w, h", (3, 5))
    named = CompiledScan(scan.scan, "another name", scan.grid, scan.paths)
    assert generate(scan, limit=UNLIMITED) == generate(named, limit=UNLIMITED)
    others = [generate(scan, "cpu", limit=UNLIMITED), generate(_compiled("by w, h", (3, 6)), limit=UNLIMITED)]
    assert len({generate(scan, limit=UNLIMITED).name, *(o.name for o in others)}) == 3


@pytest.mark.parametrize(
    "text",
    [
        "sum((by h, w), -(by w, h)) with cls at middle",
        "sum((by h, w), -(by w, h)) with cls at both, mean at end",
        "chain((by h, ~w), -(by w, h)) with cls at start",
        "chain((by h, w), (by h, w), (by h, w))",
        "by (w - h) % W, h",
        "by h // 2, w // 3, h % 2, ~(w % 3)",
    ],
)
@pytest.mark.parametrize("grid", [(1, 1), (4, 6), (6, 6)])
def test_tokens_chains_and_differences(text: str, grid: tuple[int, ...]) -> None:
    scan = _compiled(text, grid)
    made = generate(scan, "cpu", limit=UNLIMITED)
    assert "table" not in made.forms
    assert _plain(made.source, made.name, scan) == [t.rows.tolist() for t in tracks(scan)]
    assert "arithmetic" in generate(scan, "triton", limit=UNLIMITED).forms


def test_axis_names_cannot_disturb_the_text() -> None:
    for axes in ("step sequence", "tl row", "h_2 h", "lambda if", "p b"):
        first, second = axes.split()
        made = generate(scanlab.compile(scanlab.by(*reversed(scanlab.axes(axes)), axes=axes), (3, 4)), limit=UNLIMITED)
        assert made.forms == ("arithmetic",), (first, second)


def test_a_name_stays_inside_its_comment() -> None:
    h, w = scanlab.axes("h w")
    order = scanlab.by(h, w, axes="h w")
    scan = scanlab.compile(replace(order, name='x"""\nimport os'), (2, 2))
    assert "import os" not in generate(scan, limit=UNLIMITED).source


def test_a_defect_of_the_text_is_found() -> None:
    scan = _compiled("by (w + h) % W, h", (4, 4))
    text = generate(scan, limit=UNLIMITED).source
    assert "+ 4) % 4" in text, "the dividend stays positive, since a GPU cuts quotients towards zero"
    table = path_table(scan).steps[0].numpy()
    [right] = rows_of(text, table, [16])
    [wrong] = rows_of(text.replace("+ 4) % 4", ") % 4"), table, [16])
    assert np.array_equal(right, table[0]) and not np.array_equal(wrong, table[0])


def test_text_that_fails_its_check_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "rows_of", lambda source, table, lengths: [np.zeros(n) for n in lengths])
    made = generate(_compiled("by w, h", (3, 4)), "triton", limit=UNLIMITED)
    assert (made.name, made.source, made.forms, made.reasons) == ("", "", ("table",), (FAILED,))
