"""What every medium draws: one path over one grid, as plain arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from scanlab.ir.diagnostics import ScanlabError


class BoundPath(Protocol):
    """The part of a compiled path that pictures need."""

    @property
    def order(self) -> Any: ...
    @property
    def label(self) -> str: ...
    @property
    def axes(self) -> tuple[str, ...]: ...
    @property
    def grid(self) -> tuple[int, ...]: ...
    @property
    def indices(self) -> np.ndarray: ...
    @property
    def ranks(self) -> np.ndarray: ...
    @property
    def restarts(self) -> np.ndarray: ...
    @property
    def token_positions(self) -> tuple[tuple[str, int], ...]: ...


class BoundScan(Protocol):
    """The part of a compiled scan that pictures need."""

    @property
    def name(self) -> str: ...
    @property
    def paths(self) -> tuple[Any, ...]: ...


@dataclass(frozen=True, eq=False)
class PathScene:
    """One path to draw.

    label: short name. source: the order's text. axes, grid: names and extents, slowest first. indices: int64 [L], the
    flat row-major patch at each step. ranks: int64 [P], the step of each patch, -1 where the path does not go.
    restarts: int64 [S], steps where the state is reset, 0 first. tokens: name and position of each extra token in the
    extended sequence. group: name of the scan that the path belongs to, "" for a path on its own. part: which part of
    the group, as of a plan that has several scans, "" for all of it.

    >>> import scanlab
    >>> [scene] = scenes_of(scanlab.compile("snake", (2, 3)))
    >>> scene.title, scene.subtitle, scene.length, scene.patches
    ('snake', 'by h, ~w', 6, 6)
    """

    label: str
    source: str
    axes: tuple[str, ...]
    grid: tuple[int, ...]
    indices: np.ndarray
    ranks: np.ndarray
    restarts: np.ndarray
    tokens: tuple[tuple[str, int], ...] = ()
    group: str = ""
    part: str = ""

    @property
    def length(self) -> int:
        """The number of steps, L."""
        return len(self.indices)

    @property
    def patches(self) -> int:
        """The number of patches of the grid, P (at least L)."""
        return len(self.ranks)

    @property
    def title(self) -> str:
        """The label, after the scan's name where the two differ, and the part's."""
        names = [self.group if self.group != self.label else "", self.part, self.label]
        return " · ".join(name for name in names if name)

    @property
    def subtitle(self) -> str:
        """The source, "" where the label already says it."""
        return "" if self.source == self.label else self.source


def scene_of(path: BoundPath, group: str = "") -> PathScene:
    """Make the scene of one compiled path; `group` names the scan it belongs to.

    >>> import scanlab
    >>> path = scanlab.compile("column", (2, 3)).paths[0]
    >>> scene_of(path, group="mine").title
    'mine · column'
    """
    return PathScene(
        label=path.label,
        source=str(path.order),
        axes=tuple(path.axes),
        grid=tuple(path.grid),
        indices=path.indices,
        ranks=path.ranks,
        restarts=path.restarts,
        tokens=tuple(path.token_positions),
        group=group,
    )


def scenes_of(scan: BoundScan) -> tuple[PathScene, ...]:
    """Make one scene per path of a compiled scan, grouped under the scan's name.

    >>> import scanlab
    >>> from scanlab.view.terminal import render
    >>> print(render(scenes_of(scanlab.compile("snake", (2, 3))), colour=False))
    snake
    by h, ~w
    0──1──2
          │
    5──4──3
    h 2 × w 3
    5 unit steps
    ...
    """
    return tuple(scene_of(path, group=scan.name) for path in scan.paths)


def check_drawable(scenes: Iterable[PathScene], limit: int, medium: str, instead: str) -> tuple[PathScene, ...]:
    """Return the scenes as a tuple when they are few enough for a medium.

    limit: the most patches of all scenes together. instead: what the help proposes. Raises ScanlabError S503 for no
    scenes and S504 for more than `limit` patches.
    """
    drawable = tuple(scenes)
    if not drawable:
        raise ScanlabError.at("S503", "there is no path to draw", help="name at least one order or scan")
    total = sum(scene.patches for scene in drawable)
    if total > limit:
        raise ScanlabError.at(
            "S504",
            f"{total:,} patches are too many for {medium}",
            note=f"{medium} holds at most {limit:,} patches, all paths together",
            help=instead,
        )
    return drawable
