"""How many processors this process may use, which are fewer than the machine has in containers and batch queues."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from functools import cache
from pathlib import Path

__all__ = ["available_cpus", "cores", "keep_threads_within"]


def available_cpus() -> int:
    """How many processors this process may use: as the system, a batch queue or a container allows, at least 1.

    A machine may have more: `taskset` and batch queues choose some of them, containers allow a share of their time.
    """
    counted = getattr(os, "process_cpu_count", None)
    if counted is not None:
        allowed = counted() or 1
    elif hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    return max(1, math.ceil(min(allowed, _quota())))


@cache
def _quota(groups: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> float:
    """The processors' time that the control groups of this process allow, in processors; infinity without a limit.

    A group allows no more than those that it lies in do. Version 2 has one tree, version 1 one for the processor.
    """
    lines: list[str] = []
    with suppress(OSError):
        lines = own.read_text(encoding="utf-8").splitlines()
    least = math.inf
    for line in lines:
        controllers, _, place = line.partition(":")[2].partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        for tree in (groups / controllers, groups / "cpu") if controllers else (groups, groups / "unified"):
            parts = Path(place.lstrip("/")).parts
            least = min([least, *(_limit(tree.joinpath(*parts[:n])) for n in range(len(parts) + 1))])
    return least


def _limit(group: Path) -> float:
    """What one group allows."""
    with suppress(OSError, ValueError):
        if (file := group / "cpu.max").is_file():
            quota, period = file.read_text(encoding="utf-8").split()
        else:
            names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
            quota, period = ((group / name).read_text(encoding="utf-8") for name in names)
        if float(quota) > 0:
            return float(quota) / float(period)
    return math.inf


def cores() -> str:
    """How many there are, and how many of them may be used where that is fewer."""
    there, allowed = os.cpu_count() or 1, available_cpus()
    return f"{there} cores" if allowed >= there else f"{allowed} of {there} cores"


def keep_threads_within() -> None:
    """Let torch, once it is loaded, begin as many threads as may run; it does not know a container's share of time."""
    if available_cpus() < (os.cpu_count() or 1):
        os.environ.setdefault("OMP_NUM_THREADS", str(available_cpus()))
