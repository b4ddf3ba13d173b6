"""What the operators' arguments must be, errors that say which one is not, and the dtypes they are brought to."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch._C._functorch import is_batchedtensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops.modes import readable
from scanlab.ops.path_tables import PathTable

__all__ = [
    "Operands",
    "autocast",
    "check_arguments",
    "check_finite",
    "check_rows",
    "check_states",
    "forms",
    "grouped",
    "in_one_dtype",
    "not_finite",
    "shape_error",
]

Forms = Mapping[str, Mapping[int, str]]


def forms(**by_name: str) -> Forms:
    """The axes that each argument may have, by their number: a letter for an axis, forms with blanks between.

    B: samples, K: paths, k: paths or 1, L: rows; what other letters measure is settled by the first argument that has
    them. A small letter is written as its capital in errors.
    """
    return {name: {len(form): form for form in text.split()} for name, text in by_name.items()}


Sizes = dict[str, int]
Tensors = Mapping[str, Tensor]
Shapes = Mapping[str, torch.Size]


@dataclass(frozen=True, eq=False)
class Operands:
    """What an operator takes.

    forms: see there. The first argument leads: it sets dtype and device, and may have one path for all. owner: the
    parameter that settles k, and what else is new in it. like_scan: the selective scan looks at all numbers of axes
    first and at dtypes last, and takes parameters, which are constant in time, in any dtype but float64. shown: what an
    error says of an argument in place of its form. also: what else is asked once an argument has its form. floats,
    convert, table, move: words of errors.
    """

    forms: Forms
    owner: str
    like_scan: bool = False
    shown: Mapping[str, str] = field(default_factory=dict)
    also: Mapping[str, Callable[[Sizes, Tensors], None]] = field(default_factory=dict)
    floats: str = "give float32, bfloat16, float16, or float64"
    convert: str = "convert one of them"
    table: str = "the table of paths is"
    move: str = ""


def check_arguments(operands: Operands, tensors: Mapping[str, Tensor | None], paths: PathTable, **known: int) -> None:
    """Refuse arguments that no backend could take.

    tensors: by name, the leader first, None where left out. known: letters that are settled beforehand. Raises S700
    (shape), S701 (dtype), S702 (device), S703 (A not finite, see `check_finite`; of the selective scan it is asked once
    its backend is chosen, since that of the CPU looks by itself), S704 (paths of another length or number).
    """
    seen = _signature(operands, tensors, paths, known)
    # What is compiled does not look at what was accepted: it would be compiled anew for every signature.
    if seen is None or seen not in _ACCEPTED:
        _check_signature(operands, tensors, paths, known)
        if seen is not None:
            if len(_ACCEPTED) >= MOST_SIGNATURES:
                _ACCEPTED.clear()
            _ACCEPTED.add(seen)
    if not operands.like_scan and (A := tensors.get("A")) is not None:
        check_finite(A)


# All that the checks below look at, where they found nothing wrong: they take longer than a scan of a small image.
_ACCEPTED: set[tuple[Any, ...]] = set()
MOST_SIGNATURES = 4096
_PLAIN = (Tensor, nn.Parameter)


def _signature(
    operands: Operands, tensors: Mapping[str, Tensor | None], paths: PathTable, known: Mapping[str, int]
) -> tuple[Any, ...] | None:
    """What the checks of a call depend on; None where they are made anew, as for tensors that are not torch's own."""
    if torch.compiler.is_compiling():
        return None
    steps = paths.steps
    seen: list[Any] = [operands, paths.paths, paths.length, steps.shape[0], steps.device, *known.items()]
    for name, tensor in tensors.items():
        if tensor is None:
            continue
        if type(tensor) not in _PLAIN:
            return None
        seen += (name, tensor.shape, tensor.dtype, tensor.device)
    return tuple(seen)


def _check_signature(
    operands: Operands, tensors: Mapping[str, Tensor | None], paths: PathTable, known: Mapping[str, int]
) -> None:
    present = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    shapes = {name: _shape(name, tensor) for name, tensor in present.items()}
    leader, sizes = next(iter(present)), {"K": paths.paths, "L": paths.length, **known}
    if operands.like_scan:
        _check_axes(operands, present, shapes)
        _check_table(operands, leader, shapes[leader], paths)
        _check_owner(operands, shapes[operands.owner], sizes)
        _check_leader(operands, leader, present, sizes)
        sizes["k"], _, sizes["N"] = shapes[operands.owner]
        _check_shapes(operands, leader, present, shapes, sizes)
        _check_dtypes(operands, leader, present)
        _check_devices(operands, leader, present, paths)
    else:
        _check_leader(operands, leader, present, sizes)
        _check_table(operands, leader, shapes[leader], paths)
        _check_devices(operands, leader, present, paths)
        _check_dtypes(operands, leader, present)
        _check_shapes(operands, leader, present, shapes, sizes)


