"""What users of other languages write gets one error, at the right place, that says what to write instead."""

from __future__ import annotations

import re

import pytest

from scanlab.checking import check_module
from scanlab.ir.diagnostics import Diagnostic, Source
from scanlab.language.library import library_templates
from scanlab.language.module import read_module

_ABOVE = "grid h, w\norder first[k=2] = by h // k, w // k, h, w\n"


def _findings(text: str) -> list[Diagnostic]:
    module = read_module(Source(text, "a.scan"), library_templates)
    return [*module.problems, *(d for c in check_module(module, look_up=False) for d in c.diagnostics)]


# What is written, where the error points, and words of the help.
HABITS = [
    ("order a = by h / 2, w", "/", "`//` divides"),
    ("order a = by (h + 1) / 2, w", "/", "`//` divides"),
    ("order a = by h ÷ 2, w", "÷", "write `//`"),
    ("order a = by (if h then w else 0), w", "if", "w if h else 0"),
    ("order a = by if h > 2 then w else 0, w", "if", "w if h > 2 else 0"),
    ("order a = by h > 2 ? w : 0, h, w", "?", "a if c else b"),
    ("order a = by 0 <= h < 3, h, w", "<", "0 <= h and h < 3"),
    ("order a = by h, w where 0 <= h < H // 2", "<", "0 <= h and h < H // 2"),
    ("order a = by h, w where 0 < h + 1 < 3", "<", "0 <= h and h < 3"),
    ("order a = by h ** 2, w", "*", r"h \* h"),
    ("order a = by (h + w) ** 2, w", "*", r"h \* h"),
    ("order a = by h^2, w", "^", r"h \* h"),
    ("scan a = sum(by h, w, by w, h)", "by", r"sum\(\(by h, w\), …\)"),
    ("scan a = sum(row, by w, h)", "by", r"\(by h, w\)"),
    ("scan a = row + column", "row + column", r"sum\(row, column\)"),
    ("scan a = row, column", ",", r"sum\(row, column\)"),
    ("order a = by w % k, h", "k", r"order a\[k=4\] = …"),
    ("order a = first(4)", "first(4)", r"first\[k=4\]"),
    ("order a = tiled(hilbert, snake)[k=4]", "[", r"tiled\[k=4\]\(…\)"),
    ("order a = by within: h, w", ":", r"within \(h // 7, w // 7\): …"),
    ("order a = zig-zag", "zig-zag", "names have no hyphen: zigzag"),
    ("scan a = sum(row, zig-zag)", "zig-zag", "names have no hyphen: zigzag"),
    ("order a = window(4)", "window(4)", r"window\[k=4\]"),
    ("order a = window(k=4)", "k", r"window\[k=4\]"),
    ("order a = by h > 1 && w > 1, h, w", "&&", "`and`"),
    ("order a = by h > 1 || w > 1, h, w", "||", "`or`"),
    ("order a = by !h, h, w", "!", "`not`"),
    ("order a = by h, w where h = 1", "=", "h == 1"),
    ("order a = by h <> w, h, w", ">", "!="),
    ("order a = by h mod 2, h, w", "mod", "h % 2"),
    ("order a = by mod(h, 2), h, w", "mod", "h % 2"),
    ("order a = by h div 2, h, w", "div", "h // 2"),
    ("order a = by floor(h // 2), h, w", "floor", "//"),
    ("order a = by h.w, h", ".", "by its name alone"),
    ("order a = row.T", ".", r"transpose\(row\)"),
    ("order a = reversed(row)", "reversed", "-row"),
    ("order a = let b = h; by b, w", ";", "let a = h in by"),
    ("order a = let b = h by b, w", "by", "let a = h in by"),
    ("order a = by h; w", ";", "commas"),
    ("order a = by 1.5 * h, w", ".", "numbers are whole"),
    ("order a: by h, w", ":", "order a = by h, w"),
    ("order a by h, w", "by", "order a = by"),
    ("a = by h, w", "a", "order a = by"),
    ("order a = h, w", ",", "by h, w"),
    ("order a = by (h, w)", ",", "without parentheses: by h, w"),
    ("order a = by [h, w]", "[", "without brackets: by h, w"),
    ("order a = by h w", "w", "between `h` and `w`, such as a comma"),
    ("order a = by hilbert h, w", "h", r"hilbert\(h, …\)"),
    ("order a = by h,, w", ",", "a key is missing"),
    ("order a = by h, w where h in 0..3", "in", "0 <= h and h < 3"),
    ("order a = by h, w for h in 3", "for", "no loops"),
    ("order a = row -> column", ">", "no arrows"),
    ("order a = row → column", "→", "no arrows"),
    ("order a = by − h, w", "−", "write `-`"),
    ("order a = by h × 2, h, w", "×", r"write `\*`"),
    ("order a = by h ≤ 2, h, w", "≤", "write `<=`"),
    ("order a = by ｈ, w", "ｈ", "write `h`"),
    ("order a = by h,\u00a0w", "\u00a0", "plain space"),
    ("“About it.” order a = by h, w", "“", 'write "'),
    ("order a = by h, w // rows first", "first", "comments begin with #"),
    ("order a = by h AND w, h, w", "AND", "lower case"),
    ("order a = by h, w restart h", "h", "restart by h"),
    ("order a = row with cls middle", "middle", "with cls at middle"),
    ("order a = row expect same row", "row", "expect same as row"),
    ("plan a = cycle(2 * row)", "2", r"row \* 2"),
    ("order a(h, w) = by h, w", "h", "order a = …"),
    ("order a = by h, w where h != w != 0", "!=", "h != w and w != 0"),
    ("order a = by h >> 1, w", ">", "h // 2"),
    ("order a = by h << 1, w", "<", r"h \* 2"),
    ("order a = by h if w > 2, w", ",", "a if c else b"),
    ("order a = by h², w", "²", r"h \* h"),
    ("order a = by |h - 3|, h, w", "|", "abs"),
    ("order a = row[::-1]", "::", "-row"),
    ("order a = by sum(h, w), h", "sum", r"added by \+"),
    ("order by h, w", "by", "order a = by h, w"),
    ("scan = sum(row, column)", "=", "needs a name: scan a"),
    ("def a = by h, w", "def", "order a = …"),
    ("let q = h in by q, w", "let", "order a = let q = h in by"),
    ("order a = by let q = h in q, w", "let", "before by"),
    ('order a = "by h, w"', '"by h, w"', "without quotes"),
    ("order a = by 1e3 * h, w", "e3", "digits 0 to 9"),
    ("plan a = layers(cross x4)", "x4", r"cross \* 4"),
]


