"""Command-line words to values: grids, files, and strategies from names, files or lines."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanlab.facade import as_definition, as_value, load_file, read_text
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import grid_of
from scanlab.ir.values import Value
from scanlab.language.module import Definition, Module
from scanlab.library_index import USUAL_GRIDS

if TYPE_CHECKING:
    from scanlab.compiler.bind import CompiledPlan, CompiledScan
    from scanlab.view.receptive_field import Field

__all__ = [
    "STDIN",
    "Subject",
    "definitions",
    "file_and_settings",
    "grid_for",
    "labelled",
    "module_of",
    "numbers",
    "strategies",
]

STDIN = "-"


@dataclass(frozen=True)
class Subject:
    """What ``scanlab erf`` shows: plans to predict fields of, over so many layers; fields measured; sentences about
    them."""

    plans: Sequence[tuple[str, CompiledScan | CompiledPlan]]
    layers: int | None = None
    measured: Sequence[Field] = ()
    notes: Sequence[str] = ()


def grid_for(value: Value, text: str) -> tuple[int, ...]:
    """The grid that was asked for, or a usual one with the value's number of axes."""
    return grid_of(text, value.axes) if text else USUAL_GRIDS[len(value.axes)]


def numbers(text: str, option: str) -> list[float]:
    """Numbers with commas between them. Raises S659 for a word that is none.

    >>> numbers("1e-3, 3e-3", "--tune-learning-rate")
    [0.001, 0.003]
    """
    try:
        return [float(word) for word in text.split(",")]
    except ValueError:
        raise ScanlabError.at(
            "S659", f"{option} is {text!r}", help="give numbers with commas between them, as in 1e-3,3e-3,1e-2"
        ) from None


def file_and_settings(
    file: Path | None, words: Sequence[str] | None, options: Mapping[str, Any]
) -> tuple[Path | None, dict[str, Any]]:
    """A study file, and what options and words like recipe.epochs=3 say in its place. Raises S610 for words that set
    nothing, and for a setting that an option gives as well."""
    from scanlab.study.extended import assignments, said

    words = list(words or ())
    if file is not None and "=" in str(file) and not file.exists():
        file, words = None, [str(file), *words]
    made = assignments(words)
    if twice := sorted(set(said(options)) & set(made)):
        problem = f"{twice[0]} is set by an option and by {twice[0]}={made[twice[0]]}"
        raise ScanlabError.at("S610", problem, help="leave one of the two")
    return file, {**options, **made}


def module_of(file: str | Path) -> Module:
    """The definitions in a file, or in what the standard input holds where it is "-". Raises S107, S103 or S104."""
    if str(file) != STDIN:
        return load_file(file)
    return read_text(sys.stdin.buffer.read(), "<stdin>")


def strategies(names: list[str], grid: str = "") -> list[tuple[str, Value]]:
    """Each strategy with the name it is shown under; a file stands for all its definitions that stand alone.

    Raises S201 for a file without any, and what reading and loading raise.
    """
    extents = grid_of(grid) if grid else None
    named = []
    for name in names:
        if _is_file(name):
            named += [(d.name, d.value) for d in _standing_alone(name)]
            continue
        value = as_value(name, extents)
        label = value.name or name
        named.append((label, value if value.name else replace(value, name=name)))
    return named


def definitions(name: str, grid: str = "") -> list[Definition]:
    """As `strategies`, of one word, each with its text and its claims."""
    if _is_file(name):
        return _standing_alone(name)
    definition = as_definition(name, grid_of(grid) if grid else None)
    # What has parameters, or is a helper, has no value: the error says so.
    value = definition.value if definition.value is not None else as_value(name)
    return [replace(definition, value=value if value.name else replace(value, name=name))]


def labelled(names: list[str], grid: str = "") -> list[tuple[str, Value]]:
    """Each strategy once, under what was typed (window[k=7] and not window); a file's under their names in it."""
    values: dict[str, Value] = {}
    for name in names:
        several = strategies([name], grid)
        values.update(several if _is_file(name) else [(name, several[0][1])])
    return list(values.items())


def _is_file(name: str) -> bool:
    return name.endswith(".scan") or name == STDIN


def _standing_alone(file: str) -> list[Definition]:
    module = module_of(file).raise_problems()
    definitions = [d for d in module.definitions if d.value is not None]
    if definitions:
        return definitions
    what = "defines nothing that stands alone" if module.definitions else "defines nothing"
    help = "write a definition under a grid line: grid h, w and order mine = by h, w"
    raise ScanlabError.at("S201", f"{module.name} {what}", help=help)
