"""A command of `scanlab`, run as from a shell in a wide terminal without colours."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import pytest

from scanlab.cli import main


@pytest.fixture
def scanlab(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Words of a command to its exit code and what it prints to stdout and stderr."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["scanlab", *map(str, words)])
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as stopped:
            main()
            sys.exit(0)
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return run


@pytest.fixture
def predict(scanlab: Callable[..., tuple[int, str, str]]) -> Callable[..., tuple[int, str, str]]:
    """`scanlab predict` in the same way."""
    return partial(scanlab, "predict")
