"""Every operator on every backend of this machine against the float64 reference, in seconds.

Paths of random order, one of them with a restart in the middle of a chunk of steps, a number of channels that fills no
vector register, raw deltas from far below to far above zero: where kernels go wrong, if a compiler or a driver does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops import PathTable, index_table, selective_scan
from scanlab.ops.conv.api import causal_conv1d
from scanlab.ops.dispatch import KERNELS, choose
from scanlab.ops.mamba2.api import ssd
from scanlab.ops.partition import cut

__all__ = ["DTYPES", "OPERATORS", "ORDER", "Finding", "check_operator", "findings", "most_findings", "relative_error"]

Operator = Callable[[Mapping[str, Tensor], PathTable, str], Tensor]
Values = dict[str, Tensor]

# What a GPU computes is asked for most, and the kernels of the CPU may have to be compiled for minutes: so these last.
_LAST = tuple(name for name, backend in KERNELS.items() if backend.device == "cpu")
ORDER = (*(name for name in KERNELS if name not in _LAST), "reference", *_LAST)
# Relative to the largest value of a tensor; half precision rounds what goes in between operators as coarsely.
DTYPES: Mapping[torch.dtype, float] = MappingProxyType({torch.float32: 2e-5, torch.bfloat16: 2e-2, torch.float16: 3e-3})
LENGTH, CHANNELS, STATES, PATHS = 37, 20, 3, 2


@dataclass(frozen=True)
class Finding:
    """One operator on one backend in one dtype.

    error: the largest of values and gradients, relative to the largest value of each tensor, against float64, and
    `worst`, the tensor it is in. repeats: a second run gave the same bits. note: why it was not run, or how it failed.
    """

    operator: str
    backend: str
    dtype: str
    error: float | None = None
    allowed: float = 0.0
    worst: str = ""
    repeats: bool = True
    seconds: float = 0.0
    note: str = ""

    @property
    def ran(self) -> bool:
        """Whether there was anything to check: a missing backend is not wrong."""
        return self.error is not None or self.note.startswith("failed")

    @property
    def holds(self) -> bool:
        """Near enough, finite, and the same twice; also where nothing ran."""
        return not self.ran or (self.error is not None and self.error <= self.allowed and self.repeats)


def findings(backends: Sequence[str] = ORDER) -> Iterator[Finding]:
    """Check all operators, on these backends, in all dtypes that each backend takes."""
    for backend in backends:
        if why := _absent(backend):
            yield Finding("all", backend, "all", note=why)
            continue
        dtypes = (torch.float32,) if backend == "reference" else tuple(DTYPES)
        for operator in OPERATORS:
            for dtype in dtypes:
                yield check_operator(operator, backend, dtype)


def check_operator(operator: str, backend: str, dtype: torch.dtype) -> Finding:
    """Compare one operator of OPERATORS with its float64 reference; what it raises becomes a finding, too."""
    make, apply = OPERATORS[operator]
    values = {n: t.to(dtype) if n in _ACTIVATIONS else t for n, t in make().items()}
    start, name = perf_counter(), str(dtype).removeprefix("torch.")
    expected = _outcome(apply, {n: t.double() for n, t in values.items()}, "reference")
    try:
        outputs, again = (_outcome(apply, values, backend) for _ in range(2))
    except Exception as error:  # compilers and drivers raise whatever they like; it is what the doctor is asked for
        first = str(error).split("\n")[0]
        return Finding(operator, backend, name, note=f"failed: {type(error).__name__}: {first}")
    errors = {n: relative_error(outputs[n], expected[n]) for n in expected}
    worst = max(errors, key=lambda n: errors[n])
    same = all(torch.equal(outputs[n], again[n]) for n in outputs)
    return Finding(operator, backend, name, errors[worst], DTYPES[dtype], worst, same, perf_counter() - start)


def _device(backend: str) -> torch.device:
    return torch.device("cuda" if backend == "triton" and torch.cuda.is_available() else "cpu")


def _absent(backend: str) -> str:
    """Why a backend cannot run here at all, and what to do about it; "" where it can."""
    try:
        choose(backend, _device(backend), torch.float32)
    except ScanlabError as error:
        [diagnostic] = error.diagnostics
        return ": ".join(part for part in (diagnostic.message, diagnostic.note or diagnostic.help) if part)
    return ""


def relative_error(values: Tensor, expected: Tensor) -> float:
    """The largest difference over the largest expected value; infinite where one of the values is not finite."""
    if not bool(values.isfinite().all()):
        return float("inf")
    wide = expected.double()
    return float((values.double() - wide).abs().max() / wide.abs().max().clamp(min=1e-12))


def _outcome(apply: Operator, values: Values, backend: str) -> Values:
    """y and the gradient of every argument, on the CPU."""
    device = _device(backend)
    leaves = {n: t.detach().to(device, copy=True).requires_grad_() for n, t in values.items()}
    y = apply(leaves, _table().to(device), backend)
    upstream = torch.linspace(-1, 1, y.numel(), device=device).view(y.shape).cos().to(y.dtype)
    gradients = torch.autograd.grad(y, list(leaves.values()), upstream)
    return {"y": y.detach().cpu()} | {f"d{n}": g.cpu() for n, g in zip(leaves, gradients, strict=True)}


def _table() -> PathTable:
    """Two random orders of all rows; the second forgets its state at step 11."""
    draw = torch.Generator().manual_seed(0)
    table = index_table(torch.stack([torch.randperm(LENGTH, generator=draw) for _ in range(PATHS)]), LENGTH)
    segments = torch.tensor([[0, 0, 0, LENGTH, 0], [1, 1, 0, 11, 0], [1, 1, 11, LENGTH, 0]], dtype=torch.int32)
    return replace(table, segments=segments, checkpoints=cut(segments, PATHS).checkpoints)


def _normal(*shapes: tuple[int, ...]) -> list[Tensor]:
    draw = torch.Generator().manual_seed(1)
    return [torch.randn(*shape, generator=draw) for shape in shapes]


def _scan_values() -> Values:
    rows, by_path = (2, LENGTH, CHANNELS), (PATHS, CHANNELS)
    shapes = (rows, (2, PATHS, LENGTH, CHANNELS), (*by_path, STATES), *[(2, PATHS, LENGTH, STATES)] * 2)
    u, delta, A, B, C, D, bias, z = _normal(*shapes, by_path, by_path, rows)
    # Deltas from almost no step at all to one that forgets everything.
    return {"u": u, "delta": 2 * delta, "A": -A.exp(), "B": B, "C": C, "D": D, "z": z, "delta_bias": bias}


def _scan(values: Mapping[str, Tensor], table: PathTable, backend: str) -> Tensor:
    options: dict[str, Any] = {**values, "delta_softplus": True, "paths": table, "backend": backend}
    y = selective_scan(**options)
    assert isinstance(y, Tensor), "no last state was asked for"
    return y


def _convolution_values() -> Values:
    return dict(
        zip(
            ("x", "weight", "bias"),
            _normal((2, LENGTH, CHANNELS), (PATHS, CHANNELS, 4), (PATHS, CHANNELS)),
            strict=True,
        )
    )


def _convolution(values: Mapping[str, Tensor], table: PathTable, backend: str) -> Tensor:
    y = causal_conv1d(values["x"], values["weight"], values["bias"], paths=table, backend=backend)
    assert isinstance(y, Tensor)
    return y


def _dual_values() -> Values:
    heads, width = 2, CHANNELS // 2
    coefficients = (2, PATHS, LENGTH, STATES)
    shapes = ((2, LENGTH, heads, width), (2, PATHS, LENGTH, heads), (PATHS, heads), coefficients, coefficients)
    x, dt, A, B, C, D, bias = _normal(*shapes, (PATHS, heads), (PATHS, heads))
    return {"x": x, "dt": dt, "A": -A.exp(), "B": B, "C": C, "D": D, "dt_bias": bias}


def _dual(values: Mapping[str, Tensor], table: PathTable, backend: str) -> Tensor:
    options: dict[str, Any] = {**values, "dt_softplus": True, "paths": table, "chunk": 16, "backend": backend}
    y = ssd(**options)
    assert isinstance(y, Tensor), "no last state was asked for"
    return y


_ACTIVATIONS = ("u", "delta", "B", "C", "z", "x")
OPERATORS: Mapping[str, tuple[Callable[[], Values], Operator]] = MappingProxyType(
    {
        "selective_scan": (_scan_values, _scan),
        "causal_conv1d": (_convolution_values, _convolution),
        "ssd": (_dual_values, _dual),
    }
)


def most_findings(backends: Sequence[str] = ORDER) -> int:
    """How many findings there are at most: the reference is checked in float32 only."""
    return len(OPERATORS) * sum(1 if backend == "reference" else len(DTYPES) for backend in backends)
