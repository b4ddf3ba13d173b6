"""Which strategies a static gallery holds: all of the library, and before them those that were chosen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scanlab.checking import check_definition
from scanlab.explorer.catalogue import by_system, entries
from scanlab.facade import as_definition, as_value, load_definition, load_file
from scanlab.ir.diagnostics import ScanlabError
from scanlab.language.library import library_templates
from scanlab.language.module import Definition

__all__ = ["CHOSEN", "Strategy", "chosen_strategies", "library_strategies"]

CHOSEN = "Chosen"
"""The group that chosen strategies stand in."""


@dataclass(frozen=True)
class Strategy:
    """A card of the gallery. text: what the compiler reads to make it, a line, a name or a whole file; key: its name in
    addresses and of its files, letters and digits with dashes; entry: what the card shows, as a catalogue has it;
    look_up: whether it is also looked up in the library, as ``scanlab check FILE`` does."""

    key: str
    text: str
    entry: dict[str, Any]
    look_up: bool = False

    @property
    def name(self) -> str:
        """What it is called."""
        return self.entry["name"]


def library_strategies() -> list[Strategy]:
    """Every definition of the library, by system."""
    return [Strategy(key_of(e["name"]), e["name"], e) for e in by_system(entries())]


def chosen_strategies(words: Sequence[str]) -> list[Strategy]:
    """What was named besides: names, lines, and files, which stand for all their definitions that stand alone.

    A name of the library adds nothing: all of it is there. Raises ScanlabError with every mistake that ``scanlab
    check`` reports of what was named, S201 for a file without a definition that stands alone, and what reading raises.
    """
    made: dict[str, Strategy] = {}
    for word in words:
        for strategy in _named(word):
            key, number = strategy.key, 2
            while key in made:
                key, number = f"{strategy.key}-{number}", number + 1
            made[key] = replace(strategy, key=key)
    return list(made.values())


def key_of(name: str) -> str:
    """A name as files and addresses may hold it; "window[k=4]" is "window-k-4".

    >>> key_of("window[k=4]"), key_of("by h, ~w"), key_of("~")
    ('window-k-4', 'by-h-w', 'strategy')
    """
    return re.sub(r"\W+", "-", name, flags=re.ASCII).strip("-") or "strategy"


def _named(word: str) -> Iterator[Strategy]:
    file, _, name = word.partition(".scan:")
    if name or word.endswith(".scan"):
        yield from _of_file(f"{file}.scan" if name else word, name)
    elif word not in library_templates() or as_definition(word).value is None:
        # What has parameters, or is a helper, has no value: the error says so.
        value = as_value(word)
        yield _strategy(word, word, replace(as_definition(word), value=value))


def _of_file(file: str, name: str) -> Iterator[Strategy]:
    module = load_file(file).raise_problems()
    if name:
        # The error names what there is in its place.
        load_definition(f"{file}:{name}")
    alone = [d for d in module.definitions if d.value is not None and name in ("", d.name)]
    if not alone:
        help = "write a definition under a grid line: grid h, w and order mine = by h, w"
        raise ScanlabError.at("S201", f"{module.name} defines nothing that stands alone", help=help)
    for definition in alone:
        yield _strategy(definition.name, definition.span.source.text, definition, module.name)


def _strategy(name: str, text: str, definition: Definition, file: str = "") -> Strategy:
    """A definition, where nothing is wrong with it. Raises ScanlabError with what is."""
    wrong = [d for d in check_definition(definition, look_up=False).diagnostics if d.severity == "error"]
    if wrong:
        raise ScanlabError(tuple(wrong))
    entry = {
        "name": name,
        "signature": name if not file else definition.signature,
        "kind": definition.kind,
        "source": definition.source or (f"from {Path(file).name}" if file else ""),
        "note": definition.note,
        "doc": definition.doc,
        "system": CHOSEN,
        "axes": " ".join(definition.axes),
        "drawable": True,
    }
    return Strategy(f"my-{key_of(name)}", text, entry, look_up=True)
