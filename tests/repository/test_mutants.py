"""The texts that mutants replace stand in their files, so that no mutant goes stale unseen."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_every_mutant_has_its_text_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "tests" / "mutants")
    names = ("cpu", "gpu", "tables", "mutant")
    modules = [__import__(name) for name in names[:3]]
    for name in names:
        monkeypatch.delitem(sys.modules, name)
    groups = [group for module in modules for group in module.GROUPS]
    texts = {group.file: ROOT.joinpath(group.file).read_text(encoding="utf-8") for group in groups}
    stale = [f"{g.name}: {m.name}" for g in groups for m in g.mutants if texts[g.file].count(m.old) != 1]
    assert len(groups) > 15 and stale == []
