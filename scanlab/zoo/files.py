"""Tensors in files: safetensors, and .pth without pickled code."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.zoo.pickled import read_pickled, unusable

__all__ = ["read_tensors", "write_tensors"]


def read_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """A state dict, on the CPU, and its metadata, from a local .safetensors file or one that torch.save wrote.

    What training scripts of Vim, VMamba and VideoMamba wrap around it ("model", "state_dict" or "module", else
    "model_ema") and a prefix "module." of all names are taken off. Metadata: that of safetensors, else empty.
    Raises S640 for a file that asks for more than data, none of which is run; S641 for one that cannot be read or holds
    no tensors; S618 where safetensors is not installed.
    """
    path = Path(path)
    tensors, metadata = _read_safetensors(path) if path.suffix == ".safetensors" else (read_pickled(path), {})
    if all(name.startswith("module.") for name in tensors):
        tensors = {name.removeprefix("module."): t for name, t in tensors.items()}
    return tensors, metadata


def write_tensors(path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a .safetensors file, whole or not at all. Tensors that share memory are written twice.

    Raises S641 where the file cannot be written, S618 where safetensors is not installed.
    """
    path, library = Path(path), _safetensors()
    seen: set[int] = set()
    whole = {name: _apart(tensor.detach().cpu().contiguous(), seen) for name, tensor in tensors.items()}
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        try:
            library.torch.save_file(whole, temporary, dict(metadata))
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except (OSError, library.SafetensorError) as error:
        raise unusable(path, error, "written") from None


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
