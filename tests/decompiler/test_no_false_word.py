"""Nothing is claimed of grids that were not tried, nothing is accused that may be otherwise, and nothing is lost."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

import scanlab
from scanlab.compiler.relations import prove_same
from scanlab.decompiler import decompile as searching
from scanlab.decompiler.sizes import kind_of_sizes
from scanlab.ir.diagnostics import ScanlabError


def raster(height: int, width: int) -> np.ndarray:
    return np.arange(height * width).reshape(height, width)


def rows_by(key):
    """A function whose rows are sorted by a key of their number and the height."""
    return lambda h, w: raster(h, w)[sorted(range(h), key=lambda r: (key(r, h), r))].ravel()


def test_a_length_that_is_no_multiple_is_no_chain():
    answer = scanlab.decompile({(4, 4): np.r_[-2, np.arange(16), np.arange(16)[::-1]]})
    assert answer.verdict == "not a permutation" and answer.source is None


def test_paths_of_different_lengths():
    answer = scanlab.decompile({(2, 2): [[0, 1, 2], [0, 1], [3], [0]]})
    assert answer.verdict == "no line" and answer.value is None and len(answer.paths) == 4

    def parts(height, width):
        return [raster(height, width)[i::2, j::2].ravel() for i in (0, 1) for j in (0, 1)]

    whole = scanlab.decompile(parts)
    assert whole.verdict == "line" and whole.value.merge == "scatter" and (17, 23) in whole.tested
    assert any("on 1x4" in note and "gives no order" in note for note in whole.notes)


def test_paths_that_overlap_have_a_line_each():
    answer = scanlab.decompile({(8, 8): [np.arange(64), raster(8, 8)[::2, ::2].ravel()]})
    assert answer.verdict == "no line" and answer.value is None
    assert answer.notes[0].startswith("on 8x8 paths 0 and 1 both read patch 0")
    assert "path 1: by h, w where h % 2 == 0 and w % 2 == 0" in str(answer)
    rows = {(4, 4): [np.arange(12), np.arange(4, 16)]}
    assert "paths 0 and 1 both read patch 4" in scanlab.decompile(rows).notes[0]
    assert scanlab.decompile(rows, merge="chain").value.merge == "chain"
    # A merge that was asked for and does not fit is no mistake of the search.
    assert "is no scan: a patch is left out" in scanlab.decompile(rows, merge="sum").notes[0]
    twice = scanlab.decompile({(4, 4): [np.arange(16), np.arange(16)]}, merge="scatter")
    assert "is no scan: two paths" in twice.notes[0] and twice.value is None


def test_a_path_with_a_token_and_its_mirror_without():
    answer = scanlab.decompile({(n, n): [[-2, *range(n * n)], [*range(n * n)][::-1]] for n in (5, 6)})
    assert answer.value is not None and [part.tokens != () for part in answer.value.parts] == [True, False]


@pytest.mark.parametrize(
    "key, line",
    [(lambda r, h: min(r, h - 1 - r), "by min(h, H - 1 - h), h, w"), (lambda r, h: abs(r - h // 2), None)],
)
def test_rows_from_both_ends_or_from_the_middle_are_no_ranks(key, line):
    answer = scanlab.decompile(rows_by(key))
    assert answer.verdict == "line" and answer.source == (line or "by abs(h - H // 2), h, w")


def test_noise_is_no_inverse_of_a_line():
    random = np.random.default_rng(0)
    verdicts = Counter(scanlab.decompile({(2, 4): random.permutation(8)}).verdict for _ in range(60))
    assert verdicts["ranks"] == verdicts["some sizes"] == 0
    assert scanlab.decompile({(2, 4): [2, 5, 7, 0, 3, 4, 6, 1]}).verdict != "ranks"


def test_ranks_may_be_exchanged_extents():
    answer = scanlab.decompile(lambda h, w: raster(w, h).T.ravel())
    assert answer.verdict == "ranks" and answer.nearest.source == "by w, h"
    assert "ranks may be used" in str(answer) and "or h and w are exchanged" in answer.notes[1]


def test_ranks_are_tried_on_further_grids():
    def ranks(height, width):
        h, w = np.divmod(np.arange(height * width), width)
        return np.argsort(np.lexsort((h, w, h // 12)))

    answer = scanlab.decompile(ranks)
    assert (14, 14) in answer.grids and answer.source is None
    # Rows of blocks of 12 start anew on 14x14: `by w, h` is the inverse of smaller grids alone.
    assert answer.verdict != "ranks" and "14x14" not in str(answer.nearest)


def test_a_kind_of_sizes_needs_several_grids():
    assert kind_of_sizes([(7, 7)], [(3, 5), (8, 8)]) == "7x7 alone"
    assert kind_of_sizes([(7, 7), (14, 7)], [(3, 5), (8, 8)]) == "sizes that 7 divides only"

    def steps(height, width):
        total = height * width
        return np.arange(total) * next(m for m in range(7, total + 8) if math.gcd(m, total) == 1) % total

    assert "7 divides" not in str(scanlab.decompile(steps))
    rows = scanlab.decompile({(6, 6): np.arange(18), (12, 12): np.arange(72)})
    assert str(rows.nearest) == "of the grids shown, on 12x12 alone: by h, w where h < 6"


def test_a_kind_is_tried_on_further_grids():
    def snake_but_the_last(height, width):
        rows = raster(height, width).copy()
        rows[1 : height - 1 : 2] = rows[1 : height - 1 : 2, ::-1]
        return rows.ravel()

    answer = scanlab.decompile(snake_but_the_last)
    assert answer.verdict == "some sizes" and answer.nearest.how == "on grids with an odd first extent only"
    few = scanlab.decompile({g: snake_but_the_last(*g) for g in ((3, 5), (5, 3), (7, 7), (8, 8), (6, 9))})
    assert few.nearest.how.endswith("(odd sizes, or grids with an odd first extent: what was shown does not tell)")


def test_reversed_bits_and_curves_by_rules_are_keys():
    def reversed_bits(row, height):
        bits = max(1, (height - 1).bit_length())
        return int(f"{row:0{bits}b}"[::-1], 2)

    answer = scanlab.decompile(rows_by(reversed_bits))
    assert (answer.verdict, answer.source) == ("line", "by bit_reversal(h), w") and (64, 48) in answer.tested
    moore = {g: scanlab.compile("moore(w, h)", g).indices for g in ((5, 5), (8, 8), (6, 9))}
    assert scanlab.decompile(moore).name == "the transpose of moore"


def test_a_line_that_still_fails_after_all_rounds_is_none(monkeypatch):
    """As it is where every grid that is added brings another line that fits as far as it goes."""
    monkeypatch.setattr(searching, "MOST_ROUNDS", 0)
    answer = scanlab.decompile(lambda h, w: raster(h, w).ravel() if h < 20 else raster(h, w).T.ravel())
    assert answer.source is None and answer.verdict == "some sizes" and answer.nearest.source == "by h, w"
    assert "on 64x48, step 1 reads patch 48 where `by h, w` has patch 1" in answer.notes


SCANS = (
    "heads(sum(row, -row), sum(column, -column))",
    "gate(sum(row, -row), column)",
    "mean(row, sum(column, -column))",
    "heads(row, mean(column, -column))",
    "by h, w restart by h",
    "sum((by h, w restart by h), -(by h, w restart by h)) with cls at middle",
    "-row with cls at middle",
    "sum(row, -row) with mean at end fixed",
    "chain(row, -column) with cls at start",
    "by h, ~w assume H % 2 == 0",
)


@pytest.mark.parametrize("text", SCANS)
def test_a_compiled_scan_keeps_what_it_knows(text):
    scan = scanlab.compile(text, (6, 6))
    for given in (scan, {scan.grid: scan, (8, 5): scanlab.compile(text, (8, 5))}):
        answer = scanlab.decompile(given)
        assert answer.verdict == "line" and prove_same(answer.value, scan.scan).verdict == "proved"


def test_a_scan_that_is_another_elsewhere_is_said_to_be():
    answer = scanlab.decompile(scanlab.compile("window[k=7]", (6, 6)))
    assert (answer.source, answer.verdict) == ("by h, w", "several lines")
    assert any("is another on a 2x8 grid" in note for note in answer.notes)
    merged = scanlab.decompile(scanlab.compile("cross", (6, 6)), merge="mean")
    assert merged.verdict == "several lines" and any("one merges mean" in note for note in merged.notes)


def test_functions_and_other_axes_keep_the_tree_too():
    text = "heads(sum(row, -row), column)"
    answer = scanlab.decompile(lambda h, w: scanlab.compile(text, (h, w)))
    assert answer.verdict == "line" and prove_same(answer.value, scanlab.parse(text)).verdict == "proved"
    other = scanlab.compile(scanlab.parse("by y, x restart by y", axes="y x"), (5, 6))
    assert scanlab.decompile(other).source == "by y, x restart by y"
    assert scanlab.decompile(other, axes="h w").source == "by h, w restart by h"
    mixed = scanlab.decompile(lambda h, w: scanlab.compile("rows" if h < 6 else "row", (h, w)))
    assert mixed.value is None and "merge, restart or assume differently" in mixed.notes[0]


def test_what_is_seen_up_to_counts_the_grids_tried():
    def windows(height, width):
        h, w = np.divmod(np.arange(height * width), width)
        return np.lexsort((w, h, w // 12, h // 12))

    answer = scanlab.decompile(windows)
    assert answer.source == "by h // 12, w // 12, h, w" and (64, 48) in answer.tested
    assert not any("seen up to" in note for note in answer.notes)
    grids = {g: windows(*g) for g in ((14, 14), (16, 9))}
    assert any("seen up to 16 patches" in note for note in scanlab.decompile(grids).notes)


def test_grids_without_proper_arrays_are_left_out():
    def triangles(height, width):
        h, w = np.divmod(np.arange(height * width), width)
        return [np.flatnonzero(w <= h), np.flatnonzero(w > h)]

    for grid in (None, (6, 7)):
        answer = scanlab.decompile(triangles, grid)
        assert answer.verdict == "line" and (4, 1) not in answer.tested
        assert any(note.startswith("on 4x1 the function gives no order") for note in answer.notes)
    one = scanlab.decompile(lambda h, w: [np.arange(h * w)] * (1 if h > 1 else 2))
    assert one.source == "by h, w" and any("2 paths there, and 1 elsewhere" in note for note in one.notes)
    with pytest.raises(ScanlabError) as refused:
        scanlab.decompile(triangles, (4, 1))
    assert refused.value.code == "S430"


def test_a_near_miss_is_near():
    def rolled(height, width):
        return np.roll(raster(height, width), (height // 2, width // 2), (0, 1)).ravel()

    # With halves rounded down it has a line; of a few grids none is near that differs at every step.
    assert scanlab.decompile(rolled).verdict == "line"
    given = {(8, 8): np.arange(64), (6, 9): np.roll(np.arange(54), 1), (4, 4): np.arange(16), (5, 5): np.arange(25)}
    answer = scanlab.decompile(given)
    near = answer.nearest
    assert answer.source is None and (near is None or near.how != "near miss" or near.differing <= near.steps / 2)


@pytest.mark.parametrize(
    "line",
    [
        "by (h - 3) % H, (w - 3) % W",
        "by 2 * h >= H, 2 * w >= W, h, w",
        "by h // 4, ~(w // 4), h, (-w if h % 2 == 1 else w)",
    ],
)
def test_everyday_orders_have_lines(line):
    value = scanlab.parse(line)
    answer = scanlab.decompile(lambda h, w: scanlab.compile(value, (h, w)).indices[0])
    assert answer.verdict == "line" and prove_same(answer.value, value).verdict == "proved"
