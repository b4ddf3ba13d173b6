"""Every example (`>>>`) in a docstring gives what stands below it; every public call has one."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PACKAGES = ("scanlab", "scanlab.ops", "scanlab.nn", "scanlab.zoo", "scanlab.export", "scanlab.study", "scanlab.data")


def _with_examples() -> list[str]:
    files = sorted((ROOT / "scanlab").rglob("*.py"))
    named = [(".".join(f.relative_to(ROOT).with_suffix("").parts), f.read_text(encoding="utf-8")) for f in files]
    return [name.removesuffix(".__init__") for name, text in named if ">>> " in text]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", _with_examples())
def test_examples_give_what_they_say(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    failed, tried = doctest.testmod(module, optionflags=FLAGS)
    assert tried > 0 and failed == 0


def test_examples_are_many() -> None:
    texts = [f.read_text(encoding="utf-8") for f in (ROOT / "scanlab").rglob("*.py")]
    # An example goes on over several lines that begin with the three signs; what stands between two is one example.
    count = sum(len(re.findall(r"(?m)^(?!\s*>>>).*\n\s*>>> ", text)) for text in texts)
    assert count >= 60


def _calls(package: str) -> list[tuple[str, object]]:
    module = importlib.import_module(package)
    return [(f"{package}.{name}", getattr(module, name)) for name in module.__all__]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_call_has_an_example(package: str) -> None:
    without = [
        name
        for name, value in _calls(package)
        if callable(value) and inspect.isroutine(value) | inspect.isclass(value) and ">>> " not in (value.__doc__ or "")
    ]
    assert without == []
