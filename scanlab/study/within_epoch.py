"""Checkpoints within an epoch: when they are written, and what several processes have to tell each other for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from scanlab.study.checkpoint import Within

if TYPE_CHECKING:
    from scanlab.study.training_run import World

__all__ = ["EpochSums", "Timer", "chance_state", "set_chance", "together"]

# Several processes agree after every so many steps whether it is time: they wait for one another then.
ASKED = 10


@dataclass
class EpochSums:
    """What an epoch adds up to in one process: steps, the losses, images that could not be read, and seconds."""

    losses: Tensor
    steps: int = 0
    missed: int = 0
    seconds: float = 0.0
    loading: float = 0.0

    @classmethod
    def taken_up(cls, within: Within | None, world: World, device: str) -> EpochSums:
        """Those that an epoch goes on from; of another number of processes the first has all."""
        if within is None:
            return cls(torch.zeros((), device=device))
        sums = within.sums
        if len(sums) != world.size:
            sums = torch.cat([sums.sum(0, keepdim=True), sums.new_zeros(world.size - 1, 2)])
        losses, missed = sums[world.rank]
        return cls(losses.clone().to(device), within.steps, int(missed), within.seconds, within.loading)


@dataclass
class Timer:
    """Says after which steps a checkpoint is due. minutes: from one to the next, 0 for never."""

    minutes: float
    world: World
    device: str
    last: float = field(default_factory=perf_counter)

    def due(self, step: int) -> bool:
        """Whether it is, after a step: by the clock of the first process, for all alike."""
        if not self.minutes:
            return False
        late = perf_counter() - self.last >= 60 * self.minutes
        if self.world.size > 1:
            if step % ASKED:
                return False
            mine = torch.tensor(float(late and self.world.rank == 0), device=self.device)
            late = bool(self.world.total(mine).item())
        if late:
            self.last = perf_counter()
        return late


def together(own: Tensor, rank: int, size: int, total: Callable[[Tensor], Tensor]) -> Tensor:
    """A row of numbers from each of several processes, to the last bit, in all of them: [n] -> [size, n]."""
    rows = torch.zeros(size, len(own), device=own.device)
    rows[rank] = own
    return total(rows).cpu()


def chance_state(device: str) -> Tensor:
    """The state of torch's own generator on a device, uint8."""
    return torch.get_rng_state() if device == "cpu" else torch.cuda.get_rng_state(device)


def set_chance(state: Tensor, device: str) -> None:
    """Put such a state back."""
    # torch reads a state from where its storage begins: a row of a table must have one of its own.
    state = state.clone()
    if device == "cpu":
        torch.set_rng_state(state)
    else:
        torch.cuda.set_rng_state(state, device)
