"""The state of a page and its address."""

from __future__ import annotations

import base64
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanlab.explorer.state import MOST_CHARACTERS, State, from_address, to_address

_TEXTS = st.text(max_size=200)
_STATES = st.builds(
    State,
    text=_TEXTS,
    grid=st.lists(st.integers(1, 2**31 - 1), min_size=1, max_size=5).map(tuple),
    names=st.lists(_TEXTS, max_size=6).map(tuple),
    panes=st.lists(st.sampled_from(["keys", "proof"]), max_size=4).map(tuple),
    layout=st.sampled_from(["beside", "below"]),
    colour=st.sampled_from(["step", "path", "gap"]),
    file=_TEXTS,
    base=_TEXTS,
)


@given(_STATES)
def test_every_state_comes_back_from_its_address(state: State) -> None:
    address = to_address(state)
    assert set(address) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert from_address(address) == state


@given(st.text(max_size=80))
def test_no_address_is_an_error(address: str) -> None:
    assert isinstance(from_address(address), State)


def _address(found: object) -> str:
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(found).encode())).decode()


@pytest.mark.parametrize(
    "found",
    [
        {"grid": "14x14"},
        {"grid": []},
        {"grid": [0, 4]},
        {"grid": [True, True]},
        {"grid": [2**40, 2]},
        {"grid": [2] * 6},
        {"names": "snake"},
        {"names": [1, None]},
        {"layout": "sideways"},
        {"colour": 7},
        {"text": None},
        {"unknown": 1},
        ["a list"],
        "a string",
        None,
    ],
)
def test_what_cannot_be_meant_is_left_as_at_the_start(found: object) -> None:
    assert from_address(_address(found)) == State()


def test_a_small_address_cannot_unpack_to_gigabytes() -> None:
    bomb = base64.urlsafe_b64encode(zlib.compress(b'{"text":"' + b"a" * 30_000_000 + b'"}', 9)).decode()
    assert len(bomb) < 50_000
    assert from_address(bomb) == State()


def test_the_longest_file_can_be_shared() -> None:
    state = State(text="# " + "x" * (MOST_CHARACTERS - 2))
    assert from_address(to_address(state)) == state


def test_a_state_as_at_the_start_has_a_short_address() -> None:
    assert len(to_address(State())) < 20
