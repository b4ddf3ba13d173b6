"""The scans of VMamba-T and Vim-T at training size, inputs for them, and what a GPU must move and compute for each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scanlab.bench.workloads import Size
from scanlab.facade import compile
from scanlab.ops import PathTable, index_table, path_table
from scanlab.ops.mamba.gpu_plan import division_for

__all__ = ["SHAPES", "GpuInputs", "Shape", "gpu_inputs"]

BYTES = 2
SAMPLES = 128


@dataclass(frozen=True)
class Shape:
    """A scan in a model: the strategy of its paths on a square grid of `side`, and its size in bfloat16."""

    name: str
    strategy: str
    side: int
    size: Size

    @property
    def forward_bytes(self) -> int:
        """What a forward pass has to move, if each input is read and each output written once."""
        s = self.size
        rows = s.samples * s.length * s.channels
        return BYTES * (rows * (2 + s.paths) + 2 * s.samples * s.paths * s.length * s.states)

    @property
    def copies(self) -> int:
        """How many float32 copies of y the kernels leave to be added up; 0 where y is written as it is."""
        from scanlab.kernels.gpu.variants import blocks_for

        table, size = path_table(compile(self.strategy, (self.side, self.side))), self.size
        width = blocks_for(size.states, size.channels).channels
        programs = size.samples * -(-size.channels // width)
        together = division_for(table, programs, width, separate=False).together
        return table.sequences // together if table.sequences > 1 else 0

    @property
    def moved_bytes(self) -> int:
        """What our kernels move in a forward pass, shared rows read once: each copy is written and read."""
        s = self.size
        return self.forward_bytes + s.samples * s.length * s.channels * 8 * self.copies

    @property
    def forward_exponentials(self) -> int:
        """exp2 per state, and one exp2 and one division for each softplus, which the same units compute."""
        s = self.size
        return s.samples * s.paths * s.length * s.channels * (s.states + 2)


def _stage(number: int, states: int) -> Shape:
    """A stage of VMamba-T (dims 96 to 768, state-space ratio 1) at 224x224 pixels."""
    side, channels = 56 >> number, 96 << number
    size = Size(SAMPLES, side * side, channels, states, 4)
    return Shape(f"VMamba-T stage {number + 1}, N={states}", "cross", side, size)


# Vim-T: 192 wide, expanded twice, 14 x 14 patches and a class token in the middle, both ways. The models' paths are
# read from tables; those of the last shape are cheap to compute, so that arithmetic may serve.
SHAPES = (
    *(
        shape
        for states in (1, 16)
        for shape in (
            *(_stage(number, states) for number in range(4)),
            Shape(f"Vim-T, N={states}", "vim", 14, Size(SAMPLES, 197, 384, states, 2)),
        )
    ),
    Shape("rows both ways, N=1", "sum(row, -row)", 56, Size(SAMPLES, 3136, 96, 1, 2)),
)


@dataclass(frozen=True, eq=False)
class GpuInputs:
    """Inputs by row, see `selective_scan`: activations bfloat16, parameters float32. table: paths; upstream: dy."""

    shape: Shape
    u: Tensor
    delta: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor
    bias: Tensor
    table: PathTable
    upstream: Tensor

    @property
    def leaves(self) -> tuple[Tensor, ...]:
        """What gradients are taken of."""
        return self.u, self.delta, self.A, self.B, self.C, self.D, self.bias

    def shuffled(self, seed: int = 0) -> GpuInputs:
        """The same inputs with a random order for every path."""
        draw = torch.Generator().manual_seed(seed)
        size = self.shape.size
        orders = torch.stack([torch.randperm(size.length, generator=draw) for _ in range(size.paths)])
        return replace(self, table=index_table(orders, size.length, permutations=True).to(self.u.device))


def gpu_inputs(shape: Shape, device: torch.device, dtype: torch.dtype = torch.bfloat16, seed: int = 0) -> GpuInputs:
    """Random inputs for a shape, drawn on the device: the largest has a billion numbers, minutes of one processor."""
    draw = torch.Generator(device).manual_seed(seed)

    def normal(*sizes: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.randn(*sizes, generator=draw, device=device, dtype=dtype)

    s = shape.size
    rows, by_path = (s.samples, s.length, s.channels), (s.paths, s.channels)
    return GpuInputs(
        shape,
        normal(*rows, dtype=dtype),
        normal(s.samples, s.paths, s.length, s.channels, dtype=dtype),
        -normal(*by_path, s.states).exp(),
        normal(s.samples, s.paths, s.length, s.states, dtype=dtype),
        normal(s.samples, s.paths, s.length, s.states, dtype=dtype),
        normal(*by_path),
        normal(*by_path) - 4,
        path_table(compile(shape.strategy, (shape.side, shape.side))).to(device),
        normal(*rows, dtype=dtype),
    )
