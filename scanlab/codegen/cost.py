"""What a rule costs a kernel per step."""

from __future__ import annotations

from scanlab.codegen.lines import Arithmetic

LIMITS = {"triton": 10**9, "cpu": 10**9}


def instructions(rule: Arithmetic) -> int:
    return 1
