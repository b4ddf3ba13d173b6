"""Other divisions, blocks and warps than those that are chosen, each compared with the chosen one's output.

They are set where the launch code looks them up. If that code has changed, what cannot be set is said and left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any
from unittest.mock import patch

import torch

from scanlab.bench.gpu import forward_or_both, ours
from scanlab.bench.gpu_shapes import SAMPLES, SHAPES
from scanlab.bench.gpu_timing import gpu_turns
from scanlab.bench.numerics import relative_error
from scanlab.kernels.gpu.variants import Blocks, blocks_for
from scanlab.ops.mamba import gpu
from scanlab.ops.mamba.gpu_plan import Division
from scanlab.ops.path_tables import CHUNK

from .device import under_a_stub
from .processes import Job
from .results import Results
from .settings import Settings
from .shapes import inputs

__all__ = ["variant_jobs"]

SHAPES_TRIED = (0, 5, 2, 4)
TURNS = 7


@dataclass(frozen=True)
class Trial:
    """What differs from the chosen way; None and 1 warp are as chosen."""

    name: str
    division: Division | None = None
    forward: Blocks | None = None
    backward: Blocks | None = None
    warps: int = 1


def variant_jobs(run: Settings, seconds: float) -> list[Job]:
    """All trials of a shape in one process."""
    tried = [n for n in SHAPES_TRIED if n in run.shapes]
    return [Job(f"variants {n}", partial(under_a_stub, run, partial(_tried, run, n), SAMPLES), seconds) for n in tried]


def _tried(run: Settings, number: int) -> None:
    results, shape = Results(run.out), SHAPES[number]
    given = inputs(run, number)
    output, leaves = ours(given)
    forward = forward_or_both(output, leaves, backward=False)
    both = forward_or_both(output, leaves, backward=True)
    expected = _values(forward)
    for trial in _trials(given.shape.size.states, given.shape.size.length, given.table.sequences):
        with results.caught("variant", shape=shape.name, variant=trial.name), _set(trial):
            differs = relative_error(_values(forward), expected)
            times = gpu_turns({"forward": forward, "forward + backward": both}, 1 if run.stub else TURNS)
            found = {what: asdict(time) for what, time in times.items()}
            results.note("variant", shape=shape.name, variant=trial.name, differs=differs, times=found)


def _values(forward: Callable[[], object]) -> torch.Tensor:
    y = forward()
    assert isinstance(y, torch.Tensor), "the output of a scan"
    return y.float()


def _trials(states: int, length: int, sequences: int) -> Iterator[Trial]:
    """As chosen, then every choice for itself; a backward of many states compiles longest, and comes last."""
    chunks = -(-length // CHUNK)
    yield Trial("as chosen")
    for together in (n for n in range(1, sequences + 1) if sequences % n == 0):
        yield Trial(f"{together} of {sequences} sequences in a program", division=Division(together))
    yield Trial("parts of sequences", division=Division(chunks=max(2, chunks // 2)))
    for channels, steps, warps in ((32, 4, 1), (32, 8, 1), (64, 4, 1), (64, 8, 1), (128, 4, 1), (128, 4, 4)):
        yield Trial(f"forward {channels}x{steps}, {warps} warps", forward=Blocks(channels, steps), warps=warps)
    few = ((32, 4, 1), (32, 8, 1), (64, 4, 1), (64, 8, 1), (128, 4, 2))
    for channels, steps, warps in few if states == 1 else ((32, 1, 1), (32, 2, 1), (32, 4, 1), (64, 2, 2)):
        yield Trial(f"backward {channels}x{steps}, {warps} warps", backward=Blocks(channels, steps), warps=warps)


@contextmanager
def _set(trial: Trial) -> Iterator[None]:
    """Make the launch code choose a trial. Raises AttributeError where it looks nothing up by that name any more."""
    constants = getattr(gpu, "_constants", dict)

    def blocks(states: int, width: int, *, backward: bool = False, **lanes: int) -> Blocks:
        wanted = trial.backward if backward else trial.forward
        return wanted or blocks_for(states, width, backward=backward, **lanes)

    def with_warps(*arguments: Any) -> dict[str, Any]:
        return constants(*arguments) | {"num_warps": trial.warps}

    with ExitStack() as stack:
        if trial.division is not None:
            stack.enter_context(patch.object(gpu, "division_for", lambda *_, **__: trial.division))
        if trial.forward or trial.backward:
            stack.enter_context(patch.object(gpu, "blocks_for", blocks))
        if trial.warps > 1:
            stack.enter_context(patch.object(gpu, "_constants", with_warps))
        yield
