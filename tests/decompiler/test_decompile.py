"""From arrays and functions to lines: right on what is shown, and never more sure than that allows."""

from __future__ import annotations

import math

import numpy as np
import pytest

import scanlab
from scanlab.compiler.relations import prove_same
from scanlab.ir.diagnostics import ScanlabError

GRIDS = ((3, 5), (5, 4), (7, 7), (8, 8), (6, 9))
LINES = (
    "by h, w",
    "by w, h",
    "by h, ~w",
    "by w, ~-h",
    "by h, -w",
    "by h + w, h",
    "by h + w, ~w",
    "by h - w, w",
    "by W - 1 - w - h, ~h",
    "by h % 2, w % 2, h, w",
    "by h // 2, w // 2, h, w",
    "by h // 3, ~(w // 3), h, ~w",
    "by (w - h) % W, h",
    "by hilbert(h, w)",
    "by gilbert(w, h)",
    "by -gilbert(h, W - 1 - w)",
    "by morton(w, h)",
    "by spiral_in(h, w)",
    "by spiral_out(h, w, heading=2, turn=1)",
    "by max(h, w), ~h, w",
    "by min(h, H - 1 - h, w, W - 1 - w), h, w",
    "by h, w with cls at start",
    "by h, ~w with cls at middle",
)


def arrays(line: str, grids=GRIDS):
    value = scanlab.parse(line)
    return {grid: np.stack([p.sequence for p in scanlab.compile(value, grid).paths]) for grid in grids}


@pytest.mark.parametrize("line", LINES)
def test_a_line_comes_back_from_its_arrays(line):
    answer = scanlab.decompile(arrays(line))
    assert answer.verdict == "line" and answer.proof.verdict == "proved"
    assert prove_same(answer.value, scanlab.parse(line)).verdict == "proved"
    # The text is what a user would paste: read again, it gives every array.
    for grid, sequences in arrays(line).items():
        [path] = scanlab.compile(scanlab.parse(answer.source), grid).paths
        np.testing.assert_array_equal(path.sequence, sequences[0])


@pytest.mark.parametrize(
    "line, grids",
    [
        ("by t, ~h, ~w", ((2, 3, 4), (3, 4, 5))),
        ("by h, w, t", ((2, 3, 4), (4, 4, 4))),
        ("by morton(t, h, w)", ((3, 4, 2), (4, 4, 4))),
    ],
)
def test_volumes_and_videos(line, grids):
    value = scanlab.parse(line, "t h w")
    answer = scanlab.decompile({grid: scanlab.compile(value, grid).indices for grid in grids})
    assert answer.verdict == "line" and prove_same(answer.value, value).verdict == "proved"


def test_one_axis_and_other_names():
    assert scanlab.decompile({(7,): np.arange(7)[::-1], (4,): np.arange(4)[::-1]}).source == "by -w"
    answer = scanlab.decompile({"2x3": [0, 3, 1, 4, 2, 5], "3x4": np.arange(12).reshape(3, 4).T.ravel()}, axes="y x")
    assert answer.source == "by x, y" and answer.value.axes == ("y", "x")


def test_a_scan_is_read_path_by_path():
    answer = scanlab.decompile({grid: scanlab.compile("cross", grid) for grid in GRIDS})
    assert answer.source == "sum((by h, w), (by w, h), -(by h, w), -(by w, h))" and answer.name == "the same as cross"
    assert answer.notes == ()
    bare = scanlab.decompile({grid: scanlab.compile("cross", grid).indices for grid in GRIDS})
    assert bare.source == answer.source and "how the outputs merge is not in the arrays" in bare.notes[0]
    assert (
        scanlab.decompile({grid: scanlab.compile("cross", grid).indices for grid in GRIDS}, merge="mean").value.merge
        == "mean"
    )


def test_paths_that_each_read_a_part():
    value = "scatter((by h, w where h % 2 == 0), (by h, ~w where h % 2 == 1))"
    grids = ((4, 4), (6, 5), (7, 7))
    answer = scanlab.decompile({grid: [p.indices for p in scanlab.compile(value, grid).paths] for grid in grids})
    assert answer.verdict == "line" and prove_same(answer.value, scanlab.parse(value)).verdict == "proved"


