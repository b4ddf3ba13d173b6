"""README.md: it is short, it prints what the commands print, and what it says is so."""

from __future__ import annotations

import re
from pathlib import Path

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
    assert "transposed is better by 54.3 to 83.7 points than row" in report
    assert "better by 54 to 84 points" in told
    for problem in ("nuclei", "hippocampus"):
        names = re.search(rf"> {problem}: ([\w, ]+): equivalent to row within ±1.0 points", report)
        assert names and len(names[1].split(", ")) == 8


def test_the_two_commands_come_first() -> None:
    text = README.read_text(encoding="utf-8")
    assert text.index("make demo") < text.index("make test") < 200
