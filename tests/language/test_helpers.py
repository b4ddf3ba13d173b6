"""Helpers under other names of the axes, and errors of the library's definitions at the line that uses them."""

from __future__ import annotations

import numpy as np
import pytest

import scanlab
from scanlab.ir.diagnostics import ScanlabError, Source
from scanlab.language.library import library_templates
from scanlab.language.module import Module, read_module


def _read(text: str) -> Module:
    return read_module(Source(text, "a.scan"), library_templates)


@pytest.mark.parametrize("helper", ["transpose", "flip_h", "flip_w", "rot90", "rot180", "rot270", "reverse"])
@pytest.mark.parametrize("path", ["snake", "(by hilbert({0}, {1}) where {1} < 3)"])
def test_a_helper_means_axes_by_place(helper: str, path: str) -> None:
    found = {}
    for axes in (("h", "w"), ("y", "x")):
        module = _read(f"grid {', '.join(axes)}\norder a = {helper}({path.format(*axes)})\n").raise_problems()
        value = module["a"].value
        assert value is not None and value.axes == axes
        found[axes] = scanlab.compile(value, (4, 5)).indices
    np.testing.assert_array_equal(found["h", "w"], found["y", "x"])


def test_an_orbit_means_axes_by_place() -> None:
    plain = _read("grid h, w\nscan a = sum(orbit(snake, transpose, flip_h, flip_w))\n").raise_problems()["a"].value
    named = _read("grid y, x\nscan a = sum(orbit(snake, transpose, flip_h, flip_w))\n").raise_problems()["a"].value
    assert plain is not None and named is not None
    grid = (4, 4)
    np.testing.assert_array_equal(scanlab.compile(plain, grid).indices, scanlab.compile(named, grid).indices)


def test_a_helper_of_the_same_file_means_axes_by_place() -> None:
    text = "grid h, w\norder mirror(p) = p(w = W - 1 - w)\ngrid y, x\norder a = mirror((by y, ~x))\n"
    assert _read(text).raise_problems()["a"].value == scanlab.parse("by y, ~(X - 1 - x)", "y x")


def test_names_go_before_places() -> None:
    text = "grid w, h\norder a = flip_w((by w, h))\n"
    assert _read(text).raise_problems()["a"].value == scanlab.parse("by W - 1 - w, h", "w h")


def test_another_number_of_axes_is_an_error_of_the_line_that_names_the_helper() -> None:
    [found] = _read("grid d, t, y, x\norder a = flip_w((by d, t, y, x))\n").problems
    assert found.code == "S208" and "`flip_w` names the axis w; the grid here has d, t, y, x" in found.message
    assert found.span is not None and found.span.source.name == "a.scan" and found.span.line == 2
    text = "grid h, w\norder mirror(p) = p(w = W - 1 - w)\ngrid t, y, x\norder a = mirror((by t, y, x))\n"
    [found] = _read(text).problems
    assert found.code == "S208" and found.span is not None and found.span.line == 4


def test_the_library_means_the_last_axes_of_a_volume() -> None:
    value = _read("grid z, y, x\norder a = flip_w((by z, y, x))\n").raise_problems()["a"].value
    assert value == scanlab.parse("by z, y, X - 1 - x", "z y x")


@pytest.mark.parametrize(("line", "code"), [("order a = window[0]", "S306"), ("order a = transpose(cross)", "S206")])
def test_errors_inside_the_library_point_to_the_use(line: str, code: str) -> None:
    [found] = _read(f"grid h, w\n{line}\n").problems
    name = line.split("= ")[1].split("[")[0].split("(")[0]
    assert found.code == code and found.message.startswith(f"`{name}` cannot be used so: ")
    assert found.span is not None and found.span.source.name == "a.scan" and found.span.line == 2
    assert "strategies/" in found.note


def test_errors_of_the_library_as_python_values() -> None:
    with pytest.raises(ScanlabError) as found:
        scanlab.load("window[0]")
    assert "strategies/" not in str(found.value.diagnostics[0].span)


@pytest.mark.parametrize("axes", [("h", "w"), ("y", "x"), ("b", "a"), ("w", "h")])
def test_tiles_mean_axes_by_place(axes: tuple[str, str]) -> None:
    a, b = axes
    text = f"grid {a}, {b}\norder a = tiled[3]((by {b}, ~{a}), (by gilbert({a}, {b})))\n"
    value = _read(text.replace("order a", "order z")).raise_problems()["z"].value
    first, second = axes if axes != ("w", "h") else ("h", "w")
    plain = f"by {b} // 3, -({a} // 3) if {b} // 3 % 2 == 1 else {a} // 3, "
    assert value == scanlab.parse(f"{plain}within ({first} // 3, {second} // 3): gilbert({a}, {b})", " ".join(axes))
    assert value is not None and scanlab.prove(value).verdict == "proved"


@pytest.mark.parametrize("axes", ["t h w", "z y x", "a b c"])
def test_cubes_mean_axes_by_place(axes: str) -> None:
    a, b, c = axes.split()
    value = scanlab.parse(f"tiled3[k=2]((by ~{c}, ~{b}, ~{a}), (by hilbert({a}, {b}, {c})))", axes)
    found = scanlab.compile(value, (4, 3, 5)).indices[0]
    points = np.stack(np.unravel_index(found, (4, 3, 5)), axis=1) // 2
    runs = 1 + (points[1:] != points[:-1]).any(axis=1).sum()
    assert sorted(found) == list(range(60)) and runs == 2 * 2 * 3
    assert scanlab.prove(value).verdict == "proved"


def test_tiles_are_walked_by_the_outer_path_and_each_by_the_inner() -> None:
    found = scanlab.compile("tiled[2](column, snake)", (3, 4)).indices[0].tolist()
    assert found == [0, 1, 5, 4, 8, 9, 2, 3, 7, 6, 10, 11]
    with pytest.raises(ScanlabError, match=r"S206.*`tiled` cannot be used so: a scan stands where an order is needed"):
        scanlab.parse("tiled(cross, snake)")
