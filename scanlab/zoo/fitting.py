"""Tensors into a model: each fits its place in name, shape and kind of number, or nothing is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops.dispatch import say_once

__all__ = ["Roles", "copy_into"]

Views = Mapping[str, Sequence[Tensor]]
# Of each kind of difference, as many are named.
SHOWN = 6
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


@dataclass(frozen=True)
class Roles:
    """Names of tensors that may differ for a reason: those of the head, of the positions, and of the first layer."""

    head: tuple[str, ...] = ()
    positions: tuple[str, ...] = ()
    first: tuple[str, ...] = ()


def copy_into(
    views: Views, tensors: Mapping[str, Tensor], source: str, roles: Roles = Roles(), new_head: bool = False
) -> None:
    """Copy tensors into views of the same names: several views of a name lie side by side along axis 1.

    new_head: leave a head of another number of classes as it was made, and say so. Wider and narrower floating numbers
    are converted, which is said, too. Raises S611, which names what is missing, extra, misshapen or of another kind of
    number, and then nothing is loaded.
    """
    shapes = {name: _shape(v) for name, v in views.items()}
    both = sorted(set(views) & set(tensors))
    misshapen = [n for n in both if tuple(tensors[n].shape) != shapes[n]]
    absent = sorted(set(views) - set(tensors))
    left = {n for n in (*misshapen, *absent) if n in roles.head} if new_head else set()
    left = left and set(roles.head)
    problems = {
        "missing": [f"{n} {list(shapes[n])}" for n in absent if n not in left],
        "extra": [f"{n} {list(tensors[n].shape)}" for n in sorted(set(tensors) - set(views))],
        "misshapen": [
            f"{n} is {list(tensors[n].shape)}, the model has {list(shapes[n])}" for n in misshapen if n not in left
        ],
        "not of its kind": [
            f"{n} is {_kind(tensors[n])}, the model has {_kind(views[n][0])}"
            for n in both
            if n not in left and not _converts(tensors[n], views[n][0])
        ],
    }
    if any(problems.values()):
        raise _unfit(source, problems, roles, tensors)
    taken = [n for n in both if n not in left]
    with torch.no_grad():
        for name in taken:
            whole, targets = tensors[name], views[name]
            parts = [whole] if len(targets) == 1 else whole.split([v.shape[1] for v in targets], dim=1)
            for view, part in zip(targets, parts, strict=True):
                view.copy_(part)
    if left:
        say_once(f"{source}: the head is new and untrained, since the checkpoint has none for as many classes")
    kinds = {(_kind(tensors[n]), _kind(views[n][0])) for n in taken if tensors[n].dtype != views[n][0].dtype}
    for theirs, ours in sorted(kinds):
        say_once(f"{source} holds {theirs}, which was converted to the model's {ours}")


def _converts(tensor: Tensor, view: Tensor) -> bool:
    """Whether a tensor's numbers mean the same in a view's dtype."""
    if tensor.is_quantized or tensor.layout is not torch.strided:
        return False
    return tensor.dtype == view.dtype or (tensor.dtype in _FLOATS and view.dtype in _FLOATS)


def _kind(tensor: Tensor) -> str:
    layout = "" if tensor.layout is torch.strided else f" ({str(tensor.layout).removeprefix('torch.')})"
    return str(tensor.dtype).removeprefix("torch.") + layout


def _unfit(
    source: str, problems: Mapping[str, Sequence[str]], roles: Roles, tensors: Mapping[str, Tensor]
) -> ScanlabError:
    lines = []
    for kind, listed in problems.items():
        lines += [f"{kind}: {what}" for what in listed[:SHOWN]]
        lines += [f"{kind}: {len(listed) - SHOWN} more"] if len(listed) > SHOWN else []
    count = sum(map(len, problems.values()))
    places = "1 place" if count == 1 else f"{count} places"
    return ScanlabError.at(
        "S611",
        f"{source} does not fit the model in {places}; nothing was loaded",
        note="\n".join(lines),
        help=_advice(problems, roles, tensors),
    )


_SAVED = "build the model that was saved: its name, number of classes, input size and scan"


def _advice(problems: Mapping[str, Sequence[str]], roles: Roles, tensors: Mapping[str, Tensor]) -> str:
    """What to do, where the head, the positions or the first layer alone differ in shape."""
    if problems["not of its kind"]:
        return "convert the tensors to floating numbers first: quantised weights need their scales"
    if problems["missing"] or problems["extra"]:
        return f"{_SAVED}; a state dict of a scanlab model is loaded by its load_state_dict"
    wrong = {line.split(" ")[0] for line in problems["misshapen"]}
    roads = []
    if wrong & set(roles.head):
        classes = next(len(tensors[n]) for n in roles.head if n in tensors)
        roads.append(
            f"the checkpoint has {classes} classes: build the model with num_classes={classes}, "
            "or give num_classes to create_model beside checkpoint for a new head of that many, untrained"
        )
    if wrong & set(roles.positions):
        roads.append(
            "the positions are of another input size: build the model with the img_size that was saved, "
            "and give it inputs of any size: positions are resized"
        )
    if wrong & set(roles.first):
        roads.append("the first layer is of other channels or patches: give the in_chans and patch that were saved")
    if wrong <= {*roles.head, *roles.positions, *roles.first}:
        return "; ".join(roads)
    return _SAVED


def _shape(views: Sequence[Tensor]) -> tuple[int, ...]:
    first = views[0].shape
    return tuple(first) if len(views) == 1 else (first[0], sum(v.shape[1] for v in views), *first[2:])
