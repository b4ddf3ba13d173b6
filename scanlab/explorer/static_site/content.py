"""What a static gallery holds of one strategy: its paths, its verdict, and its panes, each as the explorer shows it.

It is all computed when the gallery is written, on a few grids, since there is nobody to ask later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from scanlab.checking import check_definition, mark_of, verdict_of
from scanlab.compiler.bind import bind
from scanlab.explorer.renderers.compared import metrics_page
from scanlab.explorer.renderers.listings import code_page
from scanlab.explorer.renderers.markup import code, mistakes
from scanlab.explorer.renderers.published import published_page
from scanlab.explorer.renderers.python import as_python
from scanlab.explorer.renderers.stages import expression_page, keys_page, proof_page
from scanlab.explorer.snapshot import Snapshot, definition_of, snapshot
from scanlab.explorer.static_site.strategies import Strategy
from scanlab.explorer.titles import GROUPS, TITLES
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import grid_text
from scanlab.ir.values import Value
from scanlab.library_index import USUAL_GRIDS
from scanlab.view.player import player_data
from scanlab.view.scene import scenes_of
from scanlab.view.svg import thumbnail

__all__ = ["PANES", "THUMBNAIL_GRIDS", "Content", "PaneKind", "content_of"]

# The usual grid, and a smaller one whose sides are no powers of two.
GRIDS: Mapping[int, tuple[tuple[int, ...], ...]] = MappingProxyType(
    {
        1: (USUAL_GRIDS[1], (15,)),
        2: (USUAL_GRIDS[2], (7, 10)),
        3: (USUAL_GRIDS[3], (3, 5, 7)),
        4: (USUAL_GRIDS[4], (2, 2, 3, 4)),
        5: (USUAL_GRIDS[5],),
    }
)
THUMBNAIL_GRIDS: Mapping[int, tuple[int, ...]] = MappingProxyType(
    {1: (16,), 2: (8, 8), 3: (3, 4, 4), 4: (2, 2, 3, 3), 5: (2, 2, 2, 2, 2)}
)


@dataclass(frozen=True)
class PaneKind:
    """A pane: its title, the group that it stands in, what makes its HTML, and whether that depends on the grid."""

    title: str
    group: str
    render: Callable[[Snapshot], str]
    by_grid: bool = True


def _python_page(shown: Snapshot) -> str:
    return code(as_python(shown), "python")


_RENDERED: Mapping[str, tuple[Callable[[Snapshot], str], bool]] = MappingProxyType(
    {
        "proof": (proof_page, False),
        "keys": (keys_page, False),
        "expr": (expression_page, True),
        "metrics": (metrics_page, True),
        "triton": (partial(code_page, target="triton"), True),
        "cpu": (partial(code_page, target="cpu"), True),
        "published": (published_page, False),
    }
)
_GROUP_OF = {name: group for group, titles in GROUPS.items() for name in titles}
PANES: Mapping[str, PaneKind] = MappingProxyType(
    {name: PaneKind(TITLES[name], _GROUP_OF[name], render, by_grid) for name, (render, by_grid) in _RENDERED.items()}
    | {"python": PaneKind("Python", _GROUP_OF["cpu"], _python_page)}
)
"""What the explorer's panes are here: of those that need no server, and beside them the strategy in Python."""


@dataclass(frozen=True)
class Content:
    """A strategy as the gallery's page takes it. data: in JSON's types, see `content_of`; picture: SVG; mark, words:
    the verdict of ``scanlab check``."""

    data: dict[str, Any]
    picture: str
    mark: str
    words: str


def content_of(strategy: Strategy) -> Content:
    """All that there is to show of a strategy that has a picture.

    `data` has "definition" (HTML), "mark", "words", "remarks" (HTML of warnings), "grids": for each grid that the
    strategy can be bound to its "grid", the player's "paths" and the "panes" that depend on it; and the "panes" that
    do not. Raises ScanlabError where the usual grid is none for it.
    """
    axes = len(strategy.entry["axes"].split())
    first, *others = GRIDS[axes]
    whole = _shown(strategy, first)
    definition = definition_of(strategy.text, whole.subjects[0].name)
    assert definition is not None, "what is shown was defined"
    checked = check_definition(definition, look_up=strategy.look_up)
    mark, words = mark_of(checked), verdict_of(checked)
    grids = [_on_grid(whole), *(made for grid in others if (made := _where_it_can_be(strategy, grid)))]
    data = {
        "definition": code(definition.span.text, "scan"),
        "mark": mark,
        "words": words,
        "remarks": mistakes(checked.diagnostics),
        "grids": grids,
        "panes": {name: kind.render(whole) for name, kind in PANES.items() if not kind.by_grid},
    }
    return Content(data, _picture(whole.subjects[0].value), mark, words)


def _shown(strategy: Strategy, grid: tuple[int, ...]) -> Snapshot:
    shown = snapshot(strategy.text, grid, (strategy.name,))
    if not shown.subjects:
        raise ScanlabError(shown.diagnostics)
    return shown


def _where_it_can_be(strategy: Strategy, grid: tuple[int, ...]) -> dict[str, Any] | None:
    """What depends on a grid; None where the strategy is none on it, as one that assumes squares."""
    try:
        return _on_grid(_shown(strategy, grid))
    except ScanlabError:
        return None


def _on_grid(shown: Snapshot) -> dict[str, Any]:
    paths = player_data(scene for subject in shown.subjects for scene in subject.scenes)
    panes = {name: kind.render(shown) for name, kind in PANES.items() if kind.by_grid}
    return {"grid": grid_text(shown.subjects[0].grid), "paths": paths, "panes": panes}


def _picture(value: Value) -> str:
    return thumbnail(scenes_of(bind(value, THUMBNAIL_GRIDS[len(value.axes)]).scans[0]))
