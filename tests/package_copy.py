"""A copy of the package that a test edits as a contributor does."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib.util import cache_from_source
from pathlib import Path

import warm

ROOT = Path(__file__).parents[1]


class Copy:
    """A copy of the package that a contributor edits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # With the bytecode, which holds where the source has kept its time and its length.
        shutil.copytree(ROOT / "scanlab", folder / "scanlab")

    def write(self, file: str, text: str) -> None:
        path = self.folder / file
        path.write_text(text, encoding="utf-8")
        # Bytecode is known by its source's length and second, which an edit right after the last one may share.
        if path.suffix == ".py":
            Path(cache_from_source(path)).unlink(missing_ok=True)

    def put(self, file: str, before: str, line: str) -> None:
        """Put a line before the first place where a text stands."""
        text = (self.folder / file).read_text(encoding="utf-8")
        assert before in text, f"{file} has no {before!r}"
        self.write(file, text.replace(before, line + before, 1))

    def run(self, code: str, *words: str) -> subprocess.CompletedProcess[str]:
        return warm.run(code, *words, cwd=self.folder, env={**os.environ, "PYTHONPATH": str(self.folder)})

    def says(self, code: str) -> list[str]:
        done = self.run(code)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()
