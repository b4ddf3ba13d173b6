"""docs/scale.md: its figures are those on record, and its files are there."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")


def test_its_tables_are_made_of_the_record() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "make_scale.py"))
    assert made["filled"](PAGE) == PAGE, "run: python docs/make_scale.py"


def test_its_files_are_there() -> None:
    named = re.findall(r"`(\w+\.(?:toml|sbatch))`", PAGE)
    assert set(named) == {file.name for file in (ROOT / "examples" / "imagenet").iterdir()}
