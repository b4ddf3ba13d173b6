"""docs/onnx.md: its Python runs, its files exist, and its table is the committed record."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch

from scanlab.export.heads import HEADS
from scanlab.export.streams import STREAMS

pytest.importorskip("onnxruntime")
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "onnx.md").read_text(encoding="utf-8")
RECORD = ROOT / "benchmarks" / "results" / "onnx-2core-cpu.json"


def test_its_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    given: dict[str, object] = {"images": torch.rand(3, 1, 32, 32), "video": torch.rand(1, 1, 4, 16, 16)}
    given["lines"] = [torch.rand(1, 48, width) for width in (400, 90, 8)]
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    assert len(blocks) == 3
    for block in blocks:
        exec(compile(block, "docs/onnx.md", "exec"), given)
    said = capsys.readouterr().out
    assert "[True, True, True]" in said and "8 to 400 pixels" in said
    assert len(given["answers"]) == 4  # pyright: ignore[reportArgumentType]


def test_its_table_is_the_record() -> None:
    figures = json.loads(RECORD.read_text(encoding="utf-8"))["figures"]
    for figure in figures:
        if figure["way"] != "ScanLab's kernel":
            row = next(line for line in PAGE.splitlines() if line.startswith(f"| {figure['what']} |"))
            assert f"{figure['ratio']:.1f}" in row.replace("*", ""), figure


def test_its_heads_are_the_rows_of_the_export() -> None:
    rows = [
        f"| `{head.__name__}` | {form.gives} | {'yes' if head in STREAMS else ''} |" for head, form in HEADS.items()
    ]
    table = [line for line in PAGE.splitlines() if re.match(r"\| `[A-Z]", line)]
    assert table == rows


def test_the_files_it_names_exist() -> None:
    for link in re.findall(r"\]\((images/[^)]+)\)", PAGE):
        assert (ROOT / "docs" / link).is_file(), link
    for file in re.findall(r"`((?:examples|benchmarks|tests)/[\w/.-]+)`", PAGE):
        assert (ROOT / file).is_file(), file
