"""What a run finds: lines of JSON, written the moment they are known, so that a kill loses nothing."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Results", "read"]

# Of a line on the console.
WIDTH = 190


@dataclass(frozen=True)
class Results:
    """Where results go: results.jsonl in a folder; "! " before what the console shall show of a part's output."""

    folder: Path

    @property
    def file(self) -> Path:
        """One object a line, each with a "kind"."""
        return self.folder / "results.jsonl"

    def note(self, kind: str, **facts: Any) -> None:
        """Write a line at once. Appending so few bytes is one step of the system, whoever else appends."""
        line = json.dumps({"kind": kind, "at": round(time.time(), 1), **facts}, default=str)
        with self.file.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def show(self, words: str) -> None:
        """A line for the console, printed when the part has ended."""
        print("! " + words.replace("\n", " ")[:WIDTH], flush=True)

    @contextmanager
    def caught(self, kind: str, **facts: Any) -> Iterator[None]:
        """Note what fails inside with its traceback, and go on."""
        try:
            yield
        except Exception as error:  # whatever compilers, drivers and kernels raise is what is being looked for
            text = f"{type(error).__name__}: {error}"
            self.note(kind, **facts, error=text[:600], traceback=traceback.format_exc()[-2000:])
            self.show(f"{kind} {' '.join(str(v) for v in facts.values())[:60]}: {text}")


def read(folder: Path) -> list[dict[str, Any]]:
    """All lines of a folder, also of a run that was killed while it wrote one."""
    found = []
    file = Results(folder).file
    for text in file.read_text(encoding="utf-8", errors="replace").splitlines() if file.exists() else []:
        try:
            found.append(json.loads(text))
        except ValueError:
            continue
    return found
