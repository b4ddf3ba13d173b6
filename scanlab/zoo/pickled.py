"""What .pth files hold, of which nothing is run."""

from __future__ import annotations

import argparse
import pickletools
import re
import warnings
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import reason_of
from scanlab.zoo.inert import is_code, read_inert

__all__ = ["read_pickled", "unusable"]

# Scripts save their settings with the weights: Vim's and VideoMamba's a Namespace, VMamba's a CfgNode, which is
# read as an ordered dict, so that yacs need not be installed and none of its code runs. For all else see inert.py.
SETTINGS: list[Any] = [argparse.Namespace, (OrderedDict, "yacs.config.CfgNode")]
# A zip archive, or a pickle of protocol 2 and up. Letters of any other text may look like operations up to some point.
_STARTS = (b"PK", b"\x80")
# A .pth file older than torch 1.6 is a few pickles in a row, the fourth being the content, then raw bytes.
_PICKLES = 4


def read_pickled(path: Path) -> object:
    """What torch.save wrote into a file; in place of what is neither a tensor nor plain data stand empty objects.

    Raises S640 for a file that asks for code, none of which is run; S641 for one that cannot be read.
    """
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(SETTINGS):
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch lets anything through that a broken pickle may cause
        if not isinstance(error, UnpicklingError):
            raise unusable(path, error) from None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                content, code = read_inert(path)
            if not code:
                return content
        except Exception:  # here, too
            code = sorted(filter(is_code, _imports(path, error)))
        if not code:
            raise unusable(path, error) from None
        raise ScanlabError.at(
            "S640",
            f"{path} holds pickled code: it wants to import {', '.join(code)}; nothing of it was run",
            help="if you trust where it is from, convert it on a machine you trust it on: "
            'safetensors.torch.save_file(torch.load(FILE, weights_only=False)["model"], "FILE.safetensors"); '
            "of a whole model save its .state_dict()",
        ) from None


def unusable(path: Path, reason: Exception | str, verb: str = "read") -> ScanlabError:
    """S641: a file of tensors that cannot be read or written, and why."""
    if isinstance(reason, OSError):
        reason = reason_of(reason).split(":")[0]
    elif isinstance(reason, RuntimeError) or type(reason).__name__ == "SafetensorError":
        reason = str(reason).splitlines()[0].split(". ")[0]
    elif isinstance(reason, Exception):
        reason = "it is cut off, or no checkpoint that torch.save wrote"
    return ScanlabError.at("S641", f"{path} cannot be {verb}: {reason}")


def _imports(path: Path, error: UnpicklingError) -> list[str]:
    """What a pickle imports, read without running it; empty for a pickle that is merely broken."""
    names: list[str] = []
    words: list[str] = []
    ended = False
    # Here too a broken pickle may raise anything; what was read before it broke counts.
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
    return sorted({*(names or re.findall(r"GLOBAL ([\w.]+)", str(error)))})
