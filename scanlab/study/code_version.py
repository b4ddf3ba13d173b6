"""Which code runs: the commit of the checkout, and whether its files differ from it. Nothing here needs torch."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import scanlab

__all__ = ["DIRTY", "code_version", "in_words"]

DIRTY = "+"


@cache
def code_version() -> str:
    """The commit of the checkout that the package is in, with a + where files differ from it; "" outside of one."""
    folder = Path(scanlab.__file__).parent
    command = ["git", "-C", str(folder), "describe", "--always", f"--dirty={DIRTY}", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def in_words(code: str) -> str:
    """A version as a reader takes it in.

    >>> in_words("5bf133c21d9a+")
    '5bf133c21d9a, with uncommitted changes'
    """
    if not code:
        return "unknown"
    return f"{code.removesuffix(DIRTY)}, with uncommitted changes" if code.endswith(DIRTY) else code
