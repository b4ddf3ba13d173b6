"""How docstrings are read for the reference pages: as the plain text that they are, without surprises of Markdown."""

from __future__ import annotations

import re
from typing import Any

from griffe import Docstring, Extension, Object

_CODE = re.compile(r"(``.+?``|`[^`]+`)", re.S)


def as_markdown(text: str) -> str:
    """A docstring's text as Markdown: indented lines are code, and signs outside of code mean nothing else."""
    blocks = re.split(r"\n{2,}", text)
    return "\n\n".join(_block(block) for block in blocks)


def _block(block: str) -> str:
    lines = block.split("\n")
    # The example that pycon shows may stand at the margin; formulas are indented already.
    if lines[0].lstrip().startswith(">>>"):
        return "\n".join(f"    {line.strip()}" for line in lines)
    if all(line.startswith("    ") for line in lines):
        return block
    parts = _CODE.split(block)
    return "".join(part if k % 2 else re.sub(r"([*<\[\]_])", r"\\\1", part) for k, part in enumerate(parts))


class PlainDocstrings(Extension):
    """Rewrites every docstring once, when its object is loaded."""

    def on_instance(self, *, obj: Object, **_: Any) -> None:
        if isinstance(obj.docstring, Docstring):
            obj.docstring.value = as_markdown(obj.docstring.value)
