"""The functions of `marks` with torch's marks: imported where torch.compile may be at work, while it traces, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch

from scanlab.ops.marks import CONSTANT, UNTRACED

__all__ = ["MARKED"]

MARKED: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {name: torch.compiler.disable(function, reason=reason) for name, (function, reason) in UNTRACED.items()}
    | {name: torch.compiler.assume_constant_result(function) for name, function in CONSTANT.items()}
)
