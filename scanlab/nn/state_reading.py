"""What the state of a trained model holds: of which patches, how much of each, and what it takes up of each."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text
from scanlab.nn.mixer import Mixer
from scanlab.nn.mixer_state import ScanInputs

__all__ = ["StateReading", "state_readings"]

# What a state has kept less of than this is left out of it: beyond the precision of float64.
FORGOTTEN = 1e-17


@dataclass(frozen=True, eq=False)
class StateReading:
    """One sequence of a layer, for one image: what its scan reads at each of S steps.

    The state is h[s] = exp(delta[s] decay) h[s - 1] + delta[s] u[s] B[s], and reads as y[s] = h[s] C[s]. All float64:
    u, delta [S, D]; decay [K, D, N]; B, C [S, N]. rows: int64 [S], the patch at each step, or a virtual token from
    `patches` on; paths: int64 [S], which path of the scan a step belongs to; fresh: bool [S], where the state is zero
    before the step. grid: of the layer. Where D channels have heads, each channel has its head's decay and delta.

    >>> from scanlab.nn import Backbone, BackboneConfig
    >>> model = Backbone("row", BackboneConfig(dim=8, patch=2), input_size=(8, 8))
    >>> [reading] = state_readings(model, torch.rand(1, 1, 8, 8))
    >>> held = reading.held(reading.step_of(5))
    >>> held.shape, bool(held[6:].any()), bool((held >= 0).all())
    (torch.Size([16]), False, True)
    """

    grid: tuple[int, ...]
    rows: Tensor
    paths: Tensor
    fresh: Tensor
    u: Tensor
    delta: Tensor
    decay: Tensor
    B: Tensor
    C: Tensor
    patches: int

    def step_of(self, patch: int, path: int | None = None) -> int:
        """The last step at which a path of this sequence reads a patch. Raises S849 where none does."""
        there = self.rows == patch
        if path is not None:
            there &= self.paths == path
        if not there.any():
            raise ScanlabError.at("S849", f"the path does not come to patch {patch}", help="take one that it visits")
        return int(there.nonzero()[-1])

    def held(self, step: int) -> Tensor:
        """What the state after a step holds of each step: float64 [S], the Euclidean norm over D and N of that part of
        the state, which is exact: the parts add up to it. 0 after the step, and before the state was last zero.
        """
        return self._before(step, lambda left, at: (left * self._write(at)).norm())

    def influence(self, step: int) -> Tensor:
        """How what a step reads moves what `step` puts out: float64 [S], the norm over D of dy[step] / du[s], with
        delta, B and C as they are. As the scan's Jacobian has it, a step at a time, in memory that grows with S alone.
        """
        C = self.C[step]
        return self._before(step, lambda left, at: (left * self.delta[at][:, None] * self.B[at]) @ C).norm(dim=-1)

    def share(self, step: int) -> Tensor:
        """`held` of every patch over that of all steps: float64 [P], at least 0, of the layer's grid in raster order.

        What tokens hold is missing from 1. A patch that is read twice has both.
        """
        held = self.held(step)
        return self._by_patch(held / held.sum().clamp(min=torch.finfo(held.dtype).tiny))

    def shares(self, path: int | None = None) -> Tensor:
        """`share` at the step of every patch at once: float32 [P, P], row i of the state at patch i; 0 where the path
        does not come. Takes memory for S states: for grids of some hundred patches.
        """
        parts = torch.zeros(len(self.rows), *self.decay[0].shape)
        table, first = torch.zeros(self.patches, self.patches), 0
        for at in range(len(self.rows)):
            first = at if self.fresh[at] else first
            decay = self.decay[int(self.paths[at]) % len(self.decay)]
            parts[first:at] *= (self.delta[at][:, None] * decay).exp().float()
            parts[at] = self._write(at).float()
            if self.rows[at] < self.patches and path in (None, int(self.paths[at])):
                held = torch.zeros(len(self.rows), dtype=torch.float64)
                held[first : at + 1] = parts[first : at + 1].flatten(1).norm(dim=1).double()
                table[self.rows[at]] = self._by_patch(held / held.sum().clamp(min=1e-300)).float()
        return table

    def written(self) -> Tensor:
        """How much the state takes up of each patch: float64 [P], the norm over D and N of delta u B."""
        each = [self._write(at).norm() for at in range(len(self.rows))]
        return self._by_patch(torch.stack(each))

    def step_sizes(self) -> Tensor:
        """delta of each patch, the mean over channels: float64 [P]. Large ones overwrite the state, small ones pass."""
        counts = self._by_patch(torch.ones(len(self.rows), dtype=torch.float64))
        return self._by_patch(self.delta.mean(-1)) / counts.clamp(min=1)

    def _write(self, at: int) -> Tensor:
        return (self.delta[at] * self.u[at])[:, None] * self.B[at]

    def _before(self, step: int, part: Any) -> Tensor:
        """`part(what is left of the state, s)` of every step s up to `step`: [S] or [S, D]."""
        parts: list[Tensor] = []
        spent = torch.zeros_like(self.decay[0])
        for at in range(step, -1, -1):
            left = spent.exp()
            parts.append(part(left, at))
            if self.fresh[at] or left.max() < FORGOTTEN:
                break
            spent = spent + self.delta[at][:, None] * self.decay[int(self.paths[at]) % len(self.decay)]
        every = torch.zeros(len(self.rows), *parts[0].shape, dtype=torch.float64)
        every[step + 1 - len(parts) : step + 1] = torch.stack(parts[::-1])
        return every

    def _by_patch(self, each: Tensor) -> Tensor:
        on_grid = self.rows < self.patches
        summed = torch.zeros(self.patches, dtype=torch.float64)
        return summed.index_add_(0, self.rows[on_grid], each[on_grid])


def state_readings(model: nn.Module, image: Tensor, layer: int = 0) -> tuple[StateReading, ...]:
    """What a layer's scan reads of an image [1, C, *extents] as the model is given it: one reading per sequence.

    A sequence is a path, or the paths of a `chain`. The model computes as in evaluation. layer: of all layers with
    paths, from 0. Raises S849 for a layer that there is not, S848 for one without a scan, such as attention.

    >>> from scanlab.nn import Backbone, BackboneConfig
    >>> model = Backbone("sum(row, -row)", BackboneConfig(dim=8, patch=2), input_size=(8, 8))
    >>> there, back = state_readings(model, torch.rand(1, 1, 8, 8))
    >>> there.rows[:3].tolist(), back.rows[:3].tolist()
    ([0, 1, 2], [15, 14, 13])
    """
    mixers = [module for module in model.modules() if isinstance(module, Mixer)]
    if not 0 <= layer < len(mixers):
        has = f"the model has {count_text(len(mixers), 'layer')} with paths"
        raise ScanlabError.at("S849", f"there is no layer {layer}: {has}", help="layers count from 0")
    mixer, taken = mixers[layer], []
    hook = mixer.register_forward_pre_hook(lambda _, args, kwargs: taken.append((args, kwargs)), with_kwargs=True)
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            model(image)
            (args, kwargs), *_ = taken
            x, grid = inspect.signature(mixer.forward).bind(*args, **kwargs).args
            inputs = mixer.scan_inputs(x, grid)
    finally:
        hook.remove()
        model.train(training)
    return _readings(inputs, grid)


def _readings(inputs: ScanInputs, grid: tuple[int, ...]) -> tuple[StateReading, ...]:
    paths, fresh = (each.cpu() for each in inputs.table.by_step())
    readings = []
    for number, steps in enumerate(inputs.table.steps[0].long().cpu()):
        rows = steps[steps >= 0]
        own = paths[number, : len(rows)]
        u, delta, B, C = (_along(each, rows, own) for each in (inputs.u, inputs.delta, inputs.B, inputs.C))
        decay, starts = inputs.decay.double().cpu(), fresh[number, : len(rows)]
        readings.append(StateReading(grid, rows, own, starts, u, delta, decay, B, C, inputs.table.grid_size))
    return tuple(readings)


def _along(each: Tensor, rows: Tensor, paths: Tensor) -> Tensor:
    """[1, K, L, …] of rows at every step: float64 [S, …]."""
    values = each[0].double().cpu()
    return values[paths % len(values), rows]
