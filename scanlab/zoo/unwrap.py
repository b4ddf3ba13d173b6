"""The weights within what training tools save: their containers, and the prefixes that they put before names."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, TypeGuard

from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

if TYPE_CHECKING:
    from torch._dynamo.eval_frame import OptimizedModule

__all__ = ["WEIGHTS", "inside", "plain_names", "states", "whole_part"]

# Where training scripts keep the weights, and averages of them.
WEIGHTS = (
    *("model", "state_dict", "module", "model_state_dict", "model_state", "net", "network", "net_state_dict"),
    *("weights", "params", "student", "generator", "backbone", "encoder", "backbone_state_dict"),
)
AVERAGED = (
    *("model_ema", "ema", "state_dict_ema", "ema_state_dict", "model_ema_state_dict", "ema_model", "params_ema"),
    *("model_state_dict_ema", "ema_weights", "shadow_params", "shadow", "averaged_model", "swa_model", "teacher"),
)
# What stands beside them and may hold tensors, too.
_OTHERS = (
    "opt",
    "sched",
    "lr_",
    "scaler",
    "amp",
    "arg",
    "config",
    "hyper",
    "hparam",
    "rng",
    "callback",
    "loop",
    "loss",
)
# What wrappers put into a name, wherever in the model they stand.
_WRAPPED = frozenset({"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"})
Path = tuple[str, ...]


def inside(model: nn.Module) -> nn.Module:
    """The model whose parameters, each one whole, a wrapper of torch holds; another model is itself."""
    while isinstance(model, nn.DataParallel | DistributedDataParallel | AveragedModel) or _is_compiled(model):
        model = model._orig_mod if _is_compiled(model) else model.module
    return model


def _is_compiled(model: nn.Module) -> TypeGuard[OptimizedModule]:
    """Whether torch.compile made a model; that imports its own modules, which take long, and nothing else does."""
    frames = sys.modules.get("torch._dynamo.eval_frame")
    return frames is not None and isinstance(model, frames.OptimizedModule)


def states(content: object, at: Path = ()) -> Iterator[tuple[Path, dict[str, Tensor]]]:
    """Each state dict in what was saved, with the keys that lead to it; what is no tensor is left out of it."""
    if not isinstance(content, Mapping):
        return
    inner = {str(key): value for key, value in content.items() if isinstance(value, Mapping)}
    known = [key for key in (*WEIGHTS, *AVERAGED) if key in inner]
    states_inside = [state for key in known for state in states(inner[key], (*at, key))]
    tensors = {key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, Tensor)}
    if not states_inside and not _of_layers(tensors):
        others = [key for key in inner if not key.lower().startswith(_OTHERS)]
        states_inside = [state for key in others for state in states(inner[key], (*at, key)) if _of_layers(state[1])]
    if states_inside or tensors:
        yield from states_inside or [(at, tensors)]


def _of_layers(tensors: Mapping[str, Tensor]) -> bool:
    """Whether names are those of a model's layers; single numbers have names without dots."""
    return any("." in name for name in tensors)


def plain_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors without what torch.compile, fully sharded training and checkpointing put into their names, without
    a prefix "module." that all share, and without the count of averaging beside it."""
    named = {".".join(part for part in name.split(".") if part not in _WRAPPED): t for name, t in state.items()}
    if len(named) < len(state):
        return dict(state)
    rest = [name for name in named if name != "n_averaged"]
    while rest and all(name.startswith("module.") for name in rest):
        named = {name.removeprefix("module."): named[name] for name in rest}
        rest = list(named)
    return named


def whole_part(
    state: Mapping[str, Tensor], names: Collection[str], meant: Callable[[str], str]
) -> tuple[dict[str, Tensor], str]:
    """The tensors under the names asked for, as far as prefixes hide them, and the prefix of those that were
    taken where others were left; `meant` gives the name asked for that a name is another form of.

    A prefix that all names share is taken off as often as there is one. Else the first part of the names that is whole
    is taken, averages last, as a training tool saves a model beside its average or its loss.
    """
    tensors = _unshared(state, names, meant)
    if _meets(tensors, names, meant):
        return tensors, ""
    parts = {name.partition(".")[0]: None for name in tensors if "." in name}
    for part in sorted(parts, key=lambda name: (name not in WEIGHTS, name in AVERAGED)):
        own = {name.removeprefix(f"{part}."): t for name, t in tensors.items() if name.startswith(f"{part}.")}
        own = _unshared(own, names, meant)
        if set(names) <= set(map(meant, own)):
            return own, part
    return tensors, ""


def _unshared(state: Mapping[str, Tensor], names: Collection[str], meant: Callable[[str], str]) -> dict[str, Tensor]:
    tensors = dict(state)
    while not _meets(tensors, names, meant):
        if len({name.partition(".")[0] for name in tensors}) != 1 or not all("." in name for name in tensors):
            break
        tensors = {name.partition(".")[2]: tensor for name, tensor in tensors.items()}
    return tensors


def _meets(state: Mapping[str, Tensor], names: Collection[str], meant: Callable[[str], str]) -> bool:
    return not state or any(meant(name) in names for name in state)
