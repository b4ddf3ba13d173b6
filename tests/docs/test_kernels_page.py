"""docs/kernels.md and README.md: the example runs, and the tables are those of the recorded results."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "kernels.md"


def test_the_example_runs():
    [example] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    names = {}
    exec(compile(example, str(PAGE), "exec"), names)
    assert names["y"].shape == (2, 196, 96)
    assert names["u"].grad.isfinite().all()


@pytest.mark.parametrize("page", [PAGE, ROOT / "README.md"], ids=["kernels.md", "README.md"])
def test_the_tables_are_current(page):
    text = page.read_text(encoding="utf-8")
    made = runpy.run_path(str(ROOT / "docs" / "make_kernels.py"))
    assert made["filled"](text) == text, "run: python docs/make_kernels.py"
