"""``scanlab decompile``: from arrays, and functions that make them, to a line."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout

from scanlab.cli.output import console, print_json
from scanlab.decompiler.decompile import decompile
from scanlab.decompiler.files import named_source

__all__ = ["run"]


def run(source: str, grid: str, axes: str, merge: str, as_json: bool) -> int:
    """Print the line and what is known of it; 0 where one line, and no other, gives what was shown."""
    # What the user's own code prints is not the answer.
    with redirect_stdout(sys.stderr):
        answer = decompile(named_source(source, grid), grid or None, axes=axes or None, merge=merge or None)
    if as_json:
        print_json(answer.as_json())
    else:
        console().print(str(answer), soft_wrap=True)
    return 0 if answer else 1
