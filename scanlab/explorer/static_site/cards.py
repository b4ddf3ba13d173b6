"""The gallery's first page: a card for every strategy, which can be read without a script; and its script and style."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import groupby
from string import Template

from scanlab.explorer.static_site.content import PANES
from scanlab.explorer.static_site.pages import page_part, shared_style
from scanlab.explorer.static_site.strategies import Strategy
from scanlab.explorer.static_site.work import Packed
from scanlab.ir.text import count_text
from scanlab.view.player import player_markup, player_script

__all__ = ["index_page", "site_script", "site_style"]

_SCRIPTS = ("site_address.js", "site_data.js", "site_gallery.js", "site_strategy.js", "site_start.js")
# What a mark says, for those who do not see it and where the mouse rests.
_MARKS: Mapping[str, str] = {"✓": "proved", "?": "not decided", "·": "checked where it is used"}


def index_page(strategies: Sequence[Strategy], made: Mapping[str, Packed]) -> str:
    """The gallery's HTML. made: what is known of the strategies that have pictures, by key."""
    sections = [
        _section(system, list(group), made) for system, group in groupby(strategies, lambda s: s.entry["system"])
    ]
    axes = sorted({s.entry["axes"] for s in strategies if s.entry["axes"]}, key=lambda a: (a.count(" "), a))
    helpers = len(strategies) - len(made)
    kinds = [k for k in ("order", "scan", "plan") if any(s.entry["kind"] == k for s in strategies)]
    return Template(page_part("index.html")).substitute(
        count=count_text(len(made), "strategy"),
        helpers=f"; and {count_text(helpers, 'helper')} that strategies are made with" if helpers else "",
        sections="\n".join(sections),
        axes=_options(axes),
        kinds=_options(kinds),
        panes="".join(map(_chips, dict.fromkeys(kind.group for kind in PANES.values()))),
        titles=_json({name: kind.title for name, kind in PANES.items()}),
        player=player_markup(),
    )


def site_script() -> str:
    """JavaScript of the gallery, the player's before it."""
    own = "\n".join(page_part(name) for name in _SCRIPTS)
    return f'"use strict";\n{player_script()}\n{own}'


def site_style() -> str:
    """CSS of the gallery."""
    return shared_style() + page_part("site.css")


def _section(system: str, strategies: Iterable[Strategy], made: Mapping[str, Packed]) -> str:
    cards = "\n".join(_card(s, made.get(s.key)) for s in strategies)
    return f'<section class="system"><h2>{escape(system)}</h2><ul class="cards">\n{cards}\n</ul></section>'


def _card(strategy: Strategy, made: Packed | None) -> str:
    entry = strategy.entry
    mark = made.mark if made else "·"
    searched = " ".join(entry[k] for k in ("name", "doc", "source", "system", "axes")).lower()
    about = {"axes": entry["axes"], "kind": entry["kind"], "mark": _MARKS[mark], "search": searched}
    data = "".join(f' data-{key}="{escape(value)}"' for key, value in about.items())
    axes = f"<span>{escape(entry['axes'].replace(' ', ', '))}</span>" if entry["axes"] else ""
    lines = [
        f"<strong>{escape(entry['signature'])}</strong>",
        f'<span class="doc">{escape(entry["doc"])}</span>',
        f'<span class="about">{_mark(mark, made)} <span>{escape(entry["kind"])}</span> {axes}</span>',
        *([f'<span class="source">{escape(entry["source"])}</span>'] if entry["source"] else []),
    ]
    if made is None:
        return f'<li{data}><div class="card">{"".join(lines)}</div></li>'
    picture = f'<img src="pictures/{strategy.key}.svg" loading="lazy" width="120" height="120" alt="">'
    leads = f'href="#strategy={strategy.key}" data-key="{strategy.key}"'
    return f'<li{data}><a class="card" {leads}>{picture}{"".join(lines)}</a></li>'


def _mark(mark: str, made: Packed | None) -> str:
    """The verdict's sign, with its words where the mouse rests, and in short for those who do not see it."""
    words = escape(made.words if made else _MARKS[mark])
    return f'<b class="mark" title="{words}">{mark}<span class="unseen"> {_MARKS[mark]}</span></b>'


def _chips(group: str) -> str:
    """The buttons that open the panes of a group."""
    chips = "".join(
        f'<button type="button" class="chip" data-pane="{name}" aria-pressed="false">{escape(kind.title)}</button>'
        for name, kind in PANES.items()
        if kind.group == group
    )
    label = f'<span aria-hidden="true">{escape(group)}</span>'
    return f'<div class="chips" role="group" aria-label="{escape(group)}">{label}{chips}</div>'


def _options(values: Iterable[str]) -> str:
    return "".join(f'<option value="{escape(v)}">{escape(v.replace(" ", ", "))}</option>' for v in values)


def _json(data: object) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(data).replace("<", "\\u003c")
