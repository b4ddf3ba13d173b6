"""The lecture: five scenes in one HTML file that needs nothing else."""

from __future__ import annotations

import json
from html import escape
from string import Template

from scanlab.explorer.static_site.lecture_scenes import Scene, scenes
from scanlab.explorer.static_site.pages import page_part, shared_style
from scanlab.study.style import results_style
from scanlab.view.player import player_markup, player_script

__all__ = ["lecture_page"]


def lecture_page(home: str, address: str) -> str:
    """The lecture's HTML; its figures are measured, and what it says is proved, proved anew. home, address: the page
    that its first link leads to, and where it is.

    Raises AssertionError where the compiler no longer says what the words do.
    """
    made = scenes()
    data = {
        n: {"paths": s.paths, "example": s.example, "memory": s.memory}
        for n, s in enumerate(made, 1)
        if s.paths is not None
    }
    return Template(page_part("lecture.html")).substitute(
        style=shared_style() + results_style() + page_part("lecture.css"),
        home=escape(home),
        address=escape(address),
        dots="".join(
            f'<li><a href="#scene-{n}" title="{escape(scene.title)}"><span class="unseen">Scene {n}: '
            f"{escape(scene.title)}</span></a></li>"
            for n, scene in enumerate(made, 1)
        ),
        scenes="\n".join(_scene(n, scene, len(made)) for n, scene in enumerate(made, 1)),
        data=json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
        player=json.dumps(player_markup()).replace("<", "\\u003c"),
        script=f"{player_script()}\n{page_part('lecture.js')}",
    )


def _scene(number: int, scene: Scene, of: int) -> str:
    player = f'<div class="player" role="group" aria-label="Paths" data-keys="own" data-scene="{number}"></div>'
    shown = player if scene.paths is not None else f'<div class="pane-body">{scene.beside}</div>'
    kind = "scene" if scene.paths is not None else "scene wide"
    single = " single" if scene.paths is not None and len(scene.paths["scenes"]) == 1 else ""
    return (
        f'<section class="{kind}" id="scene-{number}" tabindex="-1" aria-labelledby="title-{number}">'
        f'<div class="words pane-body"><p class="number">{number} of {of}</p>'
        f'<h2 id="title-{number}">{escape(scene.title)}</h2>{scene.words}</div>'
        f'<div class="shown{single}">{shown}</div></section>'
    )
