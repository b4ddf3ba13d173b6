"""Plain HTML elements with a text, properties, and what a click does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui
from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement

from scanlab.explorer.renderers.markup import prose

__all__ = ["button", "prose_tag", "set_props", "tag"]


def tag(name: str, classes: str = "", text: str = "", **props: Any) -> TextElement:
    """An element; an underscore in the name of a property stands for a hyphen, and one at its end for nothing.

    `with tag("section"):` puts what follows inside.
    """
    made = TextElement(tag=name, text=text)
    if classes:
        made.classes(classes)
    for key, value in props.items():
        made.props[key.rstrip("_").replace("_", "-")] = value
    return made


def prose_tag(name: str, classes: str, words: str) -> ui.html:
    """An element of prose, with what stands between backticks as code."""
    return ui.html(prose(words), sanitize=False, tag=name).classes(classes)


def button(text: str, clicked: Callable[[], Any], classes: str = "", **props: Any) -> TextElement:
    """A button; `clicked` may be a coroutine function."""
    made = tag("button", classes, text, type="button", **props)
    made.on("click", lambda _: clicked(), [])
    return made


def set_props(element: Element, **props: Any) -> None:
    """Set properties, named as in `tag`; the browser hears only of those that are others than before."""
    for key, value in props.items():
        name = key.rstrip("_").replace("_", "-")
        if element.props.get(name) != value:
            element.props[name] = value
