"""CONTRIBUTING.md, followed to the letter on a copy of the package: what it says is enough, and no step is too many."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Package = Callable[..., "Copy"]


class Copy:
    """A copy of the package that a contributor edits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "scanlab", folder / "scanlab", ignore=shutil.ignore_patterns("__pycache__"))

    def write(self, file: str, text: str) -> None:
        (self.folder / file).write_text(text, encoding="utf-8")

    def put(self, file: str, before: str, line: str) -> None:
        """Put a line before the first place where a text stands."""
        text = (self.folder / file).read_text(encoding="utf-8")
        assert before in text, f"{file} has no {before!r}"
        self.write(file, text.replace(before, line + before, 1))

    def run(self, code: str, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-c", code, *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=self.folder)

    def says(self, code: str) -> list[str]:
        done = self.run(code)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


@pytest.fixture
def package(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def test_the_page_names_what_is_done_here() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for place in ("scanlab/ir/merges.py", "scanlab/compiler/curves/", "scanlab/ir/functions.py", "strategies/"):
        assert place in page


def test_a_strategy_is_a_definition_and_the_index(package: Copy) -> None:
    file = package.folder / "scanlab/strategies/basic.scan"
    line = '\n"Every second row first."\norder interlaced = by h % 2, h, w\nsource "a test"\n'
    file.write_text(file.read_text(encoding="utf-8") + "\ngrid h, w\n" + line, encoding="utf-8")
    stored = package.folder / "scanlab/strategies/index.json"
    before = stored.read_bytes()
    show = "import scanlab; print(scanlab.prove(scanlab.load('interlaced')).verdict)"
    assert package.says(show) == ["proved"]
    # Without the last step the index is of another library, which a test of the library finds.
    digests = "from scanlab.library_index import digest; print(digest())"
    assert json.loads(before)["digest"] not in package.says(digests)
    package.says("import runpy; runpy.run_module('scanlab.library_index', run_name='__main__')")
    index = json.loads(stored.read_text(encoding="utf-8"))
    assert [index["digest"]] == package.says(digests)
    assert [e["proof"] for e in index["definitions"] if e["name"] == "interlaced"] == ["proved"]


CURVE = """
import math
import numpy as np
from scanlab.compiler.curves.limits import require_cells

def stripes_grid(box, options):
    require_cells("stripes", box)
    return np.arange(math.prod(box), dtype=np.int64).reshape(box[::-1]).T.copy()
"""
SIGNATURE = '        Signature("stripes", 2, 2, "column by column"),\n'
KEYED = """
import scanlab
order = scanlab.parse("by stripes(h, w)", grid="h w")
print(scanlab.prove(order).verdict)
print(scanlab.compile(order, grid=(2, 3)).indices.tolist())
"""


def _add_curve(package: Copy, text: str = CURVE, is_listed: bool = True, is_declared: bool = True) -> None:
    package.write("scanlab/compiler/curves/stripes.py", text)
    home = "scanlab/compiler/curves/__init__.py"
    if is_listed:
        package.put(home, "\n__all__", "from scanlab.compiler.curves.stripes import stripes_grid\n")
        package.put(home, '        "hilbert": hilbert_grid', '        "stripes": stripes_grid,\n')
    if is_declared:
        package.put("scanlab/ir/functions.py", '        Signature("hilbert"', SIGNATURE)


def test_a_curve_is_a_function_a_row_and_a_signature(package: Copy) -> None:
    _add_curve(package)
    assert package.says(KEYED) == ["proved", "[[0, 3, 1, 4, 2, 5]]"]


def test_a_curve_that_is_not_declared_is_an_unknown_name(package: Copy) -> None:
    _add_curve(package, is_declared=False)
    assert "S201" in package.run(KEYED).stderr


def test_a_curve_that_is_not_listed_is_an_error(package: Copy) -> None:
    _add_curve(package, is_listed=False)
    assert package.run(KEYED).returncode != 0


def test_a_curve_that_is_no_bijection_is_not_proved(package: Copy) -> None:
    _add_curve(package, CURVE.replace("np.arange(math.prod(box), dtype=np.int64)", "np.zeros(math.prod(box), int)"))
    done = package.run(KEYED)
    assert not done.stdout.startswith("proved")


MERGE = '        "rms": MergeRule("added, over the root of their number", weight=lambda parts: parts**-0.5),\n'
MERGED = """
import torch, scanlab
from scanlab.compiler.decay import predicted_decay
from scanlab.nn import Merge
from scanlab.ops import path_table, selective_scan
def compiled(line): return scanlab.compile(scanlab.parse(line, grid="h w"), grid=(3, 3))
scan = scanlab.parse("rms(row, -row)", grid="h w")
print(scan, scanlab.prove(scan).verdict)
draw = torch.Generator().manual_seed(0)
u, delta = torch.randn(1, 9, 4, generator=draw), torch.rand(1, 2, 9, 4, generator=draw)
A, B, C = -torch.rand(2, 4, 3, generator=draw), *torch.randn(2, 1, 2, 9, 3, generator=draw)
def y(**how): return selective_scan(u, delta, A, B, C, backend="reference", **how)
ours, added = y(paths=compiled("rms(row, -row)")), y(paths=compiled("sum(row, -row)"))
named = y(paths=path_table(compiled("sum(row, -row)")), merge="rms")
print(torch.allclose(ours, added / 2**0.5), torch.equal(ours, named))
print(Merge(compiled("rms(row, -row)"), 4)().unique().tolist() == [torch.tensor(0.5).sqrt().item()])
fields = [predicted_decay(compiled(f"{merge}(row, -row)"), 0.5).sum() for merge in ("rms", "sum")]
print(round(fields[0] / fields[1], 6))
"""


def test_a_merge_is_one_row(package: Copy) -> None:
    package.put("scanlab/ir/merges.py", '        "sum": MergeRule(', MERGE)
    shown = package.says(MERGED)
    assert shown == ["rms((by h, w), -(by h, w)) proved", "True True", "True", str(round(2**-0.5, 6))]
    table = package.says(f"import runpy; print(runpy.run_path({str(ROOT / 'docs/generate.py')!r})['merges']())")
    assert "| `rms(a, b, …)` | added, over the root of their number |" in table


def test_a_merge_without_its_row_is_an_error() -> None:
    code = "from scanlab.ir.values import Order, Scan; Scan('rms', (Order(('h', 'w'), ()),))"
    for line in (MERGED, code):
        done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=False)
        assert "S201" in done.stderr
