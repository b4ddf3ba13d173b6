"""Any text gives a value or a ScanlabError, in bounded time: generated from the grammar, mutated, and hand-picked."""

from __future__ import annotations

import pytest
from effort import at_most
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from lark import Lark
from sweep import examples

import scanlab
from scanlab.checking import check_module
from scanlab.ir.diagnostics import ScanlabError, Source
from scanlab.language.library import library_sources, library_templates
from scanlab.language.module import Module, read_module
from scanlab.language.parse import decode, grammar_text

_NEWER = ("lsystem", "offset", "L")
_WORDS = {
    "NAME": st.sampled_from(
        [*("h", "w", "H", "W", "row", "snake", "window", "hilbert", "min", "cls", "middle", "sum", "a"), *_NEWER]
    ),
    "INT": st.integers(0, 99).map(str),
    "STRING": st.sampled_from(
        ['""', '"a string"', '"h w -> w ~h"', '"(h a) w -> h w a"', '"LFL+F+LFL"', '"-LF+LFL+FL-"']
    ),
    "COLON": st.just(":"),
    "WHITESPACE": st.just(" "),
    "COMMENT": st.just("# comment\n"),
}


# The texts here take up to 800,000.
MOST_CALLS = 5_000_000


def _read(text: str) -> Module | None:
    try:
        return read_module(Source(text), library_templates)
    except ScanlabError:
        return None


_TEXTS = from_lark(Lark(grammar_text(), start=["start"]), start="start", explicit=_WORDS)


@pytest.mark.sweep
@given(_TEXTS)
@settings(max_examples=examples(60, sweep=2_400))
def test_texts_of_the_grammar(text: str) -> None:
    spaced = f"grid h, w\n{text}"
    with at_most(calls=MOST_CALLS):
        module = _read(spaced)
        assert module is not None, "a single text is read, whatever is wrong inside it"
        found = list(check_module(module, look_up=False))
    for checked in found:
        assert checked.proof is not None or checked.diagnostics or checked.definition.value is None


_LIBRARY = [s.text.encode() for s in library_sources()]


@pytest.mark.sweep
@given(st.data())
@settings(max_examples=examples(75, sweep=3_000))
def test_mutated_bytes_of_the_library(data: st.DataObject) -> None:
    text = bytearray(data.draw(st.sampled_from(_LIBRARY))[:1500])
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(text) - 1))
        match data.draw(st.sampled_from(["set", "cut", "copy"])):
            case "set":
                text[at] = data.draw(st.one_of(st.integers(0, 255), st.sampled_from(b'()[],~-="# hw0\n')))
            case "cut":
                del text[at : at + data.draw(st.integers(1, 20))]
                text = text or bytearray(b"x")
            case "copy":
                text[at:at] = text[max(0, at - 30) : at]
    try:
        read_module(decode(bytes(text), "mutated.scan"), library_templates)
    except ScanlabError as error:
        assert error.code in ("S103", "S104")


_DEEP = 5000


@pytest.mark.parametrize(
    "text",
    [
        "by " + "(" * _DEEP + "h" + ")" * _DEEP,
        "by " + "-" * _DEEP + "h",
        "by " + "not " * _DEEP + "h",
        "by " + " + ".join(["h"] * _DEEP),
        "by " + "h if w else " * _DEEP + "w",
        "by " + "min(h, " * _DEEP + "w" + ")" * _DEEP,
        "by " + ", ".join(["h"] * 3000) + ", w",
        "by " + "let a = h in " * 900 + "a",
        "by (" + "let a = h + h in (" * 60 + "a" + ")" * 60 + "), w",
        "by 1" + "0" * 5000,
        "by h * 2147483647 * 2147483647 * 2147483647 * 2147483647, w",
        "sum(" + "row, " * 500 + "row)",
        "sum(orbit(row" + ", transpose" * 30 + "))",
        "cycle(row * 1000000)",
        "cycle(" + "(cycle(row * 1000)) * 1000, " * 20 + "row)",
        "visit(" + "0, " * 2000 + "1)",
        "\x00\x01",
        "by h, w\ufeff",
        "by ｈ, w",
        "",
        "window[" + "9" * 400 + "]",
    ],
    ids=lambda t: t[:24],
)
def test_hostile_lines(text: str) -> None:
    try:
        with at_most(calls=MOST_CALLS):
            scanlab.compile(scanlab.parse(text), (3, 3))
    except ScanlabError as error:
        assert error.code and str(error)


def test_let_cannot_blow_up() -> None:
    doubled = "".join(f"let a{i + 1} = a{i} + a{i} in " for i in range(60))
    with pytest.raises(ScanlabError, match="S213"):
        scanlab.parse(f"let a0 = h in {doubled}by a60, w")


def test_a_megabyte_is_refused() -> None:
    with pytest.raises(ScanlabError, match="S104"):
        decode(b"# " + b"x" * 2**20, "big.scan")


@pytest.mark.parametrize("grid", [(10**5, 10**4), (0, 3), (-1, 3), (3,), (2, 2, 2), (2**40, 2**40)])
def test_hostile_grids(grid: tuple[int, ...]) -> None:
    with pytest.raises(ScanlabError, match="S40"):
        scanlab.compile("row", grid)


def test_a_long_chain_of_definitions() -> None:
    lines = ["grid h, w", "order a0 = by h, w", *(f"order a{i} = a{i - 1}" for i in range(1, 400))]
    module = read_module(Source("\n".join(lines)))
    assert module.definitions[-1].value == scanlab.parse("by h, w")
    forward = read_module(Source("\n".join([lines[0], *reversed(lines[1:])])))
    assert {d.code for d in forward.problems} <= {"S207"}


def test_doubling_definitions() -> None:
    lines = ["grid h, w", "scan a0 = sum(row)", *(f"scan a{i} = sum(a{i - 1}, a{i - 1})" for i in range(1, 40))]
    module = read_module(Source("\n".join(lines)), library_templates)
    assert "S213" in {d.code for d in module.problems}
