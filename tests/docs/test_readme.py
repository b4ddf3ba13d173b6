"""README.md: it is short, it prints what the commands print, and what it says is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sessions import commands, is_shown, printed

README = Path(__file__).parents[2] / "README.md"


def _blocks() -> list[str]:
    return re.findall(r"```console\n(.*?)```", README.read_text(encoding="utf-8"), re.S)


def test_the_tour_is_real(tmp_path: Path) -> None:
    for block in _blocks():
        for command, shown in commands(block):
            if command.startswith("cat "):
                (tmp_path / command.removeprefix("cat ")).write_text(shown.strip() + "\n", encoding="utf-8")
            else:
                text = printed(command, tmp_path, columns=160)
                assert is_shown(shown, text), text


def test_the_five_lines_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they stand, but for shorter trainings of fewer seeds."""
    [block] = [
        b for b in re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S) if "my_data" in b
    ]
    assert len(block.strip().splitlines()) == 5
    monkeypatch.chdir(tmp_path)

    def my_data() -> tuple[np.ndarray, np.ndarray]:
        return np.random.default_rng(0).random((60, 3, 8, 8), np.float32), np.arange(60) % 2

    shorter = block.replace("seeds=5", "seeds=2").replace('"epochs": 10', '"epochs": 1')
    assert shorter != block
    held: dict[str, Any] = {"my_data": my_data}
    exec(shorter, held)
    assert "row" in str(held["made"]) and (tmp_path / "out/mine/report.html").exists()


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)", README.read_text(encoding="utf-8"))
    assert links and [x for x in links if "://" not in x and not (README.parent / x).exists()] == []


def test_a_visitor_reads_it_in_two_minutes() -> None:
    words = re.sub(r"```.*?```|<!--.*?-->", "", README.read_text(encoding="utf-8"), flags=re.S).split()
    assert len(words) < 500


def test_the_finding_is_that_of_the_study() -> None:
    """The figures in the words of README are rounded from what the report of the study says."""
    report = (README.parent / "examples" / "studies" / "README.md").read_text(encoding="utf-8")
    told = " ".join(README.read_text(encoding="utf-8").split())
    assert "transposed is better by 21.3 to 100.0 points than row" in report
    assert "better by 21 to 100 points" in told and "On four other problems no order" in told
    of_that_study = report.partition("## Scan orders on images")[2].partition("\n## ")[0]
    assert of_that_study.count(": This study did not tell orders apart here") == 4


def test_the_two_commands_come_first() -> None:
    text = README.read_text(encoding="utf-8")
    assert text.index("make demo") < text.index("make test") < 200