def _shape(name: str, tensor: Tensor) -> torch.Size:
    if not isinstance(tensor, Tensor):
        raise ScanlabError.at("S700", f"{name} is a {type(tensor).__name__}, not a tensor", help="give a torch tensor")
    return tensor.shape


def _check_axes(operands: Operands, present: Tensors, shapes: Shapes) -> None:
    for name, shape in shapes.items():
        if len(shape) not in operands.forms[name]:
            raise shape_error(name, present[name], _shown(operands.forms[name].values(), {}))


def _check_table(operands: Operands, leader: str, shape: torch.Size, paths: PathTable) -> None:
    length = shape[operands.forms[leader][len(shape)].index("L")]
    if length != paths.length:
        tokens = f" and {len(paths.tokens)} virtual tokens" if paths.tokens else ""
        raise ScanlabError.at(
            "S704",
            f"{leader} has {length} rows, but the paths are over {paths.grid_size} patches{tokens}",
            help=f"compile the scan for the grid of {leader}; rows of virtual tokens stand after the patches",
        )
    samples = paths.steps.shape[0]
    if samples not in (1, shape[0]):
        raise ScanlabError.at("S704", f"there are paths for {samples} samples, but {leader} has {shape[0]}")


def _check_owner(operands: Operands, shape: torch.Size, sizes: Sizes) -> None:
    if shape[0] not in (1, sizes["K"]):
        raise ScanlabError.at(
            "S704",
            f"{operands.owner} has parameters for {shape[0]} paths, but there are {sizes['K']}",
            help=f"give each path its own ({sizes['K']}), or all of them one set (1)",
        )


def _check_leader(operands: Operands, name: str, present: Tensors, sizes: Sizes) -> None:
    """Its form; and take what its axes measure."""
    x, possible, paths = present[name], operands.forms[name], sizes["K"]
    form = possible.get(x.ndim, "")
    measured = dict(zip(form, x.shape, strict=False))
    if not form or measured.get("K", 1) not in (1, paths):
        wanted = _shown([form], measured | sizes) if operands.like_scan else _shown(possible.values(), sizes)
        raise shape_error(name, x, wanted)
    sizes.update(measured, K=paths)


def _check_shapes(operands: Operands, leader: str, present: Tensors, shapes: Shapes, sizes: Sizes) -> None:
    for name, possible in operands.forms.items():
        if name not in shapes or name == leader:
            continue
        form = possible.get(len(shapes[name]))
        if form is None:
            raise _wrong_shape(operands, name, present[name], [*possible.values()][-1], sizes)
        for axis, size in zip(form, shapes[name], strict=True):
            if sizes.setdefault(axis, size) != size:
                raise _wrong_shape(operands, name, present[name], form, sizes)
        if name == operands.owner and sizes["k"] not in (1, sizes["K"]):
            raise _wrong_shape(operands, name, present[name], form, sizes)
        if name in operands.also:
            operands.also[name](sizes, present)


def _wrong_shape(operands: Operands, name: str, tensor: Tensor, form: str, sizes: Sizes) -> ScanlabError:
    if name in operands.shown:
        return shape_error(name, tensor, operands.shown[name].format(**sizes))
    # What no argument before this one has settled is as this one has it.
    own = dict(zip(form, tensor.shape, strict=False)) if len(form) == tensor.ndim else {}
    return shape_error(name, tensor, _shown([form], own | sizes))


def _shown(forms: Iterable[str], sizes: Mapping[str, Any]) -> str:
    return " or ".join(f"[{', '.join(str(sizes.get(axis, axis.upper())) for axis in form)}]" for form in forms)


def _check_dtypes(operands: Operands, leader: str, present: Tensors) -> None:
    dtype = present[leader].dtype
    if dtype.is_floating_point and all([tensor.dtype == dtype for tensor in present.values()]):  # noqa: C419
        return
    for name, tensor in present.items():
        if not tensor.dtype.is_floating_point:
            raise ScanlabError.at("S701", f"{name} is {tensor.dtype}", help=operands.floats)
    for name, tensor in present.items():
        # What is constant in time is a parameter, and may be kept in float32 beside half-precision activations. So may
        # activations, which all are computed in float32 then.
        free = operands.like_scan and "L" not in operands.forms[name][tensor.ndim]
        fits = free or tensor.dtype in (dtype, torch.float32)
        if tensor.dtype != dtype and (not fits or torch.float64 in (dtype, tensor.dtype)):
            raise ScanlabError.at("S701", f"{name} is {tensor.dtype}, but {leader} is {dtype}", help=operands.convert)


