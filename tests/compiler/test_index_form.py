"""Index expressions give the bound path, evaluated step by step on plain integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_orders import orders

import scanlab
from scanlab.compiler.bind import Path, bind
from scanlab.compiler.curves import INVERSES
from scanlab.compiler.loops import loops
from scanlab.ir.constants import evaluate
from scanlab.ir.diagnostics import ScanlabError
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
    assert loops(scanlab.parse("by hilbert(h, w)")).startswith("no loops")  # pyright: ignore[reportArgumentType]
