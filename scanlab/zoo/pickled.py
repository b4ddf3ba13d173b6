"""State dicts in .pth files, of which nothing is run."""

from __future__ import annotations

import argparse
import pickletools
import re
import warnings
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, cast

import torch
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["read_pickled", "unusable"]

# Where training scripts keep the weights, beside optimizer states and options; averaged weights only if nothing else.
WRAPPERS = ("model", "state_dict", "module", "model_ema")
# Scripts save their settings with the weights: Vim's and VideoMamba's a Namespace, VMamba's a CfgNode, which is
# read as an ordered dict, so that yacs need not be installed and none of its code runs. Nothing else is let in.
SETTINGS: list[Any] = [argparse.Namespace, (OrderedDict, "yacs.config.CfgNode")]
# What the pickle of a plain state dict imports, in checkpoints of all ages.
_DATA = re.compile(
    r"torch\._utils\.\w+|torch\.(\w+Storage|Size|device)|(collections\.)?OrderedDict|argparse\.Namespace|yacs\.config\.CfgNode"
)
# A zip archive, or a pickle of protocol 2 and up. Letters of any other text may look like operations up to some point.
_STARTS = (b"PK", b"\x80")
# A .pth file older than torch 1.6 is a few pickles in a row, the fourth being the content, then raw bytes.
_PICKLES = 4


def read_pickled(path: Path) -> dict[str, Tensor]:
    """The state dict in a file that torch.save wrote, taken out of what training scripts wrap around it.

    Raises S640 for a file that asks for more than data, none of which is run; S641 for one that cannot be read or holds
    no tensors.
    """
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(SETTINGS):
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch lets anything through that a broken pickle may cause
        if isinstance(error, UnpicklingError) and (wanted := _imports(path, error)):
            raise ScanlabError.at(
                "S640",
                f"{path} holds pickled code: it wants to import {', '.join(wanted)}; nothing of it was run",
                help="if you trust where it is from, convert it on a machine you trust it on: "
                'safetensors.torch.save_file(torch.load(FILE, weights_only=False)["model"], "FILE.safetensors")',
            ) from None
        raise unusable(path, error) from None
    return _unwrapped(path, content)


def unusable(path: Path, reason: Exception | str, verb: str = "read") -> ScanlabError:
    """S641: a file of tensors that cannot be read or written, and why."""
    if isinstance(reason, OSError):
        reason = reason.strerror or str(reason).split(":")[0]
    elif isinstance(reason, RuntimeError) or type(reason).__name__ == "SafetensorError":
        reason = str(reason).splitlines()[0].split(". ")[0]
    elif isinstance(reason, Exception):
        reason = "it is cut off, or no checkpoint that torch.save wrote"
    return ScanlabError.at("S641", f"{path} cannot be {verb}: {reason}")


def _imports(path: Path, error: UnpicklingError) -> list[str]:
    """What a pickle imports beside data, found without running it; empty for a pickle that is merely broken."""
    names: list[str] = []
    words: list[str] = []
    ended = False
    # Here too a broken pickle may raise anything; what was found before it broke counts.
    with suppress(Exception), torch.serialization.safe_globals(SETTINGS):
        names += torch.serialization.get_unsafe_globals_in_checkpoint(path)
    with suppress(Exception), path.open("rb") as stream:
        for op, value, _ in (step for _ in range(_PICKLES) for step in pickletools.genops(stream)):
            words += [value] if isinstance(value, str) else []
            names += [words[-1].replace(" ", ".")] if op.name in ("GLOBAL", "INST") else []
            names += [".".join(words[-2:])] if op.name == "STACK_GLOBAL" else []
            ended |= op.name == "STOP"
    with path.open("rb") as stream:
        if not ended and not stream.read(2).startswith(_STARTS):
            return []
    wanted = {name for name in names or re.findall(r"GLOBAL ([\w.]+)", str(error)) if not _DATA.fullmatch(name)}
    return sorted(wanted)


def _unwrapped(path: Path, content: object) -> dict[str, Tensor]:
    layers = [content, *(content.get(key) for key in WRAPPERS)] if isinstance(content, dict) else []
    layers += [inner.get(key) for inner in layers[1:] if isinstance(inner, dict) for key in WRAPPERS]
    for state in layers:
        if isinstance(state, dict) and state and all(isinstance(t, Tensor) for t in state.values()):
            return cast(dict[str, Tensor], state)
    holds = f"a dict of {', '.join(map(str, content))}" if isinstance(content, dict) else f"a {type(content).__name__}"
    raise unusable(path, f"it holds {holds}, and no tensors under {', '.join(WRAPPERS)}")
