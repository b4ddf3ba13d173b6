"""Every definition of the library: documented, sourced, printable, proved, and bindable on awkward grids."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

import scanlab
from scanlab.checking import check_definition
from scanlab.compiler.bind import bind
from scanlab.compiler.lattice import Lattice
from scanlab.compiler.prove import prove
from scanlab.compiler.sorting import sorted_patches
from scanlab.ir.values import orders_of
from scanlab.language.library import library_definitions, library_modules

DEFINITIONS = library_definitions()
USABLE = {name: d for name, d in DEFINITIONS.items() if d.value is not None}
# skip has no defaults; the values its users give stand in for it.
OPEN = {"skip[1, 0]": DEFINITIONS["skip"]}
_TURNS = {"transpose", "flip_h", "flip_w", "flip_t", "rot90", "rot180", "rot270", "reverse"}
HELPERS = {*_TURNS, "both_ways", "tiled", "tiled3"}
FAMILIES = {"mambaad_eight", "eamamba_two", "eamamba_four", "eamamba_eight", "diffma_block"}
GRIDS = {
    1: [(196,), (1,), (23,)],
    2: [(14, 14), (5, 8), (1, 1), (7, 3), (1, 9), (2, 2), (2, 5)],
    3: [(4, 14, 14), (1, 1, 1), (3, 5, 2)],
}

each = pytest.mark.parametrize("name", USABLE)
each_grid = pytest.mark.parametrize(
    ("name", "grid"), [(n, g) for n, d in USABLE.items() for g in GRIDS[len(d.axes)]], ids=str
)


def test_the_files_have_no_problems():
    assert [m.problems for m in library_modules()] == [()] * len(library_modules())


def test_what_is_no_value_is_a_helper():
    assert {n for n, d in DEFINITIONS.items() if d.value is None} == HELPERS | FAMILIES | {"skip"}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_definition_is_documented(name):
    doc = DEFINITIONS[name].doc
    assert doc[0].isupper() and doc.endswith(".") and len(doc) < 160
    assert ". " not in doc, "one sentence"


@pytest.mark.parametrize("name", [n for n in DEFINITIONS if n not in HELPERS | FAMILIES])
def test_every_definition_names_its_source(name):
    assert len(DEFINITIONS[name].source) >= len("folklore")


@each
def test_printed_source_reads_back_as_the_same_value(name):
    value = USABLE[name].value
    assert scanlab.parse(str(value), axes=value.axes) == value


@each
def test_proved_for_all_sizes_with_its_claims(name):
    checked = check_definition(USABLE[name], look_up=False)
    assert checked.diagnostics == ()
    assert checked.proof.verdict == "proved"
    assert all(p.verdict == "proved" for p in checked.claims)


def test_verdicts_over_the_library():
    verdicts = Counter(prove(d.value).verdict for d in USABLE.values())
    assert verdicts == {"proved": len(USABLE)}


@each_grid
def test_paths_agree_with_sorting_and_with_the_merge(name, grid):
    value = USABLE[name].value
    patches = np.arange(np.prod(grid))
    for scan in bind(value, grid).scans:
        for path in scan.paths:
            np.testing.assert_array_equal(path.indices, oracle(path.order, grid))
            if not path.order.partial:
                np.testing.assert_array_equal(np.sort(path.indices), patches)
        if scan.merge == "scatter":
            np.testing.assert_array_equal(np.sort(np.concatenate([p.indices for p in scan.paths])), patches)


def oracle(order, grid):
    """The sorted keys; the reversal undone by hand, so that it is tested too."""
    forward = sorted_patches(replace(order, reverse=False), Lattice(order.axes, grid))
    return forward[::-1] if order.reverse else forward


@each
def test_index_forms_are_recorded_and_hold(name):
    value = USABLE[name].value
    grid = {1: (23,), 2: (5, 8), 3: (3, 4, 6)}[len(value.axes)]
    for order in dict.fromkeys(orders_of(value)):
        path = bind(order, grid).paths[0]
        assert path.form in ("affine", "curve", "table")
        assert (path.index_form.reason != "") == (path.form == "table")


def test_forms_of_well_known_orders():
    kinds = {n: scanlab.compile(n, (14, 14)).paths[0].form for n in ("row", "snake", "window", "hilbert", "shuffled")}
    kinds["hilbert at a power of two"] = scanlab.compile("hilbert", (16, 16)).paths[0].form
    assert kinds == {
        "row": "affine",
        "snake": "affine",
        "window": "affine",
        "hilbert": "table",
        "shuffled": "table",
        "hilbert at a power of two": "curve",
    }


@pytest.mark.parametrize("name", OPEN)
def test_definitions_with_parameters_bind(name):
    found = scanlab.compile(scanlab.load(name), (5, 8)).paths[0].indices
    np.testing.assert_array_equal(found, [8, 10, 12, 14, 24, 26, 28, 30])


def test_a_symmetry_and_its_inverse_cancel():
    for there, back in [("rot90", "rot270"), ("rot180", "rot180"), ("transpose", "transpose"), ("flip_h", "flip_h")]:
        assert scanlab.parse(f"{back}({there}(zigzag))") == scanlab.parse("zigzag")


def test_orbits_under_the_symmetries_of_the_square_are_the_eight_images():
    square = np.arange(25).reshape(5, 5)
    expected = {tuple(np.rot90(x, k).ravel()) for x in (square, square.T) for k in range(4)}
    assert len(expected) == 8
    found = scanlab.compile("sum(orbit(row, transpose, flip_w, flip_h))", (5, 5)).indices
    assert {tuple(p) for p in found} == expected
