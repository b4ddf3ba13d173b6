"""Tensors in files: safetensors, and .pth without pickled code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from torch import Tensor, nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ops.dispatch import say_once
from scanlab.places import FOR_ALL, draft_of
from scanlab.zoo.pickled import read_pickled, unusable
from scanlab.zoo.unwrap import WEIGHTS, plain_names, states

__all__ = ["read_tensors", "require_numbers", "tensor_bytes", "write_tensors"]


def read_tensors(path: str | Path, key: str = "") -> tuple[dict[str, Tensor], dict[str, str]]:
    """A state dict, on the CPU, and its metadata, from a local .safetensors file or one that torch.save wrote.

    The containers of training tools are opened ("model", "state_dict", "module", …; those of averages where there is
    nothing else), and what wrappers put into names is taken off; what is no tensor is left out. key: which container,
    where there are several; else the first is taken, which is said. Metadata: that of safetensors, else empty.
    Raises S640 for a file that asks for code, none of which is run; S641 for one that cannot be read or holds no
    tensors there; S618 where safetensors is not installed.
    """
    path = Path(path)
    content, metadata = _read_safetensors(path) if path.suffix == ".safetensors" else (read_pickled(path), {})
    return plain_names(_chosen(path, content, key)), metadata


def _chosen(path: Path, content: object, key: str) -> dict[str, Tensor]:
    held = {".".join(place): tensors for place, tensors in states(content)}
    chosen = {place: tensors for place, tensors in held.items() if not key or key in (place, *place.split("."))}
    if not chosen:
        raise unusable(path, _without(content, key, list(held)))
    place = next(iter(chosen))
    if len(chosen) > 1:
        others = " and ".join(name for name in chosen if name != place)
        say_once(f"{path}: the weights under {place} were taken, and those under {others} left; checkpoint_key chooses")
    return chosen[place]


def _without(content: object, key: str, held: list[str]) -> str:
    if key and held:
        return f"it holds no tensors under {key}, but under {', '.join(held)}"
    if not isinstance(content, Mapping):
        return f"it holds a {type(content).__name__}, and no state dict"
    names = [str(name) for name in content]
    shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    return f"it holds a dict of {shown or 'nothing'}, and no tensors under {', '.join(WEIGHTS[:4])} or the like"


def require_numbers(model: nn.Module, path: str | Path) -> None:
    """Raise S870 for a model from a file whose weights are NaN or infinite: it says nothing of anything."""
    for name, weights in model.state_dict().items():
        if not bool(weights.isfinite().all()):
            problem = f"{path} holds numbers that are NaN or infinite, in {name}"
            help = "the file is damaged, or its training diverged: give another one"
            raise ScanlabError.at("S870", problem, help=help)


def write_tensors(path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a .safetensors file, whole or not at all. Tensors that share memory are written twice.

    Raises S641 where the file cannot be written, S618 where safetensors is not installed.
    """
    path, library = Path(path), _safetensors()
    try:
        with draft_of(path, FOR_ALL) as draft:
            library.torch.save_file(_whole(tensors), str(draft), dict(metadata))
    except (OSError, library.SafetensorError) as error:
        raise unusable(path, error, "written") from None


def tensor_bytes(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """What `write_tensors` writes. Raises S618 where safetensors is not installed."""
    return _safetensors().torch.save(_whole(tensors), dict(metadata))


def _whole(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """On the CPU, each with memory of its own."""
    seen: set[int] = set()
    return {name: _apart(tensor.detach().cpu().contiguous(), seen) for name, tensor in tensors.items()}


def _apart(tensor: Tensor, seen: set[int]) -> Tensor:
    place = tensor.untyped_storage().data_ptr()
    shared = place in seen
    seen.add(place)
    return tensor.clone() if shared else tensor


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    library = _safetensors()
    if path.is_dir():
        raise unusable(path, "it is a folder")
    try:
        with library.safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except (OSError, library.SafetensorError) as error:
        raise unusable(path, error) from None


def _safetensors() -> ModuleType:
    try:
        import safetensors.torch
    except ImportError as error:
        help = 'pip install "scanlab[checkpoints]"'
        raise ScanlabError.at("S618", "this checkpoint needs safetensors, which is not installed", help=help) from error
    return safetensors
