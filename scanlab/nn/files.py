"""Tensors in files: safetensors, and .pth without pickled code."""

from __future__ import annotations

import argparse
import os
import pickletools
import re
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from types import ModuleType
from typing import cast

import torch
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["read_tensors", "write_tensors"]

# Where training scripts keep the weights, beside optimizer states and options; averaged weights only if nothing else.
WRAPPERS = ("model", "state_dict", "module", "model_ema")
# What the pickle of a plain state dict imports, in checkpoints of all ages.
_DATA = re.compile(
    r"torch\._utils\.\w+|torch\.(\w+Storage|Size|device)|(collections\.)?OrderedDict|argparse\.Namespace"
)
# A .pth file older than torch 1.6 is a few pickles in a row, the fourth being the content, then raw bytes.
_PICKLES = 4


def read_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """A state dict, on the CPU, and its metadata, from a local .safetensors file or one that torch.save wrote.

    What training scripts of Vim, VMamba and VideoMamba wrap around it ("model", "state_dict" or "module", else
    "model_ema") and a prefix "module." of all names are taken off. Metadata: that of safetensors, else empty.
    Raises S640 for a file that asks for more than data, none of which is run; S641 for one that cannot be read or holds
    no tensors; S618 where safetensors is not installed.
    """
    path = Path(path)
    tensors, metadata = _read_safetensors(path) if path.suffix == ".safetensors" else (_read_pickle(path), {})
    if all(name.startswith("module.") for name in tensors):
        tensors = {name.removeprefix("module."): t for name, t in tensors.items()}
    return tensors, metadata


def write_tensors(path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a .safetensors file, whole or not at all. Tensors that share memory are written twice. S641, S618."""
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
        raise _unusable(path, error, "written") from None


def _apart(tensor: Tensor, seen: set[int]) -> Tensor:
    place = tensor.untyped_storage().data_ptr()
    shared = place in seen
    seen.add(place)
    return tensor.clone() if shared else tensor


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    library = _safetensors()
    try:
        with library.safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except (OSError, library.SafetensorError) as error:
        raise _unusable(path, error) from None


def _safetensors() -> ModuleType:
    try:
        import safetensors.torch
    except ImportError as error:
        help = 'pip install "scanlab[checkpoints]"'
        raise ScanlabError.at("S618", "this checkpoint needs safetensors, which is not installed", help=help) from error
    return safetensors


def _read_pickle(path: Path) -> dict[str, Tensor]:
    try:
        # The scripts save their command line with the weights: an argparse.Namespace is data, and all that is let in.
        with warnings.catch_warnings(), torch.serialization.safe_globals([argparse.Namespace]):
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch lets anything through that a broken pickle may cause
        if isinstance(error, UnpicklingError) and (wanted := _imports(path, error)):
            raise ScanlabError.at(
                "S640",
                f"{path} holds pickled code: it wants to import {', '.join(wanted)}; nothing of it was run",
                help="on a machine you trust it on, convert its state dict: safetensors.torch.save_file(state, FILE)",
            ) from None
        raise _unusable(path, error) from None
    return _unwrapped(path, content)


def _imports(path: Path, error: UnpicklingError) -> list[str]:
    """What a pickle imports beside data, found without running it; empty for a pickle that is merely broken."""
    names, words = re.findall(r"GLOBAL ([\w.]+)", str(error)), []
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            names = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except (ValueError, RuntimeError):
        with path.open("rb") as stream:
            try:
                for op, value, _ in (step for _ in range(_PICKLES) for step in pickletools.genops(stream)):
                    words += [value] if isinstance(value, str) else []
                    names += [words[-1].replace(" ", ".")] if op.name in ("GLOBAL", "INST") else []
                    names += [".".join(words[-2:])] if op.name == "STACK_GLOBAL" else []
            except ValueError:  # where the pickles end
                pass
    return sorted({name for name in names if not _DATA.fullmatch(name)})


def _unwrapped(path: Path, content: object) -> dict[str, Tensor]:
    layers = [content, *(content.get(key) for key in WRAPPERS)] if isinstance(content, dict) else []
    layers += [inner.get(key) for inner in layers[1:] if isinstance(inner, dict) for key in WRAPPERS]
    for state in layers:
        if isinstance(state, dict) and state and all(isinstance(t, Tensor) for t in state.values()):
            return cast(dict[str, Tensor], state)
    holds = f"a dict of {', '.join(map(str, content))}" if isinstance(content, dict) else f"a {type(content).__name__}"
    raise _unusable(path, f"it holds {holds}, and no tensors under {', '.join(WRAPPERS)}")


def _unusable(path: Path, reason: Exception | str, verb: str = "read") -> ScanlabError:
    if isinstance(reason, OSError) and reason.strerror:
        reason = reason.strerror
    elif isinstance(reason, RuntimeError) or type(reason).__name__ == "SafetensorError":
        reason = str(reason).splitlines()[0].split(". ")[0]
    elif isinstance(reason, Exception):
        reason = "it is cut off, or no checkpoint that torch.save wrote"
    return ScanlabError.at("S641", f"{path} cannot be {verb}: {reason}")
