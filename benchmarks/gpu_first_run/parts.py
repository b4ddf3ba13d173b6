"""The parts of a run in their order, what each may take, and what is done between them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .environment import environment
from .processes import Job, Outcome, run_jobs
from .results import Results, read
from .settings import Settings

__all__ = ["PARTS", "Part", "any_right", "run_part"]


@dataclass(frozen=True)
class Part:
    """jobs: made when the part's turn comes, each for at most `each` seconds; all of them take at most `seconds`.

    at_once: as many processes as there are processors, for parts in which nothing is timed. shown: whether what jobs
    mark for the console is printed.
    """

    name: str
    seconds: float
    each: float
    jobs: Callable[[Settings, float], Sequence[Job]]
    at_once: bool = False
    shown: bool = True


def _environment(run: Settings, seconds: float) -> list[Job]:
    return [Job("environment", lambda: environment(run), seconds)]


def _record(run: Settings, seconds: float) -> Sequence[Job]:
    from .recording import recording_jobs

    return recording_jobs(run, seconds)


def _compile(run: Settings, seconds: float) -> Sequence[Job]:
    from .compiling import TAGS, compile_jobs

    return compile_jobs(run, TAGS[:-1], seconds)


def _compile_variants(run: Settings, seconds: float) -> Sequence[Job]:
    from .compiling import TAGS, compile_jobs

    return compile_jobs(run, TAGS[-1:], seconds)


def _smoke(run: Settings, seconds: float) -> Sequence[Job]:
    from .smoke import smoke_jobs

    return smoke_jobs(run, seconds)


def _limits(run: Settings, seconds: float) -> Sequence[Job]:
    from .device import under_a_stub
    from .shapes import limits

    return [Job("limits", lambda: under_a_stub(run, lambda: limits(run)), seconds)]


def _correctness(run: Settings, seconds: float) -> Sequence[Job]:
    from .correctness import correctness_jobs

    return correctness_jobs(run, seconds)


def _shapes(run: Settings, seconds: float) -> Sequence[Job]:
    from .shapes import shape_jobs

    return shape_jobs(run, seconds)


def _peers(run: Settings, seconds: float) -> Sequence[Job]:
    from .dual_peer import dual_jobs
    from .shapes import peer_jobs

    return [*peer_jobs(run, seconds), *dual_jobs(run, seconds)]


def _models(run: Settings, seconds: float) -> Sequence[Job]:
    from .models import model_jobs

    return model_jobs(run, seconds)


def _memory(run: Settings, seconds: float) -> Sequence[Job]:
    from .memory import memory_jobs

    return memory_jobs(run, seconds)


def _profile(run: Settings, seconds: float) -> Sequence[Job]:
    from .shapes import profile_jobs

    return profile_jobs(run, seconds)


def _variants(run: Settings, seconds: float) -> Sequence[Job]:
    from .variants import variant_jobs

    return variant_jobs(run, seconds)


# 540 seconds would not hold all limits: most parts end long before theirs, and the last ones matter least.
PARTS = (
    Part("environment", 40, 40, _environment),
    Part("record", 60, 60, _record, at_once=True, shown=False),
    Part("compile", 120, 120, _compile, at_once=True),
    Part("smoke", 90, 40, _smoke),
    Part("limits", 25, 25, _limits),
    Part("correctness", 110, 110, _correctness, at_once=True),
    Part("shapes", 100, 30, _shapes),
    Part("peers", 60, 30, _peers),
    Part("models", 110, 75, _models),
    Part("memory", 60, 60, _memory),
    Part("profile", 60, 35, _profile),
    Part("compile-variants", 50, 50, _compile_variants, at_once=True),
    Part("variants", 90, 40, _variants),
)


def run_part(part: Part, run: Settings, ends: float, slow: float = 1.0) -> list[Outcome]:
    """Run a part until its limit, or `ends` of time.monotonic(); note how its jobs ended, and print what they show."""
    results, began = Results(run.out), time.monotonic()
    run.log.touch()
    seen = run.log.stat().st_size
    try:
        jobs = part.jobs(run, part.each * slow)
    except Exception as error:  # a part that cannot even begin stops no other
        results.note("part", part=part.name, error=f"{type(error).__name__}: {error}"[:400])
        print(f"{part.name}: cannot begin: {type(error).__name__}: {error}"[:190], flush=True)
        return [Outcome(part.name, 1)]
    outcomes = []
    limit = min(ends, began + part.seconds * slow)
    for outcome in run_jobs(jobs, run.log, limit, run.jobs if part.at_once else 1):
        outcomes.append(outcome)
        error = {"error": _why(outcome)} if outcome.code != 0 else {}
        results.note("job", part=part.name, job=outcome.name, seconds=outcome.seconds, **error)
    if part.shown:
        _print_shown(run, seen)
    well = sum(outcome.code == 0 for outcome in outcomes)
    seconds = round(time.monotonic() - began, 1)
    results.note("part", part=part.name, seconds=seconds, jobs=len(outcomes), well=well)
    print(f"{part.name}: {well} of {len(outcomes)} jobs went well, {seconds} s", flush=True)
    return outcomes


def _why(outcome: Outcome) -> str:
    if outcome.code is None:
        return "left out, no time"
    return "stopped at its limit" if outcome.cut else f"exit {outcome.code}, see run.log"


def _print_shown(run: Settings, seen: int, most: int = 16) -> None:
    """What the jobs marked for the console, the first lines of it."""
    with run.log.open("rb") as file:
        file.seek(seen)
        text = file.read().decode("utf-8", errors="replace")
    for line in [x[2:] for x in text.splitlines() if x.startswith("! ")][:most]:
        print(f"  {line}", flush=True)


def any_right(run: Settings) -> bool:
    """Whether one smoke case at least was right in the last run: else nothing that follows says more."""
    lines = read(run.out)
    last = max((number for number, line in enumerate(lines) if line["kind"] == "run"), default=0)
    return any(line.get("right") for line in lines[last:] if line["kind"] == "smoke")