def test_reversed_paths_with_a_token_in_the_middle():
    given = {grid: scanlab.compile("vim", grid) for grid in GRIDS}
    answer = scanlab.decompile(given)
    assert answer.verdict == "line" and answer.name == "the same as vim"


def snake(height: int, width: int) -> list[int]:
    rows = np.arange(height * width).reshape(height, width).copy()
    rows[1::2] = rows[1::2, ::-1]
    return rows.ravel().tolist()


def test_a_function_is_asked_on_grids_that_tell_apart():
    answer = scanlab.decompile(snake)
    assert (answer.source, answer.verdict, answer.name) == ("by h, ~w", "line", "the same as snake")
    assert (17, 23) in answer.tested and max(math.prod(grid) for grid in answer.tested) > 1000


def test_the_trap_of_small_grids():
    """A line with a modulus fits every grid below it: what a function gives beyond is asked, and counts."""

    def wrapped(height, width):
        keys = [((p // width) % 11, p // width, p % width) for p in range(height * width)]
        return sorted(range(height * width), key=keys.__getitem__)

    answer = scanlab.decompile(wrapped)
    assert answer.verdict == "line" and answer.source == "by h % 11, h, w"
    # Of grids up to 8 alone the same array is a raster, and no constant of 8 or more is read into it.
    small = scanlab.decompile({grid: np.array(wrapped(*grid)) for grid in ((5, 5), (8, 8), (4, 6))})
    assert small.source == "by h, w"


def test_what_one_grid_does_not_settle_is_said():
    hilbert = scanlab.compile("hilbert", (8, 8)).indices
    answer = scanlab.decompile({(8, 8): hilbert})
    assert answer.verdict == "several lines" and not answer
    assert answer.notes[0].endswith("an array of 2x3 would settle it")
    window = scanlab.decompile({(14, 14): scanlab.compile("window[k=7]", (14, 14)).indices})
    assert window.verdict == "several lines" and "would settle it" in window.notes[0]


def test_ranks_used_as_indices_are_named():
    for name in ("hilbert", "spiral_out[0, 0]"):
        answer = scanlab.decompile({grid: scanlab.compile(name, grid).ranks for grid in ((7, 7), (8, 8))})
        assert answer.verdict == "ranks" and answer.source is None and answer.nearest.how == "inverse"
        inverse = scanlab.parse(answer.nearest.source)
        np.testing.assert_array_equal(scanlab.compile(inverse, (8, 8)).indices, scanlab.compile(name, (8, 8)).indices)


def test_right_on_squares_only():
    def transposed_on_squares(height, width):
        order = np.arange(height * width).reshape(height, width)
        return (order.T if height == width else order).ravel()

    answer = scanlab.decompile(transposed_on_squares)
    assert (
        answer.verdict == "some sizes"
        and answer.nearest.how == "on squares only"
        and answer.nearest.source == "by w, h"
    )
    assert answer.notes[0] == "on 3x5, step 1 reads patch 1 where `by w, h` has patch 5"
    # Where what is shown does not tell squares from powers of two, both are said.
    given = {(n, n): scanlab.compile("morton", (n, n)).indices for n in (4, 8)}
    given[7, 7] = np.arange(49)[::-1].reshape(7, 7).T.ravel()
    assert "powers of two" in scanlab.decompile(given).nearest.how


def test_patches_twice_or_never_are_named():
    answer = scanlab.decompile({(2, 3): [0, 1, 1, 3, 4, 5]})
    assert answer.verdict == "not a permutation" and answer.source is None
    assert answer.notes[0] == "on 2x3 it reads patch 1 twice and patch 2 never"
    missing = scanlab.decompile({(4, 4): [p for p in range(16) if p % 4 % 2 == 0]})
    assert missing.verdict == "not a permutation" and "and 4 more never" in missing.notes[0]


def test_pads_are_named_with_the_line_without_them():
    padded = [0, 1, 3, 4, 2, -1, 5, -1, 6, 7, -1, -1, 8, -1, -1, -1]
    answer = scanlab.decompile({(3, 3): padded})
    assert answer.verdict == "padded" and answer.nearest.how == "without the pads"
    assert answer.notes == ("on 3x3 7 of 16 steps read a pad",)
    np.testing.assert_array_equal(
        scanlab.compile(answer.nearest.source, (3, 3)).indices[0], [p for p in padded if p >= 0]
    )


def test_a_near_miss_says_how_far_it_is():
    order = np.array(snake(8, 8))
    order[[20, 21]] = order[[21, 20]]
    answer = scanlab.decompile({(8, 8): order, (5, 5): np.array(snake(5, 5))})
    assert answer.verdict in ("no line", "some sizes") and answer.nearest.source == "by h, ~w"
    noise = {(8, 8): np.random.default_rng(0).permutation(64), (7, 7): np.random.default_rng(1).permutation(49)}
    nothing = scanlab.decompile(noise)
    assert nothing.verdict == "no line" and nothing.nearest is None and nothing.source is None


@pytest.mark.parametrize(
    "given, code, words",
    [
        ({}, "S430", "there is no array"),
        ({(2, 2): [0, 1, 2, 4]}, "S431", "reads patch 4 at step 3"),
        ({(2, 2): [0, 1, -7, 2]}, "S431", "reads patch -7"),
        ({(2, 2): [0.5, 1, 2, 3]}, "S430", "float64"),
        ({(2, 2): np.array([None, 1, 2, 3])}, "S430", "object"),
        ({(2, 2): [[0, [1]], [2]]}, "S430", "cannot be read"),
        ({(2, 2): [[0, 1], [2]], (3, 2): np.arange(6)}, "S430", "not of one scan"),
        ({(2, 2): []}, "S430", "no list of patch numbers"),
        ({(2, 2): np.zeros((2, 2, 2), int)}, "S430", "shape (2, 2, 2)"),
        ({(2, 2): np.zeros((65, 4), int)}, "S430", "65 paths"),
        ({(2, 2): [-1, -1, -1, -1]}, "S430", "without a patch"),
        ({(2, 2): np.arange(4), (3, 3): np.zeros((2, 9), int)}, "S430", "not of one scan"),
        ({"2by": np.arange(4)}, "S400", "grid"),
    ],
)
def test_what_is_no_array_of_patches_is_refused(given, code, words):
    with pytest.raises(ScanlabError) as error:
        scanlab.decompile(given)
    assert error.value.code == code and words in str(error.value)


def test_other_arguments_that_make_no_sense():
    for call, code in (
        (lambda: scanlab.decompile(np.arange(4)), "S430"),
        (lambda: scanlab.decompile(3), "S430"),
        (lambda: scanlab.decompile({(2, 2): np.arange(4)}, axes="h"), "S400"),
        (lambda: scanlab.decompile({(1, 1, 1, 1, 2): np.arange(2)}), "S400"),
        (lambda: scanlab.decompile({(2, 2): np.arange(4)}, merge="median"), "S201"),
        (lambda: scanlab.decompile(lambda h, w: 1 / 0), "S432"),
        (lambda: scanlab.decompile(lambda h, w: "nothing"), "S430"),
    ):
        with pytest.raises(ScanlabError) as error:
            call()
        assert error.value.code == code


def test_a_function_that_takes_some_grids_only():
    def powers(height, width):
        if height != width or height & (height - 1):
            raise ValueError("squares of a power of two")
        return scanlab.compile("hilbert", (height, width)).indices[0]

    answer = scanlab.decompile(powers)
    assert answer.verdict == "several lines" and answer.grids == ((8, 8),) and (2, 2) in answer.tested


def test_whole_floats_lists_and_one_grid_argument():
    assert scanlab.decompile(np.arange(12.0), (3, 4)).source == "by h, w"
    assert (
        scanlab.decompile(lambda grid: np.arange(grid[0] * grid[1]).reshape(grid).T.ravel(), axes="h w").source
        == "by w, h"
    )


def test_many_patches_in_bounded_memory():
    grid = (600, 500)
    answer = scanlab.decompile({grid: scanlab.compile("by w, ~h", grid).indices})
    assert answer.source == "by w, ~h"
    assert scanlab.decompile({grid: np.random.default_rng(0).permutation(300_000)}).verdict == "no line"


def test_json_and_text_say_the_same():
    answer = scanlab.decompile(snake)
    data = answer.as_json()
    assert data["source"] == answer.source and data["proof"]["verdict"] == "proved" and data["grids"][0] == [3, 5]
    text = str(answer)
    assert (
        text.startswith("by h, ~w\n") and "proved for all sizes" in text and "the same as snake in the library" in text
    )
