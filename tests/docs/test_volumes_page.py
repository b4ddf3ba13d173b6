"""docs/volumes.md: its table is that of the record, its Python runs, and what it names is there."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "volumes.md"


def test_the_table_is_current() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert runpy.run_path(str(ROOT / "docs" / "make_volumes.py"))["filled"](text) == text, (
        "run: python docs/make_volumes.py"
    )


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nibabel = pytest.importorskip("nibabel")
    monkeypatch.chdir(tmp_path)
    array = torch.rand(18, 20, 16).numpy()
    for name, values in (("case.nii.gz", array), ("case_true.nii.gz", (array > 0.9).astype("uint8"))):
        nibabel.save(nibabel.Nifti1Image(values, None if name == "" else torch.eye(4).numpy()), tmp_path / name)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert (tmp_path / "case_seg.nii.gz").is_file()


def test_what_it_names_is_there() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(((?:images|\.\.)/[^)]+)\)", text):
        assert (ROOT / "docs" / link).exists(), link
    for file in re.findall(r"`((?:examples|benchmarks)/[\w/]+\.py)`", text):
        assert (ROOT / file).is_file(), file
