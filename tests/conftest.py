"""Shared by all tests: helper modules beside the tests can be imported, and property tests are repeatable in CI."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

# Workers of pytest-xdist share the processors out: with as many threads each as there are, they wait for each other.
if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(workers))))

# Where no GPU is, Triton's kernels run in its interpreter; Triton reads this when it is imported.
if not any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/kfd")):
    os.environ.setdefault("TRITON_INTERPRET", "1")

settings.register_profile(
    "scanlab",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("scanlab")

from chromium import browser, chromium_driver, chromium_profile, new_page  # noqa: E402, F401
from quick import PARTS, left_out, only, stale  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--part", choices=PARTS, default="all", help="the quick tests, the rest, or all (tests/quick.py)")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if left_out(collection_path, config.getoption("part")) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not any("::" in word for word in config.args) and (lost := stale(items)):
        raise pytest.UsageError(f"tests/quick.py names tests that are not there: {', '.join(sorted(lost))}")
    items[:], others = only(items, config.getoption("part"))
    if others:
        config.hook.pytest_deselected(items=others)
