"""What the run will compile, found out under a stub by running it: every part's launches, on small batches.

Recorded on the machine that runs them, a few seconds before: so the records fit its Triton, its card and the kernels of
the checkout, and none are kept in the repository, where they would be stale after the next edit.
"""

from __future__ import annotations

from functools import partial

from .correctness import correctness_jobs
from .device import under_a_stub
from .models import model_jobs
from .processes import Job
from .settings import Settings
from .shapes import shape_jobs
from .smoke import case, host
from .smoke_cases import CASES
from .variants import variant_jobs

__all__ = ["recording_jobs"]


def recording_jobs(run: Settings, seconds: float) -> list[Job]:
    """A process for each shape and model, and for each share of the tests; what takes longest first."""
    for folder in (run.records, run.for_recording("").out):
        folder.mkdir(parents=True, exist_ok=True)
    for file in run.records.glob("*.jsonl"):
        file.unlink()
    return [
        *model_jobs(run.for_recording("models"), seconds, hows=("eager",)),
        *correctness_jobs(run.for_recording("tests"), seconds),
        *variant_jobs(run.for_recording("variants"), seconds),
        *shape_jobs(run.for_recording("shapes"), seconds),
        Job("smoke", partial(_smoke, run.for_recording("smoke")), seconds),
    ]


def _smoke(run: Settings) -> None:
    under_a_stub(run, partial(host, run))
    for number in range(len(CASES)):
        case(run, number)
