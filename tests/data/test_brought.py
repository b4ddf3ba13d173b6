"""Data of a person's own code: by import path and entry point, in every form that it may give, and its errors."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from scanlab import data
from scanlab.data import brought
from scanlab.ir.diagnostics import ScanlabError

CODE = """
import numpy as np
from scanlab.data import from_arrays

X = np.random.default_rng(0).random((20, 1, 8, 8)).astype("f4")
Y = np.arange(20) % 2

def dataset():
    return from_arrays(X, Y)

def pair():
    return X, Y

def named():
    return {"images": X, "targets": Y, "groups": np.arange(20) // 2}

class Pairs:
    def __len__(self):
        return 20

    def __getitem__(self, number):
        return X[number], Y[number]

def broken():
    raise RuntimeError("the disk is elsewhere")

def number():
    return 3

def crooked():
    return [1, 2, 3]

def misnamed():
    return {"images": X, "labels": Y}

def boxes():
    made = np.full((20, 1, 5), -1, "f4")
    made[:, 0] = (1, 1, 4, 4, 0)
    made[::2, 0, 4] = 1
    return X, made
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "my_own_data.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    sys.modules.pop("my_own_data", None)


@pytest.mark.parametrize("function", ["dataset", "pair", "Pairs"])
def test_every_form_gives_the_same_data(function: str) -> None:
    made = data.whole(f"my_own_data:{function}")
    same = data.whole("my_own_data:dataset")
    assert np.array_equal(made.images, same.images) and np.array_equal(made.labels, same.labels)
    assert made.fingerprint == same.fingerprint and made.name == f"my_own_data:{function}"
    assert made.credit == f"made by my_own_data:{function}"


def test_groups_sizes_and_limits_hold() -> None:
    grouped = data.load("my_own_data:named", size="4x4")
    assert grouped.extents == (4, 4) and grouped.groups is not None
    assert not set(grouped.groups[grouped.train]) & set(grouped.groups[grouped.test])
    assert len(data.load("my_own_data:pair", limit=6).train) == 6
    assert data.load("permuted:my_own_data:pair").extents == (8, 8)


def test_an_entry_point_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("mine", "my_own_data:pair", brought.ENTRY_POINTS)
    monkeypatch.setattr("scanlab.imported.entry_points", lambda group, name: [entry] if name == "mine" else [])
    assert data.whole("mine").credit == "made by my_own_data:pair, an entry point"


@pytest.mark.parametrize(
    "name, code, said",
    [
        ("my_own_data:gone", "S600", "my_own_data has no function gone"),
        ("no_such_module_of_mine:make", "S600", "cannot be imported"),
        ("my_own_data:broken", "S699", "raised RuntimeError: the disk is elsewhere"),
        ("my_own_data:number", "S699", "gave a int"),
        ("my_own_data:crooked", "S840", "no pair of an image and a target, but a int"),
        ("my_own_data:misnamed", "S699", "labels"),
    ],
)
def test_what_cannot_be_used_is_said(name: str, code: str, said: str) -> None:
    with pytest.raises(ScanlabError, match=code) as caught:
        data.whole(name)
    assert said in str(caught.value)


def test_the_traceback_is_shown() -> None:
    with pytest.raises(ScanlabError) as caught:
        data.whole("my_own_data:broken")
    assert "in broken" in str(caught.value)


def test_boxes_keep_their_size() -> None:
    assert data.whole("my_own_data:boxes").classes == 2
    with pytest.raises(ScanlabError, match=r"S646.*pixels of their own size"):
        data.whole("my_own_data:boxes", size=(4, 4))
