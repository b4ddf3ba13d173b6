"""Whole strategies that are one another."""

from __future__ import annotations

import pytest

from scanlab import load, parse
from scanlab.compiler.equivalences import find_equivalences, fingerprint
from scanlab.language.library import library_definitions


def equivalences(text: str, *names: str, axes: str = "h w") -> list[str]:
    return [f"{r}, {r.proof.verdict}" for r in find_equivalences(parse(text, axes), {n: load(n) for n in names})]


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("sum(row, column, -row, -column)", "cross", "the same as cross, proved"),
        ("sum((by 2 * h, w), (by w, h), -(by h, w), -column)", "cross", "the same as cross, proved"),
        ("by h, ~w", "snake", "the same as snake, proved"),
        ("by -h, -w", "row", "the reverse of row, proved"),
        ("by w, ~h", "snake", "the transpose of snake, proved"),
        ("sum(row, -row) with cls at middle", "vim", "the same as vim, proved"),
        ("cycle(row, -row, row, -row)", "vision_lstm", "the same as vision_lstm, proved"),
        ("layers(row, -row, row, -row)", "vision_lstm", None),
        ("cycle(row, -row)", "vision_lstm", "the same as vision_lstm, proved"),
        ("cycle(column, -column)", "vision_lstm", "the transpose of vision_lstm, proved"),
        ("by hilbert(h, w)", "hilbert", "the same as hilbert, proved"),
        ("by p % 10, p // 10", "strided", "the same as strided, proved"),
    ],
)
def test_equivalences(text, name, expected):
    axes = "p" if "p" in text.split("by ")[-1] else "h w"
    assert equivalences(text, name, axes=axes) == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("mean(row, column, -row, -column)", "cross"),
        ("sum(row, -row)", "vim"),
        ("sum(row, -row) with cls at start", "vim"),
        ("sum(row, column)", "cross"),
        ("heads(row, column, -row, -column)", "cross"),
        ("by h, w", "rows"),
        ("by h, w", "snake"),
        ("sum(row, -row)", "vision_lstm"),
    ],
)
def test_what_differs_in_a_merge_a_token_or_a_restart_is_no_equivalence(text, name):
    assert equivalences(text, name) == []


def test_layers_count_and_not_how_they_are_written():
    grouped, single = parse("layers(row * 2, column)"), parse("layers(row, row, column)")
    [found] = find_equivalences(grouped, {"single": single})
    assert str(found) == "the same as single" and found.proof.verdict == "proved"


def test_axes_may_have_other_names():
    assert equivalences("by x, y", "row", axes="x y") == ["the same as row, proved"]


def test_what_fits_no_sample_grid_has_no_equivalences():
    from scanlab import Order

    assert fingerprint(Order.from_indices([1, 0])) is None


def test_strategies_of_the_library_are_themselves():
    for name, definition in list(library_definitions().items())[::7]:
        if definition.value is not None and fingerprint(definition.value) is not None:
            [found] = find_equivalences(definition.value, {name: definition.value})
            assert str(found) == f"the same as {name}"
