"""``scanlab show``."""

from __future__ import annotations

from pathlib import Path

from scanlab.cli.arguments import grid_for, strategies
from scanlab.cli.output import console
from scanlab.facade import bound
from scanlab.ir.values import Value
from scanlab.view.scene import PathScene, scenes_of

__all__ = ["run", "scenes"]


def run(names: list[str], grid: str, out: Path | None, numbers: bool | None) -> None:
    """Draw the strategies side by side."""
    values = strategies(names, grid)
    drawn = [s for _, value in values for s in scenes(value, grid)]
    # One strategy names the picture; of several, each panel carries its own name.
    title = values[0][0] if len(values) == 1 else ""
    if out is not None:
        from scanlab.view.export import write

        write(drawn, out, title)
        console(stderr=True).print(f"wrote {out}", soft_wrap=True)
        return
    from scanlab.view.terminal import show

    for label, value in values:
        if value.doc:
            console().print(f"{label}: {value.doc}")
    show(drawn, console(), numbers)


def scenes(value: Value, grid: str) -> list[PathScene]:
    """The paths of a strategy on a grid; of a plan, those of each of its scans."""
    return [scene for scan in bound(value, grid_for(value, grid)).scans for scene in scenes_of(scan)]
