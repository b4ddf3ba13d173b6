"""Modules are found under the names that they had, with a warning, and nothing else changes."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from scanlab.moved import MOVED


@pytest.mark.parametrize("old", MOVED)
def test_a_module_is_found_under_its_old_name(old: str) -> None:
    sys.modules.pop(old, None)
    with pytest.warns(DeprecationWarning, match=f"{old} is now {MOVED[old]}"):
        found = import_module(old)
    new = import_module(MOVED[old])
    assert found is new
    assert new.__name__ == MOVED[old]
    assert new.__spec__ is not None and new.__spec__.name == MOVED[old]


def test_nothing_of_ours_uses_an_old_name() -> None:
    code = "import scanlab.ops, scanlab.nn, scanlab.zoo, scanlab.cli.commands_studies, scanlab.bench.numerics"
    subprocess.run([sys.executable, "-W", "error:scanlab:DeprecationWarning", "-c", code], check=True)


def test_another_module_that_is_not_there_is_not_found() -> None:
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        import_module("scanlab.nowhere")
