"""The words under a picture, the same in every medium."""

from __future__ import annotations

import numpy as np

from scanlab.view.geometry import Steps, coordinates
from scanlab.view.scene import PathScene


def size_text(scene: PathScene) -> str:
    """Name the axes with their extents, as "h 14 × w 14"."""
    return " × ".join(f"{axis} {extent}" for axis, extent in zip(scene.axes, scene.grid, strict=True))


def steps_text(steps: Steps) -> str:
    """Count the steps by kind, as "12 unit steps, 3 jumps"; kinds that do not occur are left out."""
    kinds = ((steps.unit, "unit step"), (steps.diagonal, "diagonal"), (steps.jump, "jump"), (steps.restart, "reset"))
    counted = [_count(int(mask.sum()), noun) for mask, noun in kinds if mask.any()]
    return ", ".join(counted) or "no step"


def tokens_text(scene: PathScene) -> str:
    """Name the extra tokens and their places in the sequence, as "cls at 98"; "" where there are none."""
    return ", ".join(f"{name} at {place}" for name, place in scene.tokens)


def coverage_text(scene: PathScene) -> str:
    """Say how much of the grid a partial path visits, as "4 of 16 patches"; "" for a path that visits all."""
    return "" if scene.length == scene.patches else f"{scene.length:,} of {scene.patches:,} patches"


def caption(scene: PathScene, steps: Steps) -> str:
    """Join size, coverage, step counts and tokens to one line."""
    parts = (size_text(scene), coverage_text(scene), steps_text(steps), tokens_text(scene))
    return " · ".join(part for part in parts if part)


def jumps_text(scene: PathScene, steps: Steps, shown: int) -> str:
    """List the first `shown` jumps as "(0,3)→(1,0)", with an ellipsis where there are more; "" without jumps."""
    at = np.flatnonzero(steps.jump)
    where = coordinates(scene)
    listed = [f"{_point(where[step])}→{_point(where[step + 1])}" for step in at[:shown].tolist()]
    return ", ".join([*listed, "…"] if len(at) > shown else listed)


def _point(place: np.ndarray) -> str:
    return "(" + ",".join(str(int(value)) for value in place) + ")"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
