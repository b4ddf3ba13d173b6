"""`scanlab compile --emit triton|cpu|ptx|sass|amdgcn` and `scanlab cache`: exact text for small examples."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scanlab import compile
from scanlab.cli import main
from scanlab.codegen import offline, program

Command = Callable[..., str]


@pytest.fixture
def scanlab(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    monkeypatch.setenv("SCANLAB_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*words: str, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["scanlab", *words])
        with pytest.raises(SystemExit) as stopped:
            main()
            sys.exit(0)
        printed = capsys.readouterr()
        assert (stopped.value.code or 0) == code, printed.err
        return printed.err if code else printed.out

    return run


ROW_AND_BACK = '''# sum((by w, h), -(by h, w)) on 4x4: PATCH_AT in the kernels of kernels/gpu, called once per step
# by w, h, -(by h, w): arithmetic
# from expr; lost here: nothing; kept: index expressions (-(by h, w), by w, h), merges
# merge: sum(by w, h, -(by h, w))

import triton
import triton.language as tl


@triton.jit
def {}(steps, sequence, step):
    """The row that a sequence visits at a step, on a 4x4 grid; steps: a pointer to its row of the table, int32."""
    if sequence == 0:
        # by w, h
        s = step.to(tl.uint32)
        row = (s % 4 * 4 + s // 4).to(tl.int32)
    else:
        # -(by h, w)
        row = 15 - step
    return row
'''

HILBERT = '''# by hilbert(h, w) on 4x4: PATCH_AT in the kernels of kernels/cpu, called once per step
# by hilbert(h, w): table: a CPU reads it in sequence at next to no cost; arithmetic would need a kernel of its own
# from expr; lost here: index expressions (by hilbert(h, w)); kept: nothing; new: tables (by hilbert(h, w))

{}

# What was not chosen:

from numba import njit


@njit
def {}(steps, sequence, step):
    """The row that a sequence visits at a step, on a 4x4 grid; steps: the table, int32."""
    # by hilbert(h, w)
    rank = step
    h = rank & 0
    w = rank & 0
    for b in range(2):
        h |= (rank >> (2 * b + 1) & 1) << b
        w |= (rank >> 2 * b & 1) << b
    gray = w >> 1
    h ^= gray
    w ^= gray
    w ^= h
    for b in range(2):
        low = (1 << b) - 1
        flip = w >> b & 1
        swap = (h ^ w) & low
        h ^= low if flip == 1 else swap
        w ^= 0 if flip == 1 else swap
        flip = h >> b & 1
        h ^= low if flip == 1 else 0
    row = h * 4 + w
    return row
'''


def _name(text: str) -> str:
    return next(line for line in text.split("\n") if line.startswith("def patch_at"))[4:].split("(")[0]


def test_the_triton_function(scanlab: Command) -> None:
    out = scanlab("compile", "sum((by w, h), -(by h, w))", "-g", "4x4", "--emit", "triton")
    assert out == ROW_AND_BACK.format(_name(out))


def test_a_link_is_printed_only_when_it_is_asked_for(scanlab: Command) -> None:
    words = ("compile", "row", "-g", "4x4", "--emit")
    assert "godbolt" not in scanlab(*words, "triton")
    out = scanlab(*words, "triton", "--link")
    assert "# open in Compiler Explorer: https://godbolt.org/clientstate/" in out and "nothing is sent until" in out
    [scan] = json.loads(scanlab(*words, "triton", "--link", "--json"))["result"]
    assert scan["link"] in out
    assert "--link goes with --emit triton" in scanlab(*words, "cpu", "--link", code=1)


def test_the_numba_function(scanlab: Command) -> None:
    from scanlab.kernels.cpu import paths

    out = scanlab("compile", "by hilbert(h, w)", "-g", "4x4", "--emit", "cpu")
    text = Path(paths.__file__).read_text(encoding="utf-8")
    table = text[text.index("@njit") :].strip() + "\n"
    generated = next(line for line in out.split("\n") if line.startswith("def patch_at_"))
    assert out == HILBERT.format(table, generated[4:].split("(")[0])


def test_paths_that_differ_in_their_reasons(scanlab: Command) -> None:
    found = json.loads(scanlab("compile", "sum(row, gilbert)", "-g", "4x6", "--emit", "triton", "--json"))
    [scan] = found["result"]
    assert [(p["path"], p["form"]) for p in scan["paths"]] == [("row", "arithmetic"), ("gilbert", "table")]
    assert "gilbert has no inverse" in scan["paths"][1]["reason"]
    assert "tl.load(steps + step)" in scan["source"]


def test_every_scan_of_a_plan(scanlab: Command) -> None:
    out = scanlab("compile", "cycle(sum(row, -row), column)", "-g", "4x4", "--emit", "triton")
    assert out.count("@triton.jit") == 2


@pytest.mark.parametrize(("emit", "target"), [("ptx", "sm_80"), ("sass", "sm_90"), ("amdgcn", "gfx942")])
def test_assembly(scanlab: Command, monkeypatch: pytest.MonkeyPatch, emit: str, target: str) -> None:
    pytest.importorskip("triton")
    monkeypatch.setattr(offline, "KERNELS", "scanlab.codegen.probe")
    out = scanlab("compile", "row", "-g", "4x4", "-e", emit, "--target", target, "--states", "8", "--dtype", "float32")
    comment = ";" if emit == "amdgcn" else "//"
    first, lost, figures, empty, name, *text = out.split("\n")
    assert first.startswith(f"{comment} row on 4x4 for {target}, 8 states, float32, patch_at_")
    assert lost.startswith(f"{comment} from triton; lost here: path function (patch_at_")
    assert figures.startswith(f"{comment} rows: ") and figures.endswith(" per step")
    assert " registers, 0 spills, 0 B stack, 0 B shared, 0 barriers, " in figures
    assert (empty, name) == ("", f"{comment} rows")
    marks = {"ptx": ".visible .entry rows_kernel(", "sass": "EXIT", "amdgcn": "s_endpgm"}
    assert any(marks[emit] in line for line in text)
    found = json.loads(scanlab("compile", "row", "-g", "4x4", "-e", emit, "--target", target, "--json"))
    [kernel] = found["result"][0]["kernels"]
    assert kernel["spills"] == 0 and marks[emit] in kernel[emit]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("-e", "ptx", "--target", "gfx942"),
            "error[S734]: ptx is not for `gfx942`\n = help: its targets are sm_90, sm_80",
        ),
        (
            ("-e", "amdgcn", "--target", "sm_90"),
            "error[S734]: amdgcn is not for `sm_90`\n = help: its targets are gfx942",
        ),
        (("-e", "sass", "--dtype", "int8"), "error[S736]: no kernel takes `int8`"),
        (("-e", "sass", "--kernel", "jump"), "error[S736]: no kernel is called `jump`\n = help: the kernels are rows"),
        (("-e", "poetry"), "indices, ranks, expr, triton, cpu, ptx, sass, amdgcn"),
    ],
)
def test_wrong_words(scanlab: Command, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str) -> None:
    pytest.importorskip("triton")
    monkeypatch.setattr(offline, "KERNELS", "scanlab.codegen.probe")
    assert message in scanlab("compile", "row", "-g", "4x4", *words, code=1)


def test_the_cache(scanlab: Command, tmp_path: Path) -> None:
    place = tmp_path / "paths"
    assert scanlab("cache") == f"{place}: 0 path functions, 0.0 KiB of at most 16 MiB\n"
    program(compile("row", (4, 4)))
    size = sum(p.stat().st_size for p in place.iterdir())
    found = {"directory": str(place), "functions": 1, "bytes": size, "removed": False, "limit": 16 * 2**20}
    assert json.loads(scanlab("cache", "--json")) == found
    assert scanlab("cache", "--clear") == f"{place}: 1 path functions, {size / 1024:.1f} KiB removed\n"
    assert not list(place.iterdir())


def test_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom scanlab.cli import main\n"
        "sys.argv = ['scanlab', 'compile', 'row', '-g', '4x4', '-e', 'triton']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "assert 'torch' not in sys.modules and 'numba' not in sys.modules and 'triton' not in sys.modules"
    )
    environment = {"SCANLAB_CACHE_DIR": str(tmp_path), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
