"""tests/quick.py names files and tests that exist; their parameters are compared when they are collected."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from quick import QUICK, is_quick, left_out

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("entry", sorted({entry.partition("[")[0] for entry in QUICK}))
def test_every_entry_is_there(entry: str) -> None:
    file, _, function = entry.partition("::")
    assert (ROOT / file).exists()
    if function:
        body = ast.parse((ROOT / file).read_text(encoding="utf-8")).body
        assert function in {node.name for node in body if isinstance(node, ast.FunctionDef)}


def test_a_test_is_named_by_its_folder_its_file_its_function_or_itself() -> None:
    quick = ("tests/ir/test_grids.py::test_any[1]", "tests/ops/test_paths.py::test_any",
             "tests/compiler/test_prove.py::test_proofs_agree_with_counting[x]",
             "tests/ops/test_gpu_states.py::test_every_number_of_states[4-torch.float32]")  # fmt: skip
    assert all(map(is_quick, quick))
    slow = (
        "tests/ops/test_gpu_states.py::test_every_number_of_states[3-torch.float32]",
        "tests/ops/test_paths_b.py::t",
    )
    assert not any(map(is_quick, slow))


def test_files_without_a_quick_test_are_not_read() -> None:
    assert left_out(ROOT / "tests/explorer/test_browser.py", "quick")
    assert not left_out(ROOT / "tests/explorer/test_browser.py", "rest")
    assert not left_out(ROOT / "tests/ops/test_gpu_states.py", "quick") and not left_out(ROOT / "tests/ops", "quick")
