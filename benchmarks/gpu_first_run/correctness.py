"""tests/gpu in several processes, most important first; every outcome is written the moment it is known.

A plugin for pytest, which needs no other plugin: it takes every n-th test, and under a stub lets the tests' tensors
stay on the CPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import torch

from .device import under_a_stub
from .processes import Job
from .results import Results
from .settings import ROOT, Settings

__all__ = ["correctness_jobs"]

FOLDER = ROOT / "tests" / "gpu"
FIRST = "test_on_device.py"
NEEDED = ("pytest", "hypothesis")


def correctness_jobs(run: Settings, seconds: float) -> list[Job]:
    """As many processes as may compute at once, each with its share of the tests; none where pytest is missing."""
    lacking = [name for name in NEEDED if find_spec(name) is None]
    if lacking:
        error = f"{' and '.join(lacking)} cannot be imported: not one device test was run"
        Results(run.out).note("test", error=error, outcome="missing")
        return []
    shares = [partial(under_a_stub, run, partial(_share, run, number)) for number in range(run.jobs)]
    return [Job(f"tests, share {number + 1}", share, seconds) for number, share in enumerate(shares)]


def _share(run: Settings, number: int) -> None:
    import pytest

    torch.set_num_threads(1)
    words = ["-m", "gpu", "-q", "--tb=short", "-p", "no:cacheprovider", f"--rootdir={ROOT}", str(FOLDER)]
    if run.tests:
        words += ["-k", run.tests]
    code = pytest.main(words, plugins=[_Share(run, number)])
    # Under a stub nothing is computed, so that tests fail; a share may also be without a test.
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED, pytest.ExitCode.TESTS_FAILED):
        raise SystemExit(int(code))


class _Share:
    def __init__(self, run: Settings, number: int) -> None:
        self.run, self.number = run, number
        self.results = Results(run.out)

    def pytest_make_collect_report(self) -> None:
        """While modules are imported there is a device, so that nothing is skipped."""
        if self.run.stub:
            torch.cuda.is_available = lambda: True

    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> None:
        """Keep this process's share, the most important file first."""
        items.sort(key=lambda item: item.path.name != FIRST)
        items[:] = items[self.number :: self.run.jobs]
        if self.run.stub:
            torch.cuda.is_available = lambda: False
            for module in set(_modules(items)):
                vars(module)["DEVICE"] = "cpu"

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note an outcome; what went well counts once, in its call."""
        if report.when != "call" and report.outcome == "passed":
            return
        error = {"error": _reason(report)} if report.failed else {}
        name = report.nodeid.removeprefix("tests/gpu/")
        self.results.note("test", test=name, outcome=report.outcome, seconds=round(report.duration, 2), **error)


def _modules(items: list[Any]) -> Iterator[ModuleType]:
    yield from (item.module for item in items)


def _reason(report: Any) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longrepr)[:300]
