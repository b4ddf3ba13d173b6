"""Library definitions reproduce the orders that published code walks, exactly."""

from __future__ import annotations

import json

import numpy as np
import pytest
from published import SHARED, TABLE, arrays, rows_of

ARRAYS = arrays()
CASES = [(row, entry) for row in TABLE["matched"] for entry in row["entries"]]


@pytest.mark.parametrize(("row", "entry"), CASES, ids=[entry for _, entry in CASES])
def test_definition_equals_the_published_order(row, entry):
    published = ARRAYS[entry]
    found = rows_of(row["definition"], row["compare"], tuple(row["entries"][entry]), len(published))
    assert len(found) == len(published)
    for k, (ours, theirs) in enumerate(zip(found, published, strict=True)):
        # -1 is a zero pad that the peer scans; we have no pads.
        np.testing.assert_array_equal(ours, theirs[theirs != -1], err_msg=f"path {k} of {entry}")


def test_every_array_has_a_row_and_every_row_an_array():
    listed = [entry for _, entry in CASES]
    assert len(listed) == len(set(listed)) == 260
    assert set(listed) == set(ARRAYS)


def test_only_pads_are_dropped():
    padded = {row["base"].split("/")[0] for row, entry in CASES if (ARRAYS[entry] == -1).any()}
    assert padded == {"localmamba", "efficientvmamba"}


def test_what_is_not_matched_says_why():
    entries = [entry for row in TABLE["not_matched"] for entry in row["entries"]]
    assert len(entries) == 27
    assert all(len(row["reason"]) > 20 for row in TABLE["not_matched"])


def test_every_row_says_where_it_comes_from():
    for row in [*TABLE["matched"], *TABLE["not_matched"]]:
        assert all(row[k] for k in ("repository", "commit", "file", "function", "licence", "how"))


def test_a_wrong_definition_would_be_noticed():
    ours = rows_of("vim", "sequences", (4, 4), 2)
    assert not np.array_equal(ours[0], ARRAYS["vim/headcls/4x4"][0])


@pytest.mark.skipif(not SHARED.is_dir(), reason="the original arrays are in ../shared beside the checkout")
def test_copies_equal_the_originals():
    index = json.loads((SHARED / "INDEX.json").read_text(encoding="utf-8"))["entries"]
    named = {f"{e['npz'].removesuffix('.npz')}/{e['key']}": e for e in index.values()}
    assert {n for n, e in named.items() if not e.get("caution")} == set(ARRAYS)
    grids = {n: g for row in [*TABLE["matched"], *TABLE["not_matched"]] for n, g in row["entries"].items()}
    assert grids == {n: e["grid"] for n, e in named.items()}
    for name, copy in ARRAYS.items():
        with np.load(SHARED / named[name]["npz"]) as stored:
            np.testing.assert_array_equal(stored[named[name]["key"]], copy)
