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


def neighbour_share(path, side):
    """The share of the steps that go to a neighbouring patch of a square grid."""
    points = np.stack(np.unravel_index(path, (side, side)), axis=1)
    return float((np.abs(np.diff(points, axis=0)).sum(axis=1) == 1).mean())


@pytest.mark.parametrize(
    ("definition", "compare", "count", "side", "share"),
    [
        ("zigma_hilbert", "layers", 8, 8, 0.44),
        ("zigma_hilbert", "layers", 8, 14, 0.52),
        ("diffma", "branches", 16, 7, 0.52),
    ],
)
def test_gathering_with_ranks_loses_the_neighbours(definition, compare, count, side, share):
    indices = rows_of(definition, compare, (side, side), count)[0]
    assert neighbour_share(indices, side) == 1
    assert round(neighbour_share(np.argsort(indices), side), 2) == share


@pytest.mark.skipif(not SHARED.is_dir(), reason="the original arrays are in ../shared beside the checkout")
@pytest.mark.parametrize("entry", ["zigma/hilbertN8_as_used", "diffma/spiral16_as_used", "diffma/zig8_as_used"])
def test_code_that_gathers_with_ranks_walks_the_inverse_of_our_definition(entry):
    used = next(row for row in TABLE["not_matched"] if row["base"] == entry)
    curve = next(row for row in TABLE["matched"] if row["base"] == entry.replace("as_used", "curve"))
    for name, grid in used["entries"].items():
        system, _, key = name.partition("/")
        with np.load(SHARED / f"{system}.npz") as stored:
            published = stored[key]
        ours = rows_of(curve["definition"], curve["compare"], tuple(grid), len(published))
        np.testing.assert_array_equal(np.argsort(ours, axis=1), published)


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
