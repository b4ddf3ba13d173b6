"""What the operators' arguments must be, errors that say which one is not, and the dtypes they are brought to."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch._C._functorch import is_batchedtensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops.modes import readable
from scanlab.ops.path_tables import PathTable

__all__ = ["autocast", "check_arguments", "check_finite", "check_fit", "check_rows", "in_one_dtype", "shape_error"]

Named = dict[str, Tensor | None]
_ACTIVATIONS = ("u", "delta", "B", "C", "z")
_COEFFICIENTS = {3: "[K, D, N]", 4: "[B, K, L, N]", 5: "[B, K, G, L, N]"}
_FORMS = {
    "u": {3: "[B, L, D]", 4: "[B, K, L, D]"},
    "delta": {4: "[B, K, L, D]"},
    "A": {3: "[K, D, N]"},
    "B": _COEFFICIENTS,
    "C": _COEFFICIENTS,
    "D": {2: "[K, D]"},
    "z": {3: "[B, L, D]"},
    "delta_bias": {2: "[K, D]"},
    "merge": {2: "[K, D]"},
}


def check_arguments(tensors: Named, paths: PathTable) -> None:
    """Refuse arguments that no backend could take.

    tensors: the arguments of `selective_scan` by name, None where left out. Raises S700 (shape), S701 (dtype), S702
    (device), S703 (A not finite; looked at on the CPU, and elsewhere under `torch.autograd.detect_anomaly`, since
    looking waits for the GPU), S704 (paths of another length or number).
    """
    present = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    _check_ranks(present)
    _check_sizes(present, paths)
    _check_dtypes(present)
    _check_devices(present, paths)
    check_finite(present["A"])


def _check_ranks(present: dict[str, Tensor]) -> None:
    for name, tensor in present.items():
        forms = _FORMS[name]
        if tensor.ndim not in forms:
            raise _shape_error(name, tensor, " or ".join(forms.values()))


def _check_sizes(present: dict[str, Tensor], paths: PathTable) -> None:
    u, delta, A = present["u"], present["delta"], present["A"]
    batch, length, channels = u.shape[0], u.shape[-2], u.shape[-1]
    if length != paths.length:
        tokens = f" and {len(paths.tokens)} virtual tokens" if paths.tokens else ""
        raise ScanlabError.at(
            "S704",
            f"u has {length} rows, but the paths are over {paths.grid_size} patches{tokens}",
            help="compile the scan for the grid of u; rows of virtual tokens stand after the patches",
        )
    if paths.steps.shape[0] not in (1, batch):
        raise ScanlabError.at("S704", f"there are paths for {paths.steps.shape[0]} samples, but u has {batch}")
    own, states = A.shape[0], A.shape[2]
    if own not in (1, paths.paths):
        raise ScanlabError.at(
            "S704",
            f"A has parameters for {own} paths, but there are {paths.paths}",
            help=f"give each path its own ({paths.paths}), or all of them one set (1)",
        )
    if u.ndim == 4 and u.shape[1] not in (1, paths.paths):
        raise _shape_error("u", u, f"[{batch}, {paths.paths}, {length}, {channels}]")
    _expect("delta", delta, (batch, own, length, channels))
    _expect("A", A, (own, channels, states))
    _expect("z", present.get("z"), (batch, length, channels))
    for name in ("B", "C"):
        _check_coefficients(name, present[name], (batch, own, length, channels, states))
    groups = {name: t.shape[2] if t.ndim == 5 else 1 for name in "BC" if (t := present[name]).ndim > 3}
    if len(set(groups.values())) > 1:
        raise ScanlabError.at(
            "S700",
            f"B has {groups['B']} groups of channels, and C has {groups['C']}",
            help="give both as many: expand the one with a single group, [B, K, 1, L, N], to the other's",
        )
    for name in ("D", "delta_bias"):
        _expect(name, present.get(name), (own, channels))
    _expect("merge", present.get("merge"), (paths.paths, channels))


def _check_coefficients(name: str, tensor: Tensor, sizes: tuple[int, int, int, int, int]) -> None:
    batch, own, length, channels, states = sizes
    if tensor.ndim == 3:
        _expect(name, tensor, (own, channels, states))
    elif tensor.ndim == 4:
        _expect(name, tensor, (batch, own, length, states))
    else:
        _expect(name, tensor, (batch, own, tensor.shape[2], length, states))
        if channels % tensor.shape[2]:
            raise ScanlabError.at(
                "S700", f"{channels} channels cannot be divided into the {tensor.shape[2]} groups of {name}"
            )


def _check_dtypes(present: dict[str, Tensor]) -> None:
    for name, tensor in present.items():
        if not tensor.dtype.is_floating_point:
            raise ScanlabError.at(
                "S701",
                f"{name} is {tensor.dtype}",
                help="give float32, bfloat16, float16, or float64 for the reference",
            )
    dtype = present["u"].dtype
    for name, tensor in present.items():
        # What is constant in time is a parameter, and may be kept in float32 beside half-precision activations.
        varies = name in _ACTIVATIONS and tensor.ndim > 2 and not (name in "BC" and tensor.ndim == 3)
        # So may activations, which all are computed in float32 then.
        fits = tensor.dtype in (dtype, torch.float32) or not varies
        if tensor.dtype != dtype and (not fits or torch.float64 in (dtype, tensor.dtype)):
            raise ScanlabError.at(
                "S701", f"{name} is {tensor.dtype}, but u is {dtype}", help="convert one of them, or run under autocast"
            )


def _check_devices(present: dict[str, Tensor], paths: PathTable) -> None:
    device = present["u"].device
    for name, tensor in present.items():
        if tensor.device != device:
            raise ScanlabError.at("S702", f"{name} is on {tensor.device}, but u is on {device}")
    if paths.steps.device != device:
        raise ScanlabError.at(
            "S702", f"the paths are on {paths.steps.device}, but u is on {device}", help="move them: paths.to(u.device)"
        )


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


def check_finite(A: Tensor) -> None:
    """Refuse with S703 an A with infinities or NaNs, where looking is cheap: see `check_arguments`."""
    values = readable(A)
    if values is None or (values.device.type != "cpu" and not torch.is_anomaly_enabled()):
        return
    # One sum is the quick look: it is finite only if every value is. Finite values may still add up to infinity.
    values = values.detach()
    if not math.isfinite(values.sum().item()) and not bool(torch.isfinite(values).all()):
        raise ScanlabError.at(
            "S703",
            "A holds values that are not finite",
            help="A is usually -exp(A_log): look for an A_log that has grown past 88",
        )


def _expect(name: str, tensor: Tensor | None, shape: tuple[int, ...]) -> None:
    if tensor is not None and tuple(tensor.shape) != shape:
        raise _shape_error(name, tensor, list(shape))


def _shape_error(name: str, tensor: Tensor, wanted: object) -> ScanlabError:
    return ScanlabError.at("S700", f"{name} has shape {list(tensor.shape)}, not {wanted}")


def check_fit(name: str, x: Tensor, length: int, others: dict[str, Tensor | None], table: PathTable) -> None:
    """Refuse tensors that do not belong together.

    x, called `name`, has `length` rows and sets dtype and device. others by name, None where left out: parameters may
    be float32 beside half precision, but float64 goes with float64 only. Raises S701, S702 and S704.
    """
    if length != table.length:
        tokens = f" and {len(table.tokens)} virtual tokens" if table.tokens else ""
        raise ScanlabError.at(
            "S704",
            f"{name} has {length} rows, but the paths are over {table.grid_size} patches{tokens}",
            help=f"compile the scan for the grid of {name}; rows of virtual tokens stand after the patches",
        )
    if table.steps.shape[0] not in (1, x.shape[0]):
        raise ScanlabError.at(
            "S704", f"there are paths for {table.steps.shape[0]} samples, but {name} has {x.shape[0]}"
        )
    for other, tensor in {name: x, **others, "the table of paths": table.steps}.items():
        if tensor is None:
            continue
        if tensor.device != x.device:
            raise ScanlabError.at("S702", f"{other} is on {tensor.device}, but {name} is on {x.device}")
        if tensor is not table.steps:
            _check_dtype(other, tensor.dtype, name, x.dtype)


def shape_error(name: str, tensor: Tensor, wanted: object) -> ScanlabError:
    """S700: a tensor is not of the shape that is wanted."""
    return ScanlabError.at("S700", f"{name} has shape {list(tensor.shape)}, not {wanted}")


def _check_dtype(name: str, dtype: torch.dtype, leader: str, wanted: torch.dtype) -> None:
    if not dtype.is_floating_point:
        raise ScanlabError.at("S701", f"{name} is {dtype}", help="give float32, bfloat16, float16, or float64")
    if dtype not in (wanted, torch.float32) or (dtype != wanted and wanted == torch.float64):
        raise ScanlabError.at("S701", f"{name} is {dtype}, but {leader} is {wanted}", help="convert one of them")


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
    varying = [t.ndim > 3 and t.dtype != u.dtype for t in others]
    if not any(varying):
        return u, *others
    return u.float(), *(t.float() if t.ndim > 3 else t for t in others)
