"""What was found out about arrays, as values and in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scanlab.compiler.proof import Proof
from scanlab.ir.shown import Shown
from scanlab.ir.text import grid_text
from scanlab.ir.values import Order, Scan

__all__ = ["VERDICTS", "Decompiled", "Nearest", "PathFinding"]

Grid = tuple[int, ...]

VERDICTS = {
    "line": "a line gives exactly this on every grid shown",
    "several lines": "lines that differ elsewhere give exactly this on every grid shown",
    "some sizes": "a line gives this on grids of one kind, and not on others",
    "ranks": "it may be that ranks are used as indices: the inverse has a line",
    "padded": "some steps read a pad",
    "not a permutation": "some patches are read more than once or never",
    "no line": "no line was found",
}


@dataclass(frozen=True)
class Nearest:
    """A line that is not the answer. how: "inverse", "without pads", "on squares" and the like, or "near miss";
    differing: steps that differ from it, of `steps` on `grid`.

    >>> Nearest("by h, ~w", "near miss", differing=3, steps=64, grid=(8, 8)).differing
    3
    """

    source: str
    how: str
    differing: int = 0
    steps: int = 0
    grid: Grid = ()

    def __str__(self) -> str:
        match self.how:
            case "inverse":
                return f"its inverse is {self.source}: ranks may be used as indices"
            case "near miss":
                where = f"on {grid_text(self.grid)}"
                return f"nearest: {self.source}, {self.differing} of {self.steps} steps differ {where}"
        shown = "of the grids shown, " if self.how.startswith("on ") else ""
        return f"{shown}{self.how}: {self.source}"


@dataclass(frozen=True)
class PathFinding:
    """One path of what was given.

    order: the shortest that gives it, or None. verdict: a key of VERDICTS. rival: another that gives it as well;
    settled_by: the smallest grid on which the two differ, or one that shows what none does yet.
    """

    verdict: str
    order: Order | None = None
    nearest: Nearest | None = None
    notes: tuple[str, ...] = ()
    settled_by: Grid | None = None
    rival: Order | None = None


@dataclass(frozen=True, repr=False)
class Decompiled(Shown):
    """A line for arrays, or why there is none.

    source, value: the line and what it means, which give exactly the arrays on every grid shown; None where none does.
    verdict: a key of VERDICTS. proof: that the line visits every patch once. name: what the library calls it, as in
    "the same as snake". nearest: a line that is close, of the first path without one. notes: what the evidence does not
    settle, and what was assumed. grids: those shown; tested: those on which a function was called besides. paths: each
    path by itself.

    >>> import numpy as np
    >>> import scanlab
    >>> answer = scanlab.decompile({(2, 3): np.array([0, 1, 2, 5, 4, 3]), (3, 4): scanlab.compile("snake", "3x4")})
    >>> answer.source, answer.verdict, answer.name
    ('by h, ~w', 'line', 'the same as snake')
    """

    verdict: str
    source: str | None
    value: Order | Scan | None
    proof: Proof | None
    name: str | None
    nearest: Nearest | None
    notes: tuple[str, ...]
    grids: tuple[Grid, ...]
    tested: tuple[Grid, ...] = ()
    paths: tuple[PathFinding, ...] = field(default=(), repr=False)

    def __bool__(self) -> bool:
        """Whether one line, and no other, gives what was shown."""
        return self.verdict == "line"

    def _words(self) -> str:
        return str(self).partition("\n")[0]

    def __str__(self) -> str:
        shown = ", ".join(map(grid_text, self.grids))
        lines = [self.source or f"no line: {VERDICTS[self.verdict]}"]
        if self.source is not None:
            lines.append(f"  equal on {shown}" + (f"; also on {_listed(self.tested)}" if self.tested else ""))
        else:
            lines.append(f"  shown: {shown}")
            several = len(self.paths) > 1
            lines += [f"  path {i}: {p.order}" for i, p in enumerate(self.paths) if several and p.order is not None]
        if self.proof is not None:
            lines.append(f"  {self.proof.claim}: {self.proof.words}")
        if self.name:
            lines.append(f"  {self.name} in the library")
        if self.nearest is not None:
            lines.append(f"  {self.nearest}")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    def as_json(self) -> dict[str, Any]:
        """All of it in JSON's types."""
        nearest = None
        if self.nearest is not None:
            nearest = {
                "source": self.nearest.source,
                "how": self.nearest.how,
                "differing": self.nearest.differing,
                "steps": self.nearest.steps,
                "grid": list(self.nearest.grid),
            }
        return {
            "verdict": self.verdict,
            "meaning": VERDICTS[self.verdict],
            "source": self.source,
            "proof": None if self.proof is None else {"claim": self.proof.claim, "verdict": self.proof.verdict},
            "name": self.name,
            "nearest": nearest,
            "notes": list(self.notes),
            "grids": [list(grid) for grid in self.grids],
            "tested": [list(grid) for grid in self.tested],
            "paths": [
                {"verdict": p.verdict, "source": None if p.order is None else str(p.order), "notes": list(p.notes)}
                for p in self.paths
            ],
        }


def _listed(grids: tuple[Grid, ...]) -> str:
    return ", ".join(map(grid_text, grids))
