"""Index expressions give the bound path, evaluated step by step on plain integers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_orders import AXES, orders

import scanlab
from scanlab.codegen.listing import function_listing
from scanlab.compiler import index_form
from scanlab.compiler.bind import Path, bind
from scanlab.compiler.curves import INVERSES
from scanlab.compiler.index_form import IndexForm, evaluate_form, patch_at
from scanlab.compiler.lattice import Lattice
from scanlab.compiler.loops import loops
from scanlab.compiler.polyhedra import Polyhedra
from scanlab.compiler.sorting import sorted_patches
from scanlab.ir.constants import evaluate
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.expr import Binary, Int
from scanlab.ir.values import Order


def _walk(path: Path) -> list[int]:
    """The patches that the index form names, one step at a time."""
    form = path.index_form
    assert form.patch is not None
    visited = []
    for step in range(len(path.indices)):
        values = {"p": step}
        for name, expr in form.digits:
            values[name] = evaluate(expr, values, {})
        if form.curve is not None:
            rank = np.array([evaluate(form.curve.rank, values, {})])
            point = INVERSES[form.curve.name](rank, len(form.curve.outputs), form.curve.bits)[0]
            values |= dict(zip(form.curve.outputs, map(int, point), strict=True))
        for axis, expr in zip(path.axes, form.coordinates, strict=True):
            values[axis] = evaluate(expr, values, {})
        visited.append(evaluate(form.patch, values, {}))
    return visited


@pytest.mark.parametrize(
    ("text", "grid", "kind"),
    [
        ("by h, w", (6, 9), "affine"),
        ("by w, h", (6, 9), "affine"),
        ("by h, ~w", (6, 9), "affine"),
        ("-(by h, ~w)", (7, 4), "affine"),
        ("window[7]", (14, 14), "affine"),
        ("window[4]", (6, 9), "affine"),
        ("atrous[2]", (5, 7), "affine"),
        ("by (w - h) % W, h", (9, 6), "affine"),
        ("by w // 4, ~h, ~(w % 4)", (6, 10), "affine"),
        ("by 2 * h >= H, 2 * w >= W, h, w", (6, 9), "affine"),
        ("by h, w where h % 2 == 1 and w % 2 == 0", (6, 9), "affine"),
        ("by h, w", (1, 1), "affine"),
        ("by morton(h, w)", (8, 8), "curve"),
        ("by morton(h, w)", (4, 8), "curve"),
        ("by hilbert(h, w)", (8, 8), "curve"),
        ("by hilbert(w, H - 1 - h)", (8, 8), "curve"),
        ("-(by hilbert(h, w))", (8, 8), "curve"),
        ("by h // 4, w // 4, hilbert(h % 4, w % 4)", (8, 12), "curve"),
        ("by h // 4, w // 4, ~morton(h % 4, w % 4)", (8, 12), "curve"),
        ("by h + w, ~w", (6, 9), "table"),
        ("by hilbert(h, w)", (6, 9), "table"),
        ("by gilbert(h, w)", (6, 9), "table"),
        ("by random(seed=1)", (6, 9), "table"),
    ],
)
def test_kinds(text: str, grid: tuple[int, ...], kind: str) -> None:
    path = scanlab.compile(scanlab.parse(text), grid).paths[0]
    assert path.form == kind
    if kind == "table":
        assert path.index_form.reason
    else:
        assert _walk(path) == path.indices.tolist()


@pytest.mark.parametrize("text", ["by t, ~h, ~w", "tubelet[2, 2]", "by hilbert(t, h, w)", "by w, t, h"])
def test_three_axes(text: str) -> None:
    path = scanlab.compile(scanlab.parse(text, "t h w"), (4, 4, 4)).paths[0]
    assert path.form != "table"
    assert _walk(path) == path.indices.tolist()


@given(orders(("h", "w"), affine=True), st.integers(1, 6), st.integers(1, 6))
@settings(max_examples=200)
def test_random_orders(order: Order, height: int, width: int) -> None:
    try:
        path = bind(order, (height, width)).paths[0]  # pyright: ignore[reportAttributeAccessIssue]
    except ScanlabError:
        return
    if path.form != "table":
        assert _walk(path) == path.indices.tolist()


@pytest.mark.parametrize(
    ("text", "grid"),
    [
        ("by h, ~w", (3, 4)),
        ("window[2]", (5, 3)),
        ("by hilbert(h, w)", (8, 8)),
        ("-(by hilbert(h, w))", (4, 4)),
        ("by h // 4, w // 4, hilbert(h % 4, w % 4)", (8, 12)),
        ("by morton(h, w)", (4, 8)),
        ("by hilbert(t, h, w)", (4, 4, 4)),
        ("by morton(t, h, w)", (2, 2, 4)),
    ],
)
def test_the_printed_lines_are_a_program(text: str, grid: tuple[int, ...]) -> None:
    path = scanlab.compile(text, grid).paths[0]
    assert path.form != "table"
    program = compile("\n".join(path.index_form.lines(path.axes)), "form", "exec")
    for step, patch in enumerate(path.indices):
        names = {"p": step}
        exec(program, {"range": range}, names)
        assert names["patch"] == patch


def test_loops_visit_every_patch_for_every_size() -> None:
    text = loops(scanlab.parse("by h, ~w"))  # pyright: ignore[reportArgumentType]
    assert "visit(" in text and "H" in text and "W" in text
    # A curve is no loop: what is left of it is said.
    text = loops(scanlab.parse("by hilbert(h, w)"))  # pyright: ignore[reportArgumentType]
    assert "group(): all patches, in the order of hilbert(h, w)" in text and "not in these loops" in text


@pytest.mark.parametrize(
    ("text", "axes", "grid"),
    [
        ("by w + h, 3, (-w if h else h + w), w, h", "h w", (5, 6)),
        ("by (w-h) // -2, -h, ~h, h, w", "h w", (4, 3)),
        ("by (w if w >= h else w) != h, w, h", "h w", (2, 3)),
        ("by ~(t-h), h-t, w, h, t", "t h w", (4, 4, 1)),
        ("by (h // w if w > 0 else 0), h, w", "h w", (4, 4)),
    ],
)
def test_what_has_no_arithmetic_is_a_table_with_a_reason(text: str, axes: str, grid: tuple[int, ...]) -> None:
    scan = scanlab.compile(scanlab.parse(text, axes), grid)
    form = scan.paths[0].index_form
    assert form.kind == "table" and form.reason and "mistake" not in form.reason
    for target in ("triton", "cpu"):
        assert str(function_listing(scan, target))


@pytest.mark.parametrize("axes", AXES)
@given(st.data())
@settings(max_examples=120)
def test_any_order_has_a_form(axes: tuple[str, ...], data: st.DataObject) -> None:
    """Whatever an order is made of, its closed form is a table, or gives the sorted order at every step."""
    order = data.draw(orders(axes))
    grid = tuple(data.draw(st.integers(1, 4)) for _ in axes)
    try:
        path = bind(order, grid).paths[0]  # pyright: ignore[reportAttributeAccessIssue]
    except ScanlabError:
        return
    form = path.index_form
    assert "mistake" not in form.reason
    if form.patch is not None:
        oracle = sorted_patches(order, Lattice(axes, grid))
        np.testing.assert_array_equal(evaluate_form(form, axes, len(oracle)), oracle)
        assert [patch_at(form, axes, p) for p in range(len(oracle))] == oracle.tolist()


def test_a_form_that_disagrees_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    derived = index_form._derive

    def wrong(path: Path, polyhedra: Polyhedra) -> IndexForm:
        form = derived(path, polyhedra)
        return replace(form, patch=Binary("-", Int(len(path.indices) - 1), form.patch))  # type: ignore[arg-type]

    monkeypatch.setattr(index_form, "_derive", wrong)
    assert scanlab.compile("row", (3, 4)).paths[0].form == "table"
    monkeypatch.setattr(index_form, "_derive", derived)
    monkeypatch.setattr(index_form, "patch_at", lambda form, axes, step: -1)
    form = scanlab.compile("row", (3, 4)).paths[0].index_form
    assert form.kind == "table" and "mistake in ScanLab" in form.reason
