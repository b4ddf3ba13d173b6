"""Compilation for GPUs that are not there, and the counts that decide between arithmetic and the table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import scanlab
from scanlab.codegen import cache, offline, worker
from scanlab.codegen.assembly import amd_report, loops_of, nvidia_report
from scanlab.codegen.cost import LIMITS, UNLIMITED, instructions
from scanlab.codegen.offline import TARGETS, compile_all
from scanlab.codegen.programs import generate
from scanlab.ir.diagnostics import ScanlabError

pytest.importorskip("triton")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCANLAB_CACHE_DIR", str(tmp_path))
    return tmp_path


def _stored(text: str, grid: tuple[int, ...]) -> str:
    made = generate(scanlab.compile(scanlab.parse(text), grid), limit=UNLIMITED)
    cache.store(made.name, made.source)
    return made.name


@pytest.mark.parametrize("target", TARGETS)
def test_a_loop_for_every_target(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    [report] = compile_all(_stored("by w, h", (14, 14)), target, source="scanlab.codegen.probe")
    assert report.target == target
    assert report.spills == report.stack == report.shared == report.barriers == 0
    assert 8 <= report.registers <= 64
    assert 64 <= report.loop < report.instructions
    kinds = ("amdgcn",) if target.startswith("gfx") else ("ptx", "sass")
    assert tuple(report.assembly) == kinds and all(len(text) > 1000 for text in report.assembly.values())
    assert not any(".loc" in text for text in report.assembly.values())


def test_the_same_names_never_share_a_kernel() -> None:
    loops = [
        compile_all(_stored("by w, h", grid), "sm_90", source="scanlab.codegen.probe") for grid in ((14, 14), (4, 5))
    ]
    assert loops[0][0].assembly["ptx"] != loops[1][0].assembly["ptx"]


def test_unknown_target() -> None:
    with pytest.raises(ScanlabError, match=r"S734.*\n.*sm_80, sm_90, sm_100, gfx942"):
        compile_all("", "sm_1")


def test_a_missing_function_is_named() -> None:
    with pytest.raises(ScanlabError, match="S732"):
        compile_all("patch_at_0123456789abcdef", "sm_90", source="scanlab.codegen.probe")


def test_without_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "triton", None)
    with pytest.raises(ScanlabError, match=r"S730(.|\n)*pip install triton"):
        compile_all("", "sm_90")


def test_what_a_compiler_refuses() -> None:
    code = (
        "from scanlab.codegen.offline import compile_kernel\n"
        "from scanlab.codegen.probe import rows_kernel\n"
        "compile_kernel('rows', rows_kernel, {'u': '*fp32'}, {}, ['u'], 1, 'sm_90')"
    )
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert "error[S735]: rows does not compile for sm_90" in done.stderr


_COSTS = """
import json, sys
from scanlab.codegen import load
from scanlab.codegen.probe import step_cost
print(json.dumps([step_cost(load(name) if name else None) for name in sys.argv[1:]]))
"""
COUNTED = {
    ("by h, w", (14, 14)): 0,
    ("-(by h, w)", (14, 14)): 0,
    ("sum((by h, w), -(by h, w))", (14, 14)): 3,
    ("by w, h", (16, 16)): 5,
    ("by w, h", (14, 14)): 7,
    ("by h, ~w", (14, 14)): 11,
    ("by h // 7, w // 7, h % 7, w % 7", (14, 14)): 16,
    ("sum((by h, w), (by w, h), -(by h, w), -(by w, h))", (14, 14)): 18,
    ("by hilbert(h, w)", (16, 16)): 44,
}


# What the interpreter takes and the compiler might not: branches whose names differ in type, constants as rows.
ACCEPTED = [
    ("sum((by h, ~w), (by h, ~(W - 1 - w)), (by w, ~h))", (6, 4)),
    ("sum((by h, ~w), (by random(seed=0))) with cls at middle", (6, 4)),
    ("chain((by h, ~w), -(by w, h)) with cls at both, mean at end", (6, 4)),
    ("sum((by h, w), (by morton(h, w)), -(by hilbert(h, w)))", (8, 8)),
    ("sum((by h, w), (by h // 3, w // 3, h % 3, w % 3))", (7, 5)),
    ("sum((by h, w), (by w, h), (by h, w), (by w, h))", (6, 4)),
    ("by h, w", (1, 1)),
    ("chain((by h, w), (by w, h)) with cls at start", (1, 1)),
]


def test_the_compiler_takes_what_the_interpreter_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    names = [_stored(text, grid) for text, grid in ACCEPTED]
    done = subprocess.run(
        [sys.executable, "-c", _COSTS, *names], capture_output=True, text=True, env=os.environ.copy(), check=False
    )
    assert done.returncode == 0, done.stderr


def test_estimates_are_near_the_instructions_that_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    names = [_stored(text, grid) for text, grid in COUNTED]
    done = subprocess.run(
        [sys.executable, "-c", _COSTS, "", *names], capture_output=True, text=True, env=os.environ.copy(), check=False
    )
    assert done.returncode == 0, done.stderr
    look_up, *costs = json.loads(done.stdout)
    assert 3 <= look_up <= 6 < LIMITS["triton"]
    for ((text, grid), expected), cost in zip(COUNTED.items(), costs, strict=True):
        scan = scanlab.compile(scanlab.parse(text), grid)
        estimate = instructions(_rules(scan))
        assert abs(cost - expected) <= max(3, 0.3 * expected), (text, cost)
        assert abs(estimate - cost) <= max(3, 0.3 * cost), (text, cost, estimate)


def _rules(scan: scanlab.CompiledScan) -> list:
    from scanlab.codegen.arithmetic import arithmetic
    from scanlab.compiler.tracks import token_rows, tracks

    return [arithmetic([scan.paths[k] for k in t.paths], token_rows(scan)) for t in tracks(scan)]


SASS = """
	code for sm_90
        /*0000*/                   LDC R1, c[0x0][0x28] ;                       /* 0x00000a00ff017b82 */
        /*0010*/                   STL [R1], R4 ;                               /* 0x00 */
        /*0020*/                   BAR.SYNC.DEFER_BLOCKING 0x0 ;                /* 0x00 */
        /*0030*/               @P1 BRA 0x60 ;                                   /* 0x00 */
        /*0040*/                   LDL R4, [R1] ;                               /* 0x00 */
        /*0050*/              @!P0 BRA 0x30 ;                                   /* 0x00 */
        /*0060*/              @!P2 BRA 0x20 ;                                   /* 0x00 */
        /*0070*/                   EXIT ;                                       /* 0x00 */
        /*0080*/                   BRA 0x80;                                    /* 0x00 */
        /*0090*/                   NOP;                                         /* 0x00 */