def _check_devices(operands: Operands, leader: str, present: Tensors, paths: PathTable) -> None:
    device = present[leader].device
    for name, tensor in present.items():
        if tensor.device != device:
            raise ScanlabError.at("S702", f"{name} is on {tensor.device}, but {leader} is on {device}")
    if paths.steps.device != device:
        said = f"{operands.table} on {paths.steps.device}, but {leader} is on {device}"
        raise ScanlabError.at("S702", said, help=operands.move)


def shape_error(name: str, tensor: Tensor, wanted: str) -> ScanlabError:
    """S700: a tensor is not of the shape that is wanted."""
    return ScanlabError.at("S700", f"{name} has shape {list(tensor.shape)}, not {wanted}")


def check_rows(**tensors: Tensor) -> None:
    """Refuse with S705 activations whose last axis is not contiguous: kernels would have to copy them."""
    for name, tensor in tensors.items():
        # An empty tensor has no rows, whatever its strides; contiguous() would not change them.
        # On the meta device nothing is read, and layers leave other strides than elsewhere. vmap copies rows anyway.
        read = tensor.numel() and not tensor.is_meta and not is_batchedtensor(tensor)
        if read and tensor.shape[-1] > 1 and tensor.stride(-1) != 1:
            raise ScanlabError.at(
                "S705",
                f"the last axis of {name} has stride {tensor.stride(-1)}, but kernels read whole rows",
                help=f"make {name} channel-last, or pass {name}.contiguous() and pay for the copy",
            )


def check_states(initial: Tensor | None, u: Tensor, weights: Tensor | None) -> None:
    """Refuse states of paths whose outputs are weighted (S707), and those that are not in float32 (S701), or float64 as
    u is: what is kept from one call to the next is not to lose what the kernels keep.
    """
    if weights is not None:
        raise ScanlabError.at(
            "S707",
            "states are taken and returned of paths that are not weighted",
            help='merge with "sum", "mean", "scatter" or "none"; the outputs of "none" may be weighted afterwards',
        )
    wide = torch.float64 if u.dtype == torch.float64 else torch.float32
    if initial is not None and initial.dtype != wide:
        raise ScanlabError.at("S701", f"initial_state is {initial.dtype}, and states are {wide}", help="convert it")


def check_finite(A: Tensor) -> None:
    """Refuse with S703 an A with infinities or NaNs, where looking is cheap: on the CPU, and elsewhere under
    `torch.autograd.detect_anomaly`, since looking waits for the GPU.
    """
    values = readable(A)
    if values is None or (values.device.type != "cpu" and not torch.is_anomaly_enabled()):
        return
    # One sum is the quick look: it is finite only if every value is. Finite values may still add up to infinity.
    values = values.detach()
    if not math.isfinite(values.sum().item()) and not bool(torch.isfinite(values).all()):
        raise not_finite()


def not_finite() -> ScanlabError:
    """S703: A holds infinities or NaNs."""
    return ScanlabError.at(
        "S703",
        "A holds values that are not finite",
        help="A is usually -exp(A_log): look for an A_log that has grown past 88",
    )


def autocast(activation: Tensor) -> Tensor:
    """In the dtype of autocast, where it is on; A, D and the bias are left as they are, and states are float32."""
    device = activation.device.type
    if device == "meta":
        return activation
    if activation.dtype == torch.float64 or not torch.is_autocast_enabled(device):
        return activation
    return activation.to(torch.get_autocast_dtype(device))


def in_one_dtype(u: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
    """Activations as kernels take them: in the dtype of u, or all in float32 where one of them is.

    Those that are constant in time, [K, D, N], are parameters and left as they are.
    """
    dtype = u.dtype
    if not any([t.dtype != dtype and t.ndim > 3 for t in others]):  # noqa: C419
        return u, *others
    return u.float(), *(t.float() if t.ndim > 3 else t for t in others)


def grouped(coefficients: Tensor, axis: int) -> Tensor:
    """B or C of four axes, [B, K, L, N], with a single group at an axis; other forms as they are."""
    return coefficients.unsqueeze(axis) if coefficients.ndim == 4 else coefficients
