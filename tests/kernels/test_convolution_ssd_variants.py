"""The Triton kernels of the convolution and the state space dual, compiled for GPUs that are not there."""

from __future__ import annotations

from pathlib import Path

import pytest
from sweep import sweeping

import scanlab
from scanlab.codegen import cache
from scanlab.codegen.cost import UNLIMITED
from scanlab.codegen.offline import TARGETS, compile_all
from scanlab.codegen.programs import generate

pytest.importorskip("triton")
SOURCE = "scanlab.kernels.gpu.convolution_ssd_variants"


# In every run one target stands for all; tests/codegen compiles for the other maker.
@pytest.mark.sweep
@pytest.mark.parametrize("target", TARGETS if sweeping() else ("sm_90",))
def test_forward_kernels_do_not_spill(target: str) -> None:
    reports = {report.kernel: report for report in compile_all("", target, states=64, source=SOURCE)}
    assert len(reports) == 8
    for name, report in reports.items():
        if "backward" not in name:
            assert report.spills == report.stack == 0, name


def test_paths_by_arithmetic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCANLAB_CACHE_DIR", str(tmp_path))
    made = generate(scanlab.compile(scanlab.load("cross"), (14, 14)), limit=UNLIMITED)
    cache.store(made.name, made.source)
    assert {report.stack for report in compile_all(made.name, "sm_90", states=16, source=SOURCE)[:2]} == {0}
