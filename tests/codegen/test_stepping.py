"""What the lines of generated text compute at a step: the patch that is visited there, and numbers that are true."""

from __future__ import annotations

import numpy as np
import pytest

import scanlab
from scanlab.codegen.listing import function_listing
from scanlab.codegen.stepping import expression_lines, function_lines, same_value_steps
from scanlab.compiler.stages import expressions, labelled_paths
from scanlab.compiler.tracks import tracks

CASES = [
    ("row", (3, 4)),
    ("snake", (5, 6)),
    ("snake", (1, 7)),
    ("-snake", (4, 5)),
    ("zigzag", (4, 4)),
    ("toroidal", (5, 5)),
    ("window[k=3]", (7, 5)),
    ("atrous[s=2]", (5, 6)),
    ("hilbert", (8, 8)),
    ("gilbert", (5, 6)),
    ("morton", (4, 8)),
    ("hilbert_windows[k=4]", (8, 8)),
    ("cross", (5, 6)),
    ("vim", (4, 3)),
    ("efficient", (5, 6)),
    ("rows", (3, 4)),
    ("chain(row, -row)", (3, 4)),
    ("sum((by h, ~w), -(by w // 2, ~h, w % 2)) with cls at middle", (4, 6)),
    ("tri", (2, 3, 4)),
    ("snake3", (2, 3, 4)),
    ("by t, ~h, ~w, c where h % 2 == 0", (2, 3, 2, 2)),
    ("by x % 3, x", (8,)),
]
IDS = [f"{name}-{'x'.join(map(str, grid))}" for name, grid in CASES]


def compiled(name: str, grid: tuple[int, ...]):
    axes = {1: "x", 4: "t h w c"}.get(len(grid))
    return scanlab.compile(scanlab.parse(name, axes=axes) if axes else name, grid)


def table_of(scan) -> np.ndarray:
    sequences = tracks(scan)
    table = np.full((len(sequences), max(len(s.rows) for s in sequences)), -1, dtype=np.int32)
    for row, sequence in zip(table, sequences, strict=True):
        row[: len(sequence.rows)] = sequence.rows
    return table


@pytest.mark.parametrize(("name", "grid"), CASES, ids=IDS)
def test_an_index_expression_gives_the_patch_of_every_step(name, grid):
    scan = compiled(name, grid)
    for label, text in expressions((scan,)).items():
        path = labelled_paths((scan,))[label]
        for step, patch in enumerate(path.indices.tolist()):
            lines = expression_lines(text, step, path.indices)
            assert (lines[-1].name, lines[-1].value) == ("patch", patch)
            by_name = {line.name: line.value for line in lines}
            if path.form != "table":
                place = np.unravel_index(patch, grid)
                assert [by_name[axis] for axis in path.axes] == [int(at) for at in place]


@pytest.mark.parametrize("target", ["triton", "cpu"])
@pytest.mark.parametrize(("name", "grid"), CASES, ids=IDS)
def test_a_path_function_gives_the_row_of_every_step(name, grid, target):
    scan = compiled(name, grid)
    listing, table = function_listing(scan, target), table_of(scan)
    for text in filter(None, (listing.text, listing.unused)):
        for number, sequence in enumerate(tracks(scan)):
            for step, row in enumerate(sequence.rows.tolist()):
                lines = function_lines(text, table, number, step)
                assert (lines[-1].name, lines[-1].value) == ("return", row)


@pytest.mark.parametrize(("name", "grid"), CASES, ids=IDS)
def test_the_numbers_that_are_filled_in_come_to_the_value(name, grid):
    scan = compiled(name, grid)
    for label, text in expressions((scan,)).items():
        path = labelled_paths((scan,))[label]
        for step in range(0, len(path.indices), 3):
            for line in expression_lines(text, step, path.indices):
                filled = line.filled.rpartition(" = ")[2]
                assert int(eval(filled, {"table": path.indices.tolist()})) == line.value, line


@pytest.mark.parametrize(("name", "grid"), CASES, ids=IDS)
def test_the_steps_of_a_line_are_those_that_give_its_value(name, grid):
    scan = compiled(name, grid)
    for label, text in expressions((scan,)).items():
        path = labelled_paths((scan,))[label]
        length, step = len(path.indices), len(path.indices) // 2
        last = [{line.line: line.value for line in expression_lines(text, p, path.indices)} for p in range(length)]
        for number in {line.line for line in expression_lines(text, step, path.indices)}:
            if text.split("\n")[number - 1].strip().startswith(("if", "else")):
                continue
            steps = same_value_steps(text, number, step, length, path.indices)
            assert steps.tolist() == [p for p in range(length) if last[p].get(number) == last[step][number]]


def test_the_steps_of_a_function_s_line():
    scan = scanlab.compile("sum(snake, -snake)", (4, 6))
    listing, table = function_listing(scan, "triton"), table_of(scan)
    text = listing.text if listing.program.name else listing.unused
    rows = text.split("\n")
    number = next(i for i, row in enumerate(rows, 1) if "h = " in row)
    assert same_value_steps(text, number, 8, 24, table, 0).tolist() == [6, 7, 8, 9, 10, 11]
    assert same_value_steps(text, number, 8, 24, table, 1).tolist() == []
    assert same_value_steps(text, len(rows) + 5, 8, 24, table, 0).tolist() == []


def test_choices_and_conditions_are_told():
    [text] = expressions(scanlab.compile("snake", (5, 6)).scans).values()
    lines = {line.name: line for line in expression_lines(text, 8)}
    assert lines["d2"].filled == "5 - r1 = 5 - 2"
    scan = scanlab.compile("cross", (5, 6))
    listing = function_listing(scan, "triton")
    lines = function_lines(listing.text if listing.program.name else listing.unused, table_of(scan), 2, 3)
    assert [(line.name, line.filled, line.value) for line in lines[:2]] == [("if", "2 == 0", 0), ("if", "2 == 1", 0)]
