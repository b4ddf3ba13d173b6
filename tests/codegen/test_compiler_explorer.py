"""The link to Compiler Explorer: what it holds, that its script is right in Triton's interpreter, and compiles."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

import scanlab
from scanlab.codegen import compiler_explorer
from scanlab.codegen.compiler_explorer import compiler_explorer_link, script_of
from scanlab.compiler.tracks import tracks
from scanlab.ir.diagnostics import ScanlabError

SCANS = ["by h, ~w", "sum(row, -row) with cls at middle", "sum(row, gilbert)", "chain(row, -column)", "hilbert"]


def test_the_link_holds_the_script_and_nothing_else() -> None:
    scan = scanlab.compile("sum(row, -row)", "4x6")
    head, _, text = compiler_explorer_link(scan).partition("/clientstate/")
    assert head == "https://godbolt.org" and "/" not in text and "+" not in text
    state = json.loads(zlib.decompress(base64.urlsafe_b64decode(text)))
    assert state == {
        "sessions": [
            {
                "id": 1,
                "language": "triton",
                "source": script_of(scan),
                "compilers": [{"id": "triton_nvidia_331", "options": ""}],
            }
        ]
    }


@pytest.mark.parametrize("text", SCANS)
def test_the_script_writes_the_rows_of_every_step(text: str, tmp_path: Path) -> None:
    pytest.importorskip("triton")
    if os.environ.get("TRITON_INTERPRET") != "1":
        pytest.skip("its tensors are the CPU's, which a GPU cannot reach")
    scan = scanlab.compile(text, "4x6")
    file = tmp_path / "script.py"
    file.write_text(script_of(scan), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("script", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for number, track in enumerate(tracks(scan)):
        np.testing.assert_array_equal(module.rows[number].numpy()[: len(track.rows)], track.rows)


_COMPILES = """
import sys
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from triton.runtime.jit import JITFunction

# As the site does: a launch compiles the kernel and runs nothing.
def compiled(self, grid):
    signature = {"table": "*i32", "rows": "*i32", "length": "i32"}
    return lambda *_: made.append(triton.compile(ASTSource(self, signature), target=GPUTarget("cuda", 90, 32)))

made = []
JITFunction.__getitem__ = compiled
import importlib.util
spec = importlib.util.spec_from_file_location("script", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
print(made[0].asm["ptx"])
"""


@pytest.mark.parametrize("text", SCANS[1:3])
def test_the_script_compiles_without_a_gpu(text: str, tmp_path: Path) -> None:
    pytest.importorskip("triton")
    file = tmp_path / "script.py"
    file.write_text(script_of(scanlab.compile(text, "4x6")), encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    words = [sys.executable, "-c", _COMPILES, str(file)]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert ".entry rows_of_every_step" in done.stdout and "st.global" in done.stdout


def test_a_link_that_no_server_takes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    scan = scanlab.compile("row", "4x6")
    length = len(compiler_explorer_link(scan))
    assert length < compiler_explorer.LONGEST_LINK
    monkeypatch.setattr(compiler_explorer, "LONGEST_LINK", length - 1)
    with pytest.raises(ScanlabError, match=f"S470.* row on 4x6 .* has {length:,} characters"):
        compiler_explorer_link(scan)
