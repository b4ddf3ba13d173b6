"""One notion of a grid: what is read as extents, and what is said of everything else."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
import torch

import scanlab
from scanlab.compiler.bind import bind
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import grid_of
from scanlab.ir.text import count_text

SQUARE = [
    (14, 14),
    [14, 14],
    range(14, 15),
    "14x14",
    "14X14",
    "14×14",
    "14,14",
    " 14 x 14 ",
    np.array([14, 14]),
    np.array([14, 14], dtype=np.uint8),
    (np.int32(14), 14),
    torch.Size([14, 14]),
    torch.tensor([14, 14]),
]


def _name(given: object) -> str:
    """The same in every process: an address in memory is not."""
    return type(given).__name__ if " at 0x" in repr(given) else repr(given)


@pytest.mark.parametrize("given", SQUARE, ids=repr)
def test_extents_in_every_form(given) -> None:
    expected = (14,) if isinstance(given, range) else (14, 14)
    found = grid_of(given)
    assert found == expected and all(type(n) is int for n in found)


@pytest.mark.parametrize(
    "given", [14, "14", (14,), np.int64(14), np.array(14), torch.tensor(14), iter([14])], ids=_name
)
def test_one_axis(given) -> None:
    assert grid_of(given) == (14,)


# What was given, a part of the message, and of the help.
WRONG = [
    (None, "`None` is no grid", "14x14"),
    (14.0, "`14.0` is no grid", "write 14"),
    ((14.0, 14), "`14.0` in (14.0, 14) is no extent", "write (14, 14)"),
    ((14.5, 14), "`14.5`", "(14, 14)"),
    (Decimal(14), "is no grid", "write 14"),
    (float("nan"), "`nan`", "14x14"),
    (True, "`True` is no grid", "14x14"),
    ((True, 3), "`True` in (True, 3) is no extent", "14x14"),
    (np.True_, "is no grid", "14x14"),
    (torch.tensor(True), "is no grid", "14x14"),
    (np.array([14.0, 14.0]), "is no extent", "write (14, 14)"),
    (np.array([[14, 14]]), "is no extent", "14x14"),
    ([[14], [14]], "is no extent", "14x14"),
    (("14", "14"), "`14` in ('14', '14') is no extent", "write (14, 14)"),
    ((14, None), "`None` in (14, None)", "14x14"),
    ({14, 15}, "is no grid", "14x14"),
    ({"h": 14, "w": 14}, "is no grid", "14x14"),
    (b"14x14", "is no grid", "14x14"),
    (object(), "is no grid", "14x14"),
    ((), "`()` is no grid", "14x14"),
    ([], "`[]` is no grid", "14x14"),
    ("", "an empty text is no grid", "14x14"),
    (" ", "an empty text is no grid", "14x14"),
    ("x", "`x` is no grid", "14x14"),
    ("14x", "`14x` is no grid", "14x14"),
    ("14 14", "`14 14` is no grid", "write 14x14"),
    ("14*14", "`14*14` is no grid", "write 14x14"),
    ("14by14", "`14by14` is no grid", "write 14x14"),
    ("(14, 14)", "`(14, 14)` is no grid", "write 14x14"),
    ("14;14", "`14;14` is no grid", "write 14x14"),
    ("１４x14", "`１４x14` is no grid", "write 14x14"),
    ("٣x٣", "`٣x٣` is no grid", "write 3x3"),
    ("1_4x14", "`1_4x14` is no grid", "14x14"),
    ("14.5x14", "`14.5x14` is no grid", "14x14 or"),
    ("+3x3", "`+3x3` is no grid", "14x14"),
    ("-3x3", "the grid -3x3 has no patches", "at least 1"),
    ((0, 3), "the grid 0x3 has no patches", "at least 1"),
    (-3, "the grid -3 has no patches", "at least 1"),
    ([14] * 70, "has more than 64 extents", "14x14"),
]


@pytest.mark.parametrize(("given", "message", "help"), WRONG, ids=[_name(w[0]) for w in WRONG])
def test_everything_else_is_refused_with_what_was_written_and_the_fix(given, message, help) -> None:
    with pytest.raises(ScanlabError) as raised:
        grid_of(given)
    [found] = raised.value.diagnostics
    assert found.code == "S400"
    assert message in found.message and help in found.help


@pytest.mark.parametrize("given", ["9" * 5000, 10**5000, (10**30, 3), (2**62, 3)], ids=range(4))
def test_numbers_beyond_all_limits(given) -> None:
    with pytest.raises(ScanlabError, match=r"S401.*beyond all limits"):
        grid_of(given)


def test_the_word_for_it_and_the_axes() -> None:
    with pytest.raises(ScanlabError, match="`64by` is no size"):
        grid_of("64by", what="size")
    with pytest.raises(ScanlabError, match=r"the grid 3 has 1 extent; this is over 2 axes \(h, w\)") as raised:
        grid_of("3", ("h", "w"))
    assert raised.value.diagnostics[0].help == "give one extent per axis, as in 3x3"


@pytest.mark.parametrize("given", SQUARE[:2] + SQUARE[3:], ids=repr)
def test_the_front_door_takes_them_all(given) -> None:
    order = scanlab.parse("by h, ~w")
    assert scanlab.compile("by h, ~w", given).grid == (14, 14)
    assert bind(order, given).grid == (14, 14)
    assert scanlab.prove(order, given)


@pytest.mark.parametrize(
    "call", [lambda g: scanlab.compile("by h, w", g), lambda g: scanlab.prove("by h, w", g)], ids=["compile", "prove"]
)
@pytest.mark.parametrize("given", [14.0, True, "", (0, 3), "14*14", (14,), 14, "4x4x4x4x4x4"], ids=repr)
def test_the_front_door_refuses_the_rest_by_name(call, given) -> None:
    with pytest.raises(ScanlabError, match="S400"):
        call(given)


def test_models_and_data_read_them_alike() -> None:
    from scanlab import data
    from scanlab.nn import Backbone, BackboneConfig

    backbone = Backbone("row", BackboneConfig(patch=2, dim=8, depth=1), input_size="8x8")
    assert backbone.input_size == (8, 8)
    backbone.prepare("12x12")
    with pytest.raises(ScanlabError, match=r"`8.0` in .* is no extent"):
        Backbone("row", BackboneConfig(patch=2, dim=8, depth=1), input_size=(8.0, 8))
    assert data.load("digits", size="4x4").extents == (4, 4)
    with pytest.raises(ScanlabError, match=r"S400.*the size 0x4 has no pixels"):
        data.load("digits", size="0x4")


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (1, "extent", "1 extent"),
        (2, "axis", "2 axes"),
        (1, "axis", "1 axis"),
        (1200, "more class", "1,200 more classes"),
    ],
)
def test_counts_in_words(number, noun, text) -> None:
    assert count_text(number, noun) == text