"""


def test_reading_sass() -> None:
    usage = "Function k:\n REG:40 STACK:16 SHARED:128 LOCAL:0 CONSTANT[0]:568 TEXTURE:0 SURFACE:0 SAMPLER:0\n"
    report = nvidia_report("k", "sm_90", 1, ".ptx", SASS, usage)
    assert (report.registers, report.stack, report.shared) == (40, 16, 128)
    assert (report.spills, report.barriers, report.instructions, report.loop) == (2, 1, 9, 3)
    assert loops_of(SASS) == [(3, 5)]


AMDGCN = """k:
\ts_load_dword s0, s[4:5], 0x0
.LBB0_1:
\tv_add_u32_e32 v0, 1, v0
\ts_barrier
\ts_cbranch_scc1 .LBB0_1
\ts_endpgm
    .group_segment_fixed_size: 64
    .private_segment_fixed_size: 8
    .sgpr_spill_count: 1
    .vgpr_count:     12
    .vgpr_spill_count: 2
"""


def test_reading_amd_assembly() -> None:
    report = amd_report("k", "gfx942", 1, AMDGCN)
    assert (report.registers, report.spills, report.stack, report.shared) == (12, 3, 8, 64)
    assert (report.barriers, report.instructions, report.loop) == (1, 5, 3)


def test_no_torch() -> None:
    code = "import sys; import scanlab.codegen.worker, scanlab.codegen.offline; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert offline.KERNELS.startswith("scanlab.kernels.")


def test_a_machine_without_a_place_for_files_is_told_what_to_set(monkeypatch, capsys) -> None:
    def nowhere(*options: object) -> None:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(worker, "compile_kernel", nowhere)
    monkeypatch.setattr("sys.argv", ["worker", offline.KERNELS, "", "sm_90", "16", "bfloat16"])
    worker.main()
    _, answer = capsys.readouterr().out.splitlines()
    with pytest.raises(ScanlabError, match="cannot be compiled here: No usable temporary") as caught:
        offline.answer_of(answer)
    assert caught.value.code == "S735" and "TMPDIR" in caught.value.diagnostics[0].help
