"""The stored index is what the library gives now; a stale one is never used."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from scanlab import library_index
from scanlab.library_index import build_index, read_index


def test_the_stored_index_is_current() -> None:
    stored = json.loads(files("scanlab.strategies").joinpath("index.json").read_text(encoding="utf-8"))
    assert stored == build_index(), "run: make index"


def test_a_stale_index_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_index, "digest", lambda: "of other files")
    monkeypatch.setattr(library_index, "build_index", lambda: {"digest": "of other files", "definitions": []})
    assert read_index()["definitions"] == []
