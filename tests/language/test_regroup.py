"""Patterns as einops writes them, against numpy's reshape and transpose, and the errors of those that are wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scanlab
from scanlab.ir.diagnostics import ScanlabError


@st.composite
def _patterns(draw: st.DrawFn) -> tuple[str, tuple[int, ...], np.ndarray]:
    """A line, a grid whose extents are multiples of the sizes, and the patches in the order of its right side."""
    axes = draw(st.sampled_from((("h",), ("h", "w"), ("t", "h", "w"))))
    groups, names, shape, sizes = [], [], [], []
    for i, axis in enumerate(axes):
        inner = draw(st.lists(st.integers(1, 3), max_size=2))
        part = [axis, *(f"k{i}_{j}" for j in range(len(inner)))]
        groups.append(f"({' '.join(part)})" if inner or draw(st.booleans()) else axis)
        names += part
        shape += [draw(st.integers(1, 3)), *inner]
        sizes += [f"{name}={size}" for name, size in zip(part[1:], inner, strict=True)]
    order = draw(st.permutations(range(len(names))))
    right = " ".join(names[i] for i in order)
    if draw(st.booleans()):
        right = f"({right})"
    line = ", ".join([f'by "{" ".join(groups)} -> {right}"', *sizes])
    extents, at = [], 0
    for group in groups:
        count = len(group.split())
        extents.append(math.prod(shape[at : at + count]))
        at += count
    patches = np.arange(math.prod(shape)).reshape(shape).transpose(order).reshape(-1)
    return line, tuple(extents), patches


@given(_patterns())
@settings(max_examples=60)
def test_against_numpy(drawn: tuple[str, tuple[int, ...], np.ndarray]) -> None:
    line, grid, patches = drawn
    value = scanlab.parse(line, {1: "h", 2: "h w", 3: "t h w"}[len(grid)])
    assert scanlab.parse(str(value), value.axes) == value
    np.testing.assert_array_equal(scanlab.compile(value, grid).indices[0], patches)
    # A ragged grid is visited whole, too.
    assert scanlab.prove(value).verdict == "proved"


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        ('by "(h k1) (w k2) -> h w k1 k2", k1=7, k2=7', "by h // 7, w // 7, h % 7, w % 7"),
        ('by "(h a b) w -> b h ~a w", a=2, b=3', "by h % 3, h // 6, ~(h // 3 % 2), w"),
        ('by "rows columns -> columns ~rows"', "by w, ~h"),
        ('let k = 2 in by "(h k) w -> h w k", k=k + 1 where h > 0', "by h // 3, w, h % 3 where h > 0"),
        ('-(by "h w -> w h" restart by w assume H > 2)', "-(by w, h restart by w assume H > 2)"),
        ('sum((by "h w -> w h"), row)', "sum(column, row)"),
    ],
)
def test_a_pattern_is_its_keys(line: str, keys: str) -> None:
    assert scanlab.parse(line) == scanlab.parse(keys)


@pytest.mark.parametrize(
    ("pattern", "code", "column", "message"),
    [
        ('"h w"', "S282", 4, "a pattern has one `->`, this has none"),
        ('"h w -> h -> w"', "S282", 14, "a pattern has one `->`, this has 2"),
        ('"h -> h"', "S282", 4, "the left side has 1 group, the grid has 2 axes (h, w)"),
        ('"w h -> w h"', "S282", 5, "`w` names a part of the axis h here"),
        ('"h h -> h"', "S282", 7, "`h` is named twice on the left side"),
        ('"h w -> h w h"', "S282", 16, "`h` is visited twice on the right side"),
        ('"h w -> h z"', "S282", 14, "the left side has no `z`"),
        ('"h w -> w"', "S282", 4, "the right side leaves out `h`"),
        ('"(h 7) w -> h w"', "S282", 8, "`7` has no meaning in a pattern"),
        ('"... -> ..."', "S282", 5, "`...` has no meaning in a pattern"),
        ('"(h k w -> h w k", k=2', "S282", 5, "this parenthesis is not closed"),
        ('"h) w -> h w"', "S282", 6, "this parenthesis closes none"),
        ('"((h)) w -> h w"', "S282", 6, "parentheses do not nest in a pattern"),
        ('"() h w -> h w"', "S282", 6, "this group is empty"),
        ('"~h w -> h w"', "S282", 5, "`~` stands on the right side"),
        ('"h w -> h ~"', "S282", 14, "`~` stands before a name"),
        ('"-> "', "S282", 4, "the left side names no axis"),
        ('"(h k) w -> h w k"', "S283", 8, "the size of `k` is missing"),
        ('"(h k) w -> h w k", h=2', "S283", 8, "the size of `k` is missing"),
        ('"(h k) w -> h w k", h=2, k=2', "S283", 6, "`h` is the outermost of its group"),
        ('"h w -> h w", h=2', "S283", 5, "`h` is the outermost of its group"),
        ('"(h k) w -> h w k", k=2, k=2', "S283", 29, "the size of `k` is given twice"),
        ('"(h k) w -> h w k", k=2, z=2', "S283", 29, "the pattern has no `z`"),
        ('"(h k) w -> h w k", k=1 - 1', "S283", 24, "`k` has size 0"),
        ('"(h k) w -> h w k", k=w', "S205", 26, "`w` is not a constant"),
        ('"(h a b) w -> h w a b", a=99999, b=99999', "S106", 8, "the sizes of this group multiply to more"),
    ],
)
def test_errors(pattern: str, code: str, column: int, message: str) -> None:
    with pytest.raises(ScanlabError) as raised:
        scanlab.parse(f"by {pattern}")
    [diagnostic] = raised.value.diagnostics
    assert diagnostic.span is not None
    assert (diagnostic.code, diagnostic.span.column) == (code, column)
    assert diagnostic.message.startswith(message)


def test_a_pattern_before_the_next_definition_is_no_doc_string() -> None:
    from scanlab.facade import read_text

    module = read_text(b'grid h, w\norder a = by "h w -> w h"\norder b = by h, w\n"Of c."\norder c = row', "a.scan")
    assert [(d.name, d.doc) for d in module.raise_problems().definitions] == [("a", ""), ("b", ""), ("c", "Of c.")]
