"""What the worker processes do for a page: draw a text, judge it, draw thumbnails.

The server names these functions and does not import them: it starts sooner without the compiler.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scanlab.checking import check_definition, library_orders, mark_of, verdict_of
from scanlab.compiler.bind import bind
from scanlab.compiler.equivalences import Equivalence, find_equivalences
from scanlab.explorer.answers import Drawn, Judged, Verdict
from scanlab.explorer.renderers.python import as_python
from scanlab.explorer.snapshot import Snapshot, defines, read, snapshot
from scanlab.explorer.words import Word, highlighting, limits, words
from scanlab.facade import as_value, load, load_definition, parse
from scanlab.ir.diagnostics import Diagnostic, ScanlabError, Source, Span
from scanlab.ir.values import Order, Scan
from scanlab.language.library import library_templates
from scanlab.language.module import Definition
from scanlab.view.player import player_data
from scanlab.view.scene import scenes_of
from scanlab.view.svg import thumbnail

if TYPE_CHECKING:
    from scanlab.explorer.given_arrays import Looked

__all__ = [
    "defined",
    "draw",
    "draw_thumbnail",
    "explain",
    "judge",
    "lecture",
    "line_steps",
    "look_at_array",
    "python_of",
    "source_of",
    "vocabulary",
]

_SMALL = {1: (16,), 2: (8, 8), 3: (3, 4, 4), 4: (2, 2, 3, 3), 5: (2, 2, 2, 2, 2)}

# Whoever imports this module will need it: processes that are forked from it have the library then.
library_templates()


def draw(text: str, grid: tuple[int, ...], names: tuple[str, ...], file: str = "<text>") -> Drawn:
    """Everything for the picture: see `snapshot`."""
    shown = snapshot(text, grid, names, file)
    return Drawn(shown, player_data(scene for subject in shown.subjects for scene in subject.scenes))


def judge(
    text: str,
    grid: tuple[int, ...],
    looked_up: tuple[str, ...],
    file: str = "<text>",
    beside: tuple[str, ...] = (),
) -> Judged:
    """Prove all definitions of a text, or its one line, and what is shown of the library beside them.

    looked_up: names of definitions that are looked up in the library, too. beside: names of library strategies.
    """
    try:
        definitions, problems = _stated(text, file)
    except ScanlabError as error:
        definitions, problems = (), list(error.diagnostics)
    judged = [_judged(definition, grid, definition.name in looked_up) for definition in definitions]
    judged += [_judged(load_definition(name), grid, False) for name in beside]
    problems += [problem for _, diagnostics in judged for problem in diagnostics]
    return Judged(tuple(v for v, _ in judged), tuple(sorted(dict.fromkeys(problems), key=Diagnostic.sort_key)))


def _stated(text: str, file: str) -> tuple[tuple[Definition, ...], list[Diagnostic]]:
    """The definitions of a text, and what is wrong with it; of one line without a name, what it would define."""
    line = text.strip()
    if defines(text):
        module = read(text, file)
        return module.definitions, list(module.problems)
    if not line:
        return (), []
    value = as_value(line)
    if value.name:
        return (load_definition(line),), []
    span = value.span or Span(Source(line, file), 0, len(line))
    return (Definition(line, "", value.axes, value, "", "", "", (), line, line, span),), []


def _judged(definition: Definition, grid: tuple[int, ...], look_up: bool) -> tuple[Verdict, tuple[Diagnostic, ...]]:
    fits = grid if len(grid) == len(definition.axes) else None
    checked = check_definition(definition, fits, look_up=look_up)
    # What could not be proved of the library is no news while one types. Its own name is the plainest of all that a
    # definition may be the same as.
    equivalences = [*(_namesake(definition, fits) if look_up else ()), *checked.equivalences]
    checked = replace(checked, equivalences=tuple(k for k in equivalences if k.proof.verdict == "proved"))
    return Verdict(definition.name, mark_of(checked), definition.signature, verdict_of(checked)), checked.diagnostics


def _namesake(definition: Definition, grid: tuple[int, ...] | None) -> Iterator[Equivalence]:
    own = library_orders().get(definition.name)
    if own is not None and isinstance(definition.value, Order):
        yield from find_equivalences(definition.value, {definition.name: own}, grid)


def draw_thumbnail(name: str) -> str:
    """A small picture of a library strategy, as SVG. Raises ScanlabError."""
    value = load(name)
    bound = bind(value, _SMALL[len(value.axes)])
    return thumbnail(scenes_of(bound.scans[0]))


def source_of(name: str) -> str:
    """A text that defines a library strategy as the library does. Raises ScanlabError S201."""
    definition = load_definition(name)
    head = f"grid {', '.join(definition.axes)}\n\n" if definition.axes else ""
    return f"{head}{definition.span.text}\n"


def defined(source: str, axes: tuple[str, ...]) -> str:
    """A text that defines a strategy given as one line; the line itself where it says nothing on these axes."""
    try:
        value = parse(source, axes)
    except ScanlabError:
        return source
    kind = "order" if isinstance(value, Order) else "scan" if isinstance(value, Scan) else "plan"
    return f"grid {', '.join(axes)}\n\n{kind} picked = {source}\n"


def python_of(shown: Snapshot) -> str:
    """A script that makes the same paths."""
    return as_python(shown)


def explain(*asked: Any) -> Any:
    """What a patch comes to in the panes: see `explaining`."""
    from scanlab.explorer import explaining

    return explaining.explain(*asked)


def line_steps(*asked: Any) -> Any:
    """Where a line comes to the same as at a patch: see `explaining`."""
    from scanlab.explorer import explaining

    return explaining.line_steps(*asked)


def look_at_array(content: bytes, name: str, grid: str, pick: str) -> Looked:
    """What there is to say of an array that was pasted or dropped: see `given_arrays`."""
    # The search loads more than a page needs.
    from scanlab.explorer import given_arrays

    return given_arrays.look_at_array(content, name, grid, pick)


def lecture() -> str:
    """The lecture, with a way back to the explorer."""
    from scanlab.explorer.static_site.lecture import lecture_page

    return lecture_page("Explorer", "/")


def vocabulary() -> tuple[list[tuple[str, str]], list[Word], dict[str, tuple[int, int]]]:
    """How the text box colours the language, the words that it offers and explains, and how far its sliders go."""
    return highlighting(), words(), limits()
