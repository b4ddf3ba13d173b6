"""Values as JSON has them."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["plain"]


def plain(value: Any) -> Any:
    """The value in JSON's types: keys are text, and a number that is none is null.

    >>> plain({0: (1.5, float("nan"))})
    {'0': [1.5, None]}
    """
    if isinstance(value, dict):
        return {str(key): plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
