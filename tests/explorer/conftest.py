"""A running explorer, for the browser of tests/chromium.py.

Where NiceGUI is missing, what needs it is skipped and says so.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="the explorer needs NiceGUI")


@dataclass(frozen=True)
class Explorer:
    """A running server. url: its address as it is printed, with the token; folder: the one that it has opened."""

    url: str
    folder: Path
    process: subprocess.Popen[str]

    def address(self, **state: Any) -> str:
        """The address of a page with some of its state given, such as text, grid, names or panes."""
        from scanlab.explorer.state import State, to_address

        return f"{self.url}#{to_address(State(**state))}"


@pytest.fixture(scope="session")
def start_explorer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Explorer]]:
    """Start explorers on free ports; all end with the tests. Takes a folder, or makes one, further words, and what the
    environment has besides."""
    running: list[subprocess.Popen[str]] = []

    def start(folder: Path | None = None, *words: str, **more: str) -> Explorer:
        opened = folder or tmp_path_factory.mktemp("opened")
        command = [
            sys.executable,
            "-c",
            "from scanlab.cli import main; main()",
            "explore",
            "--no-browser",
            *words,
            str(opened),
        ]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=opened, env={**os.environ, "PYTHONUNBUFFERED": "1", **more}
        )
        running.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://\S+/\?token=\S+", line)
        assert found, f"the explorer did not start: {line!r}"
        return Explorer(found[0], opened, process)

    yield start
    for process in running:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    for process in running:
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture(scope="session")
def explorer(start_explorer: Callable[..., Explorer]) -> Explorer:
    """One explorer for all tests that leave it running, on a folder of its own, which is empty at first."""
    return start_explorer()


@pytest.fixture
def new_page(new_page: Callable[..., Any]) -> Callable[..., Any]:
    """As of tests/chromium.py, with a first picture that stands still unless `reduced_motion` says otherwise."""
    return lambda url="", **options: new_page(url, **{"reduced_motion": "reduce", **options})


@pytest.fixture
def page(explorer: Explorer, new_page: Callable[..., Any]) -> Any:
    """A page of the explorer, with its first picture drawn."""
    opened = new_page(explorer.url)
    drawn(opened)
    return opened


def drawn(page: Any) -> None:
    """Wait until the player shows paths."""
    page.wait_for_selector(".player .panels canvas", state="attached")
