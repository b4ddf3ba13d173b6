"""docs/audit.md and strategies/audit.json say what the stored arrays show, and no more."""

from __future__ import annotations

import json
import re
import runpy
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

import scanlab
from scanlab.decompiler.result import VERDICTS

ROOT = Path(__file__).parents[2]
MAKE = runpy.run_path(str(ROOT / "docs" / "make_audit.py"))
AUDIT = json.loads(files("scanlab.strategies").joinpath("audit.json").read_text(encoding="utf-8"))
ROWS = {row["id"]: row for row in AUDIT["rows"]}
STORED = MAKE["stored"]()
AGAIN = "run: python docs/make_audit.py"
# Every so-manyeth row is judged anew in every run, and all of them in `make sweep`.
EVERY = 9


def grid_of(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split("x")))


def written(ids=None):
    """Rows judged anew, as JSON has them."""
    found = (MAKE["judged"](row) for row in MAKE["rows"]() if ids is None or row["id"] in ids)
    return {row["id"]: json.loads(json.dumps(row)) for row in found}


def test_the_page_is_what_the_table_says():
    assert MAKE["page"](AUDIT) == (ROOT / "docs" / "audit.md").read_text(encoding="utf-8"), AGAIN
    assert AUDIT["counts"] == MAKE["counts"](AUDIT["rows"])
    assert list(ROWS) and len(ROWS) == len(AUDIT["rows"]) == len(MAKE["rows"]())


def test_rows_are_what_the_arrays_say():
    ids = sorted(ROWS)[::EVERY]
    assert {name: ROWS[name] for name in ids} == written(ids), AGAIN


@pytest.mark.sweep
def test_all_rows_are_what_the_arrays_say():
    assert written() == ROWS, AGAIN


@pytest.mark.parametrize("name", ROWS)
def test_a_line_gives_the_stored_arrays_exactly(name):
    row, arrays = ROWS[name], STORED[name]
    assert list(map(grid_of, row["grids"])) == MAKE["_sorted"](arrays)
    axes = (
        next(r for r in MAKE["rows"]() if r["id"] == name).get("axes")
        or {1: "w", 2: "h w", 3: "t h w"}[len(grid_of(row["grids"][0]))]
    )
    for grid, array in arrays.items():
        bound = [path["line"] and steps_of(path["line"], axes, grid) for path in row["paths"]]
        if row["merge"] == "chain":
            bound = [np.concatenate(bound)]
        for steps, given in zip(bound, array, strict=True):
            assert steps is None or np.array_equal(steps, given)
    for number, said in enumerate(row["said"]):
        for text in said["equal"] + said["differs"]:
            given = arrays[grid_of(text)][number]
            equal = np.array_equal(steps_of(said["line"], axes, grid_of(text)), given[given >= 0])
            assert equal == (text in said["equal"])


def steps_of(line, axes, grid):
    return scanlab.compile(scanlab.parse(line, axes), grid).paths[0].sequence


@pytest.mark.parametrize("name", ROWS)
def test_a_row_claims_no_more_than_it_shows(name):
    row = ROWS[name]
    whole = all(path["line"] for path in row["paths"])
    # A proof is of a line that gives everything; where there is none, the verdict says why.
    assert bool(row["proof"]) == (whole and row["verdict"] in ("line", "several lines"))
    assert row["verdict"] in VERDICTS and row["group"] in MAKE["GROUPS"]
    if row["group"] == "right":
        assert row["proof"] and "proved" in row["proof"] and not (row["lands"] and row["lands"]["apart"])
    if row["lands"]:
        assert row["lands"]["same"] or row["lands"]["apart"]
    # That ranks are used as indices is said of no array whose inverse has no line.
    assert not row["ranks_checked"] or row["verdict"] == "ranks"
    assert re.fullmatch(r"[0-9a-f]{40}", row["commit"])
    assert all(row[field] for field in (*MAKE["PROVENANCE"], *MAKE["BY_HAND"]))


def test_those_that_are_right_come_first_and_the_27_recorded_repositories_and_more_are_there():
    order = list(MAKE["GROUPS"])
    assert [order.index(row["group"]) for row in AUDIT["rows"]] == sorted(
        order.index(row["group"]) for row in AUDIT["rows"]
    )
    table = json.loads((ROOT / "tests" / "golden" / "scan_orders.json").read_text(encoding="utf-8"))
    of = {r["base"]: r["repository"] for part in ("matched", "not_matched") for r in table[part]}
    recorded = {name for base, name in of.items() if not base.startswith("ref_")}
    audited = {row["repository"] for row in AUDIT["rows"]}
    assert len(recorded) == 27 and recorded <= audited
    assert len(audited - recorded) >= 8


def test_what_is_said_of_quadmamba_is_so():
    """Two masked sequences, added: eight steps of 64 hold two patches and eight none."""
    held = (STORED["quadmamba/added"][8, 8] >= 0).sum(axis=0)
    assert [(held == n).sum() for n in (0, 1, 2)] == [8, 48, 8]


def test_what_is_said_of_plainmamba_is_so():
    """Patches are permuted; the steps' own delta is that of the raster."""
    for grid, delta in STORED["plainmamba/delta"].items():
        assert (delta == np.arange(np.prod(grid))).all()
        assert (STORED["plainmamba/continuous2d"][grid] != delta).any(axis=1).all()


def test_what_is_said_of_zig_rir_is_so():
    """The second recurrence reads each scheme's order applied to itself."""
    for scheme in ("horizontal", "vertical"):
        for grid, twice in STORED[f"zig_rir/{scheme}_second"].items():
            once = STORED[f"zig_rir/{scheme}"][grid][0]
            assert np.array_equal(once[once], twice[0])
