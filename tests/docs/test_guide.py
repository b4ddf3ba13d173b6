"""docs/guide: every block of its pages is run from the first to the last, and prints what is shown."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
from pathlib import Path

import pytest
from sessions import commands, is_shown, printed, started

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted((ROOT / "docs" / "guide").glob("[0-9]*.md"))
BLOCK = re.compile(r"^```(\w*)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.M | re.S)
COLUMNS = 88


@pytest.mark.parametrize("chapter", CHAPTERS, ids=[c.stem for c in CHAPTERS])
def test_a_chapter_runs_as_it_stands(chapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    names: dict[str, object] = {}
    said: str | None = None  # what the block before printed, which a block of text shows
    for language, file, text in BLOCK.findall(chapter.read_text(encoding="utf-8")):
        if file:
            (tmp_path / file).write_text(text, encoding="utf-8")
        elif language == "console":
            _console(text, tmp_path)
        elif language == "python":
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(text, str(chapter), "exec"), names)
            said = out.getvalue()
            continue
        elif language == "text":
            assert said is not None and is_shown(text, said), said
        assert not said or language == "text", "what a block prints is shown below it"
        said = None
    assert not said, "what a block prints is shown below it"


def _console(block: str, folder: Path) -> None:
    for command, shown in commands(block):
        if command.startswith("cat "):
            (folder / command.removeprefix("cat ")).write_text(shown, encoding="utf-8")
        elif command.startswith("scanlab explore "):
            if importlib.util.find_spec("nicegui"):
                assert "http://127.0.0.1:" in started(command, folder)
        else:
            text = printed(command, folder, COLUMNS)
            assert is_shown(shown, text), text


def test_every_line_of_the_language_in_the_text_means_something() -> None:
    import scanlab

    for chapter in CHAPTERS:
        for language, _, text in BLOCK.findall(chapter.read_text(encoding="utf-8")):
            if not language:
                assert scanlab.parse(text)


def test_there_are_five_chapters_and_the_guide_names_them() -> None:
    front = (ROOT / "docs" / "guide" / "index.md").read_text(encoding="utf-8")
    assert len(CHAPTERS) == 5
    assert re.findall(r"^\d\. \[.*?\]\((.*?)\)", front, re.M) == [c.name for c in CHAPTERS]