@pytest.mark.parametrize(("line", "at", "help"), HABITS, ids=[h[0] for h in HABITS])
def test_one_error_says_what_to_write(line: str, at: str, help: str) -> None:
    [found] = _findings(_ABOVE + line)
    assert re.search(help, found.help), found.help
    assert found.span is not None and found.span.text == at
    assert found.span.start >= len(_ABOVE)


@pytest.mark.parametrize(
    ("line", "help"),
    [
        ("grid h w", "grid h, w"),
        ("grid (h, w)", "grid h, w"),
        ("grid: h, w", "grid h, w"),
        ("grid 14x14", "not their extents"),
        ("grid H, W", "write h"),
    ],
)
def test_a_wrong_grid_line_is_the_only_error(line: str, help: str) -> None:
    [found] = _findings(f"{line}\norder a = by h, w\norder b = a\nscan c = sum(a, row)\n")
    assert re.search(help, found.help)


def test_tabs_are_spaces() -> None:
    assert not _findings("grid\th,\tw\norder\ta = by h,\tw")


@pytest.mark.parametrize("line", ["order a = by h − 1, w", "order a = by h × 2, w", "order a = by ｈ, w, w × 1"])
def test_suggested_edits_mend_signs(line: str) -> None:
    text = _ABOVE + line
    for _ in range(2):
        edits = [d.edit for d in _findings(text) if d.edit is not None]
        for edit in edits[:1]:
            assert edit.span is not None
            text = text[: edit.span.start] + edit.replacement + text[edit.span.end :]
    assert not _findings(text)
