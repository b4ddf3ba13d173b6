"""An array that is pasted or dropped: how its text is read, which grid it is for, and what comes of it on the page."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest

import scanlab
from scanlab.decompiler.pasted import pasted_array
from scanlab.explorer import given_arrays
from scanlab.explorer.given_arrays import look_at_array

SNAKE = scanlab.compile("snake", "6x7").indices[0]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(SNAKE.tolist()),
        str(SNAKE),
        repr(SNAKE),
        f"array({SNAKE.tolist()}, dtype=int32)",
        f"tensor({SNAKE.tolist()}, device='cuda:0')",
        " ".join(map(str, SNAKE)),
        ",".join(map(str, SNAKE)),
        "\n".join(map(str, SNAKE)),
        "\t".join(f"{n}." for n in SNAKE),
        f"({', '.join(map(str, SNAKE))})",
    ],
)
def test_numbers_are_read_however_they_are_written(text):
    array = pasted_array(text)
    np.testing.assert_array_equal(array, SNAKE)


@pytest.mark.parametrize(
    "text", [str(SNAKE.reshape(6, 7)), repr(SNAKE.reshape(6, 7)), json.dumps(SNAKE.reshape(6, 7).tolist())]
)
def test_rows_are_read_as_rows(text):
    assert pasted_array(text).shape == (6, 7)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no number"),
        ("[]", "no list of patch numbers"),
        ("[1, 2", "not closed"),
        ("1, 2]", "closes"),
        ("[[[[[[1]]]]]]", "deep"),
        ("[1, [2, 3]]", "no array"),
        ("[0 1 2 ... 97 98 99]", "left out"),
        ("0 1 two", "<code>two</code> is no number"),
        ("0x10 1", "<code>0x10</code> is no number"),
        ("<script>alert(1)</script>", "is no number"),
        ("nan 1", "no list of patch numbers"),
        ("1e999 1", "no list of patch numbers"),
        ("3", "one patch"),
    ],
)
def test_what_is_no_array_is_an_error_in_the_page(text, said):
    looked = look_at_array(text.encode(), "", "1x3" if said != "one patch" else "1x1")
    assert not looked.text and "<script" not in looked.html
    assert said in looked.html or "S431" in looked.html


def test_a_line_is_for_the_editor():
    looked = look_at_array(str(SNAKE.tolist()).encode(), "", "6x7")
    assert looked.text == "grid h, w\n\norder found = by h, ~w\n" and looked.grid == (6, 7)
    assert "the same as snake" in looked.html and "line" in looked.html


def test_a_grid_is_asked_for_where_it_is_not_clear():
    looked = look_at_array(str(SNAKE.tolist()).encode(), "")
    assert looked.ask == "grid" and not looked.text
    assert looked.choices[:2] == ("6x7", "7x6") and "42 steps: for which grid?" in looked.html
    part = look_at_array(b"0 2 4 6 8 10", "")
    assert "1x11" in part.choices


def test_an_array_with_two_axes_gives_its_own_grid():
    looked = look_at_array(str(SNAKE.reshape(6, 7)).encode(), "")
    assert looked.grid == (6, 7) and "grid 6x7, as its shape says" in looked.html and "by h, ~w" in looked.text
    # Several whole paths are not one grid.
    several = look_at_array(json.dumps([SNAKE.tolist(), SNAKE[::-1].tolist()]).encode(), "")
    assert several.ask == "grid" and several.choices[0] == "6x7" and "2 paths of 42 steps" in several.html


def test_verdicts_without_a_line_say_what_is_nearest():
    ranks = scanlab.compile("hilbert", "8x8").ranks[0]
    looked = look_at_array(str(ranks.tolist()).encode(), "", "8x8")
    assert not looked.text and "ranks are used as indices" in looked.html and "hilbert" in looked.html
    twice = look_at_array(b"0 0 1 2", "", "2x2")
    assert "reads patch 0 twice and patch 3 never" in twice.html
    few = look_at_array(b"0 1 2 3 4", "", "1x5")
    assert few.text and "an array of 2x5 would settle it" in few.html


def saved(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_files_of_numpy():
    file = io.BytesIO()
    np.save(file, SNAKE)
    assert look_at_array(file.getvalue(), "a.npy", "6x7").text
    assert look_at_array(file.getvalue(), "a.npy").ask == "grid"
    other = scanlab.compile("snake", "5x4").indices[0]
    both = saved(**{"x/6x7": SNAKE, "x/5x4": other})
    assert "equal on 5x4, 6x7" in look_at_array(both, "a.npz").html
    two = saved(**{"x/6x7": SNAKE, "y/6x7": SNAKE[::-1]})
    asked = look_at_array(two, "a.npz")
    assert asked.ask == "pick" and asked.choices == ("x", "y")
    assert "by h, ~w" in look_at_array(two, "a.npz", "", "x").text
    assert "S430" in look_at_array(file.getvalue()[:-9], "a.npy").html
    assert "S430" in look_at_array(b"\xff\xfe", "a.txt").html
    assert "S504" in look_at_array(" ".join(map(str, range(10**5))).encode() + b" 90000000", "").html


def test_packed_files_are_bounded(monkeypatch):
    monkeypatch.setattr(given_arrays, "MOST_READ", 100)
    assert "all arrays may take 100 bytes" in look_at_array(saved(a=SNAKE), "a.npz").html


def test_a_pasted_array_puts_its_line_into_the_editor(page: Any) -> None:
    page.get_by_role("button", name="From an array").click()
    page.locator("#array-text").fill(str(SNAKE.tolist()))
    page.get_by_role("button", name="Find its line").click()
    page.locator(".arrays .remedies button", has_text="6x7").click()
    page.wait_for_selector(".arrays .answer >> text=the same as snake")
    page.wait_for_function("() => document.getElementById('editor-text').value.includes('order found = by h, ~w')")
    assert page.locator("#grid-size").input_value() == "6x7"
    # In the very event, before a server can have heard of it.
    code = """() => {
      const area = document.getElementById("array-text");
      area.value += " 1";
      area.dispatchEvent(new InputEvent("input"));
      return new Promise((done) => queueMicrotask(() => setTimeout(() =>
        done(document.querySelector(".arrays .answer").hasAttribute("data-older")))));
    }"""
    assert page.evaluate(code)


def test_a_dropped_file_opens_the_window(page: Any) -> None:
    file = io.BytesIO()
    np.save(file, SNAKE[::-1].reshape(6, 7))
    code = """bytes => {
      const given = new DataTransfer();
      given.items.add(new File([new Uint8Array(bytes)], "mine.npy"));
      document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: given, bubbles: true, cancelable: true }));
    }"""
    page.evaluate(code, list(file.getvalue()))
    page.wait_for_selector(".arrays .answer >> text=grid 6x7, as its shape says")
    page.wait_for_function("() => document.getElementById('editor-text').value.includes('order found = ')")


def test_a_post_that_is_too_large_is_refused(page: Any) -> None:
    code = """async size => {
      const answer = await fetch("/scanlab/array", { method: "POST", body: "1 ".repeat(size) });
      return (await answer.json()).html;
    }"""
    assert "S504" in page.evaluate(code, 5_000_000)
