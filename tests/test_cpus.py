"""Processors that may be used: affinity, and the shares of time that control groups of both versions allow."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scanlab import cpus
from scanlab.cpus import _quota, available_cpus, cores, keep_threads_within

PERIOD = 100_000


def _version_2(root: Path, limits: dict[str, str], own: str) -> float:
    for place, text in limits.items():
        (root / place).mkdir(parents=True, exist_ok=True)
        (root / place / "cpu.max").write_text(text)
    (root / "own").write_text(f"0::{own}\n")
    return _quota(root, root / "own")


@pytest.mark.parametrize(
    "limits, own, wanted",
    [
        ({"": f"200000 {PERIOD}"}, "/", 2),
        ({"": f"max {PERIOD}"}, "/", math.inf),
        ({"a": f"150000 {PERIOD}", "a/b": f"max {PERIOD}"}, "/a/b", 1.5),
        ({"a": f"400000 {PERIOD}", "a/b": f"50000 {PERIOD}", "c": f"10000 {PERIOD}"}, "/a/b", 0.5),
        ({"": f"300000 {PERIOD}"}, "/not/seen/from/here", 3),
        ({"": "nonsense"}, "/", math.inf),
    ],
)
def test_control_groups_version_2(tmp_path: Path, limits: dict[str, str], own: str, wanted: float) -> None:
    assert _version_2(tmp_path, limits, own) == wanted


@pytest.mark.parametrize("quota, wanted", [("250000", 2.5), ("-1", math.inf)])
def test_control_groups_version_1(tmp_path: Path, quota: str, wanted: float) -> None:
    group = tmp_path / "cpu,cpuacct" / "docker"
    group.mkdir(parents=True)
    (group / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (group / "cpu.cfs_period_us").write_text(f"{PERIOD}\n")
    (tmp_path / "own").write_text("12:memory:/docker\n4:cpu,cpuacct:/docker\n1:name=systemd:/docker\n")
    assert _quota(tmp_path, tmp_path / "own") == wanted


def test_no_control_groups(tmp_path: Path) -> None:
    assert _quota(tmp_path, tmp_path / "own") == math.inf


@pytest.mark.parametrize("quota, wanted", [(0.3, 1), (1.0, 1), (1.2, 2), (math.inf, 4), (64.0, 4)])
def test_the_least_of_all_limits_counts(monkeypatch: pytest.MonkeyPatch, quota: float, wanted: int) -> None:
    monkeypatch.setattr(os, "process_cpu_count", lambda: 4, raising=False)
    monkeypatch.setattr(cpus, "_quota", lambda: quota)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert available_cpus() == wanted
    assert cores() == f"{wanted} of 8 cores"
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    keep_threads_within()
    assert os.environ["OMP_NUM_THREADS"] == str(wanted)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    keep_threads_within()
    assert os.environ["OMP_NUM_THREADS"] == "7", "what the user says stays"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not choose processors")
def test_affinity() -> None:
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    code += "from scanlab.cpus import available_cpus; print(available_cpus())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
